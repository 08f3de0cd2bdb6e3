//! The road: `docs/README.md` for readers on a forge and `docs/SUMMARY.md` for mdBook say the same order.

use super::pages::{Page, book};

/// The chapters that a page links to, in its order, each once.
fn road(page: &Page) -> Vec<String> {
    let mut road: Vec<String> = Vec::new();
    for link in page.links() {
        let chapter = link.target.split('#').next().unwrap_or_default();
        if chapter.ends_with(".md")
            && !chapter.starts_with("..")
            && !road.iter().any(|known| known == chapter)
        {
            road.push(chapter.to_string());
        }
    }
    road
}

#[test]
fn the_summary_lists_every_page_in_the_order_of_the_road() {
    let summary = road(&Page::read("docs/SUMMARY.md"));
    for page in book() {
        let name = page.path.strip_prefix("docs").unwrap().display().to_string();
        assert!(name == "SUMMARY.md" || summary.contains(&name), "docs/SUMMARY.md leaves out {name}");
    }
    let front = Page::read("docs/README.md");
    let (table, _) = front.text.split_once("\n## One training step").expect("the walk through one step");
    let table = Page { path: front.path.clone(), text: table.to_string() };
    let listed: Vec<String> = summary.into_iter().filter(|name| name != "README.md").collect();
    assert_eq!(road(&table), listed, "docs/README.md and docs/SUMMARY.md differ");
}
