//! Work gone through without numbers, to learn what it would take.

use crate::buffer::pool::{Block, Pool, PoolStats};
use std::cell::RefCell;

thread_local! {
    /// The innermost rehearsal of this thread.
    static CURRENT: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

/// A pool of blocks that are not there, and a count of the work.
struct Stage {
    pool: Pool,
    flops: f64,
}

/// What a rehearsal found.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rehearsal {
    /// What the pool of buffers would hold. `allocated` is what it would have asked the system for, and never give back:
    /// the memory that the tensors and the kernels take.
    pub pool: PoolStats,
    /// Multiplications and additions of convolutions, products of matrices and attention, as their definitions have them.
    pub flops: f64,
}

/// Runs `f` on this thread, where each tensor that is made has a shape and no numbers: operations check their operands,
/// take from a pool of blocks that are not there what they would take from the real one, and compute nothing. So what a
/// step of training needs is learnt from the code of the step itself, in the time of its bookkeeping.
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
    /// Puts the outer stage back, whatever happens.
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

/// What the rehearsal on this thread has found so far; `None` outside of one.
pub fn rehearsed() -> Option<Rehearsal> {
    with(|stage| Rehearsal { pool: stage.pool.stats(), flops: stage.flops })
}

/// Whether this thread rehearses.
pub(crate) fn is_on() -> bool {
    CURRENT.with_borrow(Option::is_some)
}

/// Counts work, in a rehearsal, and room that a kernel takes and gives back; whether there is a rehearsal.
pub(crate) fn notes(flops: f64, workspace: usize) -> bool {
    with(|stage| {
        stage.flops += flops;
        if workspace > 0 {
            let block = stage.pool.take(workspace, Block::imagined);
            stage.pool.give(block);
        }
    })
    .is_some()
}

/// A block of the rehearsal's pool, if there is one.
pub(crate) fn take(bytes: usize) -> Option<Block> {
    with(|stage| stage.pool.take(bytes, Block::imagined))
}

/// Takes it back. One that has left its rehearsal is nothing, and nobody misses it.
pub(crate) fn give(block: Block) {
    with(|stage| stage.pool.give(block));
}

fn with<R>(f: impl FnOnce(&mut Stage) -> R) -> Option<R> {
    CURRENT.with_borrow_mut(|stage| stage.as_mut().map(f))
}
