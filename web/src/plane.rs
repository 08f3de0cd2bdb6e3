//! The two-dimensional laboratory: a network learns points of the plane while one looks on.

use crate::refusal::{Result, asked, refused, told};
use serde::{Deserialize, Serialize};
use tweedie_diffusion::plane::{Distribution, Grid, batch, score, sliced_wasserstein, ways};
use tweedie_diffusion::{SamplerKind, SamplerSettings, Times, purpose};
use tweedie_tensor::{Tensor, random};
use tweedie_train::data::{Batch, Order};
use tweedie_train::{Config, Trainer};
use wasm_bindgen::prelude::wasm_bindgen;

/// The names of the distributions, as JSON.
///
/// # Errors
/// None.
#[wasm_bindgen]
pub fn distributions() -> Result<String> {
    told(&Distribution::ALL.map(Distribution::name))
}

/// Points that are learnt.
const POINTS: usize = 10_000;

/// A run in the plane.
#[wasm_bindgen]
pub struct Plane {
    trainer: Trainer,
    distribution: Distribution,
    order: Order,
}

/// What sampling is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    n: usize,
    sampler: SamplerKind,
    steps: usize,
    seed: u64,
}

/// The ways that samples took.
#[wasm_bindgen(getter_with_clone)]
#[derive(Debug)]
pub struct Taken {
    /// All samples before the first step and after each: x and y of each sample, state after state.
    pub points: Vec<f32>,
    /// The sliced Wasserstein distance of where they end to as many points of the data.
    pub distance: f64,
}

/// A field of arrows at a time.
#[wasm_bindgen(getter_with_clone)]
#[derive(Debug)]
pub struct Field {
    /// ∇ log p_t(x) times the deviation of the noise, x and y at each centre of the grid, row by row from the least y.
    pub arrows: Vec<f32>,
    /// Points of the data under the noise of that time.
    pub noised: Vec<f32>,
    /// √(1 − ᾱ_t).
    pub noise: f64,
}

#[derive(Debug, Serialize)]
struct About {
    parameters: usize,
    batch: usize,
    timesteps: usize,
}

#[wasm_bindgen]
impl Plane {
    /// A run before its first step.
    ///
    /// # Errors
    /// A distribution that does not exist.
    #[wasm_bindgen(constructor)]
    pub fn new(distribution: &str, seed: u64) -> Result<Plane> {
        let distribution: Distribution = distribution.parse().map_err(refused)?;
        let mut config = Config::preset("plane").map_err(refused)?;
        config.data.source = distribution.name().to_string();
        // It goes on for as long as one looks.
        (config.train.seed, config.train.time_budget) = (seed, None);
        config.train.class_conditional = false;
        let order = Order::new(seed, POINTS).map_err(refused)?;
        Ok(Plane { trainer: Trainer::new(config).map_err(refused)?, distribution, order })
    }

    /// What the run is, as JSON.
    ///
    /// # Errors
    /// None.
    pub fn about(&self) -> Result<String> {
        let batch = self.trainer.config().train.batch;
        let timesteps = self.trainer.schedule().num_timesteps();
        told(&About { parameters: self.trainer.params().numel(), batch, timesteps })
    }

    /// Takes a step, and returns its loss.
    ///
    /// # Errors
    /// A loss that is no longer finite.
    pub fn step(&mut self) -> Result<f64> {
        let batch = self.trainer.config().train.batch;
        let first = self.trainer.steps() * batch as u64;
        let number = |k: u64| self.order.index(k) as u64;
        let numbers: Vec<u64> = (first..).take(batch).map(number).collect();
        let points = self.points(numbers);
        Ok(self.trainer.step(&Batch::of(points)).map_err(refused)?.loss)
    }

    /// Steps taken.
    pub fn steps(&self) -> f64 {
        self.trainer.steps() as f64
    }

    /// The digest of the weights: what `tweedie train --json` calls `weights_digest`.
    pub fn digest(&self) -> String {
        self.trainer.digest()
    }

    /// The first n points that are learnt, x and y of each.
    pub fn data(&self, n: usize) -> Vec<f32> {
        self.points(0..n as u64).as_slice().to_vec()
    }

    /// Samples with the averaged weights, all the way.
    ///
    /// # Errors
    /// A request that no sampler takes; an output that is not finite.
    pub fn ways(&self, json: &str) -> Result<Taken> {
        let Asked { n, sampler, steps, seed } = asked(json)?;
        let model = self.trainer.model().map_err(refused)?;
        let times: Times = sampler.times(self.trainer.schedule(), steps, None).map_err(refused)?;
        let start = random::normal([n, 2, 1, 1], seed, purpose::START, 0, 0);
        let taken = ways(&SamplerSettings::new(sampler), &times, &model, start, seed).map_err(refused)?;
        let distance = sliced_wasserstein(taken.last(), &self.points(0..n as u64)).map_err(refused)?;
        let points = taken.states.iter().flat_map(|state| state.as_slice().iter().copied()).collect();
        Ok(Taken { points, distance })
    }

    /// The learnt score at time `t` on a grid of `side` by `side` cells from −`half` to `half`, and `n` points of the data at that
    /// time.
    ///
    /// # Errors
    /// A time that the schedule does not have.
    pub fn field(&self, t: usize, half: f64, side: usize, n: usize) -> Result<Field> {
        let (schedule, model) = (self.trainer.schedule(), self.trainer.model().map_err(refused)?);
        let at = schedule.timesteps_at(&[t]).map_err(refused)?[0];
        let score = score(&model, &Grid::square(half, side).points(), at).map_err(refused)?;
        let noise = at.level().noise;
        let points = self.points(0..n as u64);
        let drawn = random::normal(*points.shape(), 0, purpose::NOISE, 0, 0);
        let noised = schedule.q_sample(&points, &vec![t; n], &drawn).map_err(refused)?;
        Ok(Field {
            arrows: score.as_slice().iter().map(|&s| (noise * f64::from(s)) as f32).collect(),
            noised: noised.as_slice().to_vec(),
            noise,
        })
    }
}

impl Plane {
    /// The points with these numbers.
    fn points(&self, numbers: impl IntoIterator<Item = u64>) -> Tensor<f32> {
        let points: Vec<[f64; 2]> =
            numbers.into_iter().map(|number| self.distribution.point(0, number)).collect();
        batch(&points)
    }
}
