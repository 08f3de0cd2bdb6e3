//! The playground: pictures out of noise, step by step.

use super::answer::{Lines, on_the_pool};
use super::model::{drawable, is_of_points, most};
use super::plane::{Behind, Square};
use super::shelf::Shelf;
use super::shown::shown;
use crate::args::SamplerArgs;
use crate::commands::sampler_settings::settings;
use crate::error::{Failure, Result};
use crate::pictures::Pictures;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use tweedie_diffusion::spectrum::{Bands, mean_spectrum};
use tweedie_diffusion::{Level, SamplerKind, Setting, purpose};
use tweedie_tensor::{Tensor, ops, random};
use tweedie_train::model::edit::{self, Curve, Resampling};
use tweedie_train::plan::check_pictures;
use tweedie_train::{Model, Painting, SampleRequest, picture_digest};

/// Steps at most.
const MOST_STEPS: usize = 1000;

/// What to paint.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    model: String,
    #[serde(default = "yes")]
    averaged: bool,
    n: usize,
    sampler: SamplerKind,
    steps: usize,
    #[serde(default)]
    eta: Option<f64>,
    #[serde(default)]
    churn: Option<f64>,
    #[serde(default)]
    guidance: Option<f64>,
    /// The name or number of the class; empty for the model's classes in turn.
    #[serde(default)]
    class: String,
    #[serde(default)]
    caption: String,
    seed: u64,
    /// Another seed: the pictures lie between the two, along the great circle of their noise.
    #[serde(default)]
    to_seed: Option<u64>,
    /// A picture of which a part is to be painted.
    #[serde(default)]
    fill: Option<Fill>,
}

fn yes() -> bool {
    true
}

/// A picture and its mask, in base64.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fill {
    /// Bytes, row-major, channels interleaved.
    picture: String,
    /// A byte a pixel; what is not 0 is painted.
    mask: String,
    /// How often each step is taken: RePaint's resampling; 1 is replacement alone.
    #[serde(default = "once")]
    resamplings: usize,
}

fn once() -> usize {
    1
}

/// A line of the answer.
#[derive(Serialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line<'a> {
    /// First of all.
    Begin {
        n: usize,
        shape: [usize; 3],
        steps: usize,
        sampler: &'static str,
        frequencies: &'a [f64],
        /// Of points, the square that shows x̂_0; they have no frequencies.
        square: Option<Square>,
    },
    /// After each step.
    Step {
        step: usize,
        /// The time that the step left.
        t: f64,
        signal: f64,
        noise: f64,
        /// x after the step, and what the network saw in it before, in base64: bytes, of points f32 (little-endian).
        x: String,
        x0: String,
        /// Their power by ring of frequencies, the mean over pictures and channels.
        power_x: Vec<f64>,
        power_x0: Vec<f64>,
        /// Of points, the square that shows x.
        square: Option<Square>,
    },
    /// At the end.
    End { seconds: f64, pictures: String, digest: String },
}

/// Paints, and writes a line after each step.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Unread`] when the page no longer asks.
pub(super) fn paint(shelf: &Shelf, request: &Request, lines: &Lines) -> Result<()> {
    let model = drawable(shelf, &request.model, request.averaged)?;
    let shape = model.shape();
    let (asked, steps) = request.checked(&model)?;
    let behind = is_of_points(&model)?.then(|| Behind::of(&model));
    let square = |level: Level| behind.as_ref().map(|behind| behind.at(level)).transpose();
    let bands = if behind.is_none() { Some(Bands::new(shape[1], shape[2])?) } else { None };
    let Request { n, sampler, .. } = *request;
    lines.send(&Line::Begin {
        n,
        shape,
        steps,
        sampler: sampler.title(),
        frequencies: bands.as_ref().map_or(&[], Bands::frequencies),
        square: square(Level::CLEAN)?,
    })?;
    let began = Instant::now();
    let power = |x: &Tensor<f32>| -> Result<Vec<f64>> {
        let Some(bands) = &bands else { return Ok(Vec::new()) };
        Ok(mean_spectrum(&bands.spectra(x)?).iter().map(|mean| mean.mean).collect())
    };
    let mut painting = on_the_pool(|| request.begin(&model, &asked))?;
    // Each step is handed to the pool for itself, so that what else computes comes between.
    while let Some(state) = on_the_pool(|| painting.next()) {
        let state = state?;
        lines.send(&Line::Step {
            step: state.step,
            t: state.t.clock(),
            signal: state.level.signal,
            noise: state.level.noise,
            x: pixels(&state.x)?,
            x0: pixels(&state.x0_hat)?,
            power_x: power(&state.x)?,
            power_x0: power(&state.x0_hat)?,
            square: square(state.level)?,
        })?;
    }
    let pictures = painting.finish()?;
    let (seconds, digest) = (began.elapsed().as_secs_f64(), picture_digest(&pictures));
    lines.send(&Line::End { seconds, pictures: pixels(&pictures)?, digest })
}

impl Request {
    /// The request as the samplers know it, and how many steps it takes.
    fn checked(&self, model: &Model) -> Result<(SampleRequest, usize)> {
        let range = |what: &str, value: usize, most: usize| match (1..=most).contains(&value) {
            true => Ok(()),
            false => {
                Err(Failure::user(format!("{value} is out of range"), what, format!("give 1 to {most}")))
            }
        };
        let is_of_points = is_of_points(model)?;
        range(if is_of_points { "points" } else { "pictures" }, self.n, most(model)?)?;
        range("steps", self.steps, MOST_STEPS)?;
        if is_of_points && self.fill.is_some() {
            return Err(Failure::user("a point has no part to be repainted", "fill", "leave it out"));
        }
        check_pictures(model.network_config(), self.n, self.n, 0, "pictures")?;
        let args = SamplerArgs {
            sampler: Some(self.sampler),
            steps: u32::try_from(self.steps).ok(),
            eta: self.eta.filter(|_| self.sampler.reads(Setting::Eta)),
            churn: self.churn.filter(|_| self.sampler.reads(Setting::Churn)),
            spacing: None,
            guidance: self.guidance,
            guidance_rescale: None,
        };
        let sampling = settings(&args, model)?;
        let condition = shown(model, &self.class, &self.caption, self.n)?;
        let steps = sampling.steps;
        let mut request = SampleRequest::new(self.n, condition, self.seed, sampling);
        if let Some(to) = self.to_seed {
            let [c, h, w] = model.shape();
            let start = |seed| random::normal::<f32>([1, c, h, w], seed, purpose::START, 0, 0);
            let ends = ops::concat(&[&start(self.seed), &start(to)], 0)?;
            request.x_t = Some(edit::interpolate(&ends, self.n, Curve::Spherical)?);
        }
        Ok((request, steps))
    }

    /// The run that paints it.
    fn begin<'m>(&self, model: &'m Model, asked: &SampleRequest) -> Result<Painting<'m>> {
        let Some(fill) = &self.fill else { return Ok(model.sample(asked)?) };
        let [channels, height, width] = model.shape();
        let area = height * width;
        let bytes = decoded(&fill.picture, "picture", channels * area)?;
        let mask = decoded(&fill.mask, "mask", area)?;
        // From pixels to planes.
        let picture = Tensor::from_fn([channels, height, width], |i| {
            f32::from(bytes[i % area * channels + i / area]) / 127.5 - 1.0
        });
        let painted: Vec<bool> = (0..channels * area).map(|i| mask[i % area] != 0).collect();
        if !(1..=50).contains(&fill.resamplings) {
            return Err(Failure::user("out of range", "resamplings", "give 1 to 50"));
        }
        let resampling = Resampling { jump: (asked.sampling.steps / 10).max(1), times: fill.resamplings };
        Ok(edit::inpaint(model, asked, &picture, &painted, resampling)?)
    }
}

/// The bytes of a text in base64, of which there must be so many.
fn decoded(text: &str, what: &str, length: usize) -> Result<Vec<u8>> {
    let wrong = |why: String| Failure::user(why, what, "load the page again: the model may have changed");
    let bytes = STANDARD.decode(text).map_err(|error| wrong(format!("not base64 ({error})")))?;
    match bytes.len() == length {
        true => Ok(bytes),
        false => Err(wrong(format!("{} bytes where the model needs {length}", bytes.len()))),
    }
}

/// Pictures as the page draws them, in base64: bytes, one picture after another, channels interleaved; of points, f32
/// (little-endian).
pub(super) fn pixels(x: &Tensor<f32>) -> Result<String> {
    let pictures = Pictures::from_tensor(x)?;
    let bytes: Vec<u8> = (0..pictures.len()).flat_map(|i| pictures.get(i)).copied().collect();
    Ok(STANDARD.encode(bytes))
}
