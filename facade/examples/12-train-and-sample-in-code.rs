//! Training step by step, and sampling from what was learnt: what `tweedie train` and `tweedie sample` do, without files or
//! clocks.

#[path = "support/terminal.rs"]
mod terminal;

use std::error::Error;
use std::sync::Arc;
use terminal::show;
use tweedie::nn::UNetConfig;
use tweedie::prelude::*;
use tweedie::train::data::{Glyphs, Source, Split};
use tweedie::train::{Config, SampleRequest, Trainer};

const STEPS: u64 = 250;

fn main() -> Result<(), Box<dyn Error>> {
    // Digits that are drawn when they are asked for; a folder is opened by `train::data::open`.
    let digits: Arc<dyn Source> = Arc::new(Glyphs::new(Split::Train, 16));

    // Everything that a file of settings can say, by name.
    let mut config = Config { model: UNetConfig::plain(&[16, 32]).into(), ..Config::default() };
    (config.train.batch, config.train.ema_decay, config.optimizer.learning_rate) = (32, 0.99, 2e-3);

    // The trainer owns weights, their average, the optimizer and the schedule. A loader reads ahead of it.
    let mut trainer = Trainer::new(config.resolved(&*digits))?;
    println!("{} weights", trainer.params().numel());
    let mut loader = trainer.loader(digits)?;
    let (mut first, mut mean) = (0.0, 0.0);
    for step in 1..=STEPS {
        let report = trainer.step(&loader.next()?)?;
        mean += report.loss / 50.0;
        if step % 50 == 0 {
            println!("step {step:>3}: loss {mean:.3}, norm of the gradient {:.2}", report.grad_norm);
            (first, mean) = (if step == 50 { mean } else { first }, if step == STEPS { mean } else { 0.0 });
        }
    }
    assert!(mean < 0.5 * first, "the loss fell from {first} to {mean}");

    // A model is weights with what is needed to use them. This one is asked for five digits, guided.
    let model = trainer.model()?;
    let mut sampling = model.sampling()?;
    (sampling.steps, sampling.guidance) = (25, 2.0);
    let request = SampleRequest::new(5, Condition::of_classes(vec![0, 1, 3, 5, 8]), 0, sampling);
    let mut painting = model.sample(&request)?;
    for state in painting.by_ref() {
        let state = state?;
        if state.step % 8 == 0 {
            println!("\nwhat it sees at t = {}:", state.t.clock());
            show(&state.x0_hat);
        }
    }
    let pictures = painting.finish()?;
    println!("\nin the end:");
    show(&pictures);
    assert!(pictures.all_finite() && pictures.abs().mean() > 0.5, "ink is black, paper is white");
    Ok(())
}
