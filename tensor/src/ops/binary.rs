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
    fn name(self) -> &'static str {
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
mod tests {
    use super::*;
    use crate::check::values;

    /// The element of `x` that index `i` of the broadcast shape sees.
    fn seen(x: &Tensor<f64>, shape: &Shape, mut i: usize) -> f64 {
        let (mut at, mut stride) = (0, 1);
        for back in 1..=shape.rank() {
            let axis = shape.rank() - back;
            let index = i % shape[axis];
            i /= shape[axis];
            if back <= x.rank() {
                let len = x.dims()[x.rank() - back];
                at += if len == 1 { 0 } else { index * stride };
                stride *= len;
            }
        }
        x.as_slice()[at]
    }

    const PAIRS: [(&[usize], &[usize]); 16] = [
        (&[], &[]),
        (&[7], &[]),
        (&[2, 3, 5, 7], &[2, 3, 5, 7]),
        (&[2, 3, 5, 7], &[2, 3, 1, 1]),
        (&[2, 3, 5, 7], &[1, 3, 1, 1]),
        (&[2, 3, 5, 7], &[3, 1, 1]),
        (&[2, 3, 5, 7], &[2, 1, 1, 1]),
        (&[2, 3, 5, 7], &[7]),
        (&[2, 1, 5, 1], &[3, 1, 7]),
        (&[4, 1], &[1, 5]),
        (&[1, 2, 1, 2, 1, 2], &[2, 2, 2, 2, 2, 2]),
        (&[2, 1, 2, 1, 2, 1], &[1, 3, 1, 3, 1, 3]),
        (&[0, 3], &[1, 3]),
        (&[1, 3], &[1, 1]),
        (&[3, 1, 20_001], &[2, 1]),
        (&[3, 101, 257], &[101, 1]),
    ];

    #[test]
    fn every_kind_of_broadcast_and_of_reuse() {
        for (left, right) in PAIRS {
            for (left, right) in [(left, right), (right, left)] {
                let (left, right) = (Shape::new(left).unwrap(), Shape::new(right).unwrap());
                let (a, b) = (values::<f64>(left, 1), values::<f64>(right, 2));
                let shape = Shape::broadcast("test", &left, &right).unwrap();
                for f in [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div] {
                    let expected: Vec<f64> = (0..shape.numel())
                        .map(|i| {
                            let (a, b) = (seen(&a, &shape, i), seen(&b, &shape, i));
                            match f {
                                Binary::Add => a + b,
                                Binary::Sub => a - b,
                                Binary::Mul => a * b,
                                Binary::Div => a / b,
                            }
                        })
                        .collect();
                    let own = |x: &Tensor<f64>| Tensor::from_slice(*x.shape(), x.as_slice()).unwrap();
                    for (a, b) in [(a.clone(), b.clone()), (own(&a), b.clone()), (a.clone(), own(&b))] {
                        let out = binary(a, b, f).unwrap();
                        assert_eq!(out.shape(), &shape);
                        assert_eq!(out.as_slice(), expected, "{left} {f:?} {right}");
                    }
                }
                if shape == left {
                    let out = broadcast_to(&b, &shape).unwrap();
                    assert!((0..shape.numel()).all(|i| out.as_slice()[i] == seen(&b, &shape, i)));
                }
            }
        }
    }

    #[test]
    fn a_unique_operand_of_the_right_shape_is_written_in_place() {
        let (a, b) = (Tensor::<f32>::full([3, 4], 1.0), Tensor::full([4], 2.0));
        let at = a.as_slice().as_ptr();
        assert_eq!(binary(a, b.clone(), Binary::Sub).unwrap().as_slice().as_ptr(), at);
        let a = Tensor::<f32>::full([3, 4], 1.0);
        let at = a.as_slice().as_ptr();
        let out = binary(b, a, Binary::Sub).unwrap();
        assert_eq!((out.as_slice().as_ptr(), out.as_slice()), (at, &[1.0; 12][..]));
    }

    #[test]
    fn shapes_that_do_not_fit_are_named() {
        let x = |dims: &[usize]| Tensor::<f32>::zeros(Shape::new(dims).unwrap());
        let message = binary(x(&[2, 3]), x(&[2, 4]), Binary::Mul).unwrap_err().to_string();
        assert!(message.starts_with("mul: shapes [2, 3] and [2, 4]"), "{message}");
        assert!(add_assign(&mut x(&[2, 3]), &x(&[3])).is_err());
        assert!(broadcast_to(&x(&[2, 3]), &Shape::from([3])).is_err());
        let mut a = Tensor::full([3], 1.0f32);
        axpy(&mut a, 0.5, &Tensor::full([3], 4.0)).unwrap();
        add_assign(&mut a, &Tensor::full([3], 1.0)).unwrap();
        assert_eq!(a.as_slice(), [4.0; 3]);
    }
}
