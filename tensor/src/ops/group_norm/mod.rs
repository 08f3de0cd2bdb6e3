//! Group normalisation, and its gradients.

use crate::ops::pieces::{Target, for_pieces_of_three, rows_in_piece, worth_splitting};
use crate::rehearsal;
use crate::simd::group_norm::Group;
use crate::{Element, Error, Result, Shape, Tensor};
use rayon::prelude::*;

/// What the backward pass of a normalisation reads besides its operands.
#[derive(Debug, Clone)]
pub struct NormStats<T: Element> {
    /// Mean of each normalised group: `[samples, groups]` for [`group_norm`], the shape without its last axis
    /// for [`layer_norm`](super::layer_norm).
    pub mean: Tensor<T>,
    /// 1 / √(variance + ε) of each group.
    pub rstd: Tensor<T>,
}

/// The gradients of a normalisation.
#[derive(Debug, Clone)]
pub struct NormGradients<T: Element> {
    /// Of the input.
    pub dx: Tensor<T>,
    /// Of the scale. Without a scale, the gradient at γ = 1.
    pub dgamma: Tensor<T>,
    /// Of the shift. Without a shift, the gradient at β = 0.
    pub dbeta: Tensor<T>,
}

/// Group normalisation (Wu, He 2018), followed in the same pass by SiLU if `silu`.
///
/// `x` is `[n, c, …]`; its channels are cut into `groups` of neighbours. Within each sample and group,
/// y = (x − mean) / √(variance + ε) · γ + β, with the biased variance, and γ, β (both `[c]`, 1 and 0 when missing)
/// of the element's channel; with `silu`, y is replaced by y σ(y).
///
/// # Errors
/// [`Error::Unfit`] when `x` has fewer than two axes; [`Error::Parameter`] when `groups` does not divide the
/// channels; [`Error::Mismatch`] when γ or β is not `[c]`.
pub fn group_norm<T: Element>(
    x: &Tensor<T>,
    groups: usize,
    gamma: Option<&Tensor<T>>,
    beta: Option<&Tensor<T>>,
    eps: f64,
    silu: bool,
) -> Result<(Tensor<T>, NormStats<T>)> {
    let layout = Layout::new("group_norm", x.shape(), groups, [gamma, beta])?;
    let mut y = Tensor::scratch(*x.shape());
    let mut mean = Tensor::scratch([layout.samples, groups]);
    let mut rstd = Tensor::scratch([layout.samples, groups]);
    let outputs = [y.as_mut_slice(), mean.as_mut_slice(), rstd.as_mut_slice()];
    let lengths = [layout.len * layout.per_task, layout.per_task, layout.per_task];
    for_pieces_of_three(outputs, lengths, x.numel(), |task, [y, mean, rstd]| {
        for (i, y) in y.chunks_exact_mut(layout.len).enumerate() {
            let group = task * layout.per_task + i;
            let x = &x.as_slice()[group * layout.len..][..layout.len];
            (mean[i], rstd[i]) = T::group_norm(&layout.group(group, x, [gamma, beta], silu), eps, y);
        }
    });
    Ok((y, NormStats { mean, rstd }))
}

/// The gradients of [`group_norm`] with the same operands. dx takes dy's memory if no other tensor shares it. With `onto`, a gradient that
/// x already has, dx is their sum, in the memory of `onto`.
///
/// With x̂ the normalised input, z = γ x̂ + β and dz = dy (times SiLU′(z) if `silu`), over the m elements of a group:
/// dx = rstd · (γ dz − Σ γ dz / m − x̂ Σ γ dz x̂ / m), dγ = Σ dz x̂ and dβ = Σ dz over samples and positions.
///
/// # Errors
/// As [`group_norm`], and [`Error::Mismatch`] when `dy` or `onto` does not have x's shape.
pub fn group_norm_backward<T: Element>(
    x: &Tensor<T>,
    gamma: Option<&Tensor<T>>,
    beta: Option<&Tensor<T>>,
    stats: &NormStats<T>,
    silu: bool,
    dy: Tensor<T>,
    mut onto: Option<Tensor<T>>,
) -> Result<NormGradients<T>> {
    const OP: &str = "group_norm_backward";
    let groups = stats.mean.dims().get(1).copied().unwrap_or(1);
    let layout = Layout::new(OP, x.shape(), groups, [gamma, beta])?;
    for gradient in [Some(&dy), onto.as_ref()].into_iter().flatten() {
        if gradient.shape() != x.shape() {
            let why = "the gradient must have the input's shape";
            return Err(Error::Mismatch { op: OP, left: *x.shape(), right: *gradient.shape(), why });
        }
    }
    let per_group = Shape::from([layout.samples, groups]);
    for saved in [&stats.mean, &stats.rstd] {
        if *saved.shape() != per_group {
            let why = "there must be one mean and deviation for each sample and group";
            return Err(Error::Mismatch { op: OP, left: *saved.shape(), right: per_group, why });
        }
    }
    let Target { out: mut dx, source } = Target::reuse(dy);
    if rehearsal::is_on() {
        let [dgamma, dbeta] = [(); 2].map(|()| Tensor::scratch([layout.channels]));
        return Ok(NormGradients { dx: onto.unwrap_or(dx), dgamma, dbeta });
    }
    // Per sample and channel: Σ dz and Σ dz x̂.
    let mut partial = vec![[0.0f64; 2]; layout.samples * layout.channels];
    type Piece<'a, T> = ((&'a mut [T], &'a mut [[f64; 2]]), Option<&'a mut [T]>);
    let differentiate = |(task, ((dx, partial), mut onto)): (usize, Piece<'_, T>)| {
        let both = dx.chunks_exact_mut(layout.len).zip(partial.chunks_exact_mut(layout.channels_per_group));
        for (i, (dx, partial)) in both.enumerate() {
            let group = task * layout.per_task + i;
            let x = &x.as_slice()[group * layout.len..][..layout.len];
            if let Some(dy) = &source {
                dx.copy_from_slice(&dy.as_slice()[group * layout.len..][..layout.len]);
            }
            let stats = (stats.mean.as_slice()[group], stats.rstd.as_slice()[group]);
            let onto = onto.as_deref_mut().map(|onto| &mut onto[i * layout.len..][..layout.len]);
            let group = layout.group(group, x, [gamma, beta], silu);
            T::group_norm_backward(&group, stats, dx, onto, partial);
        }
    };
    let (elements, channels) =
        (layout.len.max(1) * layout.per_task, layout.channels_per_group * layout.per_task);
    let out = dx.as_mut_slice();
    let pieces = out.len().div_ceil(elements);
    let ontos: Vec<Option<&mut [T]>> = match &mut onto {
        Some(onto) => onto.as_mut_slice().chunks_mut(elements).map(Some).collect(),
        None => (0..pieces).map(|_| None).collect(),
    };
    if worth_splitting(out.len()) {
        out.par_chunks_mut(elements)
            .zip(partial.par_chunks_mut(channels))
            .zip(ontos)
            .enumerate()
            .for_each(differentiate);
    } else {
        let pieces = out.chunks_mut(elements).zip(partial.chunks_mut(channels)).zip(ontos);
        pieces.enumerate().for_each(differentiate);
    }
    let over_samples = |k: usize| {
        Tensor::from_fn([layout.channels], |c| {
            T::from_f64(partial.iter().skip(c).step_by(layout.channels).map(|sums| sums[k]).sum())
        })
    };
    Ok(NormGradients { dx: onto.unwrap_or(dx), dbeta: over_samples(0), dgamma: over_samples(1) })
}

/// How the elements lie in memory: `samples · groups` runs of `len` elements, each of whole channels.
struct Layout {
    samples: usize,
    channels: usize,
    channels_per_group: usize,
    /// Elements of one channel.
    positions: usize,
    /// Elements of one group.
    len: usize,
    /// How many groups one task takes.
    per_task: usize,
}

impl Layout {
    fn new<T: Element>(
        op: &'static str,
        shape: &Shape,
        groups: usize,
        affine: [Option<&Tensor<T>>; 2],
    ) -> Result<Layout> {
        let &[samples, channels, ref rest @ ..] = shape.dims() else {
            let why = "must have at least two axes: samples and channels".to_string();
            return Err(Error::Unfit { op, shape: *shape, why });
        };
        if groups == 0 || !channels.is_multiple_of(groups) {
            let why = format!("does not divide the {channels} channels of {shape}");
            return Err(Error::Parameter { op, name: "groups", value: groups.to_string(), why });
        }
        for per_channel in affine.into_iter().flatten() {
            if per_channel.dims() != [channels] {
                let why = "scale and shift must have one number for each channel of the first";
                return Err(Error::Mismatch { op, left: *shape, right: *per_channel.shape(), why });
            }
        }
        let positions = rest.iter().product();
        let channels_per_group = channels / groups;
        let len = channels_per_group * positions;
        Ok(Layout { samples, channels, channels_per_group, positions, len, per_task: rows_in_piece(len) })
    }

    /// Group number `index`, whose elements are `x`.
    fn group<'a, T: Element>(
        &self,
        index: usize,
        x: &'a [T],
        affine: [Option<&'a Tensor<T>>; 2],
        silu: bool,
    ) -> Group<'a, T> {
        let first = index * self.channels_per_group % self.channels;
        let [gamma, beta] =
            affine.map(|numbers| Some(&numbers?.as_slice()[first..first + self.channels_per_group]));
        Group { x, channels: self.channels_per_group, positions: self.positions, gamma, beta, silu }
    }
}

#[cfg(test)]
mod tests;
