//! The gradient of a batch, cut into shards: equal runs of its samples, each with a pass of its own.
//! They are summed in the [canonical tree](crate::cluster::tree): where leaves are computed one after another, where some of
//! its subtrees are computed on other machines and only their sums meet here, and however many threads compute a leaf, the sum
//! has the same bits.

use crate::Result;
use crate::cluster::tree::{Node, Sums};
use crate::config::{GradientPrecision, check_shards};
use std::ops::Range;
use tweedie_tensor::{Tensor, ops};

/// The gradient of each parameter, in the order of the parameters; `None` for one that the loss does not depend on.
pub(crate) type GradientSet = Vec<Option<Tensor<f32>>>;

/// The samples of each of `shards` shards of a batch of `n`, in their order.
///
/// # Errors
/// A number of shards that is no power of two, or does not divide the batch.
pub(crate) fn ranges(n: usize, shards: usize) -> Result<impl ExactSizeIterator<Item = Range<usize>>> {
    check_shards(n, shards)?;
    let each = n / shards;
    Ok((0..shards).map(move |shard| shard * each..(shard + 1) * each))
}

/// A sum over leaves that come in their order, in the canonical tree.
#[derive(Debug, Default)]
pub(crate) struct Accumulator {
    precision: GradientPrecision,
    sums: Sums<GradientSet>,
    next: usize,
}

impl Accumulator {
    /// A sum from the leaf of this number on, each node of which is kept this finely.
    pub(crate) fn from(first: usize, precision: GradientPrecision) -> Accumulator {
        Accumulator { precision, sums: Sums::default(), next: first }
    }

    /// Adds the next leaf.
    ///
    /// # Errors
    /// A leaf of other shapes than the ones before.
    pub(crate) fn add(&mut self, mut leaf: GradientSet) -> Result<()> {
        leaf.iter_mut().flatten().for_each(|gradient| rounded(gradient, self.precision));
        self.sums.add(Node::leaf(self.next), leaf, |left, right| added(left, right, self.precision))?;
        self.next += 1;
        Ok(())
    }

    /// The sum of the leaves so far, if they fill a tree: from 0 on, their number is a power of two.
    pub(crate) fn total(self) -> Option<GradientSet> {
        self.sums.total()
    }

    /// The sums of whole subtrees, from left to right.
    pub(super) fn into_sums(self) -> Sums<GradientSet> {
        self.sums
    }
}

/// The sum of two neighbours: a node of the tree.
///
/// # Errors
/// Two sets of different shapes.
pub(crate) fn added(
    left: GradientSet,
    right: GradientSet,
    precision: GradientPrecision,
) -> Result<GradientSet> {
    let both = left.into_iter().zip(right);
    both.map(|pair| match pair {
        (Some(left), Some(right)) => Ok(Some(added_tensors(left, &right, precision)?)),
        (one, other) => Ok(one.or(other)),
    })
    .collect()
}

/// The sum of two tensors, in the place of the left one.
///
/// # Errors
/// Two different shapes.
pub(super) fn added_tensors(
    mut left: Tensor<f32>,
    right: &Tensor<f32>,
    precision: GradientPrecision,
) -> Result<Tensor<f32>> {
    ops::add_assign(&mut left, right)?;
    rounded(&mut left, precision);
    Ok(left)
}

/// Rounds the gradient of a shard, or a sum of two.
pub(super) fn rounded(gradient: &mut Tensor<f32>, precision: GradientPrecision) {
    if precision != GradientPrecision::F32 {
        precision.round(gradient.as_mut_slice());
    }
}

/// The mean over the batch, from the sum of the means over its shards. Exact, as the number of shards is a power of two.
pub(crate) fn mean(sum: GradientSet, shards: usize) -> GradientSet {
    if shards == 1 {
        return sum;
    }
    let share = 1.0 / shards as f64;
    sum.into_iter().map(|gradient| gradient.map(|gradient| gradient * share)).collect()
}

#[cfg(test)]
mod tests;
