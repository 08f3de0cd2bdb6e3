//! The pages, and what a reader of Markdown sees in them.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A page of Markdown.
pub(crate) struct Page {
    /// Its path from the root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A link or a picture: the text that stands for it, and where it leads.
pub(crate) struct Link {
    pub(crate) text: String,
    pub(crate) target: String,
}

impl Page {
    pub(crate) fn read(path: impl Into<PathBuf>) -> Page {
        let path = path.into();
        let text =
            fs::read_to_string(root().join(&path)).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        Page { path, text }
    }

    /// Its name, as failures say it.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn events(&self) -> impl Iterator<Item = Event<'_>> {
        let options = Options::ENABLE_TABLES | Options::ENABLE_MATH;
        Parser::new_ext(&self.text, options)
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        let mut open: Vec<Link> = Vec::new();
        let mut links = Vec::new();
        for event in self.events() {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    open.push(Link { text: String::new(), target: dest_url.to_string() });
                }
                Event::End(TagEnd::Link | TagEnd::Image) => links.extend(open.pop()),
                Event::Text(text) | Event::Code(text) => {
                    open.iter_mut().for_each(|link| link.text.push_str(&text));
                }
                _ => {}
            }
        }
        links
    }

    /// The anchors of its headings, as forges and mdBook derive them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        let mut heading: Option<String> = None;
        for event in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|text| anchor(&text))),
                Event::Text(text) | Event::Code(text) => {
                    heading.iter_mut().for_each(|heading| heading.push_str(&text));
                }
                _ => {}
            }
        }
        anchors
    }
}

/// Letters in lower case, digits, `_` and `-` stay, spaces become `-`, the rest is left out.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_lowercase().to_string()),
        c if c.is_whitespace() => Some("-".to_string()),
        _ => None,
    });
    kept.collect()
}

/// The pages below `docs/`, from the root.
pub(crate) fn book() -> Vec<Page> {
    let mut pages = Vec::new();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap().map(|entry| entry.unwrap()) {
            let path = folder.join(entry.file_name());
            match entry.path().is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|end| end == "md") => pages.push(Page::read(path)),
                false => {}
            }
        }
    }
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    pages
}

/// All pages of the repository: the book, and what stands beside the crates.
pub(crate) fn all() -> Vec<Page> {
    let mut pages = book();
    let others = ["README.md", "facade/README.md", "fuzz/README.md", "tests/fixtures/README.md"];
    pages.extend(others.map(Page::read));
    pages
}

#[test]
fn anchors_are_those_of_forges() {
    assert_eq!(anchor("Why λ = 1"), "why-λ--1");
    assert_eq!(anchor("`q_sample`, and what it does"), "q_sample-and-what-it-does");
}
