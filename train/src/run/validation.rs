//! The loss on pictures that training never sees, always the same ones, at the same times and under the same noise.

use super::amounts::VALIDATED;
use super::trainable::Trainable;
use super::trainer::Trainer;
use super::window::Window;
use crate::data::{Batch, Source, read_batch};
use crate::{Result, purpose};
use tweedie_autograd::Var;
use tweedie_diffusion::Condition;
use tweedie_nn::Ctx;
use tweedie_tensor::ops;
use tweedie_tensor::random::{self, Stream};

/// Each picture is looked at once in every tenth of 1..T.
const DECILES: usize = 10;
/// Not the run's seed: what is measured must be the same in runs of any seed.
const SEED: u64 = 0;
/// Streams of [`purpose::VALIDATION`]: the noise of tenth d is step d of it, its times step `TIMES` + d.
const CHOICE: u64 = 100;
const TIMES: u64 = 200;

/// What one validation measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Validated {
    /// The training loss, over pictures and times.
    pub(super) loss: f64,
    /// The unweighted squared error in each tenth of 1..T.
    pub(super) by_decile: [Option<f64>; DECILES],
}

/// The pictures of a run's validations.
pub(super) struct Validation {
    pictures: Batch,
    /// How many there are to choose from.
    pub(super) of: usize,
}

/// What was measured on some of the pictures in one tenth: losses, squared errors and times, one each.
struct Part {
    losses: Vec<f64>,
    squared_errors: Vec<f64>,
    times: Vec<usize>,
}

impl Validation {
    /// Chooses from `held_out`, whose labels become those of `classes` by name; `None` if it has no picture of any.
    ///
    /// # Errors
    /// Pictures that cannot be read.
    pub(super) fn new(held_out: &dyn Source, classes: &[String]) -> Result<Option<Validation>> {
        let order = Stream::new(SEED, purpose::VALIDATION, CHOICE, 0).permutation(held_out.len());
        let known: Vec<Option<usize>> =
            held_out.classes().iter().map(|name| classes.iter().position(|class| class == name)).collect();
        let mut bytes = vec![0; held_out.shape().iter().product()];
        let (mut chosen, mut labels) = (Vec::new(), Vec::new());
        for index in order {
            let label = held_out.read(index, &mut bytes)?;
            // A set without classes has labels that mean nothing.
            let label = if known.is_empty() { Some(label) } else { known.get(label).copied().flatten() };
            if let Some(label) = label {
                chosen.push(index);
                labels.push(label);
            }
            if chosen.len() == VALIDATED {
                break;
            }
        }
        if chosen.is_empty() {
            return Ok(None);
        }
        let pictures = Batch { labels, ..read_batch(held_out, &chosen)? };
        Ok(Some(Validation { pictures, of: held_out.len() }))
    }

    /// How many pictures are looked at.
    pub(super) fn len(&self) -> usize {
        self.pictures.labels.len()
    }

    /// Measures with the averaged weights, unless `is_stopped` before it is done. Nothing of the run changes.
    ///
    /// # Errors
    /// None that training did not exclude.
    pub(super) fn measure<N: Trainable>(
        &self,
        trainer: &Trainer<N>,
        is_stopped: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Validated>> {
        let timesteps = trainer.config().diffusion.timesteps as f64;
        let (mut window, mut total) = (Window::default(), 0.0);
        let at_a_time = trainer.config().train.batch.min(self.len());
        for decile in 0..DECILES {
            for first in (0..self.len()).step_by(at_a_time) {
                if is_stopped() {
                    return Ok(None);
                }
                let n = at_a_time.min(self.len() - first);
                let measured = self.part(trainer, decile, first, n)?;
                total += measured.losses.iter().sum::<f64>();
                let shares = measured.times.iter().map(|&t| t as f64 / timesteps);
                window.add(0.0, &measured.squared_errors, shares);
            }
        }
        let loss = total / (DECILES * self.len()) as f64;
        Ok(Some(Validated { loss, by_decile: window.deciles() }))
    }

    /// Pictures `first..first + n` in one tenth.
    fn part<N: Trainable>(
        &self,
        trainer: &Trainer<N>,
        decile: usize,
        first: usize,
        n: usize,
    ) -> Result<Part> {
        let (config, schedule) = (trainer.config(), trainer.schedule());
        let x = ops::narrow(&self.pictures.x, 0, first, n)?;
        let noise = random::normal(*x.shape(), SEED, purpose::VALIDATION, decile as u64, first as u64);
        let times: Vec<usize> = self.times(decile, schedule.num_timesteps()).skip(first).take(n).collect();
        let x_t = schedule.q_sample(&x, &times, &noise)?;
        let captioned = config.model.caption.is_some();
        let condition = Condition {
            classes: config.train.class_conditional.then(|| self.pictures.labels[first..first + n].to_vec()),
            captions: captioned.then(|| self.pictures.captions[first..first + n].to_vec()),
        };
        let ctx = Ctx::inference(trainer.average());
        let output = trainer.predict(&ctx, Var::constant(x_t), &times, &condition)?.into_value();
        let loss = config.diffusion.loss();
        let measured = loss.evaluate(schedule, &x, &noise, &times, output, &vec![1.0; n])?;
        Ok(Part { losses: measured.losses, squared_errors: measured.squared_errors, times })
    }

    /// The times of all pictures in a tenth: one in each of as many equal parts of it, in random order.
    fn times(&self, decile: usize, timesteps: usize) -> impl Iterator<Item = usize> {
        let n = self.len();
        let stream =
            move |sample: usize| Stream::new(SEED, purpose::VALIDATION, TIMES + decile as u64, sample as u64);
        let order = stream(n).permutation(n);
        order.into_iter().enumerate().map(move |(i, place)| {
            let within = (place as f64 + stream(i).uniform()) / n as f64;
            let share = (decile as f64 + within) / DECILES as f64;
            ((share * timesteps as f64) as usize).min(timesteps - 1)
        })
    }
}
