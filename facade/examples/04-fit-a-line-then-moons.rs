//! Fitting: first a line through points, then a small network that tells two moons apart.

#[path = "support/moons.rs"]
mod moons;

use moons::two_moons;
use std::error::Error;
use tweedie::autograd::ops::{cross_entropy, mse};
use tweedie::nn::layers::Linear;
use tweedie::prelude::*;
use tweedie::tensor::ops;

/// Layers with a SiLU between them. A layer is the numbers of its parameters; their values live in `Params`.
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn new(b: &Builder, widths: &[usize]) -> Mlp {
        let pairs = widths.windows(2).enumerate();
        Mlp { layers: pairs.map(|(i, pair)| Linear::new(&b.pp(i), pair[0], pair[1])).collect() }
    }
}

impl Layer for Mlp {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>, tweedie::autograd::Error> {
        let mut x = x;
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(ctx, if i == 0 { x } else { x.silu()? })?;
        }
        Ok(x)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // y = 0.5 x − 2, from five points.
    let x = Tensor::from([[-2.0f32], [-1.0], [0.0], [1.0], [2.0]]);
    let y = 0.5 * &x - 2.0;
    let builder = Builder::new();
    let line = Linear::new(&builder, 1, 1);
    // Fit holds weights and optimizer, and gives each pass a tape of its own.
    let mut fit = Fit::new(builder.draw(0), OptimConfig::adam(), 0.05)?;
    for step in 0..=400 {
        let loss = fit.minimise(|ctx| mse(line.forward(ctx, Var::constant(x.clone()))?, y.clone()))?;
        if step % 100 == 0 {
            println!("line, step {step:>3}: loss {loss:.2e}");
        }
    }
    let [slope, offset] = [0, 1].map(|i| fit.params().values()[i].as_slice()[0]);
    println!("y = {slope:.3} x {offset:+.3}\n");
    assert!((slope - 0.5).abs() < 1e-2 && (offset + 2.0).abs() < 1e-2);

    // Which moon does a point lie on?
    let (points, labels) = two_moons(512, 0);
    let builder = Builder::new();
    let mlp = Mlp::new(&builder, &[2, 32, 32, 2]);
    println!("{} weights, the first of them named {}", builder.numel(), builder.specs()[0].name);
    let mut fit = Fit::new(builder.draw(0), OptimConfig::adamw(), 1e-2)?;
    for step in 0..=300 {
        let loss =
            fit.minimise(|ctx| cross_entropy(mlp.forward(ctx, Var::constant(points.clone()))?, &labels))?;
        if step % 100 == 0 {
            println!("moons, step {step:>3}: {loss:.4} nats");
        }
    }

    // On points that it has not seen.
    let sides = |points: &Tensor| -> Result<Vec<usize>, Box<dyn Error>> {
        let logits = fit.infer(|ctx| mlp.forward(ctx, Var::constant(points.clone())))?;
        Ok(logits.value().as_slice().chunks(2).map(|pair| usize::from(pair[1] > pair[0])).collect())
    };
    let (unseen, truth) = two_moons(1000, 1);
    let right = sides(&unseen)?.iter().zip(&truth).filter(|(a, b)| a == b).count();
    println!("{right} of 1000 other points are told apart\n");
    assert!(right >= 990);

    // The map that it has learnt, a character for each place.
    let (columns, rows) = (64, 22);
    let grid = Tensor::from_fn([rows * columns, 2], |i| match (i / 2 / columns, i / 2 % columns, i % 2) {
        (_, column, 0) => -2.0 + 4.0 * column as f32 / (columns - 1) as f32,
        (row, _, _) => 1.3 - 2.6 * row as f32 / (rows - 1) as f32,
    });
    let near = |place: &[f32]| {
        points.as_slice().chunks(2).any(|point| (point[0] - place[0]).hypot(point[1] - place[1]) < 0.06)
    };
    for (row, places) in sides(&grid)?.chunks(columns).zip(ops::split(&grid, 0, &vec![columns; rows])?) {
        let character = |(side, place): (&usize, &[f32])| match (side, near(place)) {
            (0, false) => '.',
            (0, true) => 'o',
            (_, false) => ' ',
            (_, true) => '#',
        };
        println!("{}", row.iter().zip(places.as_slice().chunks(2)).map(character).collect::<String>());
    }
    Ok(())
}
