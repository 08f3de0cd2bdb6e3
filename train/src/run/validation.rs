//! The loss on pictures that training never sees, always the same ones, at the same times and under the same noise.

use super::Run;
use super::held_out;
use crate::data::{self, Batch, DataOptions, Source, Split, read_batch};
use crate::metrics::Window;
use crate::purpose;
use crate::{Config, Result};
use std::sync::Arc;
use tweedie_autograd::Var;
use tweedie_diffusion::Condition;
use tweedie_nn::{Ctx, Inputs};
use tweedie_tensor::ops;
use tweedie_tensor::random::{self, Stream};

/// The pictures that are looked at, each once in every tenth of 1..T.
const PICTURES: usize = 64;
const DECILES: usize = 10;
/// A validation comes after as many pictures of training as make it a thirtieth of the work: it passes 640 pictures
/// forward, and training passes each forward and back.
const LEARNT_BETWEEN: u64 = 6_400;
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

/// Where pictures for validation come from, and what is left to learn from.
pub(super) struct Parts {
    pub(super) learnt: Arc<dyn Source>,
    pub(super) held_out: Option<Arc<dyn Source>>,
    /// Why there are none, where that is worth a word.
    pub(super) note: Option<String>,
}

impl Parts {
    /// The pictures of a run: those held out where the configuration asks for it, else the data's test part, if it has
    /// one.
    ///
    /// # Errors
    /// A share that leaves nothing to learn from.
    pub(super) fn of(config: &Config, whole: Arc<dyn Source>, options: &DataOptions) -> Result<Parts> {
        let data = &config.data;
        if data.hold_out > 0.0 {
            let [learnt, held_out] = held_out::split(&whole, data.hold_out)?;
            return Ok(Parts { learnt, held_out: Some(held_out), note: None });
        }
        if data.split != Split::Train || config.train.validate_every == Some(0) {
            return Ok(Parts { learnt: whole, held_out: None, note: None });
        }
        let [channels, ..] = whole.shape();
        let options = DataOptions { channels: Some(channels), ..*options };
        let (held_out, note) = match data::open(&data.source, Split::Test, &options) {
            Ok(test) if test.shape() != whole.shape() || test.words() != whole.words() => {
                (None, Some("no validation: the test part has pictures of another form".to_string()))
            }
            Ok(test) if is_same(&*test, &*whole) => (None, None),
            Ok(test) => (Some(test), None),
            Err(error) => (None, Some(format!("no validation: {error}"))),
        };
        Ok(Parts { learnt: whole, held_out, note })
    }
}

/// Whether two sets are one, as the parts of data without a test part are: as many pictures, and the same ones wherever one
/// looks.
fn is_same(a: &dyn Source, b: &dyn Source) -> bool {
    let (len, each) = (a.len(), a.shape().iter().product());
    let (mut from_a, mut from_b) = (vec![0; each], vec![0; each]);
    len == b.len()
        && (0..16.min(len)).all(|i| {
            let index = i * len / 16.min(len);
            let read = [a.read(index, &mut from_a).is_ok(), b.read(index, &mut from_b).is_ok()];
            read == [true; 2] && from_a == from_b
        })
}

/// How many bytes the pictures of a run's validations take, of this shape (channels, height, width).
pub(crate) fn bytes(config: &Config, shape: [usize; 3]) -> u64 {
    let pictures = if config.train.validate_every == Some(0) { 0 } else { PICTURES };
    shape.iter().fold((pictures * size_of::<f32>()) as u64, |bytes, &side| bytes.saturating_mul(side as u64))
}

/// Steps between validations where the configuration does not say.
pub(super) fn every(batch: usize) -> u64 {
    (LEARNT_BETWEEN / batch.max(1) as u64).max(1)
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
            if chosen.len() == PICTURES {
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

    /// Measures with the averaged weights. Nothing of the run changes.
    ///
    /// # Errors
    /// None that training did not exclude.
    pub(super) fn measure(&self, run: &Run) -> Result<Validated> {
        let (mut window, mut total) = (Window::default(), 0.0);
        let at_a_time = run.config.train.batch.min(self.len());
        for decile in 0..DECILES {
            for first in (0..self.len()).step_by(at_a_time) {
                let n = at_a_time.min(self.len() - first);
                let (losses, errors, times) = self.part(run, decile, first, n)?;
                total += losses.iter().sum::<f64>();
                window.add(0.0, &errors, run.shares(&times));
            }
        }
        Ok(Validated { loss: total / (DECILES * self.len()) as f64, by_decile: window.deciles() })
    }

    /// Pictures `first..first + n` in one tenth: losses, squared errors, times.
    fn part(
        &self,
        run: &Run,
        decile: usize,
        first: usize,
        n: usize,
    ) -> Result<(Vec<f64>, Vec<f64>, Vec<usize>)> {
        let Config { train, model, diffusion, .. } = &run.config;
        let x = ops::narrow(&self.pictures.x, 0, first, n)?;
        let noise = random::normal(*x.shape(), SEED, purpose::VALIDATION, decile as u64, first as u64);
        let times: Vec<usize> =
            self.times(decile, run.schedule.num_timesteps()).skip(first).take(n).collect();
        let x_t = run.schedule.q_sample(&x, &times, &noise)?;
        let clocks: Vec<f64> = run.schedule.timesteps_at(&times)?.iter().map(|time| time.clock()).collect();
        let shown = Condition {
            classes: train.class_conditional.then(|| self.pictures.labels[first..first + n].to_vec()),
            captions: model.caption.as_ref().map(|_| self.pictures.captions[first..first + n].to_vec()),
        };
        let ctx = Ctx::inference(run.ema.params());
        let (classes, captions) = (shown.classes.as_deref(), shown.captions.as_deref());
        let inputs = Inputs { timesteps: &clocks, classes, captions };
        let output = run.network.forward(&ctx, Var::constant(x_t), inputs)?.into_value();
        let measured = diffusion.loss().evaluate(&run.schedule, &x, &noise, &times, output, &vec![1.0; n])?;
        Ok((measured.losses, measured.squared_errors, times))
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
