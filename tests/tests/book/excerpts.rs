//! Code in the book that comes from the source: `<!-- from: PATH FUNCTION -->` stands above its block.

use super::pages::{Page, book, root};
use std::fs;

/// Lines without the indentation that all of them have.
fn dedented<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let indent = |line: &&&str| line.len() - line.trim_start().len();
    let common =
        lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(&line)).min().unwrap_or(0);
    lines.iter().map(|line| line.get(common..).unwrap_or("").trim_end()).collect()
}

/// The name of the function whose definition a line begins.
fn function(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    if !before.is_empty() && !before.ends_with(' ') {
        return None;
    }
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|name| !name.is_empty())
}

/// What is wrong with an excerpt.
fn wrong(source: &str, name: &str, block: &[&str]) -> Option<String> {
    let lines: Vec<&str> = source.lines().collect();
    let excerpt = dedented(block);
    if excerpt.is_empty() {
        return Some("it is empty".into());
    }
    let places: Vec<usize> = (0..(lines.len() + 1).saturating_sub(block.len()))
        .filter(|&first| dedented(&lines[first..first + block.len()]) == excerpt)
        .collect();
    if places.is_empty() {
        return Some("the file has no such lines".into());
    }
    let within = |&first: &usize| lines[..=first].iter().rev().find_map(|line| function(line)) == Some(name);
    (!places.iter().any(within)).then(|| format!("these lines are not of `{name}`"))
}

/// The excerpts of a page: what the comment says, and the block's lines.
fn excerpts(page: &Page) -> Vec<(&str, Vec<&str>)> {
    let mut found = Vec::new();
    let mut lines = page.text.lines();
    while let Some(line) = lines.next() {
        let Some(from) = line.strip_prefix("<!-- from: ").and_then(|line| line.strip_suffix(" -->")) else {
            continue;
        };
        assert_eq!(lines.next(), Some("```rust"), "{}: a block of Rust follows {from}", page.name());
        found.push((from, lines.by_ref().take_while(|line| *line != "```").collect()));
    }
    found
}

#[test]
fn every_excerpt_is_the_source() {
    let mut seen = 0;
    for page in book() {
        for (from, block) in excerpts(&page) {
            let (path, name) = from.split_once(' ').unwrap_or_else(|| panic!("{from}: no function"));
            let source = fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"));
            if let Some(why) = wrong(&source, name, &block) {
                panic!("{}: {from}: {why}", page.name());
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen} excerpts");
}

#[test]
fn an_excerpt_that_differs_is_found() {
    let source = "fn a() {\n    let x = 1;\n    x\n}\n\nfn b() {\n    2\n}\n";
    assert_eq!(wrong(source, "a", &["let x = 1;", "x"]), None);
    assert_eq!(wrong(source, "b", &["        2"]), None);
    assert_eq!(wrong(source, "a", &["let x = 2;"]), Some("the file has no such lines".into()));
    assert_eq!(wrong(source, "a", &["2"]), Some("these lines are not of `a`".into()));
}
