//! The terms of the bound over t as a picture of its own, both axes logarithmic.

use crate::report::plot::{Frame, Plot};
use tweedie_diffusion::BoundEstimate;

const STYLE: &str = ".terms { stroke: #2563c9; stroke-width: 1.4 } .error { stroke: #2563c9; opacity: .35 } \
    circle { fill: #2563c9 }";

/// Every term a dot, with a bar of one standard error to either side.
pub(super) fn draw(estimate: &BoundEstimate) -> String {
    // Terms that are 0, as of a model that knows the data, have no place on a logarithmic axis.
    let terms = || estimate.terms.iter().filter(|term| term.bits.mean > 0.0);
    // Logarithmic axes count the papers' t, from 1.
    let time = |t: usize| (t + 1) as f64;
    let title = match terms().next() {
        Some(_) => format!(
            "{:.4} bits per dimension: L_T {:.4}, Σ L_{{t−1}} {:.4}, L_0 {:.4}",
            estimate.total.mean, estimate.prior.mean, estimate.middle.mean, estimate.decoder.mean
        ),
        None => "no term is above 0".to_string(),
    };
    let axes = ["t, counted from 1", "bits per dimension of the term at t, ± one standard error"];
    let mut plot = Plot::new(
        Frame { title: &title, axes, style: STYLE },
        terms().map(|term| time(term.t)),
        terms().map(|term| term.bits.mean),
    );
    let places: Vec<(f64, f64)> =
        terms().map(|term| (plot.x(time(term.t)), plot.y(term.bits.mean))).collect();
    for (term, (x, _)) in terms().zip(&places) {
        let error = term.bits.std_error.unwrap_or(0.0);
        let [low, high] = [term.bits.mean - error, term.bits.mean + error].map(|bits| plot.y(bits));
        plot.draw(format_args!(
            "<line class=\"error\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" y2=\"{high:.1}\"/>"
        ));
    }
    plot.line("terms", places.iter().copied());
    for (term, (x, y)) in terms().zip(&places) {
        plot.draw(format_args!(
            "<circle r=\"1.6\" cx=\"{x:.1}\" cy=\"{y:.1}\"><title>t = {}: {:.3e} bits</title></circle>",
            term.t + 1,
            term.bits.mean
        ));
    }
    plot.finish()
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
