//! The UNet, its backward pass and AdamW against what torch and diffusers computed: see `fixtures/README.md`.
//!
//! A deviation of a tensor a from the reference b is max|a − b| / max|b|. For gradients the denominator is at
//! least a thousandth of the largest gradient of the model: some are zero in exact arithmetic, a key's bias for
//! one, and only rounding noise is left to compare.

use std::path::{Path, PathBuf};
use tweedie_autograd::{Tape, Var, ops};
use tweedie_nn::optim::{OptimConfig, Optimizer, StepOptions};
use tweedie_nn::weights::{self, WeightFile};
use tweedie_nn::{Builder, Ctx, Params, UNet, UNetConfig};
use tweedie_tensor::Tensor;

struct Fixture {
    folder: PathBuf,
    unet: UNet,
    params: Params<f32>,
    expected: WeightFile,
    timesteps: Vec<f64>,
    classes: Option<Vec<usize>>,
}

fn open(name: &str) -> Fixture {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let config = UNetConfig::read(&folder.join("unet/config.json")).unwrap().network;
    let builder = Builder::new();
    let unet = UNet::new(&config, &builder).unwrap();
    let file = WeightFile::read(&folder.join("unet/diffusion_pytorch_model.safetensors")).unwrap();
    let params = weights::load(&file, &builder.specs()).unwrap();
    let expected = WeightFile::read(&folder.join("expected.safetensors")).unwrap();
    let timesteps = expected.integers("timesteps").unwrap().into_iter().map(|t| t as f64).collect();
    let classes = expected.entries().contains_key("class_labels").then(|| {
        let labels = expected.integers("class_labels").unwrap();
        labels.into_iter().map(|label| usize::try_from(label).unwrap()).collect()
    });
    Fixture { folder, unet, params, expected, timesteps, classes }
}

impl Fixture {
    fn tensor(&self, name: &str) -> Tensor {
        self.expected.tensor(name).unwrap()
    }

    fn forward(&self, ctx: &Ctx) -> Var {
        let x = Var::constant(self.tensor("x"));
        self.unet.forward(ctx, x, &self.timesteps, self.classes.as_deref()).unwrap()
    }

    /// The loss of the batch, and the gradient of every parameter.
    fn gradients(&self, params: &Params<f32>) -> (f32, Vec<Tensor>) {
        let tape = Tape::new();
        let ctx = Ctx::training(params, &tape);
        let loss = ops::mse(self.forward(&ctx), self.tensor("target")).unwrap();
        drop(ctx);
        let value = loss.value().item().unwrap();
        let gradients = params.collect(loss.backward().unwrap());
        (value, gradients.into_iter().map(Option::unwrap).collect())
    }

    fn assert_near(&self, what: &str, got: &Tensor, limit: f32, floor: f32) {
        let expected = self.tensor(what);
        assert_eq!(got.shape(), expected.shape(), "{what} of {}", self.folder.display());
        let differences = got.as_slice().iter().zip(expected.as_slice()).map(|(a, b)| (a - b).abs());
        // `max` skips NaN; an addition does not.
        assert!(got.all_finite(), "{what} of {}", self.folder.display());
        let deviation = differences.fold(0.0, f32::max) / largest(&expected).max(floor);
        assert!(deviation <= limit, "{what} of {} deviates by {deviation:e}", self.folder.display());
    }
}

fn largest(x: &Tensor) -> f32 {
    x.as_slice().iter().fold(0.0, |most, x| x.abs().max(most))
}

fn check(name: &str) {
    let fixture = open(name);
    let mut params = fixture.params.clone();
    let y = fixture.forward(&Ctx::inference(&params));
    fixture.assert_near("out", y.value(), 1e-5, 0.0);

    let (loss, gradients) = fixture.gradients(&params);
    fixture.assert_near("loss", &Tensor::scalar(loss), 1e-5, 0.0);
    let names = params.names().to_vec();
    let most = names.iter().map(|name| largest(&fixture.tensor(&format!("grad.{name}")))).fold(0.0, f32::max);
    for (name, gradient) in names.iter().zip(&gradients) {
        fixture.assert_near(&format!("grad.{name}"), gradient, 1e-4, 1e-3 * most);
    }

    let config = OptimConfig::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-5, weight_decay: 1e-2 };
    let mut optimizer = Optimizer::new(config, &params).unwrap();
    for _ in 0..5 {
        let gradients: Vec<_> = fixture.gradients(&params).1.into_iter().map(Some).collect();
        optimizer.step(&mut params, &gradients, StepOptions::at(1e-3)).unwrap();
    }
    for (name, value) in params.iter() {
        fixture.assert_near(&format!("adamw.{name}"), value, 1e-4, 0.0);
    }
}

#[test]
fn plain() {
    check("plain");
}

#[test]
fn attention_in_every_block() {
    check("attention");
}

#[test]
fn the_conventions_of_ddpm() {
    check("ddpm");
}

#[test]
fn scale_shift_with_classes() {
    check("scale_shift");
}

#[test]
fn classes_with_an_odd_picture_at_the_bottom() {
    check("class");
}

#[test]
fn residual_blocks_that_resample() {
    check("resnet_updown");
}

/// A weight that is missing, or one too many, is refused by name.
#[test]
fn another_models_weights_are_refused() {
    let (plain, attention) = (open("plain"), open("attention"));
    let builder = Builder::new();
    UNet::new(plain.unet.config(), &builder).unwrap();
    let path = attention.folder.join("unet/diffusion_pytorch_model.safetensors");
    let error = weights::load::<f32>(&WeightFile::read(&path).unwrap(), &builder.specs()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("down_blocks.0.resnets.1.conv1.weight is missing"), "{text}");
    assert!(text.contains("more"), "{text}");
}
