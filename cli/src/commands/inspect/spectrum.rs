//! `tweedie inspect spectrum`: what noise drowns first, and what a model paints first.

use super::{build, digits, pictures, write_charts};
use crate::args::{InspectSpectrumArgs, SamplerArgs};
use crate::commands::classes;
use crate::commands::sampler_settings::settings;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::models::open;
use crate::output;
use crate::painting::{Painted, Painter, pictures_at_a_time};
use crate::progress::Progress;
use crate::report::{Chart, Document, Series};
use serde::Serialize;
use std::path::Path;
use tweedie_diffusion::purpose;
use tweedie_diffusion::spectrum::{
    Bands, PowerLaw, crossover, deviations, drowned_from, fixed_from, mean_spectrum, noised,
};
use tweedie_diffusion::{Level, Mean, Schedule, ScheduleKind, State};
use tweedie_tensor::random;
use tweedie_tensor::{Tensor, ops};
use tweedie_train::SampleRequest;
use tweedie_train::config::SamplerKind;
use tweedie_train::data::{Source, read_batch};

/// Pictures of data that are looked at when nothing says how many, and pictures of a model.
const PICTURES: usize = 1000;
const PAINTED: usize = 8;
/// Moments whose spectra are shown.
const MOMENTS: usize = 6;
/// States of a run that are kept, so that long runs fit into memory.
const STATES: usize = 200;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Spectrum {
    source: String,
    pictures: usize,
    /// Channels, height and width.
    shape: [usize; 3],
    alpha: Option<f64>,
    alpha_std_error: Option<f64>,
    /// Of each ring.
    frequencies: Vec<f64>,
    counts: Vec<usize>,
    power: Vec<f64>,
    power_std_error: Vec<Option<f64>>,
    /// Clean, and on the way to noise.
    spectra: Vec<Moment>,
    #[serde(flatten)]
    over: Over,
}

/// The spectrum at one level of noise.
#[derive(Debug, Serialize)]
struct Moment {
    /// t, counted from 1; or the sampler's step.
    #[serde(flatten)]
    when: When,
    signal: f64,
    noise: f64,
    power: Vec<f64>,
    power_std_error: Vec<Option<f64>>,
    closed_form: Vec<f64>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum When {
    T(usize),
    Step(usize),
}

/// What is known at every t of a schedule, or every step of a sampler.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Over {
    Schedule {
        schedule: ScheduleKind,
        timesteps: usize,
        /// Above it noise is the stronger, at t = 1, 2, ….
        crossover: Vec<f64>,
        /// For each ring the first t at which noise is the stronger.
        drowned_from: Vec<Option<usize>>,
    },
    Sampler {
        sampler: SamplerKind,
        steps: usize,
        tolerance: f64,
        /// The steps that were looked at, from 0.
        step: Vec<usize>,
        /// Above it noise is the stronger, after each of these steps.
        crossover: Vec<f64>,
        /// For each ring the step from which on x̂_0 stays within the tolerance of its last value.
        fixed_from: Vec<usize>,
        /// How far each ring of x̂_0 is from its last value, at each of these steps.
        deviations: Vec<Vec<f64>>,
    },
}

/// Measures, prints and draws.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn spectrum(args: &InspectSpectrumArgs, seed: u64, console: Console) -> Result<()> {
    if !(args.tolerance >= 0.0 && args.tolerance.is_finite()) {
        let tolerance = args.tolerance;
        return Err(Failure::user(format!("{tolerance} is out of range, --tolerance: give 0 or more")));
    }
    let found = match &args.model {
        Some(path) => of_model(args, path, seed, console)?,
        None => of_pictures(args, seed, console)?,
    };
    found.tell(console)?;
    if let Some(out) = &args.out {
        write_charts(out, &found.document(), console)?;
    }
    console.result(&found)
}

fn claim(args: &InspectSpectrumArgs) -> Result<()> {
    args.out.as_ref().map_or(Ok(()), |out| output::claim_file(out.path(), "--out"))
}

fn of_pictures(args: &InspectSpectrumArgs, seed: u64, console: Console) -> Result<Spectrum> {
    if let Some(option) = given(&args.sampler, &args.class) {
        return Err(Failure::user(format!(
            "only models have a sampler, {option}: leave it out, or give --model"
        )));
    }
    let (kind, timesteps) = (args.schedule.unwrap_or(ScheduleKind::Linear), args.timesteps.unwrap_or(1000));
    let schedule = build(kind, timesteps)?;
    let (source, name) = pictures::open(&args.pictures, console)?;
    claim(args)?;
    let n = args.n.map_or(PICTURES, |n| n as usize).min(source.len());
    let times = moments(timesteps);
    let (bands, rows) = measure(&*source, n, &schedule, &times, seed, console)?;
    let spectra = rows.iter().map(|rows| Ok(mean_spectrum(&Tensor::from_slice([n, bands.len()], rows)?)));
    let mut spectra = spectra.collect::<Result<Vec<Vec<Mean>>>>()?.into_iter();
    let clean = spectra.next().unwrap_or_default();
    let power = means(&clean);
    let shown = times.iter().zip(spectra);
    let shown = shown.map(|(&t, found)| Moment::new(When::T(t), schedule.level(t - 1), &power, &found));
    let over = Over::Schedule {
        schedule: kind,
        timesteps,
        crossover: (0..timesteps)
            .map(|t| crossover(bands.frequencies(), &power, schedule.level(t)))
            .collect(),
        drowned_from: power.iter().map(|&power| Some(drowned_from(&schedule, power)? + 1)).collect(),
    };
    Ok(Spectrum::new(name, n, source.shape(), &bands, &clean, shown.collect(), over))
}

/// The times whose spectra are shown, counted from 1.
fn moments(timesteps: usize) -> Vec<usize> {
    let mut times: Vec<usize> = [1, 2, 4, 8, 14, 20].map(|share| (share * timesteps / 20).max(1)).to_vec();
    times.dedup();
    times
}

/// The pictures' spectra: clean, then at each of `times`.
fn measure(
    source: &dyn Source,
    n: usize,
    schedule: &Schedule,
    times: &[usize],
    seed: u64,
    console: Console,
) -> Result<(Bands, Vec<Vec<f64>>)> {
    let [_, height, width] = source.shape();
    let fail = tweedie_train::Error::from;
    let bands = Bands::new(height, width).map_err(fail)?;
    let mut rows = vec![Vec::new(); times.len() + 1];
    let mut progress = Progress::new(console);
    let mut done = 0;
    for indices in pictures::drawn(n, source.len(), seed)?.chunks(pictures_at_a_time(source.shape())) {
        let x0 = read_batch(source, indices)?.x;
        rows[0].extend_from_slice(bands.spectra(&x0).map_err(fail)?.as_slice());
        for ((i, &t), rows) in times.iter().enumerate().zip(&mut rows[1..]) {
            let noise = random::normal(*x0.shape(), seed, purpose::EVALUATION, i as u64, done as u64);
            let x_t = schedule.q_sample(&x0, &vec![t - 1; indices.len()], &noise).map_err(fail)?;
            rows.extend_from_slice(bands.spectra(&x_t).map_err(fail)?.as_slice());
        }
        done += indices.len();
        progress.update(done as f64 / n as f64, || format!("{done} of {n} pictures"));
    }
    progress.finish();
    Ok((bands, rows))
}

/// The first option of a sampler that was given.
fn given(sampler: &SamplerArgs, class: &[String]) -> Option<&'static str> {
    let options = [
        ("--sampler", sampler.sampler.is_some()),
        ("--steps", sampler.steps.is_some()),
        ("--eta", sampler.eta.is_some()),
        ("--churn", sampler.churn.is_some()),
        ("--spacing", sampler.spacing.is_some()),
        ("--guidance", sampler.guidance.is_some()),
        ("--guidance-rescale", sampler.guidance_rescale.is_some()),
        ("--class", !class.is_empty()),
    ];
    options.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
}

/// What is kept of a state.
struct Kept {
    step: usize,
    level: Level,
    x: Tensor<f32>,
    x0_hat: Tensor<f32>,
}

fn of_model(args: &InspectSpectrumArgs, path: &Path, seed: u64, console: Console) -> Result<Spectrum> {
    let model = open(path, !args.no_ema, console)?;
    let sampling = settings(&args.sampler, &model)?;
    let n = args.n.map_or(PAINTED, |n| n as usize);
    let most = pictures_at_a_time(model.shape());
    if n > most {
        return Err(Failure::user(format!("{n} pictures of a model at once, --n: give {most} or fewer")));
    }
    let classes = classes::resolve_or_in_turn(&args.class, model.classes(), n)?;
    claim(args)?;

    let (sampler, steps) = (sampling.sampler, sampling.steps);
    let every = steps.div_ceil(STATES).max(1);
    let condition = model.without_words(classes, n);
    let request = SampleRequest { n, first: 0, x_t: None, condition, seed, sampling };
    let mut painter = Painter::new(console, Interrupt::listen(console, "stopping"), 1);
    let (mut kept, mut batches) = (Vec::new(), Vec::new());
    for painted in painter.paint(&request, n, "nothing was measured", |part| Ok(model.sample(part)?)) {
        match painted? {
            Painted::Step(state) => {
                if state.step.is_multiple_of(every) || state.step + 1 == steps {
                    let State { step, level, x, x0_hat, .. } = state;
                    kept.push(Kept { step, level, x, x0_hat });
                }
            }
            Painted::Batch { pictures, .. } => batches.push(pictures),
        }
    }
    let painted = ops::concat(&batches.iter().collect::<Vec<_>>(), 0)?;

    let fail = tweedie_train::Error::from;
    let [_, height, width] = model.shape();
    let bands = Bands::new(height, width).map_err(fail)?;
    let clean = mean_spectrum(&bands.spectra(&painted).map_err(fail)?);
    let power = means(&clean);
    let mut shown = Vec::new();
    for i in 0..MOMENTS.min(kept.len()) {
        let Kept { step, level, x, .. } = &kept[i * (kept.len() - 1) / (MOMENTS - 1).max(1)];
        let found = mean_spectrum(&bands.spectra(x).map_err(fail)?);
        shown.push(Moment::new(When::Step(*step), *level, &power, &found));
    }
    let path_of_x0: Vec<Tensor<f32>> = kept.iter().map(|state| state.x0_hat.clone()).collect();
    let deviations = deviations(&bands, &path_of_x0).map_err(fail)?;
    let fixed_from = fixed_from(&deviations, args.tolerance);
    let over = Over::Sampler {
        sampler,
        steps,
        tolerance: args.tolerance,
        step: kept.iter().map(|state| state.step).collect(),
        crossover: kept.iter().map(|state| crossover(bands.frequencies(), &power, state.level)).collect(),
        fixed_from: fixed_from.into_iter().map(|i| kept[i.min(kept.len() - 1)].step).collect(),
        deviations,
    };
    Ok(Spectrum::new(path.display().to_string(), n, model.shape(), &bands, &clean, shown, over))
}

fn means(spectrum: &[Mean]) -> Vec<f64> {
    spectrum.iter().map(|mean| mean.mean).collect()
}

fn errors(spectrum: &[Mean]) -> Vec<Option<f64>> {
    spectrum.iter().map(|mean| mean.std_error).collect()
}

impl Moment {
    fn new(when: When, level: Level, clean: &[f64], found: &[Mean]) -> Moment {
        Moment {
            when,
            signal: level.signal,
            noise: level.noise,
            power: means(found),
            power_std_error: errors(found),
            closed_form: clean.iter().map(|&power| noised(power, level)).collect(),
        }
    }
}

impl Spectrum {
    fn new(
        source: String,
        pictures: usize,
        shape: [usize; 3],
        bands: &Bands,
        clean: &[Mean],
        spectra: Vec<Moment>,
        over: Over,
    ) -> Spectrum {
        let power = means(clean);
        let law = PowerLaw::fit(bands.frequencies(), &power);
        Spectrum {
            source,
            pictures,
            shape,
            alpha: law.map(|law| law.alpha),
            alpha_std_error: law.map(|law| law.std_error),
            frequencies: bands.frequencies().to_vec(),
            counts: bands.counts().to_vec(),
            power,
            power_std_error: errors(clean),
            spectra,
            over,
        }
    }

    fn title(&self) -> String {
        let Spectrum { source, pictures, .. } = self;
        let alpha = match (self.alpha, self.alpha_std_error) {
            (Some(alpha), Some(error)) => format!(": S(f) ∝ f^−α with α = {alpha:.2} ± {error:.2}"),
            _ => String::new(),
        };
        let plural = if *pictures == 1 { "" } else { "s" };
        format!("{source}, {pictures} picture{plural}{alpha}")
    }

    /// At most some twenty rings, each with when it drowns or is painted.
    fn tell(&self, console: Console) -> Result<()> {
        console.print(self.title())?;
        let what = match &self.over {
            Over::Schedule { .. } => "drowned from t",
            Over::Sampler { .. } => "painted from step",
        };
        console.print(format!("{:>14} {:>11} {:>11} {:>18}", "cycles a pixel", "power", "± ", what))?;
        let rings = self.frequencies.len();
        for ring in (0..rings).step_by(rings.div_ceil(20).max(1)) {
            let when = match &self.over {
                Over::Schedule { drowned_from, .. } => {
                    drowned_from[ring].map_or("never".to_string(), |t| t.to_string())
                }
                Over::Sampler { fixed_from, .. } => fixed_from[ring].to_string(),
            };
            console.print(format!(
                "{:>14.4} {:>11} {:>11} {when:>18}",
                self.frequencies[ring],
                digits(self.power[ring]),
                self.power_std_error[ring].map_or("–".to_string(), digits)
            ))?;
        }
        Ok(())
    }

    fn document(&self) -> Document {
        // Frequency 0 has no place on a logarithmic axis.
        let over_frequency = |power: &[f64]| -> Vec<(f64, f64)> {
            self.frequencies.iter().copied().zip(power.iter().copied()).skip(1).collect()
        };
        let mut series = vec![Series {
            name: Some(if matches!(self.over, Over::Schedule { .. }) { "clean" } else { "painted" }.into()),
            points: over_frequency(&self.power),
            ..Series::default()
        }];
        for (i, moment) in self.spectra.iter().enumerate() {
            let name = match moment.when {
                When::T(t) => format!("t = {t}"),
                When::Step(step) => format!("step {step}"),
            };
            let measured = over_frequency(&moment.power);
            series.push(Series { name: Some(name), dots: true, points: measured, ..Series::default() });
            let points = over_frequency(&moment.closed_form);
            series.push(Series { colour: Some(i + 1), points, ..Series::default() });
        }
        let mut charts = vec![Chart {
            title: "power over frequency: dots measured, lines s² S(f) + n²",
            across: "cycles a pixel",
            log: true,
            log_across: true,
            series,
        }];
        charts.extend(match &self.over {
            Over::Schedule { crossover, timesteps, .. } => {
                let at = |(i, &f): (usize, &f64)| ((i + 1) as f64 / *timesteps as f64, f);
                vec![line(
                    "noise is the stronger above this frequency",
                    "t / T",
                    crossover.iter().enumerate().map(at),
                )]
            }
            Over::Sampler { step, crossover, fixed_from, deviations, .. } => {
                let at = |(&step, &f): (&usize, &f64)| (step as f64, f);
                let fixed = self.frequencies.iter().zip(fixed_from).map(|(&f, &step)| (f, step as f64));
                vec![
                    Chart { log: true, ..self.settling(step, deviations) },
                    line("x̂_0 stays near its last value from this step on", "cycles a pixel", fixed),
                    line(
                        "noise is the stronger above this frequency",
                        "step",
                        step.iter().zip(crossover).map(at),
                    ),
                ]
            }
        });
        Document { title: self.title(), charts, ..Document::default() }
    }

    /// How x̂_0 settles, for rings of some frequencies.
    fn settling(&self, step: &[usize], deviations: &[Vec<f64>]) -> Chart {
        let rings = self.frequencies.len();
        let mut shown: Vec<usize> =
            [0, 1, 2, 4, 8, 16, 32, 64].into_iter().filter(|&ring| ring < rings).collect();
        shown.truncate(MOMENTS + 1);
        let of = |ring: usize| Series {
            name: Some(format!("{:.2}", self.frequencies[ring])),
            points: step.iter().zip(deviations).map(|(&step, off)| (step as f64, off[ring])).collect(),
            ..Series::default()
        };
        Chart {
            title: "how far x̂_0 is from its last value, by cycles a pixel",
            across: "step",
            series: shown.into_iter().map(of).collect(),
            ..Chart::default()
        }
    }
}

/// A chart of one curve.
fn line(title: &'static str, across: &'static str, points: impl Iterator<Item = (f64, f64)>) -> Chart {
    let curve = Series { name: Some(title.to_string()), points: points.collect(), ..Series::default() };
    Chart { title, across, series: vec![curve], ..Chart::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_times_of_the_schedule() {
        assert_eq!(moments(1000), [50, 100, 200, 400, 700, 1000]);
        assert_eq!(moments(1), [1]);
        assert_eq!(moments(3), [1, 2, 3]);
    }
}
