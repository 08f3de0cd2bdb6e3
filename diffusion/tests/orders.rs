//! How exact each sampler is on data whose flow is known, in the tables of docs/samplers.md; and diffusers' classes beside it.

use std::path::{Path, PathBuf};
use tweedie_diffusion::{
    Condition, GaussianDenoiser, Level, Sampler, SamplerKind, SamplerSettings, Schedule, SchedulerConfig,
};
use tweedie_tensor::Tensor;

const STEPS: [usize; 6] = [8, 16, 32, 64, 128, 256];

/// The samplers whose runs are functions of their start, and are not for distilled models.
const KINDS: [SamplerKind; 14] = [
    SamplerKind::Ddim,
    SamplerKind::Euler,
    SamplerKind::Heun,
    SamplerKind::Kdpm2,
    SamplerKind::Lms,
    SamplerKind::Dpm2m,
    SamplerKind::Dpmpp2m,
    SamplerKind::Dpmpp3m,
    SamplerKind::Dpmpp3mFull,
    SamplerKind::Dpmpp2s,
    SamplerKind::Deis,
    SamplerKind::UniPc,
    SamplerKind::UniPcFull,
    SamplerKind::Pndm,
];

/// By how much the deviation that a run ends with is off, relative to the exact one; it starts with the deviation that data
/// N(0, `variance`) have at the level where the run starts.
fn error(sampler: &dyn Sampler<f64>, variance: f64) -> f64 {
    let denoiser = GaussianDenoiser::new(Tensor::zeros([1]), variance).unwrap();
    let deviation =
        |level: Level| (level.signal * level.signal * variance + level.noise * level.noise).sqrt();
    let mut x = Tensor::full([1, 1], deviation(sampler.time(0).level()));
    let mut level = sampler.time(0).level();
    let (condition, mut history) = (Condition::default(), Default::default());
    let model = tweedie_diffusion::Conditioned::new(&denoiser, &condition, 0);
    for step in 0..sampler.steps() {
        let state = sampler.step(step, &x, &model, &mut history).unwrap();
        (x, level) = (state.x, state.level);
    }
    x.as_slice()[0] / deviation(level) - 1.0
}

fn own(kind: SamplerKind, steps: usize, variance: f64) -> f64 {
    let schedule = Schedule::linear(1024, 1e-4, 0.02).unwrap();
    let times = kind.times(&schedule, steps, None).unwrap();
    error(&*SamplerSettings::new(kind).build::<f64>(&times).unwrap(), variance)
}

/// A line of a table: a name, the sizes of errors from 16 steps on, and the slope between the last two.
fn line(name: &str, errors: &[f64]) -> String {
    let cells: Vec<String> = errors.iter().skip(1).map(|error| format!("{:.1e}", error.abs())).collect();
    let slope = (errors[errors.len() - 2] / errors[errors.len() - 1]).abs().log2();
    format!("| {name} | {} | {slope:.1} |", cells.join(" | "))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// One of diffusers' classes, as tests/fixtures/make_orders.py measured it.
#[derive(serde::Deserialize)]
struct Measured {
    config: serde_json::Value,
    steps: Vec<usize>,
    errors: Vec<f64>,
}

fn measured() -> Vec<Measured> {
    let text = std::fs::read_to_string(root().join("tests/fixtures/orders.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_tables_of_the_book_are_what_the_code_measures() {
    let book = std::fs::read_to_string(root().join("docs/samplers.md")).unwrap();
    let mut lines = Vec::new();
    for kind in KINDS {
        lines.push(line(&format!("`{kind}`"), &STEPS.map(|steps| own(kind, steps, 0.25))));
    }
    for kind in KINDS {
        let slopes = [0.0625, 0.25, 1.0].map(|variance| {
            let slope = (own(kind, 64, variance) / own(kind, 128, variance)).abs().log2();
            format!("{slope:.1}")
        });
        lines.push(format!("| `{kind}` | {} |", slopes.join(" | ")));
    }
    for Measured { config, errors, .. } in measured() {
        let keys = config.as_object().unwrap().iter();
        let said: Vec<String> = keys
            .filter(|(key, _)| {
                ["solver_order", "use_karras_sigmas", "algorithm_type"].contains(&key.as_str())
            })
            .map(|(key, value)| format!("`{key}` {}", value.to_string().trim_matches('"')))
            .collect();
        let class = config["_class_name"].as_str().unwrap();
        let name = [&[class.to_string()], &said[..]].concat().join(", ");
        lines.push(line(&name, &errors));
    }
    let missing: Vec<&String> = lines.iter().filter(|line| !book.contains(*line)).collect();
    let all: Vec<&str> = missing.iter().map(|line| &line[..]).collect();
    assert!(missing.is_empty(), "docs/samplers.md lacks\n{}", all.join("\n"));
}

/// diffusers computes levels in float32, of which DEIS of order 3 loses its digits.
#[test]
fn diffusers_classes_are_as_exact_here_as_there_or_more() {
    for Measured { config, steps, errors } in measured() {
        let parsed: SchedulerConfig = serde_json::from_value(config.clone()).unwrap();
        let rounding = if config["_class_name"] == "DEISMultistepScheduler" { 1.5e-4 } else { 2e-5 };
        for (steps, theirs) in steps.into_iter().zip(errors) {
            let ours = error(&*parsed.sampler::<f64>(steps).unwrap(), 0.25);
            let near = (ours - theirs).abs() <= rounding + 1e-2 * theirs.abs();
            assert!(near || ours.abs() < theirs.abs(), "{config}, {steps} steps: {ours} and {theirs}");
        }
    }
}
