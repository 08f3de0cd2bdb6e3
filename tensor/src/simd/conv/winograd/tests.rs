//! Winograd's filtering against im2col in f64, on every path.

use super::applies::is_open;
use super::convolution::Convolution;
use super::scheme::Scheme;
use super::weights::Weights;
use super::*;
use crate::Accumulate;
use crate::check::values;
use crate::ops::{Conv2dOptions, Padding, conv2d, conv2d_grad_input, conv2d_grad_weight, scale};
use crate::simd::Isa;
use crate::simd::conv::addend::{Addend, Bias};
use crate::{Shape, Tensor};
use proptest::prelude::*;

/// Numbers in (−1, 1), exact in f32.
fn noise(shape: Shape, seed: u64) -> Tensor<f64> {
    scale(values::<f32>(shape, seed), 0.5).cast()
}

fn paths() -> impl Iterator<Item = Isa> {
    Isa::available()
}

/// √(Σ (ours − exact)² / Σ exact²).
fn relative_error(ours: &Tensor<f32>, exact: &Tensor<f64>) -> f64 {
    let (mut error, mut size) = (0.0, 0.0);
    for (x, e) in ours.as_slice().iter().zip(exact.as_slice()) {
        error += (f64::from(*x) - e).powi(2);
        size += e * e;
    }
    (error / size).sqrt()
}

/// Relative errors of y, dX and dW; all paths must give the same bits.
fn check(x: [usize; 4], channels_out: usize, conv: Conv2dOptions, how: Accumulate) -> [f64; 3] {
    let (x_shape, w_shape) = (Shape::from(x), Shape::from([channels_out, x[1], 3, 3]));
    let y_shape = conv.output_shape(&x_shape, &w_shape).unwrap();
    let (x, w, dy) = (noise(x_shape, 1), noise(w_shape, 2), noise(y_shape, 3));
    let bias = noise(Shape::from([channels_out]), 4);
    let start = if how == Accumulate::Add { 0.5 } else { 0.0 };
    let exact_y = conv2d(&x, &w, Some(&bias), &conv).unwrap();
    let mut exact_dx = Tensor::full(x_shape, start);
    conv2d_grad_input(&dy, &w, &x_shape, &conv, &mut exact_dx, Accumulate::Add).unwrap();
    let mut exact_dw = Tensor::full(w_shape, start);
    conv2d_grad_weight(&x, &dy, &w_shape, &conv, &mut exact_dw, Accumulate::Add).unwrap();

    let g = conv.geometry("test", &x_shape, &w_shape).unwrap();
    let (x, w, dy, bias) = (x.cast::<f32>(), w.cast::<f32>(), dy.cast::<f32>(), bias.cast::<f32>());
    let start = if how == Accumulate::Add { 0.5 } else { f32::NAN };
    let mut first: Option<Vec<u32>> = None;
    let mut errors = [0.0; 3];
    for isa in paths() {
        let mut out = [y_shape, x_shape, w_shape].map(|shape| Tensor::full(shape, start));
        let addend = Addend { bias: Bias::Channels(bias.as_slice()), onto: Accumulate::Overwrite.into() };
        forward(isa, &g, x.as_slice(), w.as_slice(), addend, out[0].as_mut_slice());
        grad_input(isa, &g, dy.as_slice(), w.as_slice(), out[1].as_mut_slice(), how);
        grad_weight(isa, &g, x.as_slice(), dy.as_slice(), out[2].as_mut_slice(), how);
        errors = [
            relative_error(&out[0], &exact_y),
            relative_error(&out[1], &exact_dx),
            relative_error(&out[2], &exact_dw),
        ];
        let bits: Vec<u32> = out.iter().flat_map(|t| t.as_slice()).map(|x| x.to_bits()).collect();
        assert!(*first.get_or_insert_with(|| bits.clone()) == bits, "{isa:?}: other bits");
    }
    errors
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_size_and_padding(
        stride in 1usize..3,
        n in 1usize..4, ci in 1usize..40, co in 1usize..40, h in 3usize..19, w in 3usize..19,
        sides in (0usize..3, 0usize..6, 0usize..3, 0usize..6), add: bool,
    ) {
        let padding = Padding { top: sides.0, bottom: sides.1, left: sides.2, right: sides.3 };
        let conv = Conv2dOptions { stride, padding };
        let g = conv.geometry("test", &Shape::from([n, ci, h, w]), &Shape::from([co, ci, 3, 3])).unwrap();
        prop_assume!(is_open(&g));
        let how = if add { Accumulate::Add } else { Accumulate::Overwrite };
        let errors = check([n, ci, h, w], co, conv, how);
        let most = if stride == 1 { 2e-6 } else { 1e-6 };
        prop_assert!(errors.iter().all(|&e| e < most), "{errors:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_cut_shows_in_no_bit(
        n in 1usize..6, ci in 1usize..70, co in 1usize..70, h in 3usize..20, w in 3usize..20, mirrored: bool,
        scheme in prop::sample::select(Scheme::ALL.as_slice()), less in 0usize..2,
    ) {
        let places = match scheme {
            Scheme::UnitStride => [h, w],
            Scheme::StrideTwo => [h, w].map(|n| n.div_ceil(2)),
            Scheme::BackwardOfStrideTwo { .. } => [h, w].map(|n| 2 * n - less),
        };
        let x = noise(Shape::from([n, ci, h, w]), 1).cast::<f32>();
        let w_shape = Shape::from([co, ci, 3, 3]);
        let (weights, bias) = (noise(w_shape, 2).cast::<f32>(), noise(Shape::from([n, co]), 3).cast::<f32>());
        let weights = Weights {
            w: weights.as_slice(),
            channels_out: co,
            channels_in: ci,
            out_stride: 9 * ci,
            in_stride: 9,
            mirrored,
        };
        let addend = Addend { bias: Bias::Samples(bias.as_slice()), onto: Accumulate::Overwrite.into() };
        let mut results = [f32::NAN; 2].map(|nan| Tensor::full([n, co, places[0], places[1]], nan));
        for (result, by) in results.iter_mut().zip([Convolution::by_tiles, Convolution::by_channels]) {
            let y = (result.as_mut_slice(), places);
            let pictures = (x.as_slice(), [h, w], [1, 1]);
            by(&Convolution::new(Isa::active(), scheme, n, &weights, pictures, addend, y));
        }
        let [by_tiles, by_channels] = results;
        prop_assert!(by_tiles.as_slice().iter().all(|y| y.is_finite()));
        prop_assert_eq!(by_tiles.as_slice(), by_channels.as_slice());
    }
}

#[test]
fn rounding_stays_near_that_of_the_definition() {
    // The gradient of the weights: some have enough tiles for slices, of one or several transforms, with strides or without; the
    // last one more than are transformed at once for all channels.
    use Accumulate::{Add, Overwrite};
    let shapes = [
        ([2, 128, 16, 16], 128, Overwrite),
        ([5, 64, 7, 7], 64, Overwrite),
        ([3, 32, 28, 28], 32, Overwrite),
        ([20, 32, 14, 14], 48, Add),
        ([19, 17, 13, 15], 19, Overwrite),
        ([20, 128, 14, 14], 64, Add),
        ([96, 160, 5, 5], 240, Overwrite),
    ];
    for (x, channels_out, how) in shapes {
        for (stride, most) in [(1, 1.5e-6), (2, 6e-7)] {
            let errors = check(x, channels_out, Conv2dOptions { stride, padding: Padding::same(1) }, how);
            println!("{x:?} with stride {stride}: {errors:?}");
            assert!(errors.iter().all(|&e| e < most), "{errors:?}");
        }
    }
}

#[test]
fn the_layers_of_networks_go_this_way_and_others_do_not() {
    let geometry = |channels: usize, size: usize, stride: usize, [top, bottom, left, right]: [usize; 4]| {
        let conv = Conv2dOptions { stride, padding: Padding { top, bottom, left, right } };
        let shapes = [[2, channels, size, size], [32, channels, 3, 3]].map(Shape::from);
        conv.geometry("test", &shapes[0], &shapes[1]).unwrap()
    };
    for size in [4, 7, 8, 14, 16, 28, 32] {
        assert!(applies(&geometry(16, size, 1, [1; 4])), "{size}");
        assert!(!applies(&geometry(15, size, 1, [1; 4])), "{size}: too few channels");
    }
    for size in [8, 14, 16, 28, 32] {
        assert!(applies(&geometry(16, size, 2, [1; 4])), "{size}");
        assert!(applies(&geometry(16, 2 * size, 2, [0, 1, 0, 1])), "{size}");
        assert!(!applies(&geometry(16, size, 2, [0, 1, 1, 0])), "{size}: paddings of another kind");
        assert!(!applies(&geometry(16, size, 3, [1; 4])), "{size}: stride");
    }
    assert!(!applies(&geometry(16, 8, 1, [3; 4])), "padding beyond the window");
    assert!(!applies(&geometry(16, 8, 1, [1, 1, 1, 3])), "places that meet no pixel");
}
