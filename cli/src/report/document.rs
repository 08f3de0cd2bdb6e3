//! Figures, pictures and charts as one file: a page, or a drawing of the charts alone.

use super::chart::{Chart, HEIGHT, WIDTH};
use super::drawing::{self, Drawing};
use super::page::{self, COLOURS, escape};
use std::fmt::Write;

/// Above each chart of a drawing, for its title and its key.
const HEAD: f64 = 42.0;
/// Above the first row of charts, for the drawing's title.
const TITLE: f64 = 40.0;
/// Between charts, and around them.
const GAP: f64 = 16.0;

const STYLE: &str = "text { font: 13px system-ui, sans-serif; fill: #1f2328 } .title { font-size: 17px } \
    .tick { font-size: 11px; fill: #656d76 } .grid { stroke: #e3e5e8 } polyline { fill: none; stroke-width: 1.8; \
    stroke-linejoin: round } polyline.faint { stroke: #2563c9; opacity: .25; stroke-width: 1 }";

/// What is different on dark ground.
const DARK: &str = "text { fill: #e6e8eb } .tick { fill: #9aa2ab } .grid { stroke: #30353b } polyline.faint { stroke: #6ea8ff } \
    .ground { fill: #15181c }";

/// What a file shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Document {
    pub(crate) title: String,
    /// Numbers, each with what it is; on a page only.
    pub(crate) facts: Vec<(String, &'static str)>,
    /// PNG files with their captions; on a page only.
    pub(crate) pictures: Vec<(Vec<u8>, String)>,
    /// Drawings above the charts.
    pub(crate) drawings: Vec<Drawing>,
    pub(crate) charts: Vec<Chart>,
}

impl Document {
    /// A page that needs nothing but itself.
    pub(crate) fn html(&self) -> String {
        let mut body = format!("<h1>{}</h1>\n<p class=\"sub\">by tweedie</p>\n", escape(&self.title));
        if !self.facts.is_empty() {
            body.push_str(&page::facts(&self.facts));
        }
        if !self.pictures.is_empty() {
            body.push_str("<h2>Pictures</h2>\n");
            body.extend(self.pictures.iter().map(|(png, caption)| page::picture(png, caption, "latest")));
        }
        if !self.drawings.is_empty() {
            body.push_str(&format!("<style>{}</style>\n", drawing::style()));
            body.extend(self.drawings.iter().map(Drawing::html));
        }
        if !self.charts.is_empty() {
            body.push_str("<h2>Curves</h2>\n<div class=\"charts\">\n");
            body.extend(self.charts.iter().map(Chart::html));
            body.push_str("</div>\n");
        }
        page::page(&format!("{} · tweedie", self.title), None, &body)
    }

    /// The drawings and the charts as an SVG file, two charts in a row.
    pub(crate) fn svg(&self) -> String {
        let columns = self.charts.len().clamp(1, 2);
        let rows = self.charts.len().div_ceil(columns);
        let widest = self.drawings.iter().map(|drawing| GAP + drawing.width + GAP).fold(0.0, f64::max);
        let width = (GAP + columns as f64 * (WIDTH + GAP)).max(widest);
        let drawn = self.drawings.iter().map(|drawing| drawing.height + GAP).sum::<f64>();
        let height = TITLE + drawn + rows as f64 * (HEAD + HEIGHT + GAP);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\">\n<style>{STYLE}"
        );
        // Writing into a string does not fail, here and below.
        for (i, [colour, _]) in COLOURS.iter().enumerate() {
            let _ = write!(out, " polyline.s{i} {{ stroke: {colour} }} .dot.s{i} {{ fill: {colour} }}");
        }
        // Not every program that shows SVG knows variables: what dark ground changes is written out.
        let _ = write!(out, " .ground {{ fill: #fff }}\n@media (prefers-color-scheme: dark) {{ {DARK}");
        for (i, [_, colour]) in COLOURS.iter().enumerate() {
            let _ = write!(out, " polyline.s{i} {{ stroke: {colour} }} .dot.s{i} {{ fill: {colour} }}");
        }
        out.push_str(" }\n");
        if !self.drawings.is_empty() {
            out.push_str(&drawing::style());
        }
        let _ = writeln!(
            out,
            "</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n\
             <text class=\"title\" x=\"{GAP}\" y=\"27\">{}</text>",
            escape(&self.title)
        );
        let mut top = TITLE;
        for Drawing { height, inside, .. } in &self.drawings {
            let _ = writeln!(out, "<g transform=\"translate({GAP} {top})\">\n{inside}</g>");
            top += height + GAP;
        }
        for (i, chart) in self.charts.iter().enumerate() {
            let x = GAP + (i % columns) as f64 * (WIDTH + GAP);
            let y = top + (i / columns) as f64 * (HEAD + HEIGHT + GAP);
            let _ = writeln!(out, "<g transform=\"translate({x} {y})\">{}", head(chart));
            let _ = writeln!(out, "<g transform=\"translate(0 {HEAD})\">");
            out.push_str(&chart.drawing().unwrap_or_default());
            out.push_str("</g></g>\n");
        }
        out.push_str("</svg>\n");
        out
    }
}

/// The title of a chart, and below it the key to its curves.
fn head(chart: &Chart) -> String {
    let mut out = format!("<text x=\"0\" y=\"16\">{}</text>", escape(chart.title));
    let mut x = 2.0;
    for (class, name) in chart.key() {
        let _ = write!(
            out,
            "<circle class=\"dot {class}\" cx=\"{:.1}\" cy=\"31\" r=\"4\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"35\">{}</text>",
            x + 3.0,
            x + 11.0,
            escape(name)
        );
        x += 6.4 * name.chars().count() as f64 + 24.0;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Mark, Series};
    use super::*;

    fn document(charts: usize) -> Document {
        let series = |name: &str, mark| Series {
            name: Some(name.into()),
            mark,
            points: vec![(0.1, 1.0), (1.0, 0.1), (10.0, 1e-3)],
            ..Series::default()
        };
        let chart = Chart {
            title: "a < b",
            across: "f",
            log_across: true,
            log: true,
            series: vec![series("line", Mark::Line), series("dots & co", Mark::Dots)],
        };
        Document { title: "x > y".into(), charts: vec![chart; charts], ..Document::default() }
    }

    #[test]
    fn a_drawing_holds_every_chart_with_its_key() {
        let svg = document(3).svg();
        assert_eq!((svg.matches("<polyline").count(), svg.matches("a &lt; b").count()), (3, 3));
        // Three dots, and two in the key, of each.
        assert_eq!(svg.matches("<circle").count(), 15);
        assert!(svg.contains("x &gt; y") && svg.contains("dots &amp; co") && !svg.contains("NaN"));
        assert!(document(0).svg().ends_with("</svg>\n"));
    }

    #[test]
    fn a_page_names_nothing_outside_itself() {
        let page = Document { pictures: vec![(vec![1, 2, 3], "noise".into())], ..document(1) }.html();
        assert!(page.contains("data:image/png") && page.contains("<svg") && !page.contains("http"));
    }
}
