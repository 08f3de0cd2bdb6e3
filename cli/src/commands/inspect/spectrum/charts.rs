use super::found::{Found, Over};
use crate::report::{Chart, Document, Mark, Series};
use tweedie_train::measure::spectrum::{Settling, Spectrum, When};

/// Rings whose settling is drawn.
const RINGS: [usize; 7] = [0, 1, 2, 4, 8, 16, 32];

/// The charts of what was measured.
pub(super) fn document(found: &Found) -> Document {
    let mut charts = vec![spectra(found)];
    charts.extend(match &found.over {
        Over::Schedule { drowning, timesteps, .. } => {
            let at = |(i, &f): (usize, &f64)| ((i + 1) as f64 / *timesteps as f64, f);
            let points = drowning.crossover.iter().enumerate().map(at);
            vec![curve("noise is the stronger above this frequency", "t / T", points)]
        }
        Over::Sampler { settling: Settling { step, crossover, fixed_from, deviations }, .. } => {
            let at = |(&step, &f): (&usize, &f64)| (step as f64, f);
            let fixed = found.spectrum.frequencies.iter().zip(fixed_from).map(|(&f, &step)| (f, step as f64));
            vec![
                deviation_chart(&found.spectrum, step, deviations),
                curve("x̂_0 stays near its last value from this step on", "cycles a pixel", fixed),
                curve(
                    "noise is the stronger above this frequency",
                    "step",
                    step.iter().zip(crossover).map(at),
                ),
            ]
        }
    });
    Document { title: found.title(), charts, ..Document::default() }
}

/// The spectra at every level of noise: dots as measured, lines as the closed form has them.
fn spectra(found: &Found) -> Chart {
    let spectrum = &found.spectrum;
    // Frequency 0 has no place on a logarithmic axis.
    let over_frequency = |power: &[f64]| -> Vec<(f64, f64)> {
        spectrum.frequencies.iter().copied().zip(power.iter().copied()).skip(1).collect()
    };
    let mut series = vec![Series {
        name: Some(if matches!(found.over, Over::Schedule { .. }) { "clean" } else { "painted" }.into()),
        points: over_frequency(&spectrum.power),
        ..Series::default()
    }];
    for (i, noisy) in spectrum.spectra.iter().enumerate() {
        let name = match noisy.when {
            When::T(t) => format!("t = {t}"),
            When::Step(step) => format!("step {step}"),
        };
        let measured = over_frequency(&noisy.power);
        series.push(Series { name: Some(name), mark: Mark::Dots, points: measured, ..Series::default() });
        let points = over_frequency(&noisy.closed_form);
        series.push(Series { colour: Some(i + 1), points, ..Series::default() });
    }
    Chart {
        title: "power over frequency: dots measured, lines s² S(f) + n²",
        across: "cycles a pixel",
        log: true,
        log_across: true,
        series,
    }
}

/// How x̂_0 settles, for rings of some frequencies.
fn deviation_chart(spectrum: &Spectrum, step: &[usize], deviations: &[Vec<f64>]) -> Chart {
    let rings = RINGS.into_iter().filter(|&ring| ring < spectrum.frequencies.len());
    let of = |ring: usize| Series {
        name: Some(format!("{:.2}", spectrum.frequencies[ring])),
        points: step.iter().zip(deviations).map(|(&step, off)| (step as f64, off[ring])).collect(),
        ..Series::default()
    };
    Chart {
        title: "how far x̂_0 is from its last value, by cycles a pixel",
        across: "step",
        log: true,
        series: rings.map(of).collect(),
        ..Chart::default()
    }
}

/// A chart of one curve.
fn curve(title: &'static str, across: &'static str, points: impl Iterator<Item = (f64, f64)>) -> Chart {
    let curve = Series { name: Some(title.to_string()), points: points.collect(), ..Series::default() };
    Chart { title, across, series: vec![curve], ..Chart::default() }
}
