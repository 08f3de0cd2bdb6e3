//! The UNet as a whole: sizes, gradients, conditions, what it refuses.

use tweedie_autograd::{ParamId, Tape, Var, ops};
use tweedie_nn::check::slopes;
use tweedie_nn::layers::TimeShift;
use tweedie_nn::unet::SampleSize;
use tweedie_nn::{Builder, Ctx, Params, UNet, UNetConfig};
use tweedie_tensor::random::{self, Purpose};
use tweedie_tensor::{Element, Tensor};

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// Two sizes, attention, classes.
fn tiny() -> UNetConfig {
    UNetConfig {
        sample_size: Some(SampleSize::Square(4)),
        in_channels: 1,
        out_channels: 2,
        block_out_channels: vec![4, 8],
        down_block_types: names(&["DownBlock2D", "AttnDownBlock2D"]),
        up_block_types: names(&["AttnUpBlock2D", "UpBlock2D"]),
        layers_per_block: 1,
        attention_head_dim: Some(4),
        norm_num_groups: 2,
        num_class_embeds: Some(3),
        ..UNetConfig::default()
    }
}

fn build(config: &UNetConfig) -> (UNet, Params<f32>) {
    let builder = Builder::new();
    let unet = UNet::new(config, &builder).unwrap();
    (unet, builder.draw(11))
}

fn pictures<T: Element>(shape: [usize; 4], seed: u64) -> Tensor<T> {
    random::normal(shape, seed, Purpose::TEST, 0, 0)
}

#[test]
fn parameters_are_counted_exactly() {
    let count = |config: &UNetConfig| {
        let builder = Builder::new();
        UNet::new(config, &builder).unwrap();
        builder.numel()
    };
    assert_eq!(count(&UNetConfig::small()), 3_939_393);
    assert_eq!(count(&UNetConfig::cifar()), 35_746_307);
}

#[test]
fn names_are_those_of_diffusers() {
    let (_, params) = build(&tiny());
    for name in [
        "conv_in.weight",
        "time_embedding.linear_2.bias",
        "class_embedding.weight",
        "down_blocks.0.resnets.0.time_emb_proj.weight",
        "down_blocks.0.downsamplers.0.conv.bias",
        "down_blocks.1.attentions.0.to_out.0.weight",
        "mid_block.attentions.0.group_norm.weight",
        "mid_block.resnets.1.conv2.bias",
        "up_blocks.0.resnets.1.conv_shortcut.weight",
        "up_blocks.0.upsamplers.0.conv.weight",
        "conv_norm_out.bias",
        "conv_out.weight",
    ] {
        assert!(params.find(name).is_some(), "{name} is missing");
    }
    assert!(params.names().iter().all(|name| !name.contains("up_blocks.1.upsamplers")));
}

/// The loss and the gradients of every parameter.
fn gradients(
    unet: &UNet,
    params: &Params<f64>,
    classes: Option<&[usize]>,
    recompute: bool,
) -> (f64, Vec<Option<Tensor<f64>>>) {
    let config = unet.config();
    let tape = Tape::new();
    let ctx = Ctx::training(params, &tape).with_recompute(recompute);
    let x = Var::constant(pictures([2, config.in_channels, 4, 4], 1));
    let y = unet.forward(&ctx, x, &[3.0, 700.5], classes).unwrap();
    let loss = ops::mse(y, pictures([2, config.out_channels, 4, 4], 2)).unwrap();
    let value = loss.value().item().unwrap();
    drop(ctx);
    (value, params.collect(loss.backward().unwrap()))
}

fn check_against_differences(config: &UNetConfig, classes: Option<&[usize]>) {
    let (unet, params) = build(config);
    let params: Params<f64> = params.cast();
    let (_, gradients_of) = gradients(&unet, &params, classes, false);
    let target = pictures([2, config.out_channels, 4, 4], 2);
    let loss = |params: &Params<f64>| {
        let ctx = Ctx::inference(params);
        let x = Var::constant(pictures([2, config.in_channels, 4, 4], 1));
        let y = unet.forward(&ctx, x, &[3.0, 700.5], classes).unwrap();
        ops::mse(y, target.clone()).unwrap().value().item().unwrap()
    };
    let mut stream = random::Stream::new(5, Purpose::TEST, 0, 0);
    for (i, gradient) in gradients_of.iter().enumerate() {
        let name = params.name(ParamId(i));
        let gradient = gradient.as_ref().unwrap_or_else(|| panic!("{name} has no gradient"));
        let at = stream.below(gradient.numel() as u32) as usize;
        let expected = slopes(&params, ParamId(i), [at], loss)[0];
        let got = gradient.as_slice()[at];
        assert!(
            (got - expected).abs() < 1e-6 * (1e-2 + expected.abs()),
            "{name}[{at}]: {got}, not {expected}"
        );
    }
}

#[test]
fn gradients_are_the_slopes_of_the_loss() {
    check_against_differences(&tiny(), Some(&[2, 0]));
}

#[test]
fn gradients_with_every_other_choice() {
    let config = UNetConfig {
        down_block_types: names(&["AttnDownBlock2D", "DownBlock2D"]),
        up_block_types: names(&["ResnetUpsampleBlock2D", "AttnUpBlock2D"]),
        downsample_type: "resnet".to_string(),
        resnet_time_scale_shift: TimeShift::ScaleShift,
        attn_norm_num_groups: Some(4),
        mid_block_scale_factor: 1.5,
        center_input_sample: true,
        attention_head_dim: None,
        num_class_embeds: None,
        downsample_padding: 0,
        ..tiny()
    };
    check_against_differences(&config, None);
}

#[test]
fn running_blocks_again_changes_no_gradient() {
    let (unet, params) = build(&tiny());
    let params = params.cast();
    let (loss, kept) = gradients(&unet, &params, Some(&[1]), false);
    let (again, recomputed) = gradients(&unet, &params, Some(&[1]), true);
    assert_eq!(loss, again);
    for (i, (a, b)) in kept.iter().zip(&recomputed).enumerate() {
        assert_eq!(
            a.as_ref().unwrap().as_slice(),
            b.as_ref().unwrap().as_slice(),
            "{}",
            params.name(ParamId(i))
        );
    }
}

#[test]
fn samples_do_not_see_each_other() {
    let (unet, params) = build(&tiny());
    let ctx = Ctx::inference(&params);
    let x: Tensor = pictures([3, 1, 8, 4], 1);
    let run = |x: Tensor, t: &[f64], c: &[usize]| {
        unet.forward(&ctx, Var::constant(x), t, Some(c)).unwrap().into_value()
    };
    let all = run(x.clone(), &[1.0, 57.0, 999.0], &[0, 2, 1]);
    assert_eq!(all.dims(), [3, 2, 8, 4]);
    let one = run(Tensor::from_slice([1, 1, 8, 4], &x.as_slice()[32..64]).unwrap(), &[57.0], &[2]);
    assert_eq!(one.as_slice(), &all.as_slice()[64..128]);
    let other_class = run(x, &[1.0, 57.0, 999.0], &[0, 1, 1]);
    assert_ne!(&other_class.as_slice()[64..128], one.as_slice());
}

#[test]
fn a_zero_output_is_an_option() {
    let (unet, params) = build(&UNetConfig { zero_init_output: true, num_class_embeds: None, ..tiny() });
    let x = Var::constant(pictures([1, 1, 4, 4], 1));
    let y = unet.forward(&Ctx::inference(&params), x, &[5.0], None).unwrap();
    assert!(y.value().as_slice().iter().all(|&y| y == 0.0));
}

#[test]
fn the_middle_block_is_an_option() {
    let (unet, params) = build(&UNetConfig { mid_block_type: None, num_class_embeds: None, ..tiny() });
    assert!(params.names().iter().all(|name| !name.starts_with("mid_block")));
    let x = Var::constant(pictures([1, 1, 4, 4], 1));
    assert!(unet.forward(&Ctx::inference(&params), x, &[5.0], None).unwrap().value().all_finite());
}

#[test]
fn training_leaves_the_parameters_to_their_owner() {
    let (unet, params) = build(&tiny());
    let params = params.cast();
    gradients(&unet, &params, Some(&[1]), true);
    assert!(params.values().iter().all(Tensor::is_unique), "nothing shares a parameter after the step");
}

#[test]
fn misuse_is_named() {
    let (unet, params) = build(&tiny());
    let ctx = Ctx::inference(&params);
    let error = |shape, t: &[f64], classes: Option<&[usize]>| {
        unet.forward(&ctx, Var::constant(pictures(shape, 1)), t, classes).unwrap_err().to_string()
    };
    let shape = [2, 1, 4, 4];
    assert_eq!(
        error([2, 3, 4, 4], &[1.0], Some(&[0])),
        "unet: pictures [2, 3, 4, 4]: the model takes 1 channels"
    );
    assert_eq!(
        error([2, 1, 5, 4], &[1.0], Some(&[0])),
        "unet: pictures [2, 1, 5, 4]: height and width must be multiples of 2"
    );
    assert_eq!(error(shape, &[1.0], Some(&[0, 3])), "unet: class 3: the model has classes 0 to 2");
    assert!(error(shape, &[1.0], None).starts_with("unet: no classes: the model has 3 classes"));
    assert!(error(shape, &[1.0; 3], Some(&[0])).starts_with("unet: 3 timesteps: one for each of 2 samples"));
    let (unet, params) = build(&UNetConfig { num_class_embeds: None, ..tiny() });
    let x = Var::constant(pictures(shape, 1));
    let error = unet.forward(&Ctx::inference(&params), x, &[1.0], Some(&[0])).unwrap_err().to_string();
    assert_eq!(error, "unet: classes: the model has none");
}
