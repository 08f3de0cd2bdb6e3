//! Prepares the book for mdBook: formulas become MathML, which browsers draw without a script or a font from elsewhere, and links
//! out of the book lead from `target/book/` to the same files.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{Parser as Tex, Storage, mathml::push_mathml};
use serde_json::Value;
use std::error::Error;
use std::io;
use std::ops::Range;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("supports") {
        return Ok(());
    }
    let (_, mut book): (Value, Value) = serde_json::from_reader(io::stdin())?;
    chapters(&mut book["items"])?;
    Ok(serde_json::to_writer(io::stdout(), &book)?)
}

/// Rewrites all chapters of a list, and those below them.
fn chapters(items: &mut Value) -> Result<()> {
    for item in items.as_array_mut().into_iter().flatten() {
        let Some(chapter) = item.get_mut("Chapter") else { continue };
        let path =
            chapter["source_path"].as_str().or(chapter["path"].as_str()).unwrap_or_default().to_string();
        if let Some(content) = chapter["content"].as_str() {
            let content =
                rewritten(content, path.matches('/').count()).map_err(|why| format!("{path}: {why}"))?;
            chapter["content"] = content.into();
        }
        chapters(&mut chapter["sub_items"])?;
    }
    Ok(())
}

/// A chapter `depth` folders below the book's root.
fn rewritten(content: &str, depth: usize) -> Result<String> {
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    let mut in_table = false;
    for (event, range) in
        Parser::new_ext(content, Options::ENABLE_TABLES | Options::ENABLE_MATH).into_offset_iter()
    {
        match event {
            Event::Start(Tag::Table(_)) => in_table = true,
            Event::End(TagEnd::Table) => in_table = false,
            Event::InlineMath(tex) => changes.push((range, math(&tex, DisplayMode::Inline, in_table)?)),
            Event::DisplayMath(tex) => changes.push((range, math(&tex, DisplayMode::Block, in_table)?)),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                // `../` once for each folder stays in the book; one more leaves it, from one level deeper than the source lies.
                if dest_url.starts_with(&"../".repeat(depth + 1))
                    && let Some(at) = content[range.clone()].rfind(&*dest_url)
                {
                    let start = range.start + at;
                    // mdBook would make `.html` of `.md`, which is there for pages of the book alone.
                    let target = format!("../{}", dest_url.replacen(".md", "%2Emd", 1));
                    changes.push((start..start + dest_url.len(), target));
                }
            }
            _ => {}
        }
    }
    changes.sort_by_key(|(range, _)| range.start);
    let (mut out, mut from) = (String::new(), 0);
    for (range, text) in changes {
        out += &content[from..range.start];
        out += &text;
        from = range.end;
    }
    Ok(out + &content[from..])
}

/// A formula as MathML on one line, with nothing in it that Markdown would read.
fn math(tex: &str, display_mode: DisplayMode, in_table: bool) -> Result<String> {
    // A bar in a table's cell is escaped from Markdown.
    let tex = if in_table { tex.replace("\\|", "|") } else { tex.to_string() };
    let storage = Storage::new();
    if let Some(Err(why)) = Tex::new(&tex, &storage).find(|event| event.is_err()) {
        return Err(format!("{tex}: {why}").into());
    }
    let mut out = String::new();
    let config = RenderConfig { display_mode, xml: false, ..RenderConfig::default() };
    push_mathml(&mut out, Tex::new(&tex, &storage), config)?;
    // What pulldown-latex 0.8 writes that is no HTML: relations as they are, attributes without a space, an entity escaped twice.
    let out = [
        ("><</", ">&lt;</"),
        (">></", ">&gt;</"),
        ("\"minsize", "\" minsize"),
        ("&amp;nbsp;", "\u{a0}"),
        ("\n", " "),
    ]
    .iter()
    .fold(out, |out, (wrong, right)| out.replace(wrong, right));
    let escaped = out.chars().fold(String::new(), |mut out, c| {
        match c {
            '*' | '_' | '[' | ']' | '`' | '\\' | '|' | '~' | '$' => out += &format!("&#{};", c as u32),
            c => out.push(c),
        }
        out
    });
    Ok(escaped)
}
