//! Rehearsals: code run without numbers, to find the memory and the work that it would take.

use crate::buffer::pool::{Block, Pool, PoolStats};
use std::cell::{Cell, RefCell};

thread_local! {
    /// The innermost rehearsal of this thread.
    static CURRENT: RefCell<Option<Stage>> = const { RefCell::new(None) };
    /// As [`flops_so_far`].
    static FLOPS: Cell<f64> = const { Cell::new(0.0) };
}

/// A pool of imagined blocks, and a count of the work.
struct Stage {
    pool: Pool,
    flops: f64,
}

/// The result of a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rehearsal {
    /// The state of the pool of buffers. `allocated` is the memory that tensors and kernels would have taken from the system.
    pub pool: PoolStats,
    /// Multiplications and additions of convolutions, products of matrices and attention, by their definitions.
    pub flops: f64,
}

/// Runs `f` on this thread with tensors that have a shape and no numbers: operations check their operands, take imagined
/// blocks from a pool of the rehearsal's own, and compute nothing. So the needs of a training step follow from the step's
/// own code, in the time of its bookkeeping.
///
/// The numbers of such a tensor are an empty slice. It must not leave the rehearsal.
///
/// ```
/// use tweedie_tensor::{Tensor, ops, rehearse};
/// let (y, found) = rehearse(|| {
///     let a = Tensor::<f32>::zeros([1_000_000, 1_000_000]);
///     ops::matmul(&a, false, &a, false).map(|y| *y.shape())
/// });
/// assert_eq!(y?.numel(), 1_000_000_000_000);
/// assert_eq!(found.flops, 2e18);
/// # Ok::<(), tweedie_tensor::Error>(())
/// ```
pub fn rehearse<R>(f: impl FnOnce() -> R) -> (R, Rehearsal) {
    /// Restores the outer stage, also after a panic.
    struct Outer(Option<Stage>);
    impl Drop for Outer {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let stage = Stage { pool: Pool::new(), flops: 0.0 };
    let _outer = Outer(CURRENT.replace(Some(stage)));
    let result = f();
    (result, rehearsed().unwrap_or_default())
}

/// The result so far of the rehearsal on this thread; `None` outside of one.
pub fn rehearsed() -> Option<Rehearsal> {
    with(|stage| Rehearsal { pool: stage.pool.stats(), flops: stage.flops })
}

/// Multiplications and additions, by their definitions, of all convolutions, products of matrices and attention that this thread
/// has called, rehearsed or computed. The difference of two values is the work between them.
pub fn flops_so_far() -> f64 {
    FLOPS.get()
}

/// Whether this thread is in a rehearsal.
pub(crate) fn is_on() -> bool {
    CURRENT.with_borrow(Option::is_some)
}

/// Counts a kernel's work; in a rehearsal, takes and returns its temporary buffers, of these sizes in bytes. Returns whether this
/// is a rehearsal.
pub(crate) fn notes(flops: f64, buffers: impl FnOnce() -> Vec<usize>) -> bool {
    FLOPS.set(FLOPS.get() + flops);
    with(|stage| {
        stage.flops += flops;
        let blocks: Vec<Block> =
            buffers().into_iter().map(|bytes| stage.pool.take(bytes, Block::imagined)).collect();
        blocks.into_iter().for_each(|block| stage.pool.give(block));
    })
    .is_some()
}

/// A block of the rehearsal's pool, if there is one.
pub(crate) fn take(bytes: usize) -> Option<Block> {
    with(|stage| stage.pool.take(bytes, Block::imagined))
}

/// Takes it back; drops a block whose rehearsal is over.
pub(crate) fn give(block: Block) {
    with(|stage| stage.pool.give(block));
}

fn with<R>(f: impl FnOnce(&mut Stage) -> R) -> Option<R> {
    CURRENT.with_borrow_mut(|stage| stage.as_mut().map(f))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{self, Conv2dOptions, Padding};
    use crate::{Buffer, Tensor};

    #[test]
    fn a_rehearsal_takes_nothing_and_its_pool_does_what_the_real_one_would() {
        let (addresses, found) = rehearse(|| {
            let kept = Buffer::<f32>::scratch(1 << 40);
            drop(Buffer::<f32>::scratch(1000));
            let again = Buffer::<f32>::scratch(900);
            assert_eq!((kept.len(), again.len()), (0, 0), "no numbers");
            rehearsed().map(|so_far| so_far.pool.in_use)
        });
        let (kept, again) = (4 << 40, 4096);
        assert_eq!(addresses, Some(kept + again));
        assert_eq!(
            found.pool,
            PoolStats {
                in_use: 0,
                idle: kept + again,
                allocated: (kept + again) as u64,
                peak_in_use: kept + again
            }
        );
        assert_eq!(rehearsed(), None);
    }

    #[test]
    fn work_is_counted_as_the_definitions_have_it() {
        let ((), found) = rehearse(|| {
            let x = Tensor::<f32>::zeros([2, 3, 8, 8]);
            let w = Tensor::zeros([5, 3, 3, 3]);
            let y =
                ops::conv2d(&x, &w, None, &Conv2dOptions { stride: 2, padding: Padding::same(1) }).unwrap();
            assert_eq!(y.dims(), [2, 5, 4, 4]);
            let q = Tensor::<f32>::zeros([6, 4, 7]);
            ops::attention(&q, &q, &q, 1.0).unwrap();
        });
        assert_eq!(found.flops, (2 * 2 * 5 * 16 * 27 + 2 * 2 * 6 * 7 * 7 * 4) as f64);
    }

    #[test]
    fn an_inner_rehearsal_leaves_the_outer_one_as_it_was() {
        let ((inner, outer), _) = rehearse(|| {
            let _a = Buffer::<f32>::scratch(16);
            let ((), inner) = rehearse(|| drop(Buffer::<f32>::scratch(1600)));
            (inner.pool.peak_in_use, rehearsed().map(|so_far| so_far.pool.peak_in_use))
        });
        assert_eq!((inner, outer), (6656, Some(64)));
    }

    #[test]
    #[should_panic(expected = "a rehearsed tensor has no numbers")]
    fn a_tensor_that_leaves_its_rehearsal_is_of_no_use() {
        let (x, _) = rehearse(|| Tensor::<f32>::zeros([4]));
        let _ = x.as_slice();
    }
}
