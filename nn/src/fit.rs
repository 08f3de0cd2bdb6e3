use crate::lr::LearningRate;
use crate::optim::{OptimConfig, Optimizer, StepOptions, StepReport};
use crate::{Ctx, Ema, Error, Params, Result};
use tweedie_autograd::{Gradients, Tape, Var};
use tweedie_tensor::Tensor;

/// Parameters while they are fitted, with all that a step needs: the optimizer, the rate, the tape and the context.
///
/// Tape and context live as long as one pass. So at each step these are the only ones who hold the weights, which the
/// optimizer then writes in place; a [`Ctx`] that is still alive would make it copy each of them.
///
/// ```
/// use tweedie_autograd::{Var, ops::mse};
/// use tweedie_nn::{Builder, Fit, Layer, layers::Linear, optim::OptimConfig};
/// use tweedie_tensor::Tensor;
///
/// // y = 2 x − 1, at three places.
/// let x = Tensor::from([[0.0f32], [1.0], [2.0]]);
/// let y = Tensor::from([[-1.0f32], [1.0], [3.0]]);
/// let builder = Builder::new();
/// let line = Linear::new(&builder, 1, 1);
/// let mut fit = Fit::new(builder.draw(0), OptimConfig::adam(), 0.1)?;
/// for _ in 0..300 {
///     fit.minimise(|ctx| mse(line.forward(ctx, Var::constant(x.clone()))?, y.clone()))?;
/// }
/// assert!((fit.params().values()[0].item()? - 2.0).abs() < 1e-2);
/// # Ok::<(), tweedie_nn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fit {
    params: Params<f32>,
    optimizer: Optimizer,
    rate: LearningRate,
    clip: Option<f64>,
    average: Option<Ema>,
    seed: u64,
}

impl Fit {
    /// Begins with these values. The rate is a number, or a schedule of steps.
    ///
    /// # Errors
    /// As [`OptimConfig::validate`].
    pub fn new(params: Params<f32>, rule: OptimConfig, rate: impl Into<LearningRate>) -> Result<Fit> {
        let optimizer = Optimizer::new(rule, &params)?;
        Ok(Fit { params, optimizer, rate: rate.into(), clip: None, average: None, seed: 0 })
    }

    /// Scales the gradients down where their norm is above `norm` (Pascanu et al. 2013).
    #[must_use]
    pub fn with_clip(self, norm: f64) -> Fit {
        Fit { clip: Some(norm), ..self }
    }

    /// Keeps a moving average of the weights as well, by which [`Fit::infer`] computes.
    ///
    /// # Errors
    /// As [`Ema::new`].
    pub fn with_average(self, decay: f64) -> Result<Fit> {
        Ok(Fit { average: Some(Ema::new(&self.params, decay)?), ..self })
    }

    /// The seed of dropout's masks, 0 without this.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Fit {
        Fit { seed, ..self }
    }

    /// A pass to be differentiated: what `pass` returns stands on a tape of its own, to be handed to [`Fit::step`] or
    /// [`Fit::step_from`].
    pub fn forward<R>(&self, pass: impl FnOnce(&Ctx) -> R) -> R {
        let tape = Tape::new();
        pass(&Ctx::training(&self.params, &tape).with_dropout(self.seed, self.optimizer.steps(), 0))
    }

    /// A pass that records nothing, with the averaged weights if there are some.
    pub fn infer<R>(&self, pass: impl FnOnce(&Ctx) -> R) -> R {
        pass(&Ctx::inference(self.averaged()))
    }

    /// One step against the gradient of `loss`, one number; returns it.
    ///
    /// # Errors
    /// As [`Fit::step`], and what `loss` refuses.
    pub fn minimise<E>(&mut self, loss: impl FnOnce(&Ctx) -> Result<Var, E>) -> Result<f64>
    where
        Error: From<E>,
    {
        let loss = self.forward(loss)?;
        let value = f64::from(loss.value().as_slice().first().copied().unwrap_or_default());
        self.step(loss)?;
        Ok(value)
    }

    /// One step against the gradient of `loss`, one number.
    ///
    /// # Errors
    /// As [`Var::backward`]; [`Error::Diverged`] when a gradient is not finite, and nothing has changed.
    pub fn step(&mut self, loss: Var) -> Result<StepReport> {
        let gradients = loss.backward()?;
        self.descend(gradients)
    }

    /// One step for a loss that is not on the tape: `gradient` is its derivative by `output`.
    ///
    /// # Errors
    /// As [`Var::vjp`]; [`Error::Diverged`] when a gradient is not finite, and nothing has changed.
    pub fn step_from(&mut self, output: Var, gradient: Tensor) -> Result<StepReport> {
        let gradients = output.vjp(gradient)?;
        self.descend(gradients)
    }

    fn descend(&mut self, gradients: Gradients) -> Result<StepReport> {
        let gradients = self.params.collect(gradients);
        let (step, average) = (self.optimizer.steps(), self.average.as_mut());
        let rate = self.rate.at(step);
        let options = StepOptions { lr: rate, clip: self.clip, average };
        let report = self.optimizer.step(&mut self.params, &gradients, options)?;
        if !report.grad_norm.is_finite() {
            return Err(Error::Diverged { step });
        }
        Ok(report)
    }

    /// How many steps have been made.
    pub fn steps(&self) -> u64 {
        self.optimizer.steps()
    }

    /// The weights.
    pub fn params(&self) -> &Params<f32> {
        &self.params
    }

    /// The averaged weights; the weights themselves where no average is kept.
    pub fn averaged(&self) -> &Params<f32> {
        self.average.as_ref().map_or(&self.params, Ema::params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Linear;
    use crate::{Builder, Layer};
    use tweedie_autograd::ops::mse;

    fn begin() -> (Linear, Fit) {
        let b = Builder::new();
        let layer = Linear::new(&b, 3, 2);
        (layer, Fit::new(b.draw(0), OptimConfig::adam(), 1e-2).unwrap().with_average(0.9).unwrap())
    }

    fn ones() -> Var {
        Var::constant(Tensor::full([4, 3], 1.0))
    }

    #[test]
    fn a_step_writes_the_weights_where_they_are() {
        let (layer, mut fit) = begin();
        let places = |fit: &Fit| -> Vec<*const f32> {
            let all = fit.params().values().iter().chain(fit.averaged().values());
            all.map(|value| value.as_slice().as_ptr()).collect()
        };
        // The average shares the first weights, and takes a copy at its first update.
        fit.minimise(|ctx| layer.forward(ctx, ones())?.mean()).unwrap();
        let before = places(&fit);
        let output = fit.forward(|ctx| layer.forward(ctx, ones())).unwrap();
        let kept = output.clone();
        fit.step_from(output, Tensor::full([4, 2], 0.5)).unwrap();
        fit.infer(|ctx| layer.forward(ctx, ones())).unwrap();
        fit.minimise(|ctx| layer.forward(ctx, ones())?.mean()).unwrap();
        assert_eq!((places(&fit), fit.steps()), (before, 3));
        drop(kept);
    }

    #[test]
    fn a_loss_and_its_derivative_lead_to_the_same_weights() {
        let (layer, mut one) = begin();
        let mut other = one.clone();
        let target = Tensor::full([4, 2], 3.0);
        for _ in 0..3 {
            one.minimise(|ctx| mse(layer.forward(ctx, ones())?, target.clone())).unwrap();
            let output = other.forward(|ctx| layer.forward(ctx, ones())).unwrap();
            let gradient = (output.value() - &target) * (2.0 / 8.0);
            other.step_from(output, gradient).unwrap();
        }
        for (a, b) in one.averaged().values().iter().zip(other.averaged().values()) {
            assert!(a.as_slice().iter().zip(b.as_slice()).all(|(a, b)| (a - b).abs() < 1e-6));
        }
    }

    #[test]
    fn what_is_not_finite_changes_nothing() {
        let (layer, mut fit) = begin();
        let before = fit.params().values()[0].as_slice().to_vec();
        let error = fit.minimise(|ctx| layer.forward(ctx, ones())?.scale(f64::INFINITY)?.sum()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "step 0: the loss or its gradient is not finite; the weights are unchanged"
        );
        assert_eq!((fit.params().values()[0].as_slice(), fit.steps()), (&before[..], 0));
    }
}
