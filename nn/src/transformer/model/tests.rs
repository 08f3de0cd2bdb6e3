use super::*;
use crate::check::{shaken, slopes};
use crate::{ParamId, Params};
use tweedie_tensor::check::inner_product;
use tweedie_tensor::random::{self, Purpose};

fn tiny() -> (Transformer, Params<f64>) {
    let config = TransformerConfig {
        in_channels: 2,
        out_channels: 3,
        hidden_size: 8,
        depth: 2,
        num_heads: 2,
        mlp_ratio: 2.0,
        num_class_embeds: Some(3),
        ..TransformerConfig::default()
    };
    let b = Builder::new();
    let network = Transformer::new(&config, &b).unwrap();
    (network, b.draw(1).cast())
}

fn normal<const N: usize>(shape: [usize; N], seed: u64) -> Tensor<f64> {
    random::normal(shape, seed, Purpose::TEST, 0, 0)
}

#[test]
fn untrained_blocks_are_the_identity_and_the_output_is_zero() {
    let (network, params) = tiny();
    let ctx = Ctx::inference(&params);
    let (x, condition) = (normal([2, 5, 8], 1), normal([2, 8], 2));
    for block in &network.blocks {
        let y = block.forward(&ctx, Var::constant(x.clone()), Var::constant(condition.clone())).unwrap();
        assert_eq!(y.value().as_slice(), x.as_slice());
    }
    let y = network.forward(&ctx, Var::constant(normal([2, 2, 4, 6], 3)), &[5.0], Some(&[0, 2])).unwrap();
    assert_eq!((y.dims(), y.value().as_slice()), (&[2, 3, 4, 6][..], &[0.0; 144][..]));
}

#[test]
fn tokens_permuted_with_their_positions_permute_the_output() {
    let (network, params) = tiny();
    let params = shaken(params);
    let ctx = Ctx::inference(&params);
    let order = [3, 0, 5, 1, 4, 2];
    let (patches, places) = (normal([2, 8, 6], 1), positions::<f64>(2, 3, 8).unwrap());
    let condition = Var::constant(normal([2, 8], 2));
    let moved = Tensor::from_fn([2, 8, 6], |i| patches.as_slice()[i / 6 * 6 + order[i % 6]]);
    let moved_places = Tensor::from_fn([6, 8], |i| places.as_slice()[order[i / 8] * 8 + i % 8]);
    let run = |patches: &Tensor<f64>, places: &Tensor<f64>| {
        let patches = Var::constant(patches.clone());
        network.tokens(&ctx, patches, places.clone(), condition.clone()).unwrap().into_value()
    };
    let (y, of_moved, astray) = (run(&patches, &places), run(&moved, &moved_places), run(&moved, &places));
    let (mut furthest, mut unlike) = (0.0f64, 0.0f64);
    for i in 0..y.numel() {
        let (sample, token, c) = (i / 72, i / 12 % 6, i % 12);
        let expected = y.as_slice()[(sample * 6 + order[token]) * 12 + c];
        furthest = furthest.max((of_moved.as_slice()[i] - expected).abs());
        unlike = unlike.max((astray.as_slice()[i] - expected).abs());
    }
    assert!(furthest < 1e-12, "{furthest}");
    assert!(unlike > 1e-3, "positions have no effect: {unlike}");
}

#[test]
fn gradients_agree_with_central_differences() {
    let (network, params) = tiny();
    let params = shaken(params);
    let x = normal([2, 2, 4, 4], 4);
    let u = normal([2, 3, 4, 4], 5);
    let run = |ctx: &Ctx<f64>| {
        network.forward(ctx, Var::constant(x.clone()), &[3.0, 700.0], Some(&[1, 0])).unwrap()
    };
    let tape = tweedie_autograd::Tape::new();
    for recompute in [false, true] {
        let tape = if recompute { tweedie_autograd::Tape::new() } else { tape.clone() };
        let ctx = Ctx::training(&params, &tape).with_recompute(recompute);
        let gradients = params.collect(run(&ctx).vjp(u.clone()).unwrap());
        for (i, (name, value)) in params.iter().enumerate() {
            let analytic = gradients[i].as_ref().unwrap_or_else(|| panic!("{name} has no gradient"));
            let places = [0, value.numel() / 2, value.numel() - 1];
            let project = |params: &Params<f64>| inner_product(run(&Ctx::inference(params)).value(), &u);
            for (at, numeric) in places.into_iter().zip(slopes(&params, ParamId(i), places, project)) {
                let analytic = analytic.as_slice()[at];
                let error = (analytic - numeric).abs();
                assert!(error < 1e-6 * numeric.abs().max(1.0), "{name}[{at}]: {analytic} is not {numeric}");
            }
        }
    }
}
