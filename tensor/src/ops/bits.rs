//! The very bits of operations, which are the same on every instruction set, processor and number of threads: a machine that computes
//! otherwise is noticed, and so is a change of arithmetic, which then has to change what stands here. (Random numbers have such a
//! test of their own.) Only in tests, and with the feature `test-util`.

use super::*;
use crate::check::{digest, values};
use crate::{Accumulate, Precision, Result, Tensor};

/// The digests of one operation's results.
type Digests = (&'static str, Vec<u64>);

fn of<const N: usize>(name: &'static str, results: [&Tensor<f32>; N]) -> Digests {
    (name, results.map(|result| digest(result.as_slice())).to_vec())
}

/// y, dX and dW of a convolution between these channels, of pictures of so many rows and columns.
fn convolution(
    name: &'static str,
    [channels_in, channels_out]: [usize; 2],
    [high, wide]: [usize; 2],
    (taps, stride): (usize, usize),
) -> Result<Digests> {
    let conv = Conv2dOptions { stride, padding: Padding::same(taps / 2) };
    let x = values::<f32>([3, channels_in, high, wide], 1);
    let w = values::<f32>([channels_out, channels_in, taps, taps], 2);
    let bias = values::<f32>([channels_out], 3);
    let y = conv2d(&x, &w, Some(&bias), &conv)?;
    let dy = values::<f32>(*y.shape(), 4);
    let (mut dx, mut dw) = (Tensor::zeros(*x.shape()), Tensor::zeros(*w.shape()));
    conv2d_grad_input(&dy, &w, x.shape(), &conv, &mut dx, Accumulate::Overwrite)?;
    conv2d_grad_weight(&x, &dy, w.shape(), &conv, &mut dw, Accumulate::Overwrite)?;
    Ok(of(name, [&y, &dx, &dw]))
}

/// A product of A, m × k, and B, k × n, each also as its transpose lies in memory.
fn product(name: &'static str, [m, n, k]: [usize; 3]) -> Result<Digests> {
    let (a, b) = (values::<f32>([m, k], 1), values::<f32>([k, n], 2));
    let (at, bt) = (values::<f32>([k, m], 3), values::<f32>([n, k], 4));
    Ok(of(name, [&matmul(&a, false, &b, false)?, &matmul(&at, true, &bt, true)?]))
}

fn step_of_adam() -> Result<Digests> {
    let [mut weights, gradient, mut means] = [1, 2, 3].map(|seed| values::<f32>([1003], seed));
    let mut squares = unary(values::<f32>([1003], 4), Unary::Square);
    let mut average = values::<f32>([1003], 5);
    let update = Update {
        weights: &mut weights,
        gradient: Some(&gradient),
        moments: [Some(&mut means), Some(&mut squares)],
        average: Some(&mut average),
    };
    let step = AdamStep {
        grad_scale: 0.5,
        mean_gain: 0.2,
        square_keep: 0.95,
        square_gain: 0.05,
        rate: 0.01,
        root_scale: 1.3,
        eps: 1e-3,
        penalty: 0.1,
        shrink: 0.99,
    };
    optimizer_step(vec![update], &UpdateRule::Adam(step), 0.99)?;
    Ok(of("a step of Adam", [&weights, &means, &squares, &average]))
}

fn normalisation() -> Result<Digests> {
    let (x, dy) = (values::<f32>([3, 12, 5, 9], 1), values::<f32>([3, 12, 5, 9], 2));
    let (gamma, beta) = (values::<f32>([12], 3), values::<f32>([12], 4));
    let (y, stats) = group_norm(&x, 4, Some(&gamma), Some(&beta), 1e-5, true)?;
    let back = group_norm_backward(&x, Some(&gamma), Some(&beta), &stats, true, dy, None)?;
    Ok(of("group normalisation", [&y, &back.dx, &back.dgamma, &back.dbeta]))
}

fn attention_of_pixels() -> Result<Digests> {
    let [q, k, v, dout] = [1, 2, 3, 4].map(|seed| values::<f32>([6, 8, 49], seed));
    let (out, lse) = attention(&q, &k, &v, 0.3)?;
    let (dq, dk, dv) = attention_backward(&q, &k, &v, &out, &lse, 0.3, &dout)?;
    Ok(of("attention", [&out, &lse, &dq, &dk, &dv]))
}

/// What a block of a transformer is made of.
fn tokens() -> Result<Vec<Digests>> {
    let (x, dy) = (values::<f32>([2, 49, 24], 1), values::<f32>([2, 49, 24], 2));
    let (shift, scale) = (values::<f32>([2, 1, 24], 3), values::<f32>([2, 1, 24], 4));
    let (w, b) = (values::<f32>([72, 24], 5), values::<f32>([72], 6));
    let (modulated, stats) = modulated_norm(&x, &shift, &scale, 1e-6)?;
    let back = modulated_norm_backward(&x, &scale, &stats, dy.clone(), None)?;
    let qkv = linear(Precision::F32, &modulated, &w, &b)?;
    let rounded = linear(Precision::Bf16, &modulated, &w, &b)?;
    let (out, lse) = token_attention(&qkv, 3, 0.35)?;
    let dqkv = token_attention_backward(&qkv, &out, &lse, 3, 0.35, &dy)?;
    let sum = gated_sum(x.clone(), &out, &scale)?;
    let (dh, dgate) = gated_sum_backward(&out, &scale, &dy)?;
    let (slope, gelu) = gelu_tanh_backward_and_value(x, dy)?;
    let mut matrices = [w, values::<f32>([20, 3, 3, 2], 7)];
    orthogonalise(&mut matrices)?;
    let [tall, wide] = &matrices;
    Ok(vec![
        of("modulated normalisation", [&modulated, &back.dx, &back.dshift, &back.dscale]),
        of("linear maps", [&qkv, &rounded]),
        of("attention of tokens", [&out, &lse, &dqkv]),
        of("gated sum", [&sum, &dh, &dgate]),
        of("GELU", [&slope, &gelu]),
        of("orthogonal factors", [tall, wide]),
    ])
}

fn functions() -> Digests {
    let x = values::<f32>([5003], 1);
    let all = [Unary::Exp, Unary::Sigmoid, Unary::Silu, Unary::Gelu, Unary::Tanh, Unary::Sqrt];
    let results = all.map(|f| unary(x.clone(), f));
    // √ of a negative number is NaN, whose bits are the processor's choice.
    let results = results.map(|y| y.as_slice().iter().map(|&y| if y.is_nan() { 0.0 } else { y }).collect());
    ("functions", results.map(|y: Vec<f32>| digest(&y)).to_vec())
}

fn found() -> Result<Vec<Digests>> {
    let x = values::<f32>([37, 113], 1);
    let y = softmax(x.clone())?;
    let dx = softmax_backward(&y, values::<f32>([37, 113], 2))?;
    let mut all = vec![
        product("product", [131, 77, 301])?,
        product("product read where it lies", [101, 48, 256])?,
        product("product of few rows", [5, 203, 40])?,
        product("product of few steps", [23, 211, 9])?,
        convolution("Winograd, stride 1", [21, 37], [11, 14], (3, 1))?,
        convolution("Winograd, stride 2", [33, 48], [16, 16], (3, 2))?,
        convolution("from one channel", [1, 13], [12, 11], (3, 1))?,
        convolution("from few channels", [3, 21], [17, 13], (3, 1))?,
        convolution("to few channels", [21, 3], [17, 13], (3, 1))?,
        convolution("to one channel", [13, 1], [12, 11], (5, 1))?,
        convolution("product of pixels", [40, 29], [10, 8], (1, 1))?,
        convolution("product of windows", [9, 14], [13, 10], (5, 2))?,
        normalisation()?,
        attention_of_pixels()?,
        of("softmax", [&y, &dx]),
        of("sums", [&sum(&x), &sum_axis(&x, 0, KeepDim::No)?, &sum_axis(&x, 1, KeepDim::No)?]),
        functions(),
        step_of_adam()?,
    ];
    all.extend(tokens()?);
    Ok(all)
}

/// The operations, and whether each has its pinned bits on this machine.
///
/// # Errors
/// None, of operations that take what they are given here.
pub fn held() -> Result<Vec<(&'static str, bool)>> {
    let is_pinned = |(name, digests): Digests| (name, EXPECTED.contains(&(name, &digests)));
    Ok(found()?.into_iter().map(is_pinned).collect())
}

#[test]
fn bits_are_pinned() {
    let found = found().unwrap();
    let others: Vec<_> =
        found.iter().filter(|(name, digests)| !EXPECTED.contains(&(name, digests))).collect();
    let lines: Vec<_> =
        others.iter().map(|(name, digests)| format!("({name:?}, &{digests:#018x?}),")).collect();
    assert!(lines.is_empty(), "other bits:\n{}", lines.join("\n"));
    assert_eq!(held().unwrap().iter().filter(|(_, held)| *held).count(), EXPECTED.len());
}

const EXPECTED: &[(&str, &[u64])] = &[
    ("product", &[0x84fc1876cf9c8ee3, 0x4c161eb3f0cd2c0b]),
    ("product read where it lies", &[0x6b59f8054e8dcba7, 0xdb3a8c6f65d2240e]),
    ("product of few rows", &[0x941935e2f0b8bf3f, 0xbc84221c20471892]),
    ("product of few steps", &[0x319c9baf4e7e304d, 0xc116579b4765a6c3]),
    ("Winograd, stride 1", &[0x3ddca7addb58b5e7, 0xae83cb573d073a2c, 0xa0efa502e098988c]),
    ("Winograd, stride 2", &[0xc26685a3c09eb71d, 0x905b252307d87828, 0x97b42015e252b5fd]),
    ("from one channel", &[0x5852b44463a5a29e, 0x2995e82855cecb6a, 0x882c2dcf79ba7240]),
    ("from few channels", &[0xd144b41ce1b2b632, 0x40f4ec62778e15be, 0x87dbe05e1f340b57]),
    ("to few channels", &[0x11b277626ebba183, 0x8ccbfcd2efa17957, 0xe64f67c4b9e043bf]),
    ("to one channel", &[0xfb7b62f161657bc7, 0xa051fdb994fcfd80, 0xb4165dbcc83de924]),
    ("product of pixels", &[0xc76ef596925b0f8c, 0x99a4eda210b165e4, 0xa0a0fb7e925ec09d]),
    ("product of windows", &[0x8968347f530ddadf, 0x9139f06c1eb6d02d, 0xde346a891f8941a0]),
    (
        "group normalisation",
        &[0x327ac1e1e1319004, 0x3a3599246d9786b8, 0xaf2d1022cfa4db66, 0x6cb3625ab29ad3ab],
    ),
    (
        "attention",
        &[0x2811fe588da076c8, 0x60e7269c8b2bdf2b, 0x3726169c094e7770, 0x83fe9ceb5fce756a, 0xeb9f16e769c67b00],
    ),
    ("softmax", &[0x937eb3d3fc2bffe9, 0x56d8df5d6cd5259f]),
    ("sums", &[0x1fc19fe3eaf14098, 0x7e7a9e481d3edda5, 0x3b5d5b69d5626162]),
    (
        "functions",
        &[
            0xb36015372bb94de4,
            0xbf1098858a9e49ee,
            0xc7c80c264ae41712,
            0x997b6a7b0c38ff64,
            0x28317a1236350fb1,
            0x51c4bb60f4ce6bf6,
        ],
    ),
    ("a step of Adam", &[0x4a57c70bc851cb3e, 0x3c2457bde2d16985, 0x9488534d41bbfa88, 0x03a9e8e31a7b13cb]),
    (
        "modulated normalisation",
        &[0x4db51fbe50558831, 0x714753c91b2a48d7, 0x50cfecb08b9f2cd4, 0x03a45096cb0f2f0f],
    ),
    ("linear maps", &[0x4cc90aab5d359f33, 0xa0dfaf89b9fc87cf]),
    ("attention of tokens", &[0xaf6b35e210a4f604, 0x79ad2802f3839420, 0x3e46e9105fc4f007]),
    ("gated sum", &[0x3363d29ba402a427, 0x8cbe106e0ad224f4, 0x382066c3bc0f27dc]),
    ("GELU", &[0x106324b9b6ab6e64, 0x8c617bc79fe64fb7]),
    ("orthogonal factors", &[0xaefebefa6325d54a, 0x3f7260ec7e267d16]),
];
