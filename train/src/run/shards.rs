//! The gradient of a batch, cut into shards: equal runs of its samples, each with a pass of its own.
//!
//! Sums of floating-point numbers depend on their order, so there is one: neighbours are added first, (0, 1), (2, 3), …,
//! then neighbouring pairs, then neighbouring fours, up to the whole batch. The tree depends on the number of shards alone.
//! Where leaves are computed one after another, where some of its subtrees are computed elsewhere and only their sums meet
//! here, and however many threads compute a leaf, the sum has the same bits.

use crate::Result;
use crate::config::check_shards;
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
///
/// It is a binary counter: a digit that is set is the sum of a whole subtree, and two of the same height become one. So of
/// S leaves, never more than log₂ S + 1 sets of gradients are alive, the newest leaf among them.
#[derive(Debug, Default)]
pub(crate) struct Accumulator {
    /// The sums of whole subtrees with their heights, from the highest to the lowest.
    sums: Vec<(u32, GradientSet)>,
}

impl Accumulator {
    /// Adds the next leaf.
    ///
    /// # Errors
    /// A leaf of other shapes than the ones before.
    pub(crate) fn add(&mut self, leaf: GradientSet) -> Result<()> {
        let (mut height, mut sum) = (0, leaf);
        while let Some((_, left)) = self.sums.pop_if(|(of_left, _)| *of_left == height) {
            sum = added(left, sum)?;
            height += 1;
        }
        self.sums.push((height, sum));
        Ok(())
    }

    /// The sum of the leaves so far, if they fill a tree: their number is a power of two.
    pub(crate) fn total(mut self) -> Option<GradientSet> {
        let (_, sum) = self.sums.pop()?;
        self.sums.is_empty().then_some(sum)
    }
}

/// The sum of two neighbours: a node of the tree.
///
/// # Errors
/// Two sets of different shapes.
pub(crate) fn added(left: GradientSet, right: GradientSet) -> Result<GradientSet> {
    let both = left.into_iter().zip(right);
    both.map(|pair| match pair {
        (Some(mut left), Some(right)) => {
            ops::add_assign(&mut left, &right)?;
            Ok(Some(left))
        }
        (one, other) => Ok(one.or(other)),
    })
    .collect()
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
