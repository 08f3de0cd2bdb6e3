use super::muon;
use super::rule::OptimConfig;
use crate::{Ema, Error, Params, Result};
use std::collections::BTreeMap;
use tweedie_tensor::ops::{Update, global_norm, optimizer_step};
use tweedie_tensor::{Shape, Tensor};

/// An optimizer of parameters of fixed shapes: its rule, and the moments that it keeps between steps.
#[derive(Debug, Clone)]
pub struct Optimizer {
    config: OptimConfig,
    steps: u64,
    /// One list for each of [`OptimConfig::moments`], one tensor per parameter.
    moments: Vec<Vec<Tensor<f32>>>,
}

/// What a step is made with, besides parameters and gradients.
#[derive(Debug)]
pub struct StepOptions<'a> {
    /// The learning rate.
    pub lr: f64,
    /// The largest norm that all gradients together may have: longer ones are scaled down (Pascanu et al. 2013); `None` leaves
    /// them.
    pub clip: Option<f64>,
    /// A moving average of the parameters, to be updated in the same pass.
    pub average: Option<&'a mut Ema>,
}

impl StepOptions<'_> {
    /// This rate, without clipping and without an average.
    pub fn at(lr: f64) -> StepOptions<'static> {
        StepOptions { lr, clip: None, average: None }
    }
}

/// What a step measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// The norm of all gradients together, before clipping.
    pub grad_norm: f64,
    /// What the gradients were multiplied by: below 1 if they were clipped.
    pub grad_scale: f64,
}

/// The Euclidean norm of all gradients together, in f64: what clipping goes by, and where a step that diverges shows before
/// anything has changed.
pub fn grad_norm(gradients: &[Option<Tensor<f32>>]) -> f64 {
    global_norm(gradients.iter().flatten())
}

impl Optimizer {
    /// An optimizer before its first step.
    ///
    /// # Errors
    /// As [`OptimConfig::validate`].
    pub fn new(config: OptimConfig, params: &Params<f32>) -> Result<Optimizer> {
        config.validate()?;
        let zeros = || params.values().iter().map(|p| Tensor::zeros(*p.shape())).collect();
        Ok(Optimizer { config, steps: 0, moments: config.moments().iter().map(|_| zeros()).collect() })
    }

    /// The number of steps made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Its configuration.
    pub fn config(&self) -> &OptimConfig {
        &self.config
    }

    /// One step: clipping, moments, weights, and the average, in one pass over memory; with Muon, the directions of matrices first.
    ///
    /// Clipped gradients are multiplied by clip / (norm + 1e-6), as in PyTorch. A parameter without a gradient keeps its
    /// value and its moments. If the norm of the gradients is not finite, nothing is changed; the report holds the norm.
    ///
    /// # Errors
    /// [`Error::State`] when the parameters, gradients or average are not of the shapes that this optimizer was
    /// made for. Nothing is changed then.
    pub fn step(
        &mut self,
        params: &mut Params<f32>,
        gradients: &[Option<Tensor<f32>>],
        options: StepOptions<'_>,
    ) -> Result<StepReport> {
        self.step_with_norm(params, gradients, grad_norm(gradients), options)
    }

    /// As [`Optimizer::step`], for gradients whose [`grad_norm`] is known: it is not computed a second time.
    ///
    /// # Errors
    /// As [`Optimizer::step`].
    pub fn step_with_norm(
        &mut self,
        params: &mut Params<f32>,
        gradients: &[Option<Tensor<f32>>],
        grad_norm: f64,
        options: StepOptions<'_>,
    ) -> Result<StepReport> {
        self.check(params, gradients, options.average.as_deref())?;
        let StepOptions { lr, clip, mut average } = options;
        if !grad_norm.is_finite() {
            return Ok(StepReport { grad_norm, grad_scale: 0.0 });
        }
        let grad_scale = clip.map_or(1.0, |most| (most / (grad_norm + 1e-6)).min(1.0));
        self.steps += 1;
        let rule = self.config.rule(self.steps, lr, grad_scale);
        // Orthogonalisation needs whole matrices, so it comes before the pass over all parameters.
        let (directions, along) = match (self.config, self.moments.first_mut()) {
            (OptimConfig::Muon { momentum, weight_decay, .. }, Some(sums)) => {
                let directions = muon::directions(params, gradients, sums, [grad_scale, momentum])?;
                (directions, muon::rule(lr, weight_decay))
            }
            _ => (vec![None; gradients.len()], rule),
        };
        let (mut averages, decay) = match average.as_mut().map(|ema| ema.advance()) {
            Some((values, decay)) => (Some(values.iter_mut()), decay),
            None => (None, 0.0),
        };
        let mut moments: Vec<_> = self.moments.iter_mut().map(|list| list.iter_mut()).collect();
        let (mut updates, mut of_matrices) = (Vec::with_capacity(gradients.len()), Vec::new());
        let parameters = params.values_mut().iter_mut().zip(gradients).zip(&directions);
        for ((weights, gradient), direction) in parameters {
            let mut moments = moments.iter_mut().map(Iterator::next);
            let mut update = Update {
                weights,
                gradient: gradient.as_ref(),
                moments: [moments.next().flatten(), moments.next().flatten()],
                average: averages.as_mut().and_then(Iterator::next),
            };
            if direction.is_some() {
                (update.gradient, update.moments) = (direction.as_ref(), [None, None]);
                of_matrices.push(update);
            } else {
                updates.push(update);
            }
        }
        optimizer_step(updates, &rule, decay)?;
        optimizer_step(of_matrices, &along, decay)?;
        Ok(StepReport { grad_norm, grad_scale })
    }

    fn check(
        &self,
        params: &Params<f32>,
        gradients: &[Option<Tensor<f32>>],
        ema: Option<&Ema>,
    ) -> Result<()> {
        let state =
            |name: &str, why: String| Err(Error::State { what: "optimizer", name: name.to_string(), why });
        let n = params.len();
        let counts = [gradients.len(), ema.map_or(n, |ema| ema.params().len())];
        if counts.iter().any(|&count| count != n) || self.moments.iter().any(|list| list.len() != n) {
            return state(
                "parameters",
                format!("there are {n}, and not as many gradients, moments or averages"),
            );
        }
        for (i, (name, param)) in params.iter().enumerate() {
            let differs = |other: &Shape| other != param.shape();
            let gradient = gradients[i].as_ref().is_some_and(|g| differs(g.shape()));
            let moment = self.moments.iter().any(|list| differs(list[i].shape()));
            let average = ema.is_some_and(|ema| differs(ema.params().values()[i].shape()));
            if gradient || moment || average {
                return state(
                    name,
                    format!("has shape {}, its gradient, moment or average another", param.shape()),
                );
            }
        }
        Ok(())
    }

    /// The moments under the names `{moment}.{parameter}`, with PyTorch's names of moments.
    pub fn state<'a>(&'a self, params: &'a Params<f32>) -> impl Iterator<Item = (String, &'a Tensor<f32>)> {
        self.config.moments().iter().zip(&self.moments).flat_map(|(moment, list)| {
            params.names().iter().zip(list).map(move |(name, value)| (format!("{moment}.{name}"), value))
        })
    }

    /// A saved optimizer after `steps` steps, from the entries of [`Optimizer::state`]; other entries are ignored.
    ///
    /// # Errors
    /// [`Error::State`] when a moment is missing or of another shape; [`OptimConfig::validate`]'s.
    pub fn restore(
        config: OptimConfig,
        params: &Params<f32>,
        steps: u64,
        state: &BTreeMap<String, Tensor<f32>>,
    ) -> Result<Optimizer> {
        let mut optimizer = Optimizer::new(config, params)?;
        optimizer.steps = steps;
        for (moment, list) in config.moments().iter().zip(&mut optimizer.moments) {
            for (name, place) in params.names().iter().zip(list) {
                let name = format!("{moment}.{name}");
                let why = match state.get(&name) {
                    Some(saved) if saved.shape() == place.shape() => {
                        *place = saved.clone();
                        continue;
                    }
                    Some(saved) => format!("has shape {}, the parameter {}", saved.shape(), place.shape()),
                    None => "is missing".to_string(),
                };
                return Err(Error::State { what: "optimizer", name, why });
            }
        }
        Ok(optimizer)
    }
}

#[cfg(test)]
mod tests;
