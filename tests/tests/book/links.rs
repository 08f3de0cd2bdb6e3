//! Links within the repository.

use super::pages::{Page, all, root};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// A path without `.` and `..`; `None` where it leads out of the repository.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if plain.pop() => {}
            Component::ParentDir => return None,
            Component::Normal(name) => plain.push(name),
            _ => {}
        }
    }
    Some(plain)
}

/// What is wrong with a link of a page.
fn wrong(page: &Page, target: &str) -> Option<&'static str> {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = match file {
        "" => page.path.clone(),
        file => match plain(&page.path.parent()?.join(file)) {
            Some(path) => path,
            None => return Some("it leads out of the repository"),
        },
    };
    if !root().join(&path).exists() {
        return Some("there is no such file");
    }
    match anchor {
        Some(anchor) if path.extension().is_some_and(|end| end == "md") => {
            let known = Page::read(path).anchors();
            (!known.iter().any(|known| known == anchor)).then_some("the page has no such heading")
        }
        _ => None,
    }
}

#[test]
fn every_link_leads_somewhere() {
    let (mut seen, mut broken) = (0, String::new());
    for page in all() {
        for link in page.links().iter().filter(|link| !link.target.contains("://")) {
            seen += 1;
            if let Some(why) = wrong(&page, &link.target) {
                broken += &format!("{}: {}: {why}\n", page.name(), link.target);
            }
        }
    }
    assert!(broken.is_empty(), "\n{broken}");
    assert!(seen > 300, "{seen} links");
}

#[test]
fn a_link_to_nothing_is_found() {
    let page = Page { path: "docs/README.md".into(), text: String::new() };
    assert_eq!(wrong(&page, "forward.md#see-it"), None);
    assert_eq!(wrong(&page, "nowhere.md"), Some("there is no such file"));
    assert_eq!(wrong(&page, "forward.md#nowhere"), Some("the page has no such heading"));
    assert_eq!(wrong(&page, "../../elsewhere.md"), Some("it leads out of the repository"));
}

/// A function that a page names and links to its file is in that file.
#[test]
fn every_test_that_is_linked_is_in_its_file() {
    let (mut seen, mut missing) = (0, String::new());
    for page in all() {
        for link in page.links() {
            let is_function = link.text.matches('_').count() >= 2
                && link.text.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
            if !is_function || !link.target.ends_with(".rs") {
                continue;
            }
            seen += 1;
            let file = root().join(page.path.parent().unwrap()).join(&link.target);
            let source = fs::read_to_string(file).unwrap_or_default();
            let spelt = [format!("fn {}(", link.text), format!("fn {}<", link.text)];
            if !spelt.iter().any(|spelt| source.contains(spelt)) {
                missing += &format!("{}: {} is not in {}\n", page.name(), link.text, link.target);
            }
        }
    }
    assert!(missing.is_empty(), "\n{missing}");
    assert!(seen > 30, "{seen} functions");
}

/// Nothing lies in `docs/pictures` that no page shows or names.
#[test]
fn every_picture_is_shown() {
    let pages = all();
    for entry in fs::read_dir(root().join("docs/pictures")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("pictures/{name}");
        assert!(pages.iter().any(|page| page.text.contains(&path)), "no page shows {path}");
    }
}
