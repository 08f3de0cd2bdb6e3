//! Square panels of points and paths in the plane, as an SVG file.

use std::fmt::Write;
use std::path::Path;
use tweedie::tensor::Tensor;

/// The part of the plane that a panel shows: from −`REACH` to `REACH` on both axes.
const REACH: f32 = 2.7;
/// Cells of a density along each axis.
const CELLS: usize = 56;
/// Shades of a density.
const SHADES: usize = 8;

pub(crate) struct Drawing {
    width: usize,
    height: usize,
    body: String,
}

/// Where a panel stands, and how large it is.
#[derive(Clone, Copy)]
pub(crate) struct Panel {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) side: usize,
}

impl Panel {
    /// A point of the plane in the coordinates of the file.
    fn place(self, x: f32, y: f32) -> (f32, f32) {
        let side = self.side as f32;
        let along = |v: f32| side * (v / REACH + 1.0) / 2.0;
        (self.left as f32 + along(x), self.top as f32 + side - along(y))
    }
}

impl Drawing {
    pub(crate) fn new(width: usize, height: usize) -> Drawing {
        Drawing { width, height, body: String::new() }
    }

    /// A panel's frame, and what stands above it.
    pub(crate) fn panel(&mut self, panel: Panel, title: &str) {
        let Panel { left, top, side } = panel;
        let frame = r##"fill="#fff" stroke="#c9ccd1""##;
        self.line(&format!(r#"<rect x="{left}" y="{top}" width="{side}" height="{side}" {frame}/>"#));
        self.text(left + side / 2, top - 7, "middle", title);
    }

    pub(crate) fn text(&mut self, x: usize, y: usize, anchor: &str, text: &str) {
        self.line(&format!(r#"<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#));
    }

    /// How densely points \[n, 2\] lie, from the paper's colour to `[hue, saturation]` at its darkest.
    pub(crate) fn density(&mut self, panel: Panel, points: &Tensor, [hue, saturation]: [usize; 2]) {
        let counts = smooth(&histogram(points));
        let most = counts.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        let cell = panel.side as f32 / CELLS as f32;
        // One path for each shade: a square for each of its cells.
        for shade in 1..=SHADES {
            let mut path = String::new();
            for (i, count) in counts.iter().enumerate() {
                if ((count / most).sqrt() * SHADES as f32).ceil() as usize == shade && *count > 0.004 * most {
                    let (x, y) = ((i % CELLS) as f32 * cell, (i / CELLS) as f32 * cell);
                    let _ = write!(
                        path,
                        "M{:.1} {:.1}h{cell:.2}v{cell:.2}h-{cell:.2}z",
                        panel.left as f32 + x,
                        panel.top as f32 + y
                    );
                }
            }
            let lightness = 97 - 52 * shade / SHADES;
            let fill =
                format!(r#"fill="hsl({hue},{saturation}%,{lightness}%)" shape-rendering="crispEdges""#);
            self.line(&format!(r#"<path d="{path}" {fill}/>"#));
        }
    }

    /// The way of each point through the states \[n, 2\], and where it ends; hues by where it began.
    pub(crate) fn ways(&mut self, panel: Panel, states: &[Tensor]) {
        let (Some(first), Some(last)) = (states.first(), states.last()) else { return };
        // A drawing inside the drawing shows nothing beyond its borders.
        let Panel { left, top, side } = panel;
        let place = format!(r#"x="{left}" y="{top}" width="{side}" height="{side}""#);
        self.line(&format!(r#"<svg {place} viewBox="{left} {top} {side} {side}">"#));
        for i in 0..first.dims()[0] {
            let hue = first[[i, 1]].atan2(first[[i, 0]]).to_degrees().rem_euclid(360.0);
            let mut path = String::new();
            for (step, x) in states.iter().enumerate() {
                let (x, y) = panel.place(x[[i, 0]], x[[i, 1]]);
                let _ = write!(path, "{}{x:.1} {y:.1}", if step == 0 { 'M' } else { 'L' });
            }
            let colour = format!("hsl({hue:.0},65%,42%)");
            let (x, y) = panel.place(last[[i, 0]], last[[i, 1]]);
            self.line(&format!(
                r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width=".8" opacity=".6"/>"#
            ));
            self.line(&format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="2.1" fill="{colour}"/>"#));
        }
        self.line("</svg>");
    }

    fn line(&mut self, line: &str) {
        self.body += line;
        self.body.push('\n');
    }

    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        let Drawing { width, height, body } = self;
        let style = r##"font-family="sans-serif" font-size="12" fill="#333""##;
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" {style}>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fbfbfc\"/>\n{body}</svg>\n"
        );
        std::fs::write(path, text)
    }
}

/// How many points fall into each cell, row by row from the top.
fn histogram(points: &Tensor) -> Vec<f32> {
    let mut counts = vec![0.0; CELLS * CELLS];
    for point in points.as_slice().chunks(2) {
        let cell = |v: f32| ((v / REACH + 1.0) / 2.0 * CELLS as f32).floor();
        let (column, row) = (cell(point[0]), CELLS as f32 - 1.0 - cell(point[1]));
        let inside = |index: f32| (0.0..CELLS as f32).contains(&index);
        if inside(column) && inside(row) {
            counts[row as usize * CELLS + column as usize] += 1.0;
        }
    }
    counts
}

/// Each count spread over its neighbours by (1, 2, 1)/4 along both axes.
fn smooth(counts: &[f32]) -> Vec<f32> {
    let along = |counts: &[f32], stride: usize| -> Vec<f32> {
        let at = |i: usize| counts.get(i).copied().unwrap_or(0.0);
        (0..counts.len()).map(|i| (at(i.wrapping_sub(stride)) + 2.0 * at(i) + at(i + stride)) / 4.0).collect()
    };
    along(&along(counts, 1), CELLS)
}
