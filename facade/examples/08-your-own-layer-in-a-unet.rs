//! A layer of one's own inside a UNet of one's own: squeeze-and-excitation, which weighs the channels of a picture by what is
//! in all of it. Checked by differences, then trained with the rest of the network to draw digits.

use std::error::Error;
use tweedie::nn::layers::{
    Conv2d, Downsample, GroupNorm, Linear, ResnetBlock, ResnetConfig, Sinusoid, TimestepEmbedding, Upsample,
};
use tweedie::prelude::*;
use tweedie::train::data::{Glyphs, Split, read_batch};

const NOISE: Purpose = Purpose::new(129);
const TIME: Purpose = Purpose::new(131);

/// y = x · σ(W₂ SiLU(W₁ m)), m being the mean of each channel (Hu et al. 2018).
struct Excitation {
    squeeze: Linear,
    excite: Linear,
}

impl Excitation {
    fn new(b: &Builder, channels: usize) -> Excitation {
        Excitation {
            squeeze: Linear::new(&b.pp("squeeze"), channels, channels / 4),
            excite: Linear::new(&b.pp("excite"), channels / 4, channels),
        }
    }

    /// The weights of the channels, \[n, channels\].
    fn weights<T: Element>(&self, ctx: &Ctx<T>, x: &Var<T>) -> Result<Var<T>, tweedie::autograd::Error> {
        let [n, channels, height, width] = x.shape().nchw("excitation")?;
        let sums = x.clone().reshape([n, channels, height * width])?.sum_axis(2)?;
        let squeezed = self.squeeze.forward(ctx, sums / (height * width) as f64)?.silu()?;
        self.excite.forward(ctx, squeezed)?.sigmoid()
    }
}

impl Layer for Excitation {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>, tweedie::autograd::Error> {
        let weights = self.weights(ctx, &x)?;
        let [n, channels] = weights.shape().exactly("excitation", "must be [n, channels]")?;
        x.mul(weights.reshape([n, channels, 1, 1])?)
    }
}

/// Two sizes of picture, a residual block on the way down, one at the bottom, one on the way up, and the layer between.
struct SmallUNet {
    time: TimestepEmbedding,
    enter: Conv2d,
    down: ResnetBlock,
    halve: Downsample,
    middle: ResnetBlock,
    excitation: Excitation,
    double: Upsample,
    up: ResnetBlock,
    norm: GroupNorm,
    leave: Conv2d,
}

const WIDTH: usize = 32;

impl SmallUNet {
    fn new(b: &Builder) -> Result<SmallUNet, tweedie::nn::Error> {
        let block = |name: &str, inputs: usize| {
            ResnetBlock::new(&b.pp(name), ResnetConfig::new(inputs, WIDTH, 4 * WIDTH, 8))
        };
        Ok(SmallUNet {
            time: TimestepEmbedding::new(&b.pp("time"), WIDTH, 4 * WIDTH),
            enter: Conv2d::same3(&b.pp("enter"), 1, WIDTH),
            down: block("down", WIDTH)?,
            halve: Downsample::new(&b.pp("halve"), WIDTH, 1),
            middle: block("middle", WIDTH)?,
            excitation: Excitation::new(&b.pp("excitation"), WIDTH),
            double: Upsample::new(&b.pp("double"), WIDTH),
            up: block("up", 2 * WIDTH)?,
            norm: GroupNorm::new(&b.pp("norm"), 8, WIDTH, 1e-5)?,
            leave: Conv2d::same3(&b.pp("leave"), WIDTH, 1),
        })
    }

    fn forward(&self, ctx: &Ctx, x: Var, clocks: &[f64]) -> Result<Var, tweedie::autograd::Error> {
        let time = self.time.forward(ctx, Var::constant(Sinusoid::ddpm(WIDTH).embed(clocks)))?.silu()?;
        let skip = self.down.forward(ctx, self.enter.forward(ctx, x)?, time.clone())?;
        let x = self.middle.forward(ctx, self.halve.forward(ctx, skip.clone())?, time.clone())?;
        let x = self.double.forward(ctx, self.excitation.forward(ctx, x)?)?;
        let x = self.up.forward(ctx, tweedie::autograd::ops::concat([x, skip], 1)?, time)?;
        self.leave.forward(ctx, self.norm.forward_silu(ctx, x)?)
    }
}

/// One weight of each parameter of the layer, against central differences in f64.
fn check_gradients() -> Result<(), Box<dyn Error>> {
    let b = Builder::new();
    let layer = Excitation::new(&b, 8);
    let params = b.draw(0).cast::<f64>();
    let x = Var::constant(random::normal([2, 8, 3, 3], 0, NOISE, 0, 0));
    let loss = |ctx: &Ctx<f64>| layer.forward(ctx, x.clone()).and_then(Var::square).and_then(Var::sum);
    let tape = Tape::new();
    let gradients = params.collect(loss(&Ctx::training(&params, &tape))?.backward()?);
    for (i, name) in params.names().iter().enumerate() {
        let at = |step: f64| -> Result<f64, Box<dyn Error>> {
            let mut moved = params.clone();
            moved.values_mut()[i].as_mut_slice()[1] += step;
            Ok(loss(&Ctx::inference(&moved))?.value().item()?)
        };
        let numeric = (at(1e-5)? - at(-1e-5)?) / 2e-5;
        let exact = gradients[i].as_ref().ok_or("the loss depends on it")?.as_slice()[1];
        println!("{name:<15} by the tape {exact:>+11.7}, by differences {numeric:>+11.7}");
        assert!((exact - numeric).abs() < 1e-7);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    check_gradients()?;

    let b = Builder::new();
    let network = SmallUNet::new(&b)?;
    println!("\n{} weights, of which {} are the layer's", b.numel(), {
        let own = b.specs().into_iter().filter(|spec| spec.name.starts_with("excitation"));
        own.map(|spec| spec.shape.numel()).sum::<usize>()
    });
    let mut fit = Fit::new(b.draw(0), OptimConfig::adamw(), 2e-3)?;
    let (digits, schedule, loss) =
        (Glyphs::new(Split::Train, 16), Schedule::cosine(1000)?, Loss::simple(PredictionKind::V));
    const N: usize = 32;
    let mut losses = Vec::new();
    for step in 0..120u64 {
        let indices: Vec<usize> = (0..N).map(|i| step as usize * N + i).collect();
        let x0 = read_batch(&digits, &indices)?.x;
        let t: Vec<usize> =
            (0..N as u64).map(|i| Stream::new(0, TIME, step, i).below(1000) as usize).collect();
        let clocks: Vec<f64> = t.iter().map(|&t| t as f64).collect();
        let noise = random::normal(*x0.shape(), 0, NOISE, step, 0);
        let x_t = Var::constant(schedule.q_sample(&x0, &t, &noise)?);
        let output = fit.forward(|ctx| network.forward(ctx, x_t, &clocks))?;
        let value = loss.evaluate(&schedule, &x0, &noise, &t, output.value().clone(), &[1.0; N])?;
        fit.step_from(output, value.gradient)?;
        losses.push(value.losses.iter().sum::<f64>() / N as f64);
        if (step + 1) % 20 == 0 {
            println!(
                "step {:>3}: loss {:.3}",
                step + 1,
                losses[losses.len() - 20..].iter().sum::<f64>() / 20.0
            );
        }
    }
    let (first, last) = (losses[0], losses[100..].iter().sum::<f64>() / 20.0);
    assert!(last < 0.4 * first, "from {first} to {last}");

    // The layer has learnt with the rest: how far its weights have moved, as a share of their size.
    let before = b.draw(0);
    for ((name, after), before) in fit.params().iter().zip(before.values()) {
        if name.starts_with("excitation") && name.ends_with("weight") {
            let moved = ((after - before).square().sum() / before.square().sum()).sqrt();
            println!("{name} has moved by {:.0}%", 100.0 * moved);
            assert!(moved > 0.1);
        }
    }
    Ok(())
}
