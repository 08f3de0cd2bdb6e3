use super::OptimConfig;
use super::rule::Rule;
use crate::{Ema, Error, Params, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use tweedie_tensor::simd::vectorized;
use tweedie_tensor::{Shape, Tensor};

/// Weights that one task updates. Constant, so that no result depends on the number of threads.
const CHUNK: usize = 16 * 1024;

/// An optimizer: what it remembers between steps of parameters of fixed shapes.
#[derive(Debug, Clone)]
pub struct Optimizer {
    config: OptimConfig,
    steps: u64,
    /// One list for each of [`OptimConfig::moments`], one tensor per parameter.
    moments: Vec<Vec<Tensor<f32>>>,
}

/// What a step saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// The norm of all gradients together, before clipping.
    pub grad_norm: f64,
    /// What the gradients were multiplied by: below 1 when they were clipped.
    pub grad_scale: f64,
}

impl Optimizer {
    /// An optimizer that has made no step.
    ///
    /// # Errors
    /// As [`OptimConfig::validate`].
    pub fn new(config: OptimConfig, params: &Params<f32>) -> Result<Optimizer> {
        config.validate()?;
        let zeros = || params.values().iter().map(|p| Tensor::zeros(*p.shape())).collect();
        Ok(Optimizer { config, steps: 0, moments: config.moments().iter().map(|_| zeros()).collect() })
    }

    /// How many steps it has made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Which optimizer it is.
    pub fn config(&self) -> &OptimConfig {
        &self.config
    }

    /// One step at learning rate `lr`, in one pass over memory: clipping, moments, weights, and the average `ema`.
    ///
    /// With `clip`, gradients are scaled down so that their global norm does not exceed it (Pascanu et al. 2013;
    /// the factor is clip / (norm + 1e-6), as in PyTorch). A parameter without a gradient keeps its value and its
    /// moments. If the norm is not finite, nothing at all is changed; the report tells.
    ///
    /// # Errors
    /// [`Error::State`] when the parameters, gradients or average are not of the shapes that this optimizer was
    /// made for. Nothing is changed then.
    pub fn step(
        &mut self,
        params: &mut Params<f32>,
        gradients: &[Option<Tensor<f32>>],
        lr: f64,
        clip: Option<f64>,
        mut ema: Option<&mut Ema>,
    ) -> Result<StepReport> {
        self.check(params, gradients, ema.as_deref())?;
        let grad_norm = global_norm(gradients);
        if !grad_norm.is_finite() {
            return Ok(StepReport { grad_norm, grad_scale: 0.0 });
        }
        let grad_scale = clip.map_or(1.0, |most| (most / (grad_norm + 1e-6)).min(1.0));
        self.steps += 1;
        let rule = self.config.rule(self.steps, lr);
        let mut averages = ema.as_mut().map(|ema| ema.advance());
        let keep = averages.as_ref().map_or(0.0, |(_, keep)| *keep);
        let mut tasks = Vec::new();
        let mut moments: Vec<_> = self.moments.iter_mut().map(|list| list.iter_mut()).collect();
        let mut averages = averages.as_mut().map(|(values, _)| values.iter_mut());
        for (param, gradient) in params.values_mut().iter_mut().zip(gradients) {
            let weights = param.as_mut_slice();
            let average = averages.as_mut().and_then(Iterator::next).map(Tensor::as_mut_slice);
            let mut moments = moments.iter_mut().map(|list| list.next().map(Tensor::as_mut_slice));
            let (first, second) = (moments.next().flatten(), moments.next().flatten());
            let mut average = Pieces::of(average);
            let (mut first, mut second) = (Pieces::of(first), Pieces::of(second));
            for (i, weights) in weights.chunks_mut(CHUNK).enumerate() {
                let gradient = gradient.as_ref().map(|g| &g.as_slice()[i * CHUNK..][..weights.len()]);
                let moments = [first.next(), second.next()];
                tasks.push(Task { weights, gradient, moments, average: average.next() });
            }
        }
        tasks.into_par_iter().for_each(|task| task.run(rule, grad_scale as f32, keep));
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

    /// An optimizer as it was after `steps` steps, from what [`Optimizer::state`] gave; other entries are ignored.
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

/// Consecutive pieces of a tensor that may not be there.
struct Pieces<'a>(Option<std::slice::ChunksMut<'a, f32>>);

impl<'a> Pieces<'a> {
    fn of(values: Option<&'a mut [f32]>) -> Pieces<'a> {
        Pieces(values.map(|values| values.chunks_mut(CHUNK)))
    }
    fn next(&mut self) -> Option<&'a mut [f32]> {
        self.0.as_mut().and_then(Iterator::next)
    }
}

/// A piece of a parameter, and what goes with it.
struct Task<'a> {
    weights: &'a mut [f32],
    gradient: Option<&'a [f32]>,
    moments: [Option<&'a mut [f32]>; 2],
    average: Option<&'a mut [f32]>,
}

impl Task<'_> {
    fn run(self, rule: Rule, grad_scale: f32, keep: f32) {
        let Task { weights, gradient, moments, average } = self;
        vectorized(
            #[inline(always)]
            || {
                match (rule, gradient, moments) {
                    (Rule::Adam { .. }, Some(gradient), [Some(means), Some(squares)]) => {
                        adam(rule, grad_scale, weights, gradient, means, squares);
                    }
                    (Rule::Sgd { momentum, lr, penalty }, Some(gradient), [sums, _]) => {
                        descend([momentum, lr, penalty], grad_scale, weights, gradient, sums);
                    }
                    _ => {}
                }
                for (mean, &weight) in average.into_iter().flatten().zip(&*weights) {
                    *mean = (*mean - weight).mul_add(keep, weight);
                }
            },
        );
    }
}

#[inline(always)]
fn adam(
    rule: Rule,
    grad_scale: f32,
    weights: &mut [f32],
    gradient: &[f32],
    means: &mut [f32],
    squares: &mut [f32],
) {
    let Rule::Adam { mean_gain, square_keep, square_gain, rate, root_scale, eps, penalty, shrink } = rule
    else {
        return;
    };
    for (((w, &g), m), v) in weights.iter_mut().zip(gradient).zip(means).zip(squares) {
        let g = (*w).mul_add(penalty, g * grad_scale);
        *m = (g - *m).mul_add(mean_gain, *m);
        *v = (*v).mul_add(square_keep, g * g * square_gain);
        let step = *m / v.sqrt().mul_add(root_scale, eps);
        *w = (-rate).mul_add(step, *w * shrink);
    }
}

#[inline(always)]
fn descend(
    [momentum, lr, penalty]: [f32; 3],
    grad_scale: f32,
    weights: &mut [f32],
    gradient: &[f32],
    sums: Option<&mut [f32]>,
) {
    match sums {
        Some(sums) => {
            for ((w, &g), sum) in weights.iter_mut().zip(gradient).zip(sums) {
                let g = (*w).mul_add(penalty, g * grad_scale);
                *sum = (*sum).mul_add(momentum, g);
                *w = (-lr).mul_add(*sum, *w);
            }
        }
        None => {
            for (w, &g) in weights.iter_mut().zip(gradient) {
                let g = (*w).mul_add(penalty, g * grad_scale);
                *w = (-lr).mul_add(g, *w);
            }
        }
    }
}

/// The Euclidean norm of all gradients together: f64 sums of pieces, folded in order.
fn global_norm(gradients: &[Option<Tensor<f32>>]) -> f64 {
    let pieces: Vec<&[f32]> = gradients.iter().flatten().flat_map(|g| g.as_slice().chunks(CHUNK)).collect();
    let sums: Vec<f64> = pieces.into_par_iter().map(sum_of_squares).collect();
    sums.iter().sum::<f64>().sqrt()
}

/// Σ x² in sixteen interleaved sums, which one vector register or several hold alike.
fn sum_of_squares(x: &[f32]) -> f64 {
    const LANES: usize = 16;
    vectorized(
        #[inline(always)]
        || {
            let mut sums = [0.0f64; LANES];
            let (blocks, rest) = x.as_chunks::<LANES>();
            for block in blocks {
                for (sum, &x) in sums.iter_mut().zip(block) {
                    *sum = f64::from(x).mul_add(f64::from(x), *sum);
                }
            }
            for (sum, &x) in sums.iter_mut().zip(rest) {
                *sum = f64::from(x).mul_add(f64::from(x), *sum);
            }
            sums.iter().sum()
        },
    )
}

#[cfg(test)]
#[path = "optimizer_tests.rs"]
mod tests;
