//! The terms of the bound over t as a picture of its own, both axes logarithmic.

use crate::report::axis::{Axis, label};
use std::fmt::Write;
use tweedie_diffusion::BoundEstimate;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 46.0;

const STYLE: &str = "text { font: 12px system-ui, sans-serif; fill: #57606a } .title { font-size: 15px; fill: #1f2328 } \
    .grid { stroke: #e3e5e8 } polyline { fill: none; stroke: #2563c9; stroke-width: 1.4 } \
    .error { stroke: #2563c9; opacity: .35 } circle { fill: #2563c9 }";

/// Every term a dot, with a bar of one standard error to either side.
pub(super) fn draw(estimate: &BoundEstimate) -> String {
    let terms = || estimate.terms.iter().filter(|term| term.bits.mean > 0.0);
    // Logarithmic axes count the papers' t, from 1.
    let time = |t: usize| (t + 1) as f64;
    let axes = (Axis::log(terms().map(|term| time(term.t))), Axis::log(terms().map(|term| term.bits.mean)));
    let (x_axis, y_axis) = match axes {
        (Some(x), Some(y)) => (x, y),
        // Terms that are all 0, as of a model that knows the data, have no place on a logarithmic axis.
        _ => return empty(),
    };
    let x_at = |v: f64| LEFT + x_axis.place(v).unwrap_or(0.0) * (WIDTH - LEFT - RIGHT);
    let y_at =
        |v: f64| HEIGHT - BOTTOM - y_axis.place(v).unwrap_or(0.0).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM);
    let mut out = head(&format!(
        "{:.4} bits per dimension: L_T {:.4}, Σ L_{{t−1}} {:.4}, L_0 {:.4}",
        estimate.total.mean, estimate.prior.mean, estimate.middle.mean, estimate.decoder.mean
    ));
    // Writing into a string does not fail, here and below.
    for tick in y_axis.ticks(6) {
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 7.0,
            y_at(tick) + 4.0,
            label(tick),
            y = y_at(tick),
        );
    }
    for tick in x_axis.ticks(6) {
        let (x, y) = (x_at(tick), HEIGHT - BOTTOM + 17.0);
        let _ =
            writeln!(out, "<text text-anchor=\"middle\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", label(tick));
    }
    let _ = writeln!(
        out,
        "<text text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">t, counted from 1</text>\
         <text x=\"{LEFT}\" y=\"{:.1}\">bits per dimension of the term at t, ± one standard error</text>",
        WIDTH - RIGHT,
        HEIGHT - 10.0,
        TOP - 12.0
    );
    let places: Vec<(f64, f64)> = terms().map(|term| (x_at(time(term.t)), y_at(term.bits.mean))).collect();
    for (term, (x, _)) in terms().zip(&places) {
        let error = term.bits.std_error.unwrap_or(0.0);
        let [low, high] = [term.bits.mean - error, term.bits.mean + error].map(y_at);
        let _ = writeln!(
            out,
            "<line class=\"error\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/>"
        );
    }
    let line: String = places.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
    let _ = writeln!(out, "<polyline points=\"{}\"/>", line.trim_end());
    for (term, (x, y)) in terms().zip(&places) {
        let _ = writeln!(
            out,
            "<circle r=\"1.6\" cx=\"{x:.1}\" cy=\"{y:.1}\"><title>t = {}: {:.3e} bits</title></circle>",
            term.t + 1,
            term.bits.mean
        );
    }
    out.push_str("</svg>\n");
    out
}

fn head(title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\">\n<style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"26\">{title}</text>\n"
    )
}

fn empty() -> String {
    head("no term is above 0") + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_diffusion::{Mean, TermEstimate};

    fn estimate(bits: &[f64]) -> BoundEstimate {
        let none = Mean { mean: 0.0, std_error: None };
        let term = |(t, &mean): (usize, &f64)| TermEstimate {
            t,
            bits: Mean { mean, std_error: Some(2.0 * mean) },
            count: 2,
        };
        BoundEstimate {
            pictures: 2,
            total: none,
            prior: none,
            middle: none,
            decoder: none,
            constant: none,
            terms: bits.iter().enumerate().map(term).collect(),
            rate_distortion: Vec::new(),
        }
    }

    #[test]
    fn every_term_above_zero_is_a_dot_within_the_frame() {
        let svg = draw(&estimate(&[3.0, 0.5, 0.0, 1e-7]));
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        for svg in [draw(&estimate(&[0.0, 0.0])), draw(&estimate(&[]))] {
            assert!(svg.contains("no term") && svg.ends_with("</svg>\n"));
        }
    }
}
