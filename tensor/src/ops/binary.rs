use super::odometer::Odometer;
use super::pieces::{BLOCK, PIECE, for_pieces};
use crate::simd::vectorized;
use crate::{Element, Error, Result, Shape, Tensor};

/// A function of two numbers, applied to each pair of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binary {
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a · b.
    Mul,
    /// a / b.
    Div,
}

impl Binary {
    /// What methods and errors call it.
    pub fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
        }
    }
}

/// f(a, b) with broadcasting as in NumPy: shapes are aligned at the end, and an axis of length 1 stretches.
///
/// The result takes the memory of the first operand that has its shape and that no other tensor shares.
///
/// # Errors
/// [`Error::Mismatch`], under the name of the function, when two aligned axes differ and neither is 1.
pub fn binary<T: Element>(a: Tensor<T>, b: Tensor<T>, f: Binary) -> Result<Tensor<T>> {
    let shape = Shape::broadcast(f.name(), a.shape(), b.shape())?;
    let fits = |x: &Tensor<T>| *x.shape() == shape && x.is_unique();
    Ok(if fits(&a) {
        onto_left(a, None, &b, f)
    } else if fits(&b) {
        // b's memory is the output, so the operands change roles in the same loop.
        match f {
            Binary::Add => combine_onto(b, None, &a, |b, a| a + b),
            Binary::Sub => combine_onto(b, None, &a, |b, a| a - b),
            Binary::Mul => combine_onto(b, None, &a, |b, a| a * b),
            Binary::Div => combine_onto(b, None, &a, |b, a| a / b),
        }
    } else {
        onto_left(Tensor::scratch(shape), Some(&a), &b, f)
    })
}

fn onto_left<T: Element>(out: Tensor<T>, a: Option<&Tensor<T>>, b: &Tensor<T>, f: Binary) -> Tensor<T> {
    match f {
        Binary::Add => combine_onto(out, a, b, |a, b| a + b),
        Binary::Sub => combine_onto(out, a, b, |a, b| a - b),
        Binary::Mul => combine_onto(out, a, b, |a, b| a * b),
        Binary::Div => combine_onto(out, a, b, |a, b| a / b),
    }
}

/// `out ← f(first, second)`, both broadcast to out's shape; without `first`, out holds it already.
fn combine_onto<T: Element>(
    mut out: Tensor<T>,
    first: Option<&Tensor<T>>,
    second: &Tensor<T>,
    f: impl Fn(T, T) -> T + Sync,
) -> Tensor<T> {
    let shape = *out.shape();
    let first = first.map(|x| (x.as_slice(), Odometer::stretched(x.shape(), &shape)));
    let (numbers, walk) = (second.as_slice(), Odometer::stretched(second.shape(), &shape));
    for_pieces(out.as_mut_slice(), PIECE, shape.numel(), |start, piece| {
        // Short blocks stay in the first-level cache between the copy and the operation.
        for (i, block) in piece.chunks_mut(BLOCK).enumerate() {
            let start = start + i * BLOCK;
            if let Some((numbers, walk)) = &first {
                copy_stretched(block, start, numbers, walk);
            }
            walk.for_runs(start, block, |run, from, step| {
                let from = &numbers[from..];
                vectorized(
                    #[inline(always)]
                    || {
                        if step == 0 {
                            let b = from[0];
                            for a in run.iter_mut() {
                                *a = f(*a, b);
                            }
                        } else {
                            for (a, &b) in run.iter_mut().zip(from) {
                                *a = f(*a, b);
                            }
                        }
                    },
                );
            });
        }
    });
    out
}

fn copy_stretched<T: Element>(block: &mut [T], start: usize, numbers: &[T], walk: &Odometer) {
    walk.for_runs(start, block, |run, from, step| {
        if step == 0 {
            run.fill(numbers[from]);
        } else {
            run.copy_from_slice(&numbers[from..][..run.len()]);
        }
    });
}

/// `x` broadcast to `shape`: the adjoint of [`sum_to`](super::sum_to).
///
/// # Errors
/// [`Error::Mismatch`] when an axis of `x` is neither 1 nor the length it should have, or `shape` has fewer axes.
pub fn broadcast_to<T: Element>(x: &Tensor<T>, shape: &Shape) -> Result<Tensor<T>> {
    const OP: &str = "broadcast_to";
    if Shape::broadcast(OP, x.shape(), shape)? != *shape {
        let why = "an axis can be stretched only from 1";
        return Err(Error::Mismatch { op: OP, left: *x.shape(), right: *shape, why });
    }
    if x.shape() == shape {
        return Ok(x.clone());
    }
    let mut out = Tensor::scratch(*shape);
    let (numbers, walk) = (x.as_slice(), Odometer::stretched(x.shape(), shape));
    for_pieces(out.as_mut_slice(), PIECE, shape.numel(), |start, piece| {
        copy_stretched(piece, start, numbers, &walk);
    });
    Ok(out)
}

/// `a ← a + b`.
///
/// # Errors
/// [`Error::Mismatch`] when the shapes differ: nothing is broadcast.
pub fn add_assign<T: Element>(a: &mut Tensor<T>, b: &Tensor<T>) -> Result<()> {
    assign("add_assign", a, b, |a, b| a + b)
}

/// `a ← a + alpha · b`, each a fused multiply-add.
///
/// # Errors
/// [`Error::Mismatch`] when the shapes differ.
pub fn axpy<T: Element>(a: &mut Tensor<T>, alpha: f64, b: &Tensor<T>) -> Result<()> {
    let alpha = T::from_f64(alpha);
    assign(
        "axpy",
        a,
        b,
        #[inline(always)]
        |a, b| alpha.mul_add(b, a),
    )
}

fn assign<T: Element>(
    op: &'static str,
    a: &mut Tensor<T>,
    b: &Tensor<T>,
    f: impl Fn(T, T) -> T + Sync,
) -> Result<()> {
    if a.shape() != b.shape() {
        let why = "what is added in place must have the same shape";
        return Err(Error::Mismatch { op, left: *a.shape(), right: *b.shape(), why });
    }
    let (work, b) = (a.numel(), b.as_slice());
    for_pieces(a.as_mut_slice(), PIECE, work, |start, piece| {
        vectorized(
            #[inline(always)]
            || {
                for (a, &b) in piece.iter_mut().zip(&b[start..]) {
                    *a = f(*a, b);
                }
            },
        );
    });
    Ok(())
}

#[cfg(test)]
mod tests;
