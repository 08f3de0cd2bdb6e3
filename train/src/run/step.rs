//! One step of training.

use super::Run;
use crate::data::Batch;
use crate::purpose;
use crate::{Config, Error, Result};
use tweedie_autograd::{Tape, Var};
use tweedie_diffusion::{Condition, LossValue};
use tweedie_nn::lr::{Decay, LearningRate};
use tweedie_nn::optim::StepOptions;
use tweedie_nn::{Ctx, Inputs};
use tweedie_tensor::random::{self, Stream};

/// What one step measured.
pub(super) struct StepReport {
    pub(super) loss: f64,
    pub(super) grad_norm: f64,
    pub(super) learning_rate: f64,
    pub(super) errors: Vec<f64>,
    pub(super) times: Vec<usize>,
}

impl Run {
    /// One step: a batch becomes x_t, goes through the network, comes back as gradients, moves the weights.
    pub(super) fn train_step(&mut self, batch: &Batch) -> Result<StepReport> {
        let Config { train, diffusion, optimizer, .. } = &self.config;
        let n = train.batch;
        let (seed, step) = (train.seed, self.step);
        let draws = self.times.draw(n, 0..n, seed, step)?;
        let times: Vec<usize> = draws.iter().map(|draw| draw.t).collect();
        let noise = random::normal(*batch.x.shape(), seed, tweedie_diffusion::purpose::NOISE, step, 0);
        let x_t = self.schedule.q_sample(&batch.x, &times, &noise)?;
        let at = self.schedule.timesteps_at(&times)?;
        let Condition { classes, captions } = self.shown(batch);
        let clocks: Vec<f64> = at.iter().map(|time| time.clock()).collect();
        let importance: Vec<f64> = draws.iter().map(|draw| draw.importance).collect();

        let tape = Tape::new();
        let ctx = Ctx::training(&self.params, &tape).with_dropout(seed, step, 0);
        let (classes, captions) = (classes.as_deref(), captions.as_deref());
        let inputs = Inputs { timesteps: &clocks, classes, captions };
        let output = self.network.forward(&ctx, Var::constant(x_t), inputs)?;
        drop(ctx);
        let LossValue { losses, squared_errors, gradient } = diffusion.loss().evaluate(
            &self.schedule,
            &batch.x,
            &noise,
            &times,
            output.value().clone(),
            &importance,
        )?;
        let value = losses.iter().zip(&importance).map(|(loss, times)| loss * times).sum::<f64>() / n as f64;
        let gradients = self.params.collect(output.vjp(gradient)?);

        let learning_rate = self.learning_rate().at(step);
        let options =
            StepOptions { lr: learning_rate, clip: Some(optimizer.clip), average: Some(&mut self.ema) };
        let grad_norm = self.optimizer.step(&mut self.params, &gradients, options)?.grad_norm;
        if !value.is_finite() || !grad_norm.is_finite() {
            return Err(Error::Diverged { step });
        }
        self.times.record(&draws, &losses);
        Ok(StepReport { loss: value, grad_norm, learning_rate, errors: squared_errors, times })
    }

    /// What the network is told of the batch: classes and captions, some samples' replaced by the class that means
    /// "no class" and by the empty caption.
    fn shown(&self, batch: &Batch) -> Condition {
        let train = &self.config.train;
        let null = self.config.data.classes.len();
        let dropped: Vec<bool> = (0..batch.labels.len())
            .map(|i| {
                let mut stream = Stream::new(train.seed, purpose::GUIDANCE, self.step, i as u64);
                stream.uniform() < train.label_dropout
            })
            .collect();
        let classes = train.class_conditional.then(|| {
            let shown = batch.labels.iter().zip(&dropped);
            shown.map(|(&label, &dropped)| if dropped { null } else { label }).collect()
        });
        let captions = self.config.model.caption.as_ref().map(|_| {
            let shown = batch.captions.iter().zip(&dropped);
            shown.map(|(caption, &dropped)| if dropped { Vec::new() } else { caption.clone() }).collect()
        });
        Condition { classes, captions }
    }

    fn learning_rate(&self) -> LearningRate {
        let optimizer = &self.config.optimizer;
        let (peak, warmup) = (optimizer.learning_rate, optimizer.warmup);
        match (optimizer.decay_start, self.config.train.steps) {
            (Some(decay_start), Some(total)) => LearningRate::Trapezoidal {
                peak,
                warmup,
                decay_start,
                total,
                floor: 0.0,
                decay: Decay::Linear,
            },
            _ => LearningRate::Constant { peak, warmup },
        }
    }

    pub(super) fn shares<'a>(&self, times: &'a [usize]) -> impl Iterator<Item = f64> + 'a {
        let all = self.config.diffusion.timesteps as f64;
        times.iter().map(move |&t| t as f64 / all)
    }
}
