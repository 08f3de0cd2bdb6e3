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
