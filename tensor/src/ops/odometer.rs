//! Reading a tensor in another order than its own: broadcast, permuted, or both.

use crate::{MAX_RANK, Shape};

/// Axes, each with a stride in the tensor that is read; neighbours that one stride covers are merged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Odometer {
    /// Lengths, outermost first.
    dims: [usize; MAX_RANK],
    /// Elements of the read tensor from one index to the next.
    strides: [usize; MAX_RANK],
    /// How many axes are in use: at least one.
    rank: usize,
}

impl Odometer {
    /// Reads a tensor of shape `from` as if it had the shape `to` that it broadcasts to.
    pub(super) fn stretched(from: &Shape, to: &Shape) -> Odometer {
        let own = from.strides();
        let skipped = to.rank() - from.rank();
        let stride = |axis: usize| match axis.checked_sub(skipped) {
            Some(axis) if from[axis] != 1 => own[axis],
            _ => 0,
        };
        Odometer::merged((0..to.rank()).map(|axis| (to[axis], stride(axis))))
    }

    /// From (length, stride) pairs, outermost first.
    pub(super) fn merged(axes: impl Iterator<Item = (usize, usize)>) -> Odometer {
        let mut walk = Odometer { dims: [1; MAX_RANK], strides: [0; MAX_RANK], rank: 0 };
        for (len, stride) in axes.filter(|&(len, _)| len != 1) {
            if walk.rank > 0 && walk.strides[walk.rank - 1] == len * stride {
                walk.dims[walk.rank - 1] *= len;
                walk.strides[walk.rank - 1] = stride;
            } else {
                walk.dims[walk.rank] = len;
                walk.strides[walk.rank] = stride;
                walk.rank += 1;
            }
        }
        walk.rank = walk.rank.max(1);
        walk
    }

    /// Axes after merging, as (length, stride).
    pub(super) fn axes(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> + ExactSizeIterator {
        (0..self.rank).map(|axis| (self.dims[axis], self.strides[axis]))
    }

    /// Calls `body(run, from, step)` for consecutive parts of `out`, which begins at flat index `start` of the walk. The
    /// elements of a part are read from index `from` on with stride `step`.
    #[inline(always)]
    pub(super) fn for_runs<T>(
        &self,
        start: usize,
        out: &mut [T],
        mut body: impl FnMut(&mut [T], usize, usize),
    ) {
        if out.is_empty() {
            return;
        }
        let last = self.rank - 1;
        let (len, step) = (self.dims[last], self.strides[last]);
        let mut index = [0; MAX_RANK];
        let (mut rest, mut from) = (start, 0);
        for axis in (0..self.rank).rev() {
            index[axis] = rest % self.dims[axis];
            rest /= self.dims[axis];
            from += index[axis] * self.strides[axis];
        }
        let mut out = out;
        loop {
            let take = (len - index[last]).min(out.len());
            let (run, after) = out.split_at_mut(take);
            body(run, from, step);
            if after.is_empty() {
                return;
            }
            out = after;
            from -= index[last] * step;
            index[last] = 0;
            for axis in (0..last).rev() {
                index[axis] += 1;
                from += self.strides[axis];
                if index[axis] < self.dims[axis] {
                    break;
                }
                from -= index[axis] * self.strides[axis];
                index[axis] = 0;
            }
        }
    }
}
