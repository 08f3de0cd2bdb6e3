//! A drawing of its own, in the colours of the page or file that it stands in.

use super::page::{COLOURS, escape};
use std::fmt::{Display, Write};

/// Lines, dots and words.
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    pub(crate) title: String,
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The inside of the `<svg>`, in classes of [`style`].
    pub(crate) inside: String,
}

/// Colours on light ground: words, quieter words, frames, and the ground of panels.
const LIGHT: [&str; 4] = ["#1f2328", "#59616a", "#d4d7dc", "#ffffff"];
/// The same on dark ground.
const DARK: [&str; 4] = ["#e6e8eb", "#a3abb5", "#3a4047", "#15181c"];

/// The style of what stands in a drawing: `word`, `soft`, `panel`, and for each colour `stroke sN` and `points sN`. Colours are
/// written out twice, since not every program that shows SVG knows variables.
pub(super) fn style() -> String {
    let mut out = String::from(
        ".word, .soft { font: 12px system-ui, sans-serif } .soft { font-size: 11px } .panel { stroke-width: 1 } \
         .stroke { fill: none; stroke-width: 1; stroke-linejoin: round; stroke-linecap: round } \
         .points { fill: none; stroke-width: 1.7; stroke-linecap: round }\n",
    );
    let rules = |[ink, soft, rule, ground]: [&str; 4], dark: usize| {
        let mut rules = format!(
            ".word {{ fill: {ink} }} .soft {{ fill: {soft} }} .panel {{ fill: {ground}; stroke: {rule} }} .ink {{ stroke: {ink} }}"
        );
        for (i, colours) in COLOURS.iter().enumerate() {
            // Writing into a string does not fail.
            let _ = write!(rules, " .stroke.s{i}, .points.s{i} {{ stroke: {} }}", colours[dark]);
        }
        rules
    };
    let _ =
        write!(out, "{}\n@media (prefers-color-scheme: dark) {{ {} }}\n", rules(LIGHT, 0), rules(DARK, 1));
    out
}

impl Drawing {
    /// An empty one.
    pub(crate) fn new(title: impl Into<String>, width: f64, height: f64) -> Drawing {
        Drawing { title: title.into(), width, height, inside: String::new() }
    }

    /// Adds an element.
    pub(crate) fn draw(&mut self, element: impl Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.inside, "{element}");
    }

    /// Adds words of a class, anchored at their start, middle or end.
    pub(crate) fn words(&mut self, class: &str, anchor: &str, [x, y]: [f64; 2], words: &str) {
        self.draw(format_args!(
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escape(words)
        ));
    }

    /// As a `<figure>` of a page.
    pub(super) fn html(&self) -> String {
        let Drawing { title, width, height, inside } = self;
        let title = escape(title);
        format!(
            "<figure class=\"drawing\"><figcaption>{title}</figcaption><svg viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-label=\"{title}\">\n{inside}</svg></figure>\n"
        )
    }
}
