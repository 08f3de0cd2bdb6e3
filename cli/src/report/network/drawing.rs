//! A network as an SVG drawing.

use super::super::page::{COLOURS, escape};
use super::amounts::{flops, kept, numbers, shape};
use super::layout::{Layout, layout};
use super::units::{Character, Unit, units};
use std::fmt::Write;
use tweedie_nn::trace::Trace;

const BOX: f64 = 292.0;
const HEIGHT: f64 = 40.0;
/// From row to row.
const STEP: f64 = 54.0;
/// Left of the first column, for sizes of pictures.
const LEFT: f64 = 72.0;
/// Between columns, for what is read ahead.
const BETWEEN: f64 = 120.0;
const RIGHT: f64 = 40.0;
/// Above the first row, for the title.
const TOP: f64 = 66.0;

/// Colours of the page around it where there is one, else those of paper.
const STYLE: &str = ".net text { font: 12px system-ui, sans-serif; fill: var(--ink, #1f2328) } .net .title { font-size: 17px } \
    .net .soft { font-size: 11px; fill: var(--soft, #656d76) } .net rect.unit { fill: var(--card, #fff); stroke: #8a94a0; rx: 6 } \
    .net rect.attends { stroke: #d97706; stroke-width: 1.6 } .net rect.resizes { stroke: #2563c9; stroke-width: 1.6 } \
    .net rect.share { fill: #0f8a5f; stroke: none } .net path { fill: none; stroke: #8a94a0; stroke-width: 1.4 } \
    .net path.ahead { stroke: #2563c9; opacity: .55 } .net line { stroke: var(--rule, #e3e5e8); stroke-dasharray: 3 4 } \
    .net .tip { fill: #8a94a0; stroke: none }";

/// The network with a title, as a file of its own or as part of a page.
pub(crate) fn drawing(title: &str, trace: &Trace) -> String {
    let units = units(trace);
    let layout = layout(&units);
    let beside = if layout.beside.is_empty() { 0 } else { layout.beside.len().div_ceil(layout.columns) };
    let canvas = Canvas { units: &units, layout: &layout, beside, most: most(&units) };
    let width = LEFT + layout.columns as f64 * (BOX + BETWEEN) - BETWEEN + RIGHT;
    let height = canvas.y(layout.rows) + 8.0;
    let mut out = format!(
        "<svg class=\"net\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{}\">\n<style>{STYLE}</style>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path class=\"tip\" d=\"M0 0 L8 4 L0 8 z\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"var(--card, #fff)\"/>\n\
         <text class=\"title\" x=\"16\" y=\"26\">{}</text>\n<text class=\"soft\" x=\"16\" y=\"46\">{} parameters; {} \
         multiplications and additions a picture, green the share of each part; {} kept for the backward pass</text>\n",
        escape(title),
        escape(title),
        numbers(trace.parameters as u64),
        flops(trace.flops),
        kept(trace.saved_bytes),
    );
    canvas.bands(&mut out, width);
    canvas.ways(&mut out);
    for at in 0..units.len() {
        canvas.unit(&mut out, at);
    }
    out.push_str("</svg>\n");
    out
}

/// The largest share of the work.
fn most(units: &[Unit]) -> u64 {
    units.iter().map(|unit| unit.flops).max().unwrap_or(0).max(1)
}

/// What is drawn, and where its parts stand.
struct Canvas<'a> {
    units: &'a [Unit],
    layout: &'a Layout,
    /// Rows of the units beside, which stand above the body.
    beside: usize,
    most: u64,
}

impl Canvas<'_> {
    /// The top of a row of the body.
    fn y(&self, row: usize) -> f64 {
        let beside = if self.beside == 0 { 0.0 } else { self.beside as f64 * STEP + 14.0 };
        TOP + beside + row as f64 * STEP
    }

    /// The upper left corner of a unit.
    fn corner(&self, at: usize) -> (f64, f64) {
        let x = |column: usize| LEFT + column as f64 * (BOX + BETWEEN);
        match self.layout.place.get(&at) {
            Some(&(column, row)) => (x(column), self.y(row)),
            None => {
                let index = self.layout.beside.iter().position(|&other| other == at).unwrap_or(0);
                let columns = self.layout.columns;
                (x(index % columns), TOP + (index / columns) as f64 * STEP)
            }
        }
    }

    /// Heights and widths, each with a line above its first row.
    fn bands(&self, out: &mut String, width: f64) {
        for (row, size) in &self.layout.bands {
            let y = self.y(*row);
            // Writing into a string does not fail, here and below.
            let _ = writeln!(
                out,
                "<line x1=\"8\" x2=\"{:.0}\" y1=\"{:.1}\" y2=\"{:.1}\"/><text class=\"soft\" x=\"10\" y=\"{:.1}\">{size}</text>",
                width - 8.0,
                y - 7.0,
                y - 7.0,
                y + 14.0
            );
        }
    }

    /// From each unit to those that read it, but where many do.
    fn ways(&self, out: &mut String) {
        for (to, unit) in self.units.iter().enumerate() {
            for &from in unit.inputs.iter().filter(|from| !self.layout.read_by_many.contains(from)) {
                let ((x, y), (to_x, to_y)) = (self.corner(from), self.corner(to));
                let next = x == to_x && self.follows(from, to);
                let beside = self.layout.beside.contains(&to);
                let way = match (next, x < to_x) {
                    // Conditions: from line to line.
                    (_, false) if beside => {
                        format!("M{:.1} {:.1} L{:.1} {to_y:.1}", x + BOX / 2.0, y + HEIGHT, to_x + BOX / 2.0)
                    }
                    (true, _) if y < to_y => straight(x + BOX / 2.0, y + HEIGHT, to_y),
                    (true, _) => straight(x + BOX / 2.0, y, to_y + HEIGHT),
                    // Across: from side to side.
                    (false, true) => {
                        let (from, to) = ((x + BOX, y + HEIGHT / 2.0), (to_x, to_y + HEIGHT / 2.0));
                        let middle = (from.0 + to.0) / 2.0;
                        format!(
                            "M{:.1} {:.1} C{middle:.1} {:.1} {middle:.1} {:.1} {:.1} {:.1}",
                            from.0, from.1, from.1, to.1, to.0, to.1
                        )
                    }
                    // Over rows of one column: around them.
                    (false, false) => {
                        let (from, to, out) = (y + HEIGHT / 2.0, to_y + HEIGHT / 2.0, x + BOX + 34.0);
                        format!(
                            "M{:.1} {from:.1} C{out:.1} {from:.1} {out:.1} {to:.1} {:.1} {to:.1}",
                            x + BOX,
                            to_x + BOX
                        )
                    }
                };
                let class = if next || beside { "" } else { " class=\"ahead\"" };
                let _ = writeln!(out, "<path{class} d=\"{way}\" marker-end=\"url(#tip)\"/>");
            }
        }
    }

    /// Whether nothing stands between two units of the body.
    fn follows(&self, from: usize, to: usize) -> bool {
        self.layout.body.windows(2).any(|pair| pair == [from, to])
    }

    fn unit(&self, out: &mut String, at: usize) {
        let (unit, (x, y)) = (&self.units[at], self.corner(at));
        let class = match unit.character {
            Character::Attends => "unit attends",
            Character::Resizes => "unit resizes",
            Character::Plain => "unit",
        };
        let share = (BOX - 16.0) * unit.flops as f64 / self.most as f64;
        let _ = writeln!(
            out,
            "<g><title>{name}</title><rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{BOX}\" height=\"{HEIGHT}\"/>\
             <rect class=\"share\" x=\"{:.1}\" y=\"{:.1}\" width=\"{share:.1}\" height=\"2.5\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{name}</text><text text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
             <text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\">{} parameters, {} flop, {} kept</text></g>",
            x + 8.0,
            y + HEIGHT - 4.5,
            x + 8.0,
            y + 15.0,
            x + BOX - 8.0,
            y + 15.0,
            shape(&unit.output),
            x + 8.0,
            y + 30.0,
            numbers(unit.parameters),
            flops(unit.flops),
            kept(unit.saved_bytes),
            name = escape(&unit.name),
        );
        self.marks(out, at, (x, y));
    }

    /// Dots: on a unit that many read, and on each that reads it.
    fn marks(&self, out: &mut String, at: usize, (x, y): (f64, f64)) {
        for (number, source) in self.layout.read_by_many.iter().enumerate() {
            if *source != at && !self.units[at].inputs.contains(source) {
                continue;
            }
            let [colour, _] = COLOURS[(number + 3) % COLOURS.len()];
            let radius = if *source == at { 6 } else { 4 };
            let _ = writeln!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\" fill=\"{colour}\"><title>{}</title></circle>",
                x + 14.0 * (number as f64 + 1.0),
                y,
                escape(&self.units[*source].name)
            );
        }
    }
}

fn straight(x: f64, from: f64, to: f64) -> String {
    format!("M{x:.1} {from:.1} L{x:.1} {to:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_train::{Config, PRESETS};

    #[test]
    fn every_preset_is_drawn_with_its_skips() {
        for name in PRESETS {
            // A UNet goes down and up again; the others are chains.
            let columns = if matches!(name, "transformer" | "plane") { 1 } else { 2 };
            let side = if name == "plane" { 1 } else { 32 };
            let Ok(config) = Config::preset(name) else { panic!("{name}") };
            let channels = config.model.backbone.in_channels();
            let Ok(trace) = config.model.trace([channels, side, side]) else { panic!("{name}") };
            let svg = drawing(name, &trace);
            let units = units(&trace);
            let layout = layout(&units);
            assert_eq!(layout.columns, columns, "{name}");
            let skips = units
                .iter()
                .filter(|unit| unit.name.starts_with("up_blocks") && unit.name.contains("resnets"));
            assert_eq!(
                svg.matches("class=\"ahead\"").count(),
                skips.count() + usize::from(columns == 2),
                "{name}"
            );
            assert!(!svg.contains("NaN") && svg.ends_with("</svg>\n"));
            let mut places: Vec<_> = layout.place.values().collect();
            places.sort();
            places.dedup();
            assert_eq!(places.len() + layout.beside.len(), units.len(), "{name}: no two stand in one place");
            if let Some(kept) = std::env::var_os("TWEEDIE_KEEP_DRAWINGS") {
                let _ = std::fs::write(std::path::Path::new(&kept).join(format!("{name}.svg")), svg);
            }
        }
    }
}
