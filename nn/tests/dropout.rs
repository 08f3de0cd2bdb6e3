//! Dropout: idle outside training, and in training a mask that is the same function of its place every time.

use proptest::prelude::*;
use tweedie_autograd::{ParamId, Tape, Var, ops};
use tweedie_nn::check::slopes;
use tweedie_nn::{Builder, Ctx, Params, UNet, UNetConfig};
use tweedie_tensor::Tensor;
use tweedie_tensor::random::{self, Purpose};

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn tiny(dropout: f64) -> (UNet, Params<f64>) {
    let config = UNetConfig {
        in_channels: 1,
        out_channels: 1,
        block_out_channels: vec![4, 8],
        down_block_types: names(&["DownBlock2D", "AttnDownBlock2D"]),
        up_block_types: names(&["AttnUpBlock2D", "UpBlock2D"]),
        layers_per_block: 1,
        attention_head_dim: Some(4),
        norm_num_groups: 2,
        dropout,
        ..UNetConfig::default()
    };
    let builder = Builder::new();
    let unet = UNet::new(&config, &builder).unwrap();
    (unet, builder.draw(11).cast())
}

fn pictures(n: usize, seed: u64) -> Tensor<f64> {
    random::normal([n, 1, 4, 4], seed, Purpose::TEST, 0, 0)
}

fn run(unet: &UNet, ctx: &Ctx<f64>, x: Tensor<f64>) -> Tensor<f64> {
    unet.forward(ctx, Var::constant(x), &[300.0], None).unwrap().into_value()
}

/// The layer alone, on ones.
fn masked(n: usize, each: usize, share: f64, seed: u64, layer: usize) -> Vec<f64> {
    let params = Params::<f64>::from_specs(&[], |_, _| Tensor::zeros([0]));
    let ctx = Ctx::inference(&params).with_dropout(seed, 5, 0);
    let ones = Var::constant(Tensor::full([n, each], 1.0));
    ctx.dropout(ones, ParamId(layer), share).unwrap().value().as_slice().to_vec()
}

#[test]
fn a_network_that_is_not_trained_passes_everything() {
    let ((with, params), (without, _)) = (tiny(0.5), tiny(0.0));
    let ctx = Ctx::inference(&params);
    let x = pictures(2, 1);
    let expected = run(&without, &ctx, x.clone());
    assert_eq!(run(&with, &ctx, x.clone()).as_slice(), expected.as_slice());
    // Nor does a share of 0 change a bit where masks would be drawn.
    let drawing = ctx.with_dropout(3, 7, 0);
    assert_eq!(run(&without, &drawing, x.clone()).as_slice(), expected.as_slice());
    assert_ne!(run(&with, &drawing, x).as_slice(), expected.as_slice());
}

#[test]
fn masks_go_by_seed_step_and_sample_and_not_by_the_cut_of_the_batch() {
    let (unet, params) = tiny(0.3);
    let x = pictures(3, 1);
    let with = |seed, step, first, x: &Tensor<f64>| {
        run(&unet, &Ctx::inference(&params).with_dropout(seed, step, first), x.clone())
    };
    let whole = with(1, 2, 0, &x);
    assert_eq!(with(1, 2, 0, &x).as_slice(), whole.as_slice());
    assert_ne!(with(2, 2, 0, &x).as_slice(), whole.as_slice());
    assert_ne!(with(1, 3, 0, &x).as_slice(), whole.as_slice());
    let rest = tweedie_tensor::ops::narrow(&x, 0, 1, 2).unwrap();
    assert_eq!(with(1, 2, 1, &rest).as_slice(), &whole.as_slice()[16..]);
}

#[test]
fn gradients_are_the_slopes_of_the_loss_under_the_same_masks() {
    let (unet, params) = tiny(0.4);
    let loss = |ctx: &Ctx<f64>| {
        let y = unet.forward(ctx, Var::constant(pictures(2, 1)), &[3.0, 700.5], None).unwrap();
        ops::mse(y, pictures(2, 2)).unwrap()
    };
    let gradients = |recompute| {
        let tape = Tape::new();
        let ctx = Ctx::training(&params, &tape).with_dropout(9, 4, 0).with_recompute(recompute);
        let loss = loss(&ctx);
        drop(ctx);
        params.collect(loss.backward().unwrap())
    };
    let kept = gradients(false);
    let mut stream = random::Stream::new(5, Purpose::TEST, 0, 0);
    for (i, (gradient, again)) in kept.iter().zip(gradients(true)).enumerate() {
        let (gradient, again) = (gradient.as_ref().unwrap(), again.unwrap());
        // Blocks that run again draw the same masks; they add up in another order.
        let pairs = gradient.as_slice().iter().zip(again.as_slice());
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() <= 1e-12 * (1.0 + a.abs())), "{i}");
        let at = stream.below(gradient.numel() as u32) as usize;
        let value = |params: &Params<f64>| {
            loss(&Ctx::inference(params).with_dropout(9, 4, 0)).value().item().unwrap()
        };
        let (got, expected) = (gradient.as_slice()[at], slopes(&params, ParamId(i), [at], value)[0]);
        let name = params.name(ParamId(i));
        assert!((got - expected).abs() < 1e-6 * (1e-2 + expected.abs()), "{name}: {got}, not {expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Of n independent numbers, 1 / (1 − p) with probability 1 − p and 0 else, the mean is 1 and the variance
    /// p / (1 − p); their estimates stay within five standard deviations of them.
    #[test]
    fn what_is_left_has_the_mean_and_variance_of_independent_choices(
        share in 0.05f64..0.9, seed in any::<u64>(), layer in 0usize..500,
    ) {
        let values = masked(4, 5000, share, seed, layer);
        let n = values.len() as f64;
        let kept = 1.0 / (1.0 - share);
        prop_assert!(values.iter().all(|&v| v == 0.0 || v == kept));
        let mean = values.iter().sum::<f64>() / n;
        let variance = share / (1.0 - share);
        prop_assert!((mean - 1.0).abs() < 5.0 * (variance / n).sqrt(), "mean {mean}");
        let spread = values.iter().map(|v| (v - 1.0).powi(2)).sum::<f64>() / n;
        let fourth = (1.0 - share) * (kept - 1.0).powi(4) + share;
        prop_assert!((spread - variance).abs() < 5.0 * ((fourth - variance * variance) / n).sqrt() + 1e-9);
    }

    /// Two layers, or two samples, agree as often as independent choices do.
    #[test]
    fn layers_and_samples_choose_independently(seed in any::<u64>(), layer in 0usize..500) {
        let (one, other) = (masked(2, 8000, 0.5, seed, layer), masked(2, 8000, 0.5, seed, layer + 1));
        let agree = |a: &[f64], b: &[f64]| a.iter().zip(b).filter(|(a, b)| a == b).count() as f64;
        for same in [agree(&one[..8000], &other[..8000]), agree(&one[..8000], &one[8000..])] {
            prop_assert!((same - 4000.0).abs() < 5.0 * 2000f64.sqrt(), "{same}");
        }
    }
}
