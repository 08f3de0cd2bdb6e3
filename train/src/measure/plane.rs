//! A model of points of the plane beside the exact answer: densities, scores, and where samplers go.

use crate::config::SamplerKind;
use crate::data::{POINT, Source, read_batch};
use crate::{Error, Model, Result};
use rayon::prelude::*;
use serde::Serialize;
use tweedie_diffusion::plane::{Grid, Units, Ways, density, score, score_error, sliced_wasserstein, ways};
use tweedie_diffusion::{
    Condition, Denoiser, EmpiricalDenoiser, Level, Prediction, SamplerSettings, Schedule, Timestep, purpose,
};
use tweedie_tensor::random::{self, Stream};
use tweedie_tensor::{Tensor, ops};

/// The most points that the exact answer is computed from: each asks all of them.
const MOST: usize = 20_000;
/// Cells along each side of a picture of a density, and arrows along each side of one of a score.
const CELLS: usize = 96;
const ARROWS: usize = 15;
/// Half the side of the square that is looked at, in standardised units.
const HALF: f64 = 3.0;
/// How far a density is blurred, in cells, so that none of its peaks falls between two.
const BLUR: f64 = 0.7;

/// What is needed to look at a model of the plane.
pub struct Plane<'a> {
    model: &'a Model,
    schedule: &'a Schedule,
    data: Tensor<f32>,
    exact: Parallel,
    fresh: Tensor<f32>,
    floor: f64,
    seed: u64,
}

/// The plane at one time of the diffusion.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The exact density q_t at the centre of each cell of [`Plane::cells`].
    pub density: Vec<f64>,
    /// The exact score at the centre of each cell of [`Plane::arrows`].
    pub exact: Vec<[f64; 2]>,
    /// The score that the model has learnt, likewise.
    pub learnt: Vec<[f64; 2]>,
    /// How far the one is from the other.
    pub scores: Scores,
}

/// The learnt score against the exact one, at one time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scores {
    /// The index of the time, from 0.
    pub t: usize,
    /// √ᾱ_t.
    pub signal: f64,
    /// √(1 − ᾱ_t).
    pub noise: f64,
    /// E‖s_θ − s‖² over points drawn at this time.
    pub squared_error: f64,
    /// E‖s‖² of them.
    pub squared_score: f64,
    /// (1 − ᾱ_t) E‖s_θ − s‖², in units of the noise.
    pub in_noise: f64,
}

/// Where a sampler goes from the same noise under the learnt and under the exact denoiser.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The sampler.
    pub kind: SamplerKind,
    /// How many times it asks the denoiser for each point.
    pub evaluations: usize,
    /// Under the model.
    pub learnt: Sampled,
    /// Under the exact denoiser.
    pub exact: Sampled,
}

/// What a sampler made of noise.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// The ways of all points.
    pub ways: Ways<f32>,
    /// The sliced Wasserstein distance of where they end from fresh points.
    pub distance: f64,
}

impl<'a> Plane<'a> {
    /// To look at `model`, which has learnt from `source`. Up to `n` points of `fresh` stand for the distribution itself where
    /// samples are compared with it: half of it at most, since the other half is compared with them.
    ///
    /// # Errors
    /// A model or data that are not of points; fewer than two points.
    pub fn new(
        model: &'a Model,
        source: &dyn Source,
        fresh: &dyn Source,
        n: usize,
        seed: u64,
    ) -> Result<Plane<'a>> {
        if model.shape() != POINT {
            let [channels, height, width] = model.shape();
            return Err(Error::config(
                format!("a model of pictures of {channels} x {height} x {width}"),
                "inspect plane",
                "give a run that has learnt points, as with `train --data moons`",
            ));
        }
        for data in [source, fresh] {
            if data.shape() != POINT || data.len() < 2 {
                let what = "the data are no points of the plane, or fewer than two";
                return Err(Error::config(what, "--data", "give moons, or a file of two columns"));
            }
        }
        let drawn = |from: &dyn Source, purpose: u64, most: usize| -> Result<Tensor<f32>> {
            let mut order = Stream::new(seed, purpose::EVALUATION, purpose, 0).permutation(from.len());
            order.truncate(most);
            Ok(read_batch(from, &order)?.x)
        };
        let data = drawn(source, 0, MOST)?;
        let n = n.clamp(1, fresh.len() / 2);
        let both = drawn(fresh, 1, 2 * n)?;
        let (fresh, others) = (ops::narrow(&both, 0, 0, n)?, ops::narrow(&both, 0, n, n)?);
        Ok(Plane {
            model,
            schedule: model.schedule()?,
            exact: Parallel(EmpiricalDenoiser::new(data.clone())?),
            data,
            floor: sliced_wasserstein(&fresh, &others)?,
            fresh,
            seed,
        })
    }

    /// The number of times of the model's schedule.
    pub fn num_timesteps(&self) -> usize {
        self.schedule.num_timesteps()
    }

    /// The level of signal and noise at a time.
    ///
    /// # Panics
    /// When there is no such time.
    pub fn level(&self, t: usize) -> Level {
        self.schedule.level(t)
    }

    /// The cells of the densities.
    pub fn cells(&self) -> Grid {
        Grid::square(HALF, CELLS)
    }

    /// The cells of the scores.
    pub fn arrows(&self) -> Grid {
        Grid::square(HALF, ARROWS)
    }

    /// The units of the data.
    pub fn units(&self) -> Units {
        self.model.data().and_then(|data| data.units).unwrap_or_default()
    }

    /// How many points the exact answer is computed from.
    pub fn points(&self) -> usize {
        self.data.dims()[0]
    }

    /// How many fresh points there are, and samples to compare with them.
    pub fn fresh(&self) -> usize {
        self.fresh.dims()[0]
    }

    /// The sliced Wasserstein distance of the fresh points from as many others: what perfect samples would come to.
    pub fn floor(&self) -> f64 {
        self.floor
    }

    /// The learnt score against the exact one, at fresh points noised to time `t`.
    ///
    /// # Errors
    /// A prediction that is not finite.
    pub fn scores(&self, t: usize) -> Result<Scores> {
        let n = self.fresh();
        let noise = random::normal([n, 2, 1, 1], self.seed, purpose::EVALUATION, 2 + t as u64, 0);
        let x_t = self.schedule.q_sample(&self.fresh, &vec![t; n], &noise)?;
        let error = score_error(self.model, &self.exact, &x_t, self.schedule.timestep(t))?;
        let Level { signal, noise } = self.level(t);
        Ok(Scores {
            t,
            signal,
            noise,
            squared_error: error.squared,
            squared_score: error.of_exact,
            in_noise: error.in_noise,
        })
    }

    /// The plane at time `t`.
    ///
    /// # Errors
    /// As [`Plane::scores`].
    pub fn moment(&self, t: usize) -> Result<Moment> {
        let cells = self.cells();
        let (time, arrows) = (self.schedule.timestep(t), self.arrows().points());
        Ok(Moment {
            density: density(&self.data, self.level(t), BLUR * cells.cell()[0], &cells)?,
            exact: pairs(&score(&self.exact, &arrows, time)?),
            learnt: pairs(&score(self.model, &arrows, time)?),
            scores: self.scores(t)?,
        })
    }

    /// Runs a sampler for so many steps under the model and under the exact denoiser, from the same noise.
    ///
    /// # Errors
    /// Steps that the schedule does not have; a prediction that is not finite.
    pub fn compare(&self, kind: SamplerKind, steps: usize) -> Result<Compared> {
        let times = kind.times(self.schedule, steps, None)?;
        let settings = SamplerSettings::new(kind);
        let sampled = |denoiser: &dyn Denoiser<f32>| -> Result<Sampled> {
            let start = random::normal([self.fresh(), 2, 1, 1], self.seed, purpose::START, 0, 0);
            let ways = ways(&settings, &times, denoiser, start, self.seed)?;
            Ok(Sampled { distance: sliced_wasserstein(ways.last(), &self.fresh)?, ways })
        };
        let (learnt, exact) = (sampled(self.model)?, sampled(&self.exact)?);
        Ok(Compared { kind, evaluations: learnt.ways.evaluations, learnt, exact })
    }
}

/// The points of a batch.
fn pairs(x: &Tensor<f32>) -> Vec<[f64; 2]> {
    x.as_slice().chunks_exact(2).map(|pair| [f64::from(pair[0]), f64::from(pair[1])]).collect()
}

/// The exact denoiser, asked by all threads at once. What it answers does not depend on how many there are.
struct Parallel(EmpiricalDenoiser<f32>);

/// Points that a thread asks for at a time.
const AT_A_TIME: usize = 16;

impl Denoiser<f32> for Parallel {
    fn predict(
        &self,
        x_t: &Tensor<f32>,
        t: &[Timestep],
        condition: &Condition,
    ) -> tweedie_diffusion::Result<Prediction<f32>> {
        let n = t.len();
        let parts: Vec<Prediction<f32>> = (0..n.div_ceil(AT_A_TIME))
            .into_par_iter()
            .map(|part| {
                let first = part * AT_A_TIME;
                let len = AT_A_TIME.min(n - first);
                let x_t = ops::narrow(x_t, 0, first, len)?;
                self.0.predict(&x_t, &t[first..first + len], condition)
            })
            .collect::<tweedie_diffusion::Result<_>>()?;
        let Some(kind) = parts.first().map(|part| part.kind) else {
            return self.0.predict(x_t, t, condition);
        };
        let values: Vec<&Tensor<f32>> = parts.iter().map(|part| &part.value).collect();
        Ok(Prediction::new(kind, ops::concat(&values, 0)?))
    }
}
