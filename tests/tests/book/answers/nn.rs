use super::Answer;
use tweedie_nn::optim::{OptimConfig, Optimizer, StepOptions};
use tweedie_nn::{Builder, Ema, Init};
use tweedie_tensor::Tensor;

pub(crate) const ANSWERS: &[Answer] = &[("nn.first_step", first_step), ("nn.ema", ema)];

/// By how much the first step of Adam at a rate of 0.001 moves a weight whose gradient is 37.
fn first_step() -> f64 {
    let b = Builder::new();
    b.param("weight", [1], Init::Zeros);
    let mut params = b.draw(0);
    let adam = OptimConfig::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 };
    let mut optimizer = Optimizer::new(adam, &params).unwrap();
    optimizer.step(&mut params, &[Some(Tensor::full([1], 37.0f32))], StepOptions::at(1e-3)).unwrap();
    -f64::from(params.values()[0].as_slice()[0])
}

/// The first update, counted from 0, that has the whole decay of 0.999.
fn ema() -> f64 {
    let decay = |updates| Ema::restore(Builder::new().draw(0), 0.999, updates).unwrap().next_decay();
    (0..10_000).find(|&updates| decay(updates) == 0.999).unwrap() as f64
}
