//! One step of an optimizer: every parameter's gradient, moments, weights and moving average in one pass over memory.

use super::pieces::worth_splitting;
use crate::reduction;
use crate::simd::vectorized;
use crate::{Element, Error, Result, Tensor};
use rayon::prelude::*;
use std::slice::{Chunks, ChunksMut};

/// Weights that one task updates. Constant, so that no result depends on the number of threads.
const PIECE: usize = 16 * 1024;

/// The arithmetic of one step, with every constant that is the same for all weights worked out. Constants are rounded to the
/// weights' type once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum UpdateRule {
    /// Adam or AdamW; the moments are the mean of gradients and the mean of their squares.
    Adam(AdamStep),
    /// Descent; with a first moment, momentum sums gradients in it.
    Sgd(SgdStep),
}

/// One step of Adam (Kingma, Ba 2015, algorithm 1) or AdamW (Loshchilov, Hutter 2019, algorithm 2), with the gradient g:
///
/// g ← `grad_scale` g + `penalty` w, m ← m + `mean_gain` (g − m), v ← `square_keep` v + `square_gain` g²,
/// w ← `shrink` w − `rate` m / (`root_scale` √v + `eps`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// What gradients are multiplied by first: clipping.
    pub grad_scale: f64,
    /// 1 − β₁.
    pub mean_gain: f64,
    /// β₂.
    pub square_keep: f64,
    /// 1 − β₂.
    pub square_gain: f64,
    /// The learning rate over 1 − β₁^step: Adam's correction of the mean's bias.
    pub rate: f64,
    /// 1 / √(1 − β₂^step): the correction of the squares' bias.
    pub root_scale: f64,
    /// Added to the corrected root.
    pub eps: f64,
    /// Weight of the L2 penalty in the gradient: Adam's decay of weights.
    pub penalty: f64,
    /// What the weight is multiplied by: AdamW's decay of weights.
    pub shrink: f64,
}

/// One step of gradient descent, with the gradient g: g ← `grad_scale` g + `penalty` w, b ← `momentum` b + g,
/// w ← w − `rate` b. Without a moment, b is g.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdStep {
    /// What gradients are multiplied by first: clipping.
    pub grad_scale: f64,
    /// Weight of the sum of earlier gradients.
    pub momentum: f64,
    /// The learning rate.
    pub rate: f64,
    /// Weight of the L2 penalty in the gradient.
    pub penalty: f64,
}

/// A parameter, and what a step reads and writes beside it. All have one shape.
#[derive(Debug)]
pub struct Update<'a, T: Element> {
    /// The weights, to be written.
    pub weights: &'a mut Tensor<T>,
    /// Their gradient; without one, weights and moments keep their values.
    pub gradient: Option<&'a Tensor<T>>,
    /// As many moments as the rule has.
    pub moments: [Option<&'a mut Tensor<T>>; 2],
    /// A moving average of the weights after the step, to be updated with or without a gradient.
    pub average: Option<&'a mut Tensor<T>>,
}

/// Updates all parameters by one rule: the moments, the weights, and then the averages, ē ← `average_decay` ē +
/// (1 − `average_decay`) w.
///
/// # Errors
/// [`Error::Mismatch`] when the tensors of a parameter differ in shape; [`Error::Parameter`] when one with a gradient lacks
/// the moments of Adam. Nothing is changed then.
pub fn optimizer_step<T: Element>(
    updates: Vec<Update<'_, T>>,
    rule: &UpdateRule,
    average_decay: f64,
) -> Result<()> {
    updates.iter().try_for_each(|update| update.check(rule))?;
    let work = updates.iter().map(|update| update.weights.numel()).sum();
    let pieces: Vec<Piece<'_, T>> = updates.into_iter().flat_map(Pieces::of).collect();
    let decay = T::from_f64(average_decay);
    if worth_splitting(work) {
        pieces.into_par_iter().for_each(|piece| piece.update(rule, decay));
    } else {
        pieces.into_iter().for_each(|piece| piece.update(rule, decay));
    }
    Ok(())
}

/// The Euclidean norm of all these tensors together.
///
/// The squares are summed in f64, in sixteen lanes over pieces of constant size; lanes and pieces are added in order.
pub fn global_norm<'a, T: Element>(tensors: impl IntoIterator<Item = &'a Tensor<T>>) -> f64 {
    let pieces: Vec<&[T]> = tensors.into_iter().flat_map(|x| x.as_slice().chunks(PIECE)).collect();
    let squares: Vec<f64> = pieces.into_par_iter().map(sum_of_squares).collect();
    squares.iter().sum::<f64>().sqrt()
}

fn sum_of_squares<T: Element>(x: &[T]) -> f64 {
    const LANES: usize = 16;
    let [lanes] = vectorized(
        #[inline(always)]
        || {
            reduction::accumulate::<T, f64, LANES, 1>(
                x,
                #[inline(always)]
                |[sum], x| [x.to_f64().mul_add(x.to_f64(), sum)],
            )
        },
    );
    lanes.iter().sum()
}

impl<T: Element> Update<'_, T> {
    fn check(&self, rule: &UpdateRule) -> Result<()> {
        const OP: &str = "optimizer_step";
        let shape = self.weights.shape();
        let [first, second] = self.moments.each_ref().map(Option::as_deref);
        for other in [self.gradient, first, second, self.average.as_deref()].into_iter().flatten() {
            if other.shape() != shape {
                let why = "weights, gradient, moments and average must have the same shape";
                return Err(Error::Mismatch { op: OP, left: *shape, right: *other.shape(), why });
            }
        }
        let moments = self.moments.iter().flatten().count();
        if matches!(rule, UpdateRule::Adam(_)) && self.gradient.is_some() && moments < 2 {
            let why = "Adam keeps the mean of gradients and that of their squares".to_string();
            return Err(Error::Parameter { op: OP, name: "moments", value: moments.to_string(), why });
        }
        Ok(())
    }
}

/// The pieces of a parameter, in order.
struct Pieces<'a, T> {
    weights: ChunksMut<'a, T>,
    gradient: Option<Chunks<'a, T>>,
    moments: [Option<ChunksMut<'a, T>>; 2],
    average: Option<ChunksMut<'a, T>>,
}

impl<'a, T: Element> Pieces<'a, T> {
    fn of(update: Update<'a, T>) -> Pieces<'a, T> {
        let cut = |x: &'a mut Tensor<T>| x.as_mut_slice().chunks_mut(PIECE);
        Pieces {
            weights: cut(update.weights),
            gradient: update.gradient.map(|gradient| gradient.as_slice().chunks(PIECE)),
            moments: update.moments.map(|moment| moment.map(cut)),
            average: update.average.map(cut),
        }
    }
}

impl<'a, T> Iterator for Pieces<'a, T> {
    type Item = Piece<'a, T>;

    fn next(&mut self) -> Option<Piece<'a, T>> {
        Some(Piece {
            weights: self.weights.next()?,
            gradient: self.gradient.as_mut().and_then(Iterator::next),
            moments: self.moments.each_mut().map(|moment| moment.as_mut().and_then(Iterator::next)),
            average: self.average.as_mut().and_then(Iterator::next),
        })
    }
}

/// What one task updates.
struct Piece<'a, T> {
    weights: &'a mut [T],
    gradient: Option<&'a [T]>,
    moments: [Option<&'a mut [T]>; 2],
    average: Option<&'a mut [T]>,
}

impl<T: Element> Piece<'_, T> {
    fn update(self, rule: &UpdateRule, average_decay: T) {
        let Piece { weights, gradient, moments, average } = self;
        vectorized(
            #[inline(always)]
            || {
                match (rule, gradient, moments) {
                    (UpdateRule::Adam(step), Some(gradient), [Some(means), Some(squares)]) => {
                        adam(step, weights, gradient, means, squares);
                    }
                    (UpdateRule::Sgd(step), Some(gradient), [sums, _]) => {
                        descend(step, weights, gradient, sums)
                    }
                    _ => {}
                }
                for (mean, &weight) in average.into_iter().flatten().zip(&*weights) {
                    *mean = (*mean - weight).mul_add(average_decay, weight);
                }
            },
        );
    }
}

#[inline(always)]
fn adam<T: Element>(step: &AdamStep, weights: &mut [T], gradient: &[T], means: &mut [T], squares: &mut [T]) {
    let AdamStep { grad_scale, mean_gain, square_keep, square_gain, rate, root_scale, eps, penalty, shrink } =
        *step;
    let [grad_scale, mean_gain, square_keep] = [grad_scale, mean_gain, square_keep].map(T::from_f64);
    let [square_gain, rate, root_scale] = [square_gain, rate, root_scale].map(T::from_f64);
    let [eps, penalty, shrink] = [eps, penalty, shrink].map(T::from_f64);
    for (((w, &g), m), v) in weights.iter_mut().zip(gradient).zip(means).zip(squares) {
        let g = (*w).mul_add(penalty, g * grad_scale);
        *m = (g - *m).mul_add(mean_gain, *m);
        *v = (*v).mul_add(square_keep, g * g * square_gain);
        let step = *m / v.sqrt().mul_add(root_scale, eps);
        *w = (-rate).mul_add(step, *w * shrink);
    }
}

#[inline(always)]
fn descend<T: Element>(step: &SgdStep, weights: &mut [T], gradient: &[T], sums: Option<&mut [T]>) {
    let SgdStep { grad_scale, momentum, rate, penalty } = *step;
    let [grad_scale, momentum, rate, penalty] = [grad_scale, momentum, rate, penalty].map(T::from_f64);
    match sums {
        Some(sums) => {
            for ((w, &g), sum) in weights.iter_mut().zip(gradient).zip(sums) {
                let g = (*w).mul_add(penalty, g * grad_scale);
                *sum = (*sum).mul_add(momentum, g);
                *w = (-rate).mul_add(*sum, *w);
            }
        }
        None => {
            for (w, &g) in weights.iter_mut().zip(gradient) {
                let g = (*w).mul_add(penalty, g * grad_scale);
                *w = (-rate).mul_add(g, *w);
            }
        }
    }
}

#[cfg(test)]
mod tests;
