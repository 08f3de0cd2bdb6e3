//! Samplers against what diffusers' schedulers computed, state by state: see `fixtures/README.md`.

use serde::Deserialize;
use std::path::{Path, PathBuf};
use tweedie_diffusion::{
    Condition, Conditioned, Denoiser, History, Prediction, PredictionKind, Result, Sampler, SchedulerClass,
    SchedulerConfig, Timestep,
};
use tweedie_nn::weights::WeightFile;
use tweedie_tensor::{Tensor, ops};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

#[derive(Deserialize)]
struct Case {
    config: serde_json::Value,
    steps: usize,
    /// The mean of |x| at the start and after each step, in the scale that preserves the variance.
    start: f64,
    means: Vec<f64>,
}

/// The model of diffusers' own tests: x t / (t + 1).
struct Toy(PredictionKind);

impl Denoiser<f64> for Toy {
    fn predict(&self, x: &Tensor<f64>, t: &[Timestep], _: &Condition) -> Result<Prediction<f64>> {
        let clock = t[0].clock();
        Ok(Prediction::new(self.0, ops::combine(&[(&[clock / (clock + 1.0)], x)])?))
    }
}

/// The same, which says a variance as well: y/2 − 0.2 as a range, or y²/10 itself.
struct Speaking(Toy, fn(f64) -> f64);

impl Denoiser<f64> for Speaking {
    fn predict(&self, x: &Tensor<f64>, t: &[Timestep], none: &Condition) -> Result<Prediction<f64>> {
        let prediction = self.0.predict(x, t, none)?;
        let y = prediction.value.as_slice();
        let range = Some(Tensor::from_fn(*x.shape(), |i| self.1(y[i])));
        Ok(Prediction { range, ..prediction })
    }
}

/// The batch of diffusers' own tests: place (n, c, h, w) holds place (c, h, w, n) of the range, over 768.
fn batch() -> Tensor<f64> {
    Tensor::from_fn([4, 3, 8, 8], |i| (i % 192 * 4 + i / 192) as f64 / 768.0)
}

/// What a stochastic sampler adds in step i.
fn toy_noise(i: usize) -> Tensor<f64> {
    Tensor::from_fn([4, 3, 8, 8], |k| ((7 * k + 11 * i) % 13) as f64 / 4.0 - 1.5)
}

fn mean(x: &Tensor<f64>) -> f64 {
    x.as_slice().iter().map(|x| x.abs()).sum::<f64>() / x.numel() as f64
}

/// The means of |x| along a run of the toy model from `scale` times the batch.
fn toy_run(config: &SchedulerConfig, steps: usize, scale: f64, noise: &[Tensor<f64>]) -> Vec<f64> {
    let sampler = config.sampler::<f64>(steps).unwrap_or_else(|error| panic!("{config:?}: {error}"));
    let (toy, condition) = (Toy(config.prediction().unwrap()), Condition::default());
    let x = ops::combine(&[(&[scale], &batch())]).unwrap();
    let run = sampler.run_with(Conditioned::new(&toy, &condition, 0).with_noise(noise), x);
    run.map(|state| mean(&state.unwrap().x)).collect()
}

/// Every class under many configurations, on the toy model.
#[test]
fn configurations() {
    let text = std::fs::read_to_string(fixtures().join("schedulers.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for Case { config: json, steps, start, means } in cases {
        let config: SchedulerConfig = serde_json::from_value(json.clone()).unwrap();
        let noise: Vec<Tensor<f64>> = (0..steps).map(toy_noise).collect();
        let actual = toy_run(&config, steps, start / mean(&batch()), &noise);
        assert_eq!(actual.len(), means.len(), "{json}");
        let off = |(a, b): (&f64, &f64)| a.is_nan() || (a - b).abs() > 1e-5 * b + 1e-12;
        if let Some(i) = actual.iter().zip(&means).position(off) {
            wrong.push(format!("{json}, {steps} steps: after step {i} {} is not {}", actual[i], means[i]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[derive(Deserialize)]
struct Swept {
    config: serde_json::Value,
    steps: usize,
    /// The mean of |x| at the start and the end, in the scale that preserves the variance.
    start: f64,
    last: f64,
}

/// Every class with every spacing, from one step to more than T, with every kind of noise levels, end, prediction and
/// variance: where a run starts, and where it ends.
#[test]
fn every_class_starts_and_ends_where_diffusers_does() {
    let text = std::fs::read_to_string(fixtures().join("schedulers_sweep.json")).unwrap();
    let cases: Vec<Swept> = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for Swept { config: json, steps, start, last } in cases {
        let config: SchedulerConfig = serde_json::from_value(json.clone()).unwrap();
        let sampler = match config.sampler::<f64>(steps) {
            Ok(sampler) => sampler,
            Err(error) => {
                wrong.push(format!("{json}, {steps} steps: {error}"));
                continue;
            }
        };
        let noise: Vec<Tensor<f64>> = (0..steps).map(toy_noise).collect();
        let toy = Toy(config.prediction().unwrap());
        let speaking: Box<dyn Denoiser<f64>> = match config.variance_type.as_deref() {
            Some("learned_range") => Box::new(Speaking(toy, |y| y / 2.0 - 0.2)),
            Some("learned") => Box::new(Speaking(toy, |y| y * y / 10.0)),
            _ => Box::new(toy),
        };
        let x = ops::combine(&[(&[sampler.start_deviation()], &batch())]).unwrap();
        let from = mean(&x);
        let condition = Condition::default();
        // Spread levels are looked up in a table of float32 logarithms there, which end in another last place here: a clock
        // that should be 0 is not quite, and the toy's picture is its multiple.
        let spread = config.use_karras_sigmas
            || config.use_exponential_sigmas
            || config.use_beta_sigmas
            || config.use_lu_lambdas
            // Every second time of these is looked up as well.
            || matches!(config.class(), Ok(SchedulerClass::Kdpm2 | SchedulerClass::Kdpm2Ancestral));
        let (relative, absolute) = if spread { (1e-4, 2e-5) } else { (1e-5, 1e-12) };
        let run = sampler.run_with(Conditioned::new(&*speaking, &condition, 0).with_noise(&noise), x);
        match run.last().unwrap() {
            Ok(state) => {
                for (what, a, b) in [("start", from, start), ("last", mean(&state.x), last)] {
                    if a.is_nan() || (a - b).abs() > relative * b + absolute {
                        wrong.push(format!("{json}, {steps} steps: {what} {a} is not {b}"));
                    }
                }
            }
            Err(error) => wrong.push(format!("{json}, {steps} steps: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The numbers that diffusers publishes in its own tests, for 10 steps.
#[test]
fn published_numbers() {
    let last = |config: &SchedulerConfig, scale| *toy_run(config, 10, scale, &[]).last().unwrap();
    let ends_early = SchedulerConfig { final_sigmas_type: "sigma_min".into(), ..Default::default() };
    let (dpm_solver, unipc) = (SchedulerClass::DpmSolver, SchedulerClass::UniPc);
    for (class, lower_order_final, expected) in [(dpm_solver, false, 0.3301), (unipc, true, 0.2464)] {
        let config =
            SchedulerConfig { lower_order_final: Some(lower_order_final), ..ends_early.of_class(class) };
        let actual = last(&config, 1.0);
        assert!((actual - expected).abs() < 5e-5, "{class:?}: {actual} is not {expected}");
    }
}

/// Euler's published number, at T = 1100. The loop there hands the model's input, x times signal, to the step, which takes
/// it for x / signal; so here the model is shown x / signal, and x shrinks by the signal before each step.
#[test]
fn published_number_of_euler() {
    struct Unscaled(Toy);
    impl Denoiser<f64> for Unscaled {
        fn predict(&self, x: &Tensor<f64>, t: &[Timestep], none: &Condition) -> Result<Prediction<f64>> {
            self.0.predict(&ops::combine(&[(&[1.0 / t[0].level().signal], x)])?, t, none)
        }
    }
    let config = SchedulerConfig { num_train_timesteps: 1100, ..Default::default() };
    let sampler = config.euler(10).unwrap();
    let (toy, condition) = (Unscaled(Toy(PredictionKind::Epsilon)), Condition::default());
    let model = Conditioned::new(&toy, &condition, 0);
    let mut level = config.schedule().unwrap().level(1099);
    let mut x = ops::combine(&[(&[level.noise], &batch())]).unwrap();
    for step in 0..10 {
        x = ops::combine(&[(&[level.signal], &x)]).unwrap();
        let state = sampler.step(step, &x, &model, &mut History::default()).unwrap();
        (x, level) = (state.x, state.level);
    }
    let actual = 768.0 * mean(&x);
    assert!((actual - 10.0807).abs() < 5e-4, "{actual}");
}

/// The same with noise: DDPM's thousand steps, with the normals that torch draws from seed 0.
#[test]
fn published_numbers_of_ddpm() {
    let mut torch = Torch::new(0);
    let draw = |_| Tensor::from_slice([4, 3, 8, 8], &torch.normals(768)).unwrap();
    let noise: Vec<Tensor<f64>> = (0..999).map(draw).collect();
    for (prediction, expected) in [("epsilon", 258.9606), ("v_prediction", 202.0296)] {
        let config = SchedulerConfig { prediction_type: prediction.into(), ..Default::default() };
        let actual = 768.0 * toy_run(&config, 1000, 1.0, &noise).last().unwrap();
        // Computed there in f32, and compared to 1e-2.
        assert!((actual - expected).abs() < 5e-3, "{prediction}: {actual} is not {expected}");
    }
}

/// torch's generator on the CPU: the Mersenne twister of Matsumoto and Nishimura (1998), and normals by Box and Muller.
struct Torch {
    state: [u32; 624],
    used: usize,
}

impl Torch {
    fn new(seed: u32) -> Torch {
        let mut state = [seed; 624];
        for i in 1..624 {
            let before = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        Torch { state, used: 624 }
    }

    fn next(&mut self) -> u32 {
        if self.used == 624 {
            for i in 0..624 {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % 624] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + 397) % 624] ^ (y >> 1) ^ twist;
            }
            self.used = 0;
        }
        let mut y = self.state[self.used];
        self.used += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// `n` normals, a multiple of 16: eight radii, then eight angles, in each sixteen.
    fn normals(&mut self, n: usize) -> Vec<f64> {
        let mut values: Vec<f64> =
            (0..n).map(|_| f64::from(self.next() & 0x00ff_ffff) / f64::from(1 << 24)).collect();
        for sixteen in values.chunks_mut(16) {
            let (radii, angles) = sixteen.split_at_mut(8);
            for (u, v) in radii.iter_mut().zip(angles) {
                let radius = (-2.0 * (1.0 - *u).ln()).sqrt();
                let (sin, cos) = (std::f64::consts::TAU * *v).sin_cos();
                (*u, *v) = (radius * cos, radius * sin);
            }
        }
        values
    }
}

/// The key in a fixture's file, and what is set beside the folder's configuration.
type Keyed = (&'static str, SchedulerClass, fn(&mut SchedulerConfig));

const SAMPLERS: [Keyed; 8] = [
    ("ddpm", SchedulerClass::Ddpm, |_| {}),
    ("ddim", SchedulerClass::Ddim, |_| {}),
    ("euler", SchedulerClass::Euler, |_| {}),
    ("heun", SchedulerClass::Heun, |_| {}),
    ("dpmpp-2m", SchedulerClass::DpmSolver, |_| {}),
    ("dpmpp-2m-sde", SchedulerClass::DpmSolver, |config| config.algorithm_type = "sde-dpmsolver++".into()),
    ("unipc", SchedulerClass::UniPc, |_| {}),
    ("pndm", SchedulerClass::Pndm, |_| {}),
];

const MORE: [Keyed; 11] = [
    ("euler-a", SchedulerClass::EulerAncestral, |_| {}),
    ("lms", SchedulerClass::Lms, |_| {}),
    ("kdpm2", SchedulerClass::Kdpm2, |_| {}),
    ("kdpm2-a", SchedulerClass::Kdpm2Ancestral, |_| {}),
    ("dpmpp-3m", SchedulerClass::DpmSolver, |config| config.solver_order = 3),
    ("dpm-2m", SchedulerClass::DpmSolver, |config| {
        config.algorithm_type = "dpmsolver".into();
        config.final_sigmas_type = "sigma_min".into();
    }),
    ("dpmpp-2s", SchedulerClass::SingleStep, |_| {}),
    ("dpmpp-3s", SchedulerClass::SingleStep, |config| {
        config.solver_order = 3;
        config.solver_type = Some("heun".into());
    }),
    ("deis", SchedulerClass::Deis, |_| {}),
    ("deis-3", SchedulerClass::Deis, |config| config.solver_order = 3),
    ("lcm", SchedulerClass::Lcm, |_| {}),
];

/// Every state of every sampler on a network with random weights, relative to the largest entry.
fn trajectories(name: &str, file: &str, samplers: &[Keyed]) {
    const STEPS: usize = 10;
    let folder = fixtures().join(name);
    let model = tweedie_train::Model::open(&folder, true).unwrap();
    let expected = WeightFile::read(&folder.join(file)).unwrap();
    let labels = WeightFile::read(&folder.join("expected.safetensors")).unwrap();
    let classes = labels.integers("ddim.class_labels").ok();
    let classes = classes.map(|labels| vec![usize::try_from(labels[0]).unwrap()]);
    let condition = Condition { classes, ..Condition::default() };
    let noise: Tensor<f32> = expected.tensor("noise").unwrap();
    let noise: Vec<Tensor<f32>> = (0..STEPS).map(|i| ops::narrow(&noise, 0, i, 1).unwrap()).collect();
    let json = std::fs::read_to_string(folder.join("scheduler/scheduler_config.json")).unwrap();
    let config: SchedulerConfig = serde_json::from_str(&json).unwrap();
    let start: Tensor<f32> = labels.tensor("ddim.x_T").unwrap();
    let start = ops::narrow(&start, 0, 0, 1).unwrap();
    for &(key, class, set) in samplers {
        let mut config = config.of_class(class);
        set(&mut config);
        if class == SchedulerClass::Pndm && config.prediction_type == "sample" {
            assert!(config.pndm(STEPS).is_err());
            continue;
        }
        let sampler = config.sampler::<f32>(STEPS).unwrap();
        // These keep x / signal in diffusers.
        let unscaled = sampler.ends_without_signal();
        let x_t = ops::combine(&[(&[sampler.start_deviation()], &start)]).unwrap();
        let first: Tensor<f32> = expected.tensor(&format!("{key}.x_T")).unwrap();
        for (a, b) in x_t.as_slice().iter().zip(first.as_slice()) {
            assert!((a - b).abs() <= 1e-6 * b.abs(), "{name}, {key}: {a} is not {b}");
        }
        let run = sampler.run_with(Conditioned::new(&model, &condition, 0).with_noise(&noise), x_t);
        for (i, state) in run.enumerate() {
            let state = state.unwrap();
            let scale = if unscaled { 1.0 / state.level.signal } else { 1.0 };
            let actual = ops::combine(&[(&[scale], &state.x)]).unwrap();
            let expected: Tensor<f32> = expected.tensor(&format!("{key}.x.{i}")).unwrap();
            assert_eq!(actual.shape(), expected.shape());
            let largest = expected.as_slice().iter().fold(0.0, |most: f32, x| most.max(x.abs()));
            let differences = actual.as_slice().iter().zip(expected.as_slice()).map(|(a, b)| (a - b).abs());
            let deviation = differences.fold(0.0, f32::max) / largest;
            assert!(actual.all_finite(), "{name}, {key}: state {i}");
            assert!(deviation <= 1e-4, "{name}, {key}: state {i} deviates by {deviation:e}");
        }
    }
}

#[test]
fn plain() {
    trajectories("plain", "trajectories.safetensors", &SAMPLERS);
}

#[test]
fn attention() {
    trajectories("attention", "trajectories.safetensors", &SAMPLERS);
}

#[test]
fn ddpm() {
    trajectories("ddpm", "trajectories.safetensors", &SAMPLERS);
}

#[test]
fn scale_shift() {
    trajectories("scale_shift", "trajectories.safetensors", &SAMPLERS);
}

#[test]
fn class() {
    trajectories("class", "trajectories.safetensors", &SAMPLERS);
}

#[test]
fn resnet_updown() {
    trajectories("resnet_updown", "trajectories.safetensors", &SAMPLERS);
}

#[test]
fn more_samplers_on_plain() {
    trajectories("plain", "more.safetensors", &MORE);
}

/// A network that says its variance, sampled by the class that reads it.
#[test]
fn a_learned_variance_is_sampled_as_diffusers_does() {
    let folder = fixtures().join("cases/learned-range");
    let model = tweedie_train::Model::open(&folder, true).unwrap();
    let json = std::fs::read_to_string(folder.join("scheduler/scheduler_config.json")).unwrap();
    let config: SchedulerConfig = serde_json::from_str(&json).unwrap();
    let file = WeightFile::read(&folder.join("trajectory.safetensors")).unwrap();
    let noise: Tensor<f32> = file.tensor("noise").unwrap();
    let noise: Vec<Tensor<f32>> = (0..10).map(|i| ops::narrow(&noise, 0, i, 1).unwrap()).collect();
    let condition = Condition::default();
    let sampler = config.sampler::<f32>(10).unwrap();
    let asked = Conditioned::new(&model, &condition, 0).with_noise(&noise);
    let last = sampler.run_with(asked, file.tensor("x_T").unwrap()).last().unwrap().unwrap().x;
    let expected: Tensor<f32> = file.tensor("x").unwrap();
    let differences = last.as_slice().iter().zip(expected.as_slice()).map(|(a, b)| (a - b).abs());
    let most = differences.fold(0.0, f32::max);
    assert!(most <= 1e-5, "{most:e}");
}
