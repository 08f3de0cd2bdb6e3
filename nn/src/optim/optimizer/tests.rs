use super::*;
use crate::{Builder, Init};
use tweedie_tensor::random::{self, Purpose};

/// More numbers than one task of the kernel updates.
const PIECE: usize = 16 * 1024;
const SIZES: [usize; 3] = [5, PIECE + 7, 33];

fn params() -> Params<f32> {
    let b = Builder::new();
    for (i, n) in SIZES.into_iter().enumerate() {
        b.pp(i).param("weight", [n], Init::Normal);
    }
    b.draw(1)
}

fn gradients(step: u64) -> Vec<Option<Tensor<f32>>> {
    let draw = |i, n| random::normal([n], 2, Purpose::TEST, step, 1_000_000 * i as u64);
    SIZES.into_iter().enumerate().map(|(i, n)| Some(draw(i, n))).collect()
}

/// PyTorch's documented formulas for one weight, in f64: (weight, first moment, second moment).
fn published(config: OptimConfig, lr: f64, t: i32, g: f64, [mut w, m, v]: [f64; 3]) -> [f64; 3] {
    let adam = |[beta1, beta2, eps]: [f64; 3], w: f64, g: f64| {
        let (m, v) = (beta1 * m + (1.0 - beta1) * g, beta2 * v + (1.0 - beta2) * g * g);
        let (mean, square) = (m / (1.0 - beta1.powi(t)), v / (1.0 - beta2.powi(t)));
        [w - lr * mean / (square.sqrt() + eps), m, v]
    };
    match config {
        OptimConfig::Adam { beta1, beta2, eps, weight_decay } => {
            adam([beta1, beta2, eps], w, g + weight_decay * w)
        }
        // The parameters here are vectors.
        OptimConfig::AdamW { beta1, beta2, eps, weight_decay }
        | OptimConfig::Muon { beta1, beta2, eps, weight_decay, .. } => {
            w -= lr * weight_decay * w;
            adam([beta1, beta2, eps], w, g)
        }
        OptimConfig::Sgd { momentum, weight_decay } => {
            let sum = momentum * m + g + weight_decay * w;
            [w - lr * sum, sum, 0.0]
        }
    }
}

#[test]
fn five_steps_agree_with_the_published_formulas() {
    let configs = [
        OptimConfig::Adam { beta1: 0.8, beta2: 0.95, eps: 1e-3, weight_decay: 0.1 },
        OptimConfig::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.5 },
        OptimConfig::Muon { momentum: 0.95, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.3 },
        OptimConfig::Sgd { momentum: 0.9, weight_decay: 0.1 },
        OptimConfig::Sgd { momentum: 0.0, weight_decay: 0.0 },
    ];
    for config in configs {
        let mut trained = params();
        let mut expected: Vec<Vec<[f64; 3]>> = trained
            .values()
            .iter()
            .map(|p| p.as_slice().iter().map(|&w| [f64::from(w), 0.0, 0.0]).collect())
            .collect();
        let mut optimizer = Optimizer::new(config, &trained).unwrap();
        let clip = 3.0;
        for t in 1..=5 {
            let g = gradients(t);
            let squares = g.iter().flatten().flat_map(|g| g.as_slice()).map(|&g| f64::from(g).powi(2));
            let norm = squares.sum::<f64>().sqrt();
            let lr = 0.01 * t as f64;
            let report = optimizer
                .step(&mut trained, &g, StepOptions { clip: Some(clip), ..StepOptions::at(lr) })
                .unwrap();
            assert!((report.grad_norm / norm - 1.0).abs() < 1e-12);
            for (weights, g) in expected.iter_mut().zip(g.iter().flatten()) {
                for (state, &g) in weights.iter_mut().zip(g.as_slice()) {
                    let g = f64::from(g) * clip / (norm + 1e-6);
                    *state = published(config, lr, t as i32, g, *state);
                }
            }
        }
        for (got, expected) in trained.values().iter().zip(&expected) {
            for (&got, [expected, ..]) in got.as_slice().iter().zip(expected) {
                let error = (f64::from(got) - expected).abs();
                assert!(error < 2e-6, "{got} is not {expected} under {config:?}");
            }
        }
    }
}

#[test]
fn stopping_and_restoring_changes_no_bit() {
    for config in [OptimConfig::adamw(), OptimConfig::Sgd { momentum: 0.9, weight_decay: 0.0 }] {
        let run = |params: &mut Params<f32>, optimizer: &mut Optimizer, ema: &mut Ema, steps: [u64; 2]| {
            for step in steps[0]..steps[1] {
                let options = StepOptions { lr: 0.1, clip: Some(1.0), average: Some(ema) };
                optimizer.step(params, &gradients(step), options).unwrap();
            }
        };
        let mut whole = params();
        let mut optimizer = Optimizer::new(config, &whole).unwrap();
        let mut ema = Ema::new(&whole, 0.9).unwrap();
        run(&mut whole, &mut optimizer, &mut ema, [0, 7]);

        let mut cut = params();
        let mut first = Optimizer::new(config, &cut).unwrap();
        let mut early = Ema::new(&cut, 0.9).unwrap();
        run(&mut cut, &mut first, &mut early, [0, 3]);
        let state = first.state(&cut).map(|(name, value)| (name, value.clone())).collect();
        let mut second = Optimizer::restore(config, &cut, first.steps(), &state).unwrap();
        let mut restored = Ema::restore(early.params().clone(), 0.9, early.updates()).unwrap();
        run(&mut cut, &mut second, &mut restored, [3, 7]);

        for (a, b) in whole.values().iter().zip(cut.values()) {
            assert_eq!(a.as_slice(), b.as_slice());
        }
        for (a, b) in ema.params().values().iter().zip(restored.params().values()) {
            assert_eq!(a.as_slice(), b.as_slice());
        }
        assert_ne!(ema.params().values()[0].as_slice(), whole.values()[0].as_slice());
    }
}

#[test]
fn the_average_follows_its_definition() {
    let mut trained = params();
    let mut optimizer = Optimizer::new(OptimConfig::adamw(), &trained).unwrap();
    let mut ema = Ema::new(&trained, 0.3).unwrap();
    let mut expected: Vec<f64> = trained.values()[2].as_slice().iter().map(|&w| f64::from(w)).collect();
    for step in 0..8 {
        let options = StepOptions { lr: 0.05, clip: None, average: Some(&mut ema) };
        optimizer.step(&mut trained, &gradients(step), options).unwrap();
        let decay = ((1.0 + step as f64) / (10.0 + step as f64)).min(0.3);
        for (mean, &w) in expected.iter_mut().zip(trained.values()[2].as_slice()) {
            *mean = decay * *mean + (1.0 - decay) * f64::from(w);
        }
    }
    for (&got, expected) in ema.params().values()[2].as_slice().iter().zip(&expected) {
        assert!((f64::from(got) - expected).abs() < 1e-6, "{got} is not {expected}");
    }
}

#[test]
fn threads_change_no_bit() {
    let train = || {
        let mut params = params();
        let mut optimizer = Optimizer::new(OptimConfig::adamw(), &params).unwrap();
        for step in 0..3 {
            optimizer
                .step(&mut params, &gradients(step), StepOptions { clip: Some(1.0), ..StepOptions::at(0.1) })
                .unwrap();
        }
        params
    };
    let with = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap().install(train);
    for (a, b) in with(1).values().iter().zip(with(3).values()) {
        assert_eq!(a.as_slice(), b.as_slice());
    }
}

#[test]
fn what_has_no_gradient_stays_and_what_is_not_finite_changes_nothing() {
    let mut trained = params();
    let mut optimizer = Optimizer::new(OptimConfig::adamw(), &trained).unwrap();
    let mut g = gradients(0);
    g[1] = None;
    optimizer.step(&mut trained, &g, StepOptions::at(0.1)).unwrap();
    assert_eq!(trained.values()[1].as_slice(), params().values()[1].as_slice());
    assert_ne!(trained.values()[0].as_slice(), params().values()[0].as_slice());

    let before = trained.clone();
    g[2] = Some(Tensor::full([33], f32::NAN));
    let report = optimizer.step(&mut trained, &g, StepOptions::at(0.1)).unwrap();
    assert!(report.grad_norm.is_nan());
    assert_eq!(optimizer.steps(), 1);
    assert_eq!(trained.values()[0].as_slice(), before.values()[0].as_slice());
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let mut trained = params();
    let mut optimizer = Optimizer::new(OptimConfig::adamw(), &trained).unwrap();
    let mut g = gradients(0);
    g[0] = Some(Tensor::zeros([4]));
    let error = optimizer.step(&mut trained, &g, StepOptions::at(0.1)).unwrap_err().to_string();
    assert!(error.starts_with("optimizer: 0.weight: has shape [5]"), "{error}");
    assert!(optimizer.step(&mut trained, &g[1..], StepOptions::at(0.1)).is_err());
    let error =
        Optimizer::restore(OptimConfig::adamw(), &trained, 1, &BTreeMap::new()).unwrap_err().to_string();
    assert_eq!(error, "optimizer: exp_avg.0.weight: is missing");
}
