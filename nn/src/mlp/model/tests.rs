use super::*;
use crate::check::{shaken, slopes};
use crate::unet::SampleSize;
use crate::{ParamId, Params};
use tweedie_tensor::Tensor;
use tweedie_tensor::check::inner_product;
use tweedie_tensor::random::{self, Purpose};

fn tiny() -> (ResidualMlp, Params<f64>) {
    let config = MlpConfig {
        sample_size: Some(SampleSize::Sides([1, 2])),
        in_channels: 2,
        out_channels: 3,
        hidden_size: 6,
        depth: 2,
        num_class_embeds: Some(3),
    };
    let b = Builder::new();
    let network = ResidualMlp::new(&config, &b).unwrap();
    (network, b.draw(1).cast())
}

fn normal<const N: usize>(shape: [usize; N], seed: u64) -> Tensor<f64> {
    random::normal(shape, seed, Purpose::TEST, 0, 0)
}

#[test]
fn untrained_blocks_are_the_identity_and_the_output_is_zero() {
    let (network, params) = tiny();
    let ctx = Ctx::inference(&params);
    let (h, condition) = (normal([4, 6], 1), normal([4, 6], 2));
    for block in &network.blocks {
        let y = block.forward(&ctx, Var::constant(h.clone()), Var::constant(condition.clone())).unwrap();
        assert_eq!(y.value().as_slice(), h.as_slice());
    }
    let y = network.forward(&ctx, Var::constant(normal([2, 2, 1, 2], 3)), &[5.0], Some(&[0, 2])).unwrap();
    assert_eq!((y.dims(), y.value().as_slice()), (&[2, 3, 1, 2][..], &[0.0; 12][..]));
}

#[test]
fn pictures_of_another_form_are_refused() {
    let (network, params) = tiny();
    let ctx = Ctx::inference(&params);
    let error = |shape| {
        let x = Var::constant(Tensor::zeros(shape));
        network.forward(&ctx, x, &[5.0], Some(&[0])).unwrap_err().to_string()
    };
    assert!(error([1, 3, 1, 2]).contains("takes 2 channels"));
    assert!(error([1, 2, 2, 1]).contains("takes pictures of 1x2"));
}

#[test]
fn gradients_agree_with_central_differences() {
    let (network, params) = tiny();
    let params = shaken(params);
    let x = normal([2, 2, 1, 2], 4);
    let u = normal([2, 3, 1, 2], 5);
    let run = |ctx: &Ctx<f64>| {
        network.forward(ctx, Var::constant(x.clone()), &[3.0, 700.0], Some(&[1, 0])).unwrap()
    };
    for recompute in [false, true] {
        let tape = tweedie_autograd::Tape::new();
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
