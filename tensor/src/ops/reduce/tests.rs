use super::*;
use crate::check::{assert_close, assert_same_on_all_thread_counts, values};
use crate::ops::{Binary, binary, broadcast_to};

fn along(x: &Tensor<f64>, axis: usize, fold: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let (cut, _) = cut_at("test", x.shape(), axis, KeepDim::Yes).unwrap();
    let mut out = Vec::new();
    for o in 0..cut.outer {
        for i in 0..cut.inner {
            let at = |k| x.as_slice()[(o * cut.len + k) * cut.inner + i];
            out.push(fold(&(0..cut.len).map(at).collect::<Vec<_>>()));
        }
    }
    out
}

#[test]
fn sums_means_and_maxima_over_each_axis() {
    for dims in [[1, 1, 1], [3, 5, 7], [2, 601, 3], [3, 1, 70_001], [1, 40_000, 5], [2, 2, 0], [1100, 2, 37]]
    {
        let x = values::<f64>(dims, 3);
        for axis in 0..3 {
            let expected = along(&x, axis, |row| row.iter().sum());
            let found = sum_axis(&x, axis, KeepDim::No).unwrap();
            assert_eq!(found.rank(), 2);
            assert_close(found.as_slice(), &expected, 1e-12);
            let found = sum_axis(&x.cast::<f32>(), axis, KeepDim::Yes).unwrap();
            assert_eq!((found.rank(), found.dims()[axis]), (3, 1));
            assert_close(found.as_slice(), &expected, 2e-5);
            if dims[axis] > 0 {
                let n = dims[axis] as f64;
                let expected = along(&x, axis, |row| row.iter().sum::<f64>() / n);
                assert_close(mean_axis(&x, axis, KeepDim::No).unwrap().as_slice(), &expected, 1e-13);
                let expected = along(&x, axis, |row| row.iter().fold(f64::MIN, |m, &x| m.max(x)));
                assert_eq!(max_axis(&x, axis, KeepDim::No).unwrap().as_slice(), expected);
            }
        }
        assert_close(sum(&x).as_slice(), &[x.as_slice().iter().sum()], 1e-12);
    }
    assert_eq!(mean(&Tensor::full([3, 2], 1.5f32)).item().unwrap(), 1.5);
}

#[test]
fn summing_is_the_adjoint_of_stretching() {
    let pairs: [(&[usize], &[usize]); 14] = [
        (&[2, 3, 5, 7], &[2, 3, 1, 1]),
        (&[2, 3, 5, 7], &[1, 3, 1, 1]),
        (&[2, 3, 5, 7], &[3, 1, 1]),
        (&[2, 3, 5, 7], &[7]),
        (&[2, 3, 5, 7], &[]),
        (&[2, 3, 5, 7], &[2, 3, 5, 7]),
        (&[2, 3, 5, 7], &[2, 1, 5, 1]),
        (&[2, 3, 5, 7, 2], &[1, 3, 1, 7, 1]),
        (&[1, 1], &[1]),
        (&[700, 33], &[33]),
        (&[700, 33], &[700, 1]),
        (&[0, 3], &[1, 3]),
        (&[3, 0], &[3, 1]),
        (&[2, 3, 101, 103], &[3, 1, 1]),
    ];
    for (large, small) in pairs {
        let (large, small) = (Shape::new(large).unwrap(), Shape::new(small).unwrap());
        let (x, y) = (values::<f64>(large, 1), values::<f64>(small, 2));
        let found = sum_to(&x, &small).unwrap();
        assert_eq!(found.shape(), &small);
        // ⟨sum_to(x), y⟩ = ⟨x, broadcast_to(y)⟩ for each unit vector y decides every number.
        for i in (0..y.numel()).step_by(y.numel() / 50 + 1) {
            let unit = Tensor::from_fn(small, |j| if i == j { 1.0 } else { 0.0 });
            let stretched = broadcast_to(&unit, &large).unwrap();
            let product = binary(stretched, x.clone(), Binary::Mul).unwrap();
            let expected: f64 = product.as_slice().iter().sum();
            assert_close(&found.as_slice()[i..=i], &[expected], 1e-12);
        }
    }
    assert!(sum_to(&values::<f32>([3], 1), &Shape::from([2, 3])).is_err());
}

#[test]
fn bits_do_not_depend_on_threads() {
    let x = values::<f32>([37, 61, 53], 4);
    assert_same_on_all_thread_counts(|| {
        let mut bits: Vec<u32> = sum(&x).as_slice().iter().map(|x| x.to_bits()).collect();
        for shape in [Shape::from([53]), Shape::from([61, 1]), Shape::from([37, 1, 1]), Shape::SCALAR] {
            bits.extend(sum_to(&x, &shape).unwrap().as_slice().iter().map(|x| x.to_bits()));
        }
        bits
    });
}

#[test]
fn an_axis_that_is_not_there_is_named() {
    let x = values::<f32>([2, 3], 1);
    let message = sum_axis(&x, 2, KeepDim::No).unwrap_err().to_string();
    assert_eq!(message, "sum_axis: axis = 2: [2, 3] has 2 axes, counted from 0");
    assert!(max_axis(&values::<f32>([2, 0], 1), 1, KeepDim::No).is_err());
}
