use super::Answer;
use tweedie_nn::{Builder, UNet, UNetConfig};
use tweedie_train::measure::bench::Saving;

pub(crate) const ANSWERS: &[Answer] =
    &[("models.block", block), ("models.checkpoint", checkpoint), ("models.half", half)];

const MIB: f64 = (1 << 20) as f64;

fn cifar() -> Builder {
    let builder = Builder::new();
    UNet::new(&UNetConfig::cifar(), &builder).unwrap();
    builder
}

/// The parameters of the first residual block of the second level.
fn block() -> f64 {
    let specs = cifar().specs();
    let of_block = specs.iter().filter(|spec| spec.name.starts_with("down_blocks.1.resnets.0."));
    of_block.map(|spec| spec.shape.numel()).sum::<usize>() as f64
}

/// What a checkpoint takes of a parameter is what it takes of one of a small network.
fn checkpoint() -> f64 {
    let small = Saving::new(&UNetConfig::plain(&[32]).into()).unwrap();
    let each = small.state_bytes() as f64 / small.num_parameters() as f64;
    cifar().numel() as f64 * each / MIB
}

fn half() -> f64 {
    2.0 * cifar().numel() as f64 / MIB
}
