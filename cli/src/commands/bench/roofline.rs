//! Measured rates under what the machine allows (Williams, Waterman, Patterson 2009), as a picture of its own.

use crate::counted::counted;
use crate::report::plot::{Frame, Plot, RIGHT, WIDTH};
use tweedie_train::measure::bench::Rate;

/// How many multiplications fewer Winograd's F(4 × 4, 3 × 3) does than the definition counts.
const WINOGRAD: f64 = 4.0;

const STYLE: &str = ".roof { stroke: #1f2328; stroke-width: 1.6 } \
    .beyond { stroke: #8a929b; stroke-width: 1.2; stroke-dasharray: 5 4 } circle { fill-opacity: .75 }";

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
    let threads = counted(threads, "thread");
    let title = format!("{threads}: peak {peak:.0} GFLOP/s, memory {bandwidth:.0} GB/s");
    let axes = ["operations per byte of operands and result", "GFLOP/s, counted as the definition has them"];
    let mut plot = Plot::new(
        Frame { title: &title, axes, style: STYLE },
        rates.iter().map(|r| r.intensity).chain([least, 8.0 * ridge]),
        rates.iter().map(|r| r.gflops).chain([least * bandwidth, 1.2 * WINOGRAD * peak]),
    );
    // Where memory is the limit the roof rises with the operations per byte, beyond the ridge it is flat.
    for (class, start, roof) in [("roof", least, peak), ("beyond", ridge, WINOGRAD * peak)] {
        let ends = [start, roof / bandwidth, 1e3 * roof / bandwidth];
        let places = ends.map(|x| (plot.x(x), plot.y((x * bandwidth).min(roof))));
        plot.line(class, places);
    }
    for (roof, name) in [(peak, "multiply-add peak"), (WINOGRAD * peak, "four times that: Winograd's limit")]
    {
        let (x, y) = (plot.x(roof / bandwidth) + 24.0, plot.y(roof) - 6.0);
        plot.draw(format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\">{name}</text>"));
    }
    for rate in rates {
        let (x, y) = (plot.x(rate.intensity), plot.y(rate.gflops));
        plot.draw(format_args!(
            "<circle r=\"4\" cx=\"{x:.1}\" cy=\"{y:.1}\" fill=\"{}\"><title>{}: {:.0} GFLOP/s</title></circle>",
            KINDS[kind(rate)].0, rate.shape, rate.gflops
        ));
    }
    let mut x = WIDTH - RIGHT;
    for (index, (colour, name)) in KINDS.into_iter().enumerate().rev() {
        if rates.iter().any(|rate| kind(rate) == index) {
            x -= 7.0 * name.chars().count() as f64 + 24.0;
            plot.draw(format_args!(
                "<circle r=\"4\" cx=\"{x:.1}\" cy=\"48\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"52\">{name}</text>",
                x + 8.0
            ));
        }
    }
    plot.finish()
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
