//! Convolutions against seven naive loops in f64, against im2col, and against their adjoints.

use super::*;
use crate::simd::conv::{Addend, Bias, Geometry, Onto};
use crate::simd::{self, Isa};
use crate::{Accumulate, Element, Shape, Tensor};
use proptest::prelude::*;

fn wave(shape: Shape, phase: f64) -> Tensor<f64> {
    Tensor::from_fn(shape, |i| libm::sin(i as f64 * 1.7 + phase) + 0.2)
}

/// Calls `visit(y index, x index, w index)` for every product of a convolution: the definition, as seven loops.
fn each_product(g: &Geometry, mut visit: impl FnMut(usize, usize, usize)) {
    let [[height, width], [high, wide], [taps_high, taps_wide]] = [g.plane, g.places, g.taps];
    for n in 0..g.samples {
        for o in 0..g.channels_out {
            for c in 0..g.channels_in {
                for i in 0..high {
                    for j in 0..wide {
                        for u in 0..taps_high {
                            for v in 0..taps_wide {
                                let y = (i * g.stride + u) as isize - g.before[0] as isize;
                                let x = (j * g.stride + v) as isize - g.before[1] as isize;
                                if y < 0 || x < 0 || y >= height as isize || x >= width as isize {
                                    continue;
                                }
                                visit(
                                    ((n * g.channels_out + o) * high + i) * wide + j,
                                    ((n * g.channels_in + c) * height + y as usize) * width + x as usize,
                                    ((o * g.channels_in + c) * taps_high + u) * taps_wide + v,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A convolution to be tried: its operands in f64.
#[derive(Debug, Clone)]
struct Case {
    conv: Conv2dOptions,
    x: Shape,
    w: Shape,
}

impl Case {
    fn geometry(&self) -> Geometry {
        self.conv.geometry("test", &self.x, &self.w).unwrap()
    }

    fn y(&self) -> Shape {
        self.conv.output_shape(&self.x, &self.w).unwrap()
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let kernel = prop::sample::select(vec![1usize, 2, 3, 5]);
    let sides = (0usize..3, 0usize..3, 0usize..3, 0usize..3);
    let channels = prop::sample::select(vec![1usize, 2, 3, 7, 13, 21]);
    (
        (1usize..4, channels.clone(), channels),
        (1usize..14, 1usize..40),
        (kernel.clone(), kernel),
        sides,
        1usize..7,
    )
        .prop_filter_map("the kernel must fit", |((n, ci, co), (h, w), (kh, kw), p, stride)| {
            let padding = Padding { top: p.0, bottom: p.1, left: p.2, right: p.3 };
            let conv = Conv2dOptions { stride, padding };
            let case = Case { conv, x: Shape::from([n, ci, h, w]), w: Shape::from([co, ci, kh, kw]) };
            conv.output_shape(&case.x, &case.w).is_ok().then_some(case)
        })
}

fn close<T: Element>(name: &str, ours: &Tensor<T>, exact: &[f64], tolerance: f64) {
    let scale = exact.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    for (i, (x, e)) in ours.as_slice().iter().zip(exact).enumerate() {
        assert!((x.to_f64() - e).abs() <= tolerance * scale, "{name} at {i}: {x} for {e}");
    }
}

/// Forward and gradients in `T` against the definition. What is to be overwritten starts as NaN.
fn check<T: Element>(case: &Case, add: bool, tolerance: f64) {
    let g = case.geometry();
    let (x, w, dy) = (wave(case.x, 0.3), wave(case.w, 0.9), wave(case.y(), 2.0));
    let bias = wave(Shape::from([g.channels_out]), 4.0);
    let (how, start) = if add { (Accumulate::Add, 0.5) } else { (Accumulate::Overwrite, f64::NAN) };
    let from = if add { start } else { 0.0 };

    let pixels = g.places[0] * g.places[1];
    let mut y: Vec<f64> = (0..dy.numel()).map(|i| bias.as_slice()[i / pixels % g.channels_out]).collect();
    let (mut dx, mut dw) = (vec![from; x.numel()], vec![from; w.numel()]);
    let mut db = vec![from; g.channels_out];
    each_product(&g, |yi, xi, wi| {
        y[yi] += x.as_slice()[xi] * w.as_slice()[wi];
        dx[xi] += dy.as_slice()[yi] * w.as_slice()[wi];
        dw[wi] += dy.as_slice()[yi] * x.as_slice()[xi];
    });
    dy.as_slice().iter().enumerate().for_each(|(i, d)| db[i / pixels % g.channels_out] += d);

    let (x, w, dy, bias) = (x.cast::<T>(), w.cast::<T>(), dy.cast::<T>(), bias.cast::<T>());
    let start = T::from_f64(start);
    close("y", &conv2d(&x, &w, Some(&bias), &case.conv).unwrap(), &y, tolerance);
    let mut out = Tensor::full(case.x, start);
    conv2d_grad_input(&dy, &w, &case.x, &case.conv, &mut out, how).unwrap();
    close("dx", &out, &dx, tolerance);
    let mut out = Tensor::full(case.w, start);
    conv2d_grad_weight(&x, &dy, &case.w, &case.conv, &mut out, how).unwrap();
    close("dw", &out, &dw, tolerance);
    let mut out = Tensor::full([g.channels_out], start);
    conv2d_grad_bias(&dy, &mut out, how).unwrap();
    close("db", &out, &db, tolerance);

    // A bias for each sample, and pictures to add to, in other memory and in their own.
    let (shifts, onto) = (wave(Shape::from([g.samples, g.channels_out]), 5.0), wave(case.y(), 6.0));
    let planes = || (0..dy.numel()).map(|i| i / pixels);
    for (i, plane) in planes().enumerate() {
        y[i] +=
            onto.as_slice()[i] + shifts.as_slice()[plane] - bias.as_slice()[plane % g.channels_out].to_f64();
    }
    let (shifts, onto) = (shifts.cast::<T>(), onto.cast::<T>());
    let other = conv2d_onto(&x, &w, Some(&shifts), onto.clone(), &case.conv).unwrap();
    close("y onto others", &other, &y, tolerance);
    let own = conv2d_onto(&x, &w, Some(&shifts), onto, &case.conv).unwrap();
    assert_eq!(own.as_slice(), other.as_slice());
    let mut dshift = vec![from; shifts.numel()];
    planes().zip(dy.as_slice()).for_each(|(plane, d)| dshift[plane] += d.to_f64());
    let mut out = Tensor::full(*shifts.shape(), start);
    conv2d_grad_bias(&dy, &mut out, how).unwrap();
    close("dshift", &out, &dshift, tolerance);
}

fn bits(tensors: &[Tensor<f32>]) -> Vec<u32> {
    tensors.iter().flat_map(|t| t.as_slice()).map(|x| x.to_bits()).collect()
}

/// All three convolutions on one path, from NaN.
fn on_path(isa: Isa, case: &Case) -> [Tensor<f32>; 3] {
    let g = case.geometry();
    let (x, w) = (wave(case.x, 0.3).cast::<f32>(), wave(case.w, 0.9).cast::<f32>());
    let dy = wave(case.y(), 2.0).cast::<f32>();
    let mut out = [case.y(), case.x, case.w].map(|shape| Tensor::full(shape, f32::NAN));
    let how = Accumulate::Overwrite;
    let addend = Addend { bias: Bias::None, onto: Onto::Nothing };
    simd::conv::forward(isa, &g, x.as_slice(), w.as_slice(), addend, out[0].as_mut_slice());
    simd::conv::grad_input(isa, &g, dy.as_slice(), w.as_slice(), out[1].as_mut_slice(), how);
    simd::conv::grad_weight(isa, &g, x.as_slice(), dy.as_slice(), out[2].as_mut_slice(), how);
    out
}

fn paths() -> impl Iterator<Item = Isa> {
    Isa::available()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn both_implementations_follow_the_definition(case in cases(), add: bool) {
        check::<f64>(&case, add, 1e-12);
        check::<f32>(&case, add, 1e-5);
    }

    #[test]
    fn every_path_gives_the_same_bits(case in cases()) {
        let all: Vec<_> = paths().map(|isa| bits(&on_path(isa, &case))).collect();
        prop_assert!(all.iter().all(|b| *b == all[0]));
    }

    #[test]
    fn gradients_are_adjoint(case in cases()) {
        // ⟨conv(x, w), u⟩ = ⟨x, grad_input(u, w)⟩ = ⟨w, grad_weight(x, u)⟩.
        let (x, w, u) = (wave(case.x, 0.3), wave(case.w, 0.9), wave(case.y(), 2.0));
        let dot = |a: &Tensor<f64>, b: &Tensor<f64>| -> f64 {
            a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a * b).sum()
        };
        let y = dot(&conv2d(&x, &w, None, &case.conv).unwrap(), &u);
        let (mut dx, mut dw) = (Tensor::zeros(case.x), Tensor::zeros(case.w));
        conv2d_grad_input(&u, &w, &case.x, &case.conv, &mut dx, Accumulate::Overwrite).unwrap();
        conv2d_grad_weight(&x, &u, &case.w, &case.conv, &mut dw, Accumulate::Overwrite).unwrap();
        let scale = y.abs().max(1.0) + u.numel() as f64;
        prop_assert!((y - dot(&x, &dx)).abs() < 1e-12 * scale && (y - dot(&w, &dw)).abs() < 1e-12 * scale);
    }

    #[test]
    fn col2im_is_the_adjoint_of_im2col(case in cases()) {
        let g = case.geometry();
        let x = wave(case.x, 0.3);
        let columns = im2col::im2col(&x, g.taps, &case.conv).unwrap();
        let u = wave(*columns.shape(), 1.0);
        let back = im2col::col2im(&u, &case.x, g.taps, &case.conv).unwrap();
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let (there, here) = (dot(columns.as_slice(), u.as_slice()), dot(x.as_slice(), back.as_slice()));
        prop_assert!((there - here).abs() < 1e-12 * (1.0 + u.numel() as f64));
    }
}

/// Layers of the networks that are trained: large enough for every block and for threads.
fn layers() -> Vec<Case> {
    let same = Conv2dOptions { stride: 1, padding: Padding::same(1) };
    let half = Conv2dOptions { stride: 2, padding: Padding { top: 0, bottom: 1, left: 0, right: 1 } };
    let point = Conv2dOptions { stride: 1, padding: Padding::same(0) };
    let wide = |left, right| Case {
        conv: Conv2dOptions { stride: 1, padding: Padding { left, right, ..Padding::same(0) } },
        x: Shape::from([2, 3, 5, 17]),
        w: Shape::from([4, 3, 1, 16]),
    };
    let beyond = Conv2dOptions { stride: 1, padding: Padding { top: 5, bottom: 3, left: 1, right: 1 } };
    let upper = Conv2dOptions { stride: 1, padding: Padding { top: 2, bottom: 0, left: 2, right: 0 } };
    let lopsided = Conv2dOptions { stride: 1, padding: Padding { right: 3, ..Padding::same(1) } };
    let case = |conv, x: [usize; 4], [co, k]: [usize; 2]| Case {
        conv,
        x: Shape::from(x),
        w: Shape::from([co, x[1], k, k]),
    };
    vec![
        case(same, [12, 32, 28, 28], [32, 3]),
        case(same, [40, 64, 7, 7], [64, 3]),
        case(same, [6, 1, 28, 28], [32, 3]),
        case(same, [12, 32, 28, 28], [1, 3]),
        // Few channels beside more than one task has, and more places than are read at once.
        case(same, [3, 4, 30, 20], [70, 3]),
        case(same, [3, 70, 30, 20], [4, 3]),
        case(same, [3, 1, 30, 20], [70, 3]),
        case(same, [3, 70, 30, 20], [1, 3]),
        // The widest windows of few channels, all of it to one side or to the other.
        wide(15, 0),
        wide(3, 12),
        wide(0, 15),
        // More than is copied at once, of all samples and of one.
        case(same, [9, 1, 96, 90], [5, 3]),
        case(same, [2, 1, 220, 210], [5, 3]),
        // Four lines at a time: of a window that begins two lines above the picture, and more lines than there are.
        case(upper, [3, 21, 17, 13], [3, 3]),
        case(upper, [2, 3, 17, 13], [37, 3]),
        // Lines of places that meet no pixel are longer than all planes together.
        case(beyond, [2, 2, 1, 13], [1, 3]),
        case(half, [6, 33, 16, 16], [48, 3]),
        case(half, [6, 3, 32, 32], [48, 3]),
        case(half, [6, 33, 16, 16], [48, 4]),
        // Places that meet no pixel.
        case(lopsided, [2, 16, 8, 8], [16, 3]),
        case(point, [9, 96, 14, 14], [64, 1]),
        // Vectors of every instruction set end where these pictures do, so they are read where they lie; of the
        // second, whole tiles do not.
        case(point, [7, 40, 12, 12], [29, 1]),
        case(point, [7, 40, 10, 8], [29, 1]),
    ]
}

/// Products that underflow to −0, and a number of places that is no multiple of any vector's.
#[test]
fn signs_of_zeros_are_the_same_on_every_path() {
    let g = Conv2dOptions { stride: 1, padding: Padding::same(0) };
    let g = g.geometry("test", &Shape::from([1, 1, 8, 9]), &Shape::from([1, 1, 1, 1])).unwrap();
    let (x, dy) = ([1e-30f32; 72], [-1e-30f32; 72]);
    let of = |isa: Isa| {
        let mut dw = [f32::NAN];
        simd::conv::grad_weight(isa, &g, &x, &dy, &mut dw, Accumulate::Overwrite);
        dw[0].to_bits()
    };
    assert!(paths().all(|isa| of(isa) == of(Isa::Portable)));
}

#[test]
fn strides_beyond_the_picture() {
    let padding = Padding { top: 2, bottom: 300, left: 1, right: 300 };
    for stride in [5, 100, 250] {
        let conv = Conv2dOptions { stride, padding };
        let case = Case { conv, x: Shape::from([2, 3, 3, 5]), w: Shape::from([7, 3, 4, 3]) };
        check::<f64>(&case, false, 1e-12);
        check::<f32>(&case, true, 1e-5);
    }
}

#[test]
fn nothing_sums_to_nothing() {
    let mut out = Tensor::full([3], f32::NAN);
    conv2d_grad_bias(&Tensor::<f32>::zeros([2, 3, 0, 4]), &mut out, Accumulate::Overwrite).unwrap();
    assert_eq!(out.as_slice(), [0.0; 3]);
}

#[test]
fn layers_follow_the_definition() {
    for case in layers() {
        check::<f32>(&case, false, 2e-5);
    }
}

#[test]
fn neither_threads_nor_paths_change_bits() {
    for case in layers() {
        let run = |threads: usize, isa: Isa| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bits(&on_path(isa, &case)))
        };
        let one = run(1, Isa::detected());
        for threads in [2, 3, 7] {
            assert!(one == run(threads, Isa::detected()), "{threads} threads: {case:?}");
        }
        for isa in paths() {
            assert!(one == run(2, isa), "{isa:?}: {case:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let conv = |stride, pad| Conv2dOptions { stride, padding: Padding::same(pad) };
    let error = |g: Conv2dOptions, x: [usize; 4], w: [usize; 4]| {
        g.output_shape(&Shape::from(x), &Shape::from(w)).unwrap_err().to_string()
    };
    assert!(error(conv(1, 0), [1, 2, 5, 5], [4, 3, 3, 3]).contains("second axis"));
    assert!(error(conv(1, 0), [1, 3, 2, 5], [4, 3, 3, 3]).contains("larger than the padded picture"));
    assert!(error(conv(0, 1), [1, 3, 5, 5], [4, 3, 3, 3]).contains("stride = 0"));
    assert!(error(conv(1, 1), [1, 3, 0, 5], [4, 3, 3, 3]).contains("length zero"));
    assert!(error(conv(1, 1), [1, 3, 5, 5], [4, 3, 0, 3]).contains("length zero"));
    assert!(error(conv(1, usize::MAX), [1, 3, 5, 5], [4, 3, 3, 3]).contains("too large"));
    let three = Tensor::<f32>::zeros([1, 3, 5]);
    let w = Tensor::<f32>::zeros([4, 3, 3, 3]);
    assert!(conv2d(&three, &w, None, &conv(1, 1)).unwrap_err().to_string().contains("four axes"));
    let x = Tensor::<f32>::zeros([1, 3, 5, 5]);
    let bias = Tensor::<f32>::zeros([3]);
    assert!(conv2d(&x, &w, Some(&bias), &conv(1, 1)).unwrap_err().to_string().contains("bias"));
    let (dy, mut out) = (Tensor::<f32>::zeros([1, 4, 4, 5]), Tensor::<f32>::zeros([4, 3, 3, 3]));
    assert!(conv2d_grad_weight(&x, &dy, w.shape(), &conv(1, 1), &mut out, Accumulate::Add).is_err());
    assert!(conv2d_grad_input(&dy, &w, x.shape(), &conv(1, 1), &mut out, Accumulate::Add).is_err());
    assert!(conv2d_grad_bias(&dy, &mut out, Accumulate::Add).is_err());
}
