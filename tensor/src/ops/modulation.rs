//! What modulates the blocks of a diffusion transformer: shifts and scales of normalisations, and gates of branches (Peebles and Xie
//! 2023, "Scalable diffusion models with transformers", adaLN-zero). Each is one pass over memory.

use super::group_norm::NormStats;
use super::layer_norm::differentiate_row;
use super::pieces::{Target, for_pieces_of_three, worth_splitting};
use super::reduce::{Cut, sum_middle};
use super::statistics::statistics;
use crate::rehearsal;
use crate::simd::vectorized;
use crate::{Element, Error, Result, Shape, Tensor};
use rayon::prelude::*;

/// Tokens of one task: constant, since each task has partial sums of its own.
const TOKENS: usize = 64;

/// The gradients of [`modulated_norm`].
#[derive(Debug, Clone)]
pub struct ModulationGradients<T: Element> {
    /// Of x, \[n, s, d\].
    pub dx: Tensor<T>,
    /// Of the shift, \[n, 1, d\].
    pub dshift: Tensor<T>,
    /// Of the scale, \[n, 1, d\].
    pub dscale: Tensor<T>,
}

/// y = (1 + scale) · (x − μ) / √(σ² + ε) + shift, for tokens x \[n, s, d\] with the mean μ and the biased variance σ² of each, and
/// a shift and a scale \[n, 1, d\] for each sample.
///
/// # Errors
/// [`Error::Unfit`] when x does not have three axes, or empty tokens; [`Error::Mismatch`] when shift or scale do not go with it.
pub fn modulated_norm<T: Element>(
    x: &Tensor<T>,
    shift: &Tensor<T>,
    scale: &Tensor<T>,
    eps: f64,
) -> Result<(Tensor<T>, NormStats<T>)> {
    let tokens = Tokens::of("modulated_norm", x, &[shift, scale])?;
    let Tokens { n, s, d } = tokens;
    let mut y = Tensor::scratch(*x.shape());
    let (mut mean, mut rstd) = (Tensor::scratch([n, s]), Tensor::scratch([n, s]));
    if rehearsal::is_on() {
        return Ok((y, NormStats { mean, rstd }));
    }
    let outputs = [y.as_mut_slice(), mean.as_mut_slice(), rstd.as_mut_slice()];
    for_pieces_of_three(outputs, [d * TOKENS, TOKENS, TOKENS], x.numel(), |task, [y, mean, rstd]| {
        for (i, y) in y.chunks_exact_mut(d).enumerate() {
            let at = task * TOKENS + i;
            let x = tokens.row(x, at);
            (mean[i], rstd[i]) = statistics(x, eps);
            modulate(
                y,
                x,
                (mean[i], rstd[i]),
                tokens.of_sample(shift, at / s),
                tokens.of_sample(scale, at / s),
            );
        }
    });
    Ok((y, NormStats { mean, rstd }))
}

/// The result of [`modulated_norm`], recomputed from the statistics that it has returned.
///
/// # Errors
/// As [`modulated_norm`].
pub fn modulated_norm_from_stats<T: Element>(
    x: &Tensor<T>,
    shift: &Tensor<T>,
    scale: &Tensor<T>,
    stats: &NormStats<T>,
) -> Result<Tensor<T>> {
    const OP: &str = "modulated_norm_from_stats";
    let tokens = Tokens::of(OP, x, &[shift, scale])?;
    tokens.check_stats(OP, x, stats)?;
    let (mean, rstd) = (stats.mean.as_slice(), stats.rstd.as_slice());
    let y = Target { out: Tensor::scratch(*x.shape()), source: None };
    Ok(y.update_rows(tokens.d, |start, rows| {
        for (at, y) in (start / tokens.d..).zip(rows.chunks_exact_mut(tokens.d)) {
            let sample = at / tokens.s;
            let [shift, scale] = [shift, scale].map(|x| tokens.of_sample(x, sample));
            modulate(y, tokens.row(x, at), (mean[at], rstd[at]), shift, scale);
        }
    }))
}

/// The gradients of [`modulated_norm`]. With `onto`, what has been gathered for x already, dx is added to it.
///
/// With x̂ the normalised token and γ = 1 + scale: dx = rstd · (γ dy − Σ γ dy / d − x̂ Σ γ dy x̂ / d), and, summed over the tokens of
/// a sample, dscale = Σ dy x̂ and dshift = Σ dy.
///
/// # Errors
/// As [`modulated_norm`], and [`Error::Mismatch`] when `dy`, `stats` or `onto` do not go with x's shape.
pub fn modulated_norm_backward<T: Element>(
    x: &Tensor<T>,
    scale: &Tensor<T>,
    stats: &NormStats<T>,
    dy: Tensor<T>,
    mut onto: Option<Tensor<T>>,
) -> Result<ModulationGradients<T>> {
    const OP: &str = "modulated_norm_backward";
    let tokens = Tokens::of(OP, x, &[scale])?;
    tokens.check_stats(OP, x, stats)?;
    for gradient in [Some(&dy), onto.as_ref()].into_iter().flatten() {
        same_shape(OP, gradient, x)?;
    }
    let Tokens { n, d, .. } = tokens;
    let mut dx = dy;
    let mut partial = Tensor::<T>::zeros([n, tokens.tasks(), 2, d]);
    if !rehearsal::is_on() {
        let (mean, rstd) = (stats.mean.as_slice(), stats.rstd.as_slice());
        let mut nothing = Tensor::zeros([0]);
        let sum = onto.as_mut().unwrap_or(&mut nothing).as_mut_slice();
        tokens.each_task(
            [dx.as_mut_slice(), sum],
            partial.as_mut_slice(),
            2 * d,
            |first, [dx, onto], partial| {
                let (dscale, dshift) = partial.split_at_mut(d);
                let gamma: Vec<T> =
                    tokens.of_sample(scale, first / tokens.s).iter().map(|&c| T::ONE + c).collect();
                for (i, dx) in dx.chunks_exact_mut(d).enumerate() {
                    let at = first + i;
                    differentiate_row(
                        dx,
                        dscale,
                        dshift,
                        tokens.row(x, at),
                        mean[at],
                        rstd[at],
                        Some(&gamma),
                    );
                    if let Some(onto) = onto.get_mut(i * d..(i + 1) * d) {
                        vectorized(
                            #[inline(always)]
                            || onto.iter_mut().zip(&*dx).for_each(|(sum, &dx)| *sum += dx),
                        );
                    }
                }
            },
        );
    }
    let sums = sum_middle(partial, Cut { outer: n, len: tokens.tasks(), inner: 2 * d }).reshape([n, 2, d])?;
    let [dscale, dshift] = [0, 1].map(|half| super::narrow(&sums, 1, half, 1));
    Ok(ModulationGradients { dx: onto.unwrap_or(dx), dshift: dshift?, dscale: dscale? })
}

/// y = x + gate · h with one rounding, for tokens x and h \[n, s, d\] and a gate \[n, 1, d\] for each sample; in x's own memory if no
/// other tensor shares it.
///
/// # Errors
/// [`Error::Unfit`] when h does not have three axes, or empty tokens; [`Error::Mismatch`] when x or the gate do not go with it.
pub fn gated_sum<T: Element>(x: Tensor<T>, h: &Tensor<T>, gate: &Tensor<T>) -> Result<Tensor<T>> {
    let tokens = Tokens::of("gated_sum", h, &[gate])?;
    same_shape("gated_sum", &x, h)?;
    Ok(Target::reuse(x).update_rows(tokens.d, |start, rows| {
        for (at, y) in (start / tokens.d..).zip(rows.chunks_exact_mut(tokens.d)) {
            let (h, gate) = (tokens.row(h, at), tokens.of_sample(gate, at / tokens.s));
            vectorized(
                #[inline(always)]
                || {
                    for ((y, &h), &gate) in y.iter_mut().zip(h).zip(gate) {
                        *y = gate.mul_add(h, *y);
                    }
                },
            );
        }
    }))
}

/// The gradients of [`gated_sum`] with respect to h, gate · dy, and to the gate, Σ dy h over the tokens of a sample. That with
/// respect to x is dy.
///
/// # Errors
/// As [`gated_sum`].
pub fn gated_sum_backward<T: Element>(
    h: &Tensor<T>,
    gate: &Tensor<T>,
    dy: &Tensor<T>,
) -> Result<(Tensor<T>, Tensor<T>)> {
    const OP: &str = "gated_sum_backward";
    let tokens = Tokens::of(OP, h, &[gate])?;
    same_shape(OP, dy, h)?;
    let Tokens { n, d, .. } = tokens;
    let mut dh = Tensor::scratch(*h.shape());
    let mut partial = Tensor::<T>::zeros([n, tokens.tasks(), d]);
    if !rehearsal::is_on() {
        tokens.each_task([dh.as_mut_slice(), &mut []], partial.as_mut_slice(), d, |first, [dh, _], sum| {
            let gate = tokens.of_sample(gate, first / tokens.s);
            for (at, dh) in (first..).zip(dh.chunks_exact_mut(d)) {
                let (dy, h) = (tokens.row(dy, at), tokens.row(h, at));
                vectorized(
                    #[inline(always)]
                    || {
                        let (sum, gate) = (&mut sum[..dh.len()], &gate[..dh.len()]);
                        for i in 0..dh.len() {
                            dh[i] = gate[i] * dy[i];
                            sum[i] = dy[i].mul_add(h[i], sum[i]);
                        }
                    },
                );
            }
        });
    }
    let dgate = sum_middle(partial, Cut { outer: n, len: tokens.tasks(), inner: d }).reshape([n, 1, d])?;
    Ok((dh, dgate))
}

/// y ← (1 + scale) · (x − μ) · rstd + shift.
fn modulate<T: Element>(y: &mut [T], x: &[T], (mean, rstd): (T, T), shift: &[T], scale: &[T]) {
    vectorized(
        #[inline(always)]
        || {
            for (((y, &x), &shift), &scale) in y.iter_mut().zip(x).zip(shift).zip(scale) {
                *y = ((x - mean) * rstd).mul_add(T::ONE + scale, shift);
            }
        },
    );
}

fn same_shape<T: Element>(op: &'static str, a: &Tensor<T>, b: &Tensor<T>) -> Result<()> {
    Shape::check_same(op, a.shape(), b.shape(), "tokens and their gradients have the same shape")
}

/// The lengths of tokens \[n, s, d\].
#[derive(Clone, Copy)]
struct Tokens {
    n: usize,
    s: usize,
    d: usize,
}

impl Tokens {
    fn of<T: Element>(op: &'static str, x: &Tensor<T>, of_samples: &[&Tensor<T>]) -> Result<Tokens> {
        let [n, s, d] = x.shape().exactly(op, "must have three axes: samples, tokens, numbers")?;
        if d == 0 {
            return Err(Error::Unfit { op, shape: *x.shape(), why: "has empty tokens".to_string() });
        }
        for of_sample in of_samples {
            if of_sample.dims() != [n, 1, d] {
                let why = "shift, scale and gate must be [samples, 1, numbers]";
                return Err(Error::Mismatch { op, left: *x.shape(), right: *of_sample.shape(), why });
            }
        }
        Ok(Tokens { n, s, d })
    }

    fn check_stats<T: Element>(&self, op: &'static str, x: &Tensor<T>, stats: &NormStats<T>) -> Result<()> {
        let expected = Shape::from([self.n, self.s]);
        match [&stats.mean, &stats.rstd].into_iter().find(|found| *found.shape() != expected) {
            Some(found) => {
                let why = "there must be a mean and a deviation for each token";
                Err(Error::Mismatch { op, left: *x.shape(), right: *found.shape(), why })
            }
            None => Ok(()),
        }
    }

    /// Token number `at`, counted over all samples.
    fn row<'a, T: Element>(&self, x: &'a Tensor<T>, at: usize) -> &'a [T] {
        &x.as_slice()[at * self.d..][..self.d]
    }

    /// The numbers of one sample, of a tensor \[n, 1, d\].
    fn of_sample<'a, T: Element>(&self, x: &'a Tensor<T>, sample: usize) -> &'a [T] {
        self.row(x, sample)
    }

    /// Tasks of a sample.
    fn tasks(&self) -> usize {
        self.s.div_ceil(TOKENS)
    }

    /// Calls `body(first token, rows of both outputs, sums)` for at most [`TOKENS`] tokens of one sample at a time. Each task has
    /// `width` sums of its own. An output may be empty.
    fn each_task<T: Element>(
        &self,
        [a, b]: [&mut [T]; 2],
        sums: &mut [T],
        width: usize,
        body: impl Fn(usize, [&mut [T]; 2], &mut [T]) + Sync,
    ) {
        let (sample, task) = (self.s * self.d, TOKENS * self.d);
        let mut tasks = Vec::with_capacity(self.n * self.tasks());
        let (mut a, mut b, mut sums) = (a, b, sums.chunks_mut(width.max(1)));
        for first in (0..self.n * sample).step_by(sample.max(1)) {
            for start in (0..sample).step_by(task) {
                let len = task.min(sample - start);
                let (of_a, rest_of_a) = a.split_at_mut(len.min(a.len()));
                let (of_b, rest_of_b) = b.split_at_mut(len.min(b.len()));
                (a, b) = (rest_of_a, rest_of_b);
                if let Some(sums) = sums.next() {
                    tasks.push(((first + start) / self.d, [of_a, of_b], sums));
                }
            }
        }
        if worth_splitting(self.n * sample) {
            tasks.into_par_iter().for_each(|(first, outputs, sums)| body(first, outputs, sums));
        } else {
            tasks.into_iter().for_each(|(first, outputs, sums)| body(first, outputs, sums));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Binary, KeepDim, add_scalar, binary, layer_norm, layer_norm_backward, sum_axis};
    use super::*;
    use crate::check::{assert_close, assert_gradient, assert_same_on_all_thread_counts, values};

    const CASES: [[usize; 3]; 4] = [[1, 1, 3], [2, 5, 7], [3, 67, 33], [2, 130, 16]];

    #[test]
    fn a_normalisation_with_an_affine_map_for_each_sample() {
        for dims in CASES {
            let [n, _, d] = dims;
            let x = values::<f64>(dims, 1);
            let (shift, scale) = (values([n, 1, d], 2), values([n, 1, d], 3));
            let (y, stats) = modulated_norm(&x, &shift, &scale, 1e-3).unwrap();
            let (normed, _) = layer_norm(&x, None, None, 1e-3).unwrap();
            let product = binary(normed, add_scalar(scale.clone(), 1.0), Binary::Mul).unwrap();
            let expected = binary(product, shift.clone(), Binary::Add).unwrap();
            assert_close(y.as_slice(), expected.as_slice(), 1e-12);
            assert_eq!(
                modulated_norm_from_stats(&x, &shift, &scale, &stats).unwrap().as_slice(),
                y.as_slice()
            );
            let (y, _) = modulated_norm::<f32>(&x.cast(), &shift.cast(), &scale.cast(), 1e-3).unwrap();
            assert_close(y.as_slice(), expected.as_slice(), 1e-5);

            let dy = values(dims, 4);
            let f = |x: &Tensor<f64>, shift: &Tensor<f64>, scale: &Tensor<f64>| {
                modulated_norm(x, shift, scale, 1e-3).unwrap().0
            };
            let g = modulated_norm_backward(&x, &scale, &stats, dy.clone(), None).unwrap();
            assert_gradient(&x, &dy, &g.dx, |x| f(x, &shift, &scale));
            assert_gradient(&shift, &dy, &g.dshift, |shift| f(&x, shift, &scale));
            assert_gradient(&scale, &dy, &g.dscale, |scale| f(&x, &shift, scale));
            let before = values::<f64>(dims, 5);
            let onto = modulated_norm_backward(&x, &scale, &stats, dy.clone(), Some(before.clone())).unwrap();
            assert_close(onto.dx.as_slice(), binary(g.dx, before, Binary::Add).unwrap().as_slice(), 1e-12);
        }
    }

    #[test]
    fn without_a_modulation_it_is_a_layer_norm() {
        let (x, dy) = (values::<f64>([2, 5, 7], 1), values([2, 5, 7], 2));
        let zero = Tensor::zeros([2, 1, 7]);
        let (y, stats) = modulated_norm(&x, &zero, &zero, 1e-5).unwrap();
        let (normed, of_norm) = layer_norm(&x, None, None, 1e-5).unwrap();
        assert_close(y.as_slice(), normed.as_slice(), 1e-15);
        let g = modulated_norm_backward(&x, &zero, &stats, dy.clone(), None).unwrap();
        assert_close(
            g.dx.as_slice(),
            layer_norm_backward(&x, None, &of_norm, dy).unwrap().dx.as_slice(),
            1e-12,
        );
    }

    #[test]
    fn a_gated_branch() {
        for dims in CASES {
            let [n, _, d] = dims;
            let (x, h, gate) = (values::<f64>(dims, 1), values(dims, 2), values([n, 1, d], 3));
            let f = |h: &Tensor<f64>, gate: &Tensor<f64>| gated_sum(x.clone(), h, gate).unwrap();
            let gated = binary(h.clone(), gate.clone(), Binary::Mul).unwrap();
            assert_close(
                f(&h, &gate).as_slice(),
                binary(gated, x.clone(), Binary::Add).unwrap().as_slice(),
                1e-12,
            );
            let dy = values(dims, 4);
            let (dh, dgate) = gated_sum_backward(&h, &gate, &dy).unwrap();
            assert_gradient(&h, &dy, &dh, |h| f(h, &gate));
            assert_gradient(&gate, &dy, &dgate, |gate| f(&h, gate));
            let dy_h = binary(dy, h, Binary::Mul).unwrap();
            assert_close(dgate.as_slice(), sum_axis(&dy_h, 1, KeepDim::Yes).unwrap().as_slice(), 1e-12);
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (x, dy) = (values::<f32>([3, 301, 64], 1), values::<f32>([3, 301, 64], 2));
        let scale = values::<f32>([3, 1, 64], 3);
        assert_same_on_all_thread_counts(|| {
            let (y, stats) = modulated_norm(&x, &scale, &scale, 1e-5).unwrap();
            let g = modulated_norm_backward(&x, &scale, &stats, dy.clone(), Some(x.clone())).unwrap();
            let sum = gated_sum(x.clone(), &dy, &scale).unwrap();
            let (dh, dgate) = gated_sum_backward(&x, &scale, &dy).unwrap();
            [y, g.dx, g.dshift, g.dscale, sum, dh, dgate].map(|t| t.as_slice().to_vec())
        });
    }

    #[test]
    fn misuse_is_named() {
        let (x, row) = (values::<f32>([2, 3, 4], 1), values::<f32>([2, 1, 4], 1));
        let error = modulated_norm(&x, &row, &values([2, 3, 4], 1), 1e-5).unwrap_err().to_string();
        assert!(error.contains("[samples, 1, numbers]"), "{error}");
        assert!(gated_sum(values([2, 3, 5], 1), &x, &row).is_err());
        assert!(modulated_norm(&Tensor::<f32>::zeros([2, 3, 0]), &row, &row, 1e-5).is_err());
    }
}
