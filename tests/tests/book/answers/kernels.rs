use super::Answer;
use tweedie_tensor::{Tensor, ops};

pub(crate) const ANSWERS: &[Answer] = &[("kernels.winograd", winograd), ("kernels.order", order)];

/// The first output of F(2, 3) for pixels 1, 2, 3, 4 and taps 1, 0, −1: by its three products, and by the convolution.
fn winograd() -> f64 {
    let ([d0, d1, d2, d3], [g0, g1, g2]) = ([1.0, 2.0, 3.0, 4.0], [1.0, 0.0, -1.0]);
    let products =
        [(d0 - d2) * g0, (d1 + d2) * 0.5 * (g0 + g1 + g2), (d2 - d1) * 0.5 * (g0 - g1 + g2), (d1 - d3) * g2];
    let outputs = [products[0] + products[1] + products[2], products[1] - products[2] - products[3]];
    let x = Tensor::from_slice([1, 1, 1, 4], &[d0, d1, d2, d3]).unwrap();
    let taps = Tensor::from_slice([1, 1, 1, 3], &[g0, g1, g2]).unwrap();
    let plain =
        ops::Conv2dOptions { stride: 1, padding: ops::Padding { top: 0, bottom: 0, left: 0, right: 0 } };
    let y = ops::conv2d::<f64>(&x, &taps, None, &plain).unwrap();
    assert_eq!(y.as_slice(), outputs);
    outputs[0]
}

/// (−1, x) · (1 + 2^−11, x) for x = 1 + 2^−12, by the product of matrices.
fn order() -> f64 {
    let x = 1.0 + (-12f32).exp2();
    let row = Tensor::from_slice([1, 2], &[-1.0, x]).unwrap();
    let column = Tensor::from_slice([2, 1], &[1.0 + (-11f32).exp2(), x]).unwrap();
    f64::from(ops::matmul(&row, false, &column, false).unwrap().item().unwrap())
}
