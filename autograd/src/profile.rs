//! Where the time of a forward and a backward pass goes, operation by operation.

use std::cell::RefCell;
use std::time::Instant;
use tweedie_tensor::{Shape, flops_so_far};

thread_local! {
    /// The operations of this thread's profile, if one is taken.
    static TIMED: RefCell<Option<Vec<Timed>>> = const { RefCell::new(None) };
}

/// Which way an operation was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pass {
    /// From operands to the result.
    Forward,
    /// From the result's gradient to those of the operands.
    Backward,
}

/// One run of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// The operation's name, [`Op::NAME`](crate::Op::NAME).
    pub op: &'static str,
    /// Which way.
    pub pass: Pass,
    /// The shapes of its operands.
    pub operands: Vec<Shape>,
    /// How long it took.
    pub seconds: f64,
    /// Multiplications and additions of convolutions, products of matrices and attention, by their definitions.
    pub flops: f64,
    /// How many numbers it must at least read and write: operands and result, each once; on the way back the gradients of these as
    /// well.
    pub numbers: usize,
}

/// Runs `f`, and returns with its result what each operation on variables took, in the order in which they ended. What `f` does on
/// other threads is not seen; kernels that spread over threads are, as their caller waits for them.
///
/// ```
/// use tweedie_autograd::{Pass, Tape, profile};
/// use tweedie_tensor::Tensor;
/// let tape = Tape::new();
/// let x = tape.leaf(Tensor::<f32>::zeros([3, 4]));
/// let (y, timed) = profile(|| x.clone().matmul(x.t()?)?.sum()?.backward());
/// let products: Vec<_> = timed.iter().filter(|timed| timed.op == "matmul").collect();
/// assert_eq!(products.iter().map(|timed| timed.pass).collect::<Vec<_>>(), [Pass::Forward, Pass::Backward]);
/// assert_eq!(products.iter().map(|timed| timed.flops).collect::<Vec<_>>(), [72.0, 144.0]);
/// # y?;
/// # Ok::<(), tweedie_autograd::Error>(())
/// ```
pub fn profile<R>(f: impl FnOnce() -> R) -> (R, Vec<Timed>) {
    /// Restores the outer profile, also after a panic.
    struct Outer(Option<Vec<Timed>>);
    impl Drop for Outer {
        fn drop(&mut self) {
            TIMED.set(self.0.take());
        }
    }
    let _outer = Outer(TIMED.replace(Some(Vec::new())));
    let result = f();
    (result, TIMED.take().unwrap_or_default())
}

/// Runs `f`, one run of the operation `op`, and adds it to the profile, if one is taken. `result` is the shape of the operation's
/// result, from the value of `f`.
pub(crate) fn timed<R>(
    op: &'static str,
    pass: Pass,
    operands: &[Shape],
    result: impl FnOnce(&R) -> Option<Shape>,
    f: impl FnOnce() -> R,
) -> R {
    if TIMED.with_borrow(Option::is_none) {
        return f();
    }
    let (start, flops) = (Instant::now(), flops_so_far());
    let value = f();
    let seconds = start.elapsed().as_secs_f64();
    let once = operands.iter().copied().chain(result(&value)).map(|shape| shape.numel()).sum::<usize>();
    let timed = Timed {
        op,
        pass,
        operands: operands.to_vec(),
        seconds,
        flops: flops_so_far() - flops,
        numbers: if pass == Pass::Forward { once } else { 2 * once },
    };
    TIMED.with_borrow_mut(|all| all.as_mut().map(|all| all.push(timed)));
    value
}
