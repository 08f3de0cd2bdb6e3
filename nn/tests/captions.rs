//! A UNet that reads captions: gradients, attention maps, what it refuses.

use tweedie_autograd::{ParamId, Tape, Var};
use tweedie_nn::caption::CaptionConfig;
use tweedie_nn::check::slopes;
use tweedie_nn::{Builder, Ctx, Inputs, Network, NetworkConfig, Params, UNetConfig};
use tweedie_tensor::Tensor;
use tweedie_tensor::check::inner_product;
use tweedie_tensor::random::{self, Purpose};

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

fn tiny() -> (Network, Params<f64>) {
    let unet = UNetConfig {
        in_channels: 1,
        out_channels: 1,
        block_out_channels: vec![4, 8],
        down_block_types: names(&["DownBlock2D", "AttnDownBlock2D"]),
        up_block_types: names(&["AttnUpBlock2D", "UpBlock2D"]),
        layers_per_block: 1,
        attention_head_dim: Some(4),
        norm_num_groups: 2,
        cross_attention_dim: Some(8),
        ..UNetConfig::default()
    };
    let caption = CaptionConfig { vocabulary: 5, length: 3, width: 8, depth: 1, num_heads: 2 };
    let config = NetworkConfig { caption: Some(caption), ..unet.into() };
    let b = Builder::new();
    let network = Network::new(&config, &b).unwrap();
    (network, b.draw(3).cast())
}

fn normal(seed: u64) -> Tensor<f64> {
    random::normal([2, 1, 4, 4], seed, Purpose::TEST, 0, 0)
}

fn run(network: &Network, ctx: &Ctx<f64>, captions: &[Vec<usize>]) -> Var<f64> {
    network.forward(ctx, Var::constant(normal(1)), Inputs::at(&[3.0, 800.0]).with_captions(captions)).unwrap()
}

#[test]
fn every_word_has_its_gradient() {
    let (network, params) = tiny();
    let captions = [vec![1, 2], vec![4, 1, 3]];
    let u = normal(2);
    for recompute in [false, true] {
        let tape = Tape::new();
        let ctx = Ctx::training(&params, &tape).with_recompute(recompute);
        let gradients = params.collect(run(&network, &ctx, &captions).vjp(u.clone()).unwrap());
        let read = ["caption.", "context_embedding.", "cross_attentions."];
        let ours = |name: &str| read.iter().any(|part| name.contains(part));
        let checked: Vec<_> = params.iter().enumerate().filter(|(_, (name, _))| ours(name)).collect();
        assert!(checked.len() > 30, "{}", checked.len());
        for (i, (name, value)) in checked {
            let analytic = gradients[i].as_ref().unwrap_or_else(|| panic!("{name} has no gradient"));
            let places = [0, value.numel() / 2, value.numel() - 1];
            let project = |params: &Params<f64>| {
                inner_product(run(&network, &Ctx::inference(params), &captions).value(), &u)
            };
            for (at, numeric) in places.into_iter().zip(slopes(&params, ParamId(i), places, project)) {
                let error = (analytic.as_slice()[at] - numeric).abs();
                assert!(error < 1e-6 * numeric.abs().max(1.0), "{name}[{at}] is off by {error}");
            }
        }
    }
}

#[test]
fn attention_maps_are_kept_only_when_asked_for_and_share_out_every_place() {
    let (network, params) = tiny();
    let captions = [vec![1, 2], vec![]];
    let plain = Ctx::inference(&params);
    let without = run(&network, &plain, &captions).into_value();
    assert!(plain.take_attention_maps().is_empty());
    let ctx = Ctx::inference(&params).with_attention_maps();
    assert_eq!(run(&network, &ctx, &captions).value().as_slice(), without.as_slice());
    let maps = ctx.take_attention_maps();
    assert_eq!(maps.len(), 4); // one on the way down, one in the middle, two on the way up
    for map in maps {
        assert_eq!(map.dims(), [2, 3, 2, 2]);
        for (i, place) in (0..2).flat_map(|i| (0..4).map(move |place| (i, place))) {
            let sum: f64 = (0..3).map(|token| map.as_slice()[(i * 3 + token) * 4 + place]).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        }
    }
}

#[test]
fn captions_are_needed_and_only_here() {
    let (network, params) = tiny();
    let ctx = Ctx::inference(&params);
    let ask = |captions: Option<&[Vec<usize>]>| {
        let x = Var::constant(normal(1));
        network.forward(&ctx, x, Inputs { captions, ..Inputs::at(&[5.0]) }).unwrap_err().to_string()
    };
    assert!(ask(None).starts_with("network: no captions"));
    assert!(ask(Some(&[vec![]])).starts_with("network: 1 captions: one for each of 2 samples"));
    assert!(ask(Some(&[vec![], vec![5]])).contains("token 5"));
    let b = Builder::new();
    let plain = Network::new(&UNetConfig::small().into(), &b).unwrap();
    let params = b.draw(0);
    let x = Var::constant(Tensor::zeros([1, 1, 28, 28]));
    let error =
        plain.forward(&Ctx::inference(&params), x, Inputs::at(&[5.0]).with_captions(&[vec![]])).unwrap_err();
    assert_eq!(error.to_string(), "network: captions: the network reads none");
}
