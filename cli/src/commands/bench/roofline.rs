//! Measured rates under what the machine allows (Williams, Waterman, Patterson 2009), as a picture of its own.

use crate::report::axis::{Axis, label};
use std::fmt::Write;
use tweedie_train::bench::Rate;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 46.0;

/// How many multiplications fewer Winograd's F(4 × 4, 3 × 3) does than the definition counts.
const WINOGRAD: f64 = 4.0;

const STYLE: &str = "text { font: 12px system-ui, sans-serif; fill: #57606a } .title { font-size: 15px; fill: #1f2328 } \
    .grid { stroke: #e3e5e8 } .roof { stroke: #1f2328; stroke-width: 1.6; fill: none } \
    .beyond { stroke: #8a929b; stroke-width: 1.2; stroke-dasharray: 5 4; fill: none } circle { fill-opacity: .75 }";

/// What a rate is of: its colour, and its name in the legend.
const KINDS: [(&str, &str); 4] = [
    ("#2563c9", "3 × 3, stride 1"),
    ("#d97706", "3 × 3, stride 2"),
    ("#0f8a5f", "1 × 1"),
    ("#8b5cf6", "product"),
];

fn kind(rate: &Rate) -> usize {
    match rate.shape.as_str() {
        shape if shape.contains("stride") => 1,
        shape if shape.contains("3x3") => 0,
        shape if shape.contains("1x1") => 2,
        _ => 3,
    }
}

/// The rates, a dot each: operations a second over operations per byte.
pub(super) fn draw(rates: &[Rate], peak: f64, bandwidth: f64, threads: usize) -> String {
    let ridge = peak / bandwidth;
    let least = rates.iter().map(|r| r.intensity).fold(ridge / 8.0, f64::min);
    let intensities = rates.iter().map(|r| r.intensity).chain([least, 8.0 * ridge]);
    let heights = rates.iter().map(|r| r.gflops).chain([least * bandwidth, 1.2 * WINOGRAD * peak]);
    let axes = (Axis::log(intensities), Axis::log(heights));
    let (Some(x_axis), Some(y_axis)) = axes else { return String::new() };
    let x_at = |v: f64| LEFT + x_axis.place(v).unwrap_or(0.0).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT);
    let y_at = |v: f64| HEIGHT - BOTTOM - y_axis.place(v).unwrap_or(0.0) * (HEIGHT - TOP - BOTTOM);

    // Writing into a string does not fail, here and below.
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
         height=\"{HEIGHT}\">\n<style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"24\">{threads} threads: peak {peak:.0} GFLOP/s, memory \
         {bandwidth:.0} GB/s</text>\n"
    );
    for tick in y_axis.ticks(6) {
        let (y, end) = (y_at(tick), WIDTH - RIGHT);
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 7.0,
            y + 4.0,
            label(tick)
        );
    }
    for tick in x_axis.ticks(6) {
        let (x, y) = (x_at(tick), HEIGHT - BOTTOM + 17.0);
        let _ =
            writeln!(out, "<text text-anchor=\"middle\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", label(tick));
    }
    let _ = writeln!(
        out,
        "<text text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">operations per byte of operands and result</text>\
         <text x=\"{:.1}\" y=\"{:.1}\">GFLOP/s, counted as the definition has them</text>",
        WIDTH - RIGHT,
        HEIGHT - 10.0,
        LEFT,
        TOP - 10.0
    );
    // Where memory is the limit the roof rises with the operations per byte, beyond the ridge it is flat.
    for (class, start, roof) in [("roof", least, peak), ("beyond", ridge, WINOGRAD * peak)] {
        let points: String = [start, roof / bandwidth, 1e3 * roof / bandwidth]
            .map(|x| format!("{:.1},{:.1} ", x_at(x), y_at((x * bandwidth).min(roof))))
            .concat();
        let _ = writeln!(out, "<polyline class=\"{class}\" points=\"{}\"/>", points.trim_end());
    }
    for (roof, name) in [(peak, "multiply-add peak"), (WINOGRAD * peak, "four times that: Winograd's limit")]
    {
        let (x, y) = (x_at(roof / bandwidth) + 6.0, y_at(roof) + 15.0);
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>");
    }
    for rate in rates {
        let _ = writeln!(
            out,
            "<circle r=\"4\" cx=\"{:.1}\" cy=\"{:.1}\" fill=\"{}\"><title>{}: {:.0} GFLOP/s</title></circle>",
            x_at(rate.intensity),
            y_at(rate.gflops),
            KINDS[kind(rate)].0,
            rate.shape,
            rate.gflops
        );
    }
    let mut x = WIDTH - RIGHT;
    for (index, (colour, name)) in KINDS.into_iter().enumerate().rev() {
        if rates.iter().any(|rate| kind(rate) == index) {
            x -= 7.0 * name.chars().count() as f64 + 24.0;
            let _ = writeln!(
                out,
                "<circle r=\"4\" cx=\"{x:.1}\" cy=\"20\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"24\">{name}</text>",
                x + 8.0
            );
        }
    }
    out.push_str("</svg>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(shape: &str, gflops: f64, intensity: f64) -> Rate {
        Rate { shape: shape.into(), gflops, peak_gflops: 100.0, fraction: gflops / 100.0, intensity }
    }

    #[test]
    fn each_rate_is_a_dot_where_it_belongs() {
        let rates = [rate("a 3x3", 50.0, 2.0), rate("b 1x1", 50.0, 200.0), rate("c 3x3", 300.0, 200.0)];
        let svg = draw(&rates, 100.0, 10.0, 2);
        let place = |of: &str| -> (f64, f64) {
            let circle = svg.lines().find(|line| line.contains(&format!("<title>{of}:"))).unwrap_or_default();
            let number = |key: &str| {
                let rest = circle.split(&format!(" {key}=\"")).nth(1).unwrap_or_default();
                rest.split('"').next().and_then(|n| n.parse().ok()).unwrap_or(f64::NAN)
            };
            (number("cx"), number("cy"))
        };
        let [a, b, c] = ["a 3x3", "b 1x1", "c 3x3"].map(place);
        assert!(a.0 < b.0 && a.1 == b.1, "{a:?} {b:?}");
        assert!(b.0 == c.0 && c.1 < b.1, "{b:?} {c:?}");
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(!svg.contains("NaN"));
    }
}
