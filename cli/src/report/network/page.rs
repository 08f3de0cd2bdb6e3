//! A network as a page: its figures, its drawing, its blocks, its layers.

use super::super::page;
use super::amounts::{flops, kept, of_kind, shape};
use super::drawing::drawing;
use crate::report::grouped;
use std::fmt::Write;
use tweedie_nn::trace::Trace;

/// A page that needs nothing but itself. `picture` is the shape that was traced.
pub(crate) fn page(title: &str, picture: [usize; 3], trace: &Trace) -> String {
    let mut body = format!("<h1>{}</h1>\n<p class=\"sub\">a network of tweedie</p>\n", page::escape(title));
    body.push_str(&page::facts(&[
        (grouped(trace.parameters as u64), "parameters"),
        (format!("{}FLOP", spaced(&flops(trace.flops))), "a forward pass of one picture"),
        (kept(trace.saved_bytes), "kept of it for the backward pass"),
        (shape(&picture), "channels, height, width"),
        (trace.layers.len().to_string(), "layers"),
    ]));
    let _ = write!(
        body,
        "<h2>Drawing</h2>\n<figure>{}<figcaption>Orange: attention. Blue: another height and width, and results that are read \
         further on. Dots: who reads the result of the part with the large dot.</figcaption></figure>\n",
        drawing(title, trace)
    );
    body.push_str("<h2>Blocks</h2>\n");
    let blocks = trace.blocks.iter().map(|block| {
        vec![
            block.name.clone(),
            shape(&block.output),
            grouped(block.parameters as u64),
            flops(block.flops),
            kept(block.saved_bytes),
        ]
    });
    body.push_str(&table(&["block", "output", "parameters", "flop", "kept"], blocks));
    body.push_str("<h2>Layers</h2>\n");
    let layers = trace.layers.iter().map(|layer| {
        vec![
            layer.name.clone(),
            of_kind(layer),
            shape(&layer.output),
            grouped(layer.parameters as u64),
            flops(layer.flops),
            kept(layer.saved_bytes),
        ]
    });
    body.push_str(&table(&["layer", "kind", "output", "parameters", "flop", "kept"], layers));
    page::page(&format!("{} · tweedie", title), None, &body)
}

/// A number with room before its unit, whether it has a prefix or not.
fn spaced(number: &str) -> String {
    if number.contains(' ') { number.to_string() } else { format!("{number} ") }
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = String>| {
        cells.map(|cell| format!("<{tag}>{}</{tag}>", page::escape(&cell))).collect::<String>()
    };
    let mut out = format!(
        "<figure style=\"overflow-x:auto\"><table><tr>{}</tr>\n",
        cells("th", &mut head.iter().map(ToString::to_string))
    );
    for row in rows {
        // Writing into a string does not fail.
        let _ = writeln!(out, "<tr>{}</tr>", cells("td", &mut row.into_iter()));
    }
    out + "</table></figure>\n"
}
