//! Editing with denoisers whose answer is known.

mod common;

use common::{close, normals};
use proptest::prelude::*;
use tweedie_diffusion::{
    Condition, Conditioned, Ddim, Ddpm, Denoiser, GaussianDenoiser, Inpaint, Inversion, Known, Level,
    MixtureDenoiser, Prediction, PredictionKind, Result, Sampler, SamplerKind, SamplerSettings, Schedule,
    SdEdit, Spacing, State, Times, Timestep, VarianceKind, lerp, slerp,
};
use tweedie_tensor::{Tensor, ops};

/// Pairs of unit normals with a correlation, seen along the axes of their sum and their difference.
struct Pair {
    correlation: f64,
}

impl Pair {
    fn x0(&self, level: Level, [a, b]: [f64; 2]) -> [f64; 2] {
        let gain = |variance: f64| {
            level.signal * variance / (level.signal * level.signal * variance + level.noise * level.noise)
        };
        let (sum, difference) = (gain(1.0 + self.correlation), gain(1.0 - self.correlation));
        let (plus, minus) = (0.5 * sum * (a + b), 0.5 * difference * (a - b));
        [plus + minus, plus - minus]
    }
}

impl Denoiser<f64> for Pair {
    fn predict(&self, x: &Tensor<f64>, t: &[Timestep], _: &Condition) -> Result<Prediction<f64>> {
        let mut x0 = x.clone();
        for (x, t) in x0.as_mut_slice().chunks_mut(2).zip(t) {
            x.copy_from_slice(&self.x0(t.level(), [x[0], x[1]]));
        }
        Ok(Prediction::new(PredictionKind::Sample, x0))
    }
}

const PAIR: Pair = Pair { correlation: 0.9 };
/// What is known of the pair: its first.
const GIVEN: f64 = 1.5;

fn known() -> Known<f64> {
    Known::new(Tensor::from_slice([2], &[GIVEN, 0.0]).unwrap(), vec![false, true]).unwrap()
}

fn trailing(steps: usize) -> Times {
    let schedule = Schedule::cosine(1000).unwrap();
    Times::spaced(&schedule, steps, Spacing::Trailing).unwrap()
}

fn run(sampler: &impl Sampler<f64>, denoiser: &dyn Denoiser<f64>, x: Tensor<f64>) -> Tensor<f64> {
    let last = sampler.run(denoiser, x, &Condition::default(), 5).last();
    last.unwrap().unwrap().x
}

fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    (mean, values.map(|x| (x - mean) * (x - mean)).sum::<f64>() / n)
}

/// The mean that replacement paints with ancestral steps: everything is linear, so that means go through the steps.
fn mean_by_replacement(times: &Times) -> f64 {
    times.steps().iter().fold(0.0, |mean, step| {
        let level = step.from.level();
        let [_, x0] = PAIR.x0(level, [level.signal * GIVEN, mean]);
        let (of_x0, of_x) = step.transition.posterior_mean_coefficients();
        of_x0 * x0 + of_x * mean
    })
}

#[test]
fn resampling_comes_nearer_to_the_conditional_mean_than_replacement() {
    let (samples, times) = (4000, trailing(50));
    let painted = |resamplings| {
        let ddpm = Ddpm::new(&times, VarianceKind::FixedSmall);
        let inpaint = Inpaint::new(ddpm, known()).resampled(5, resamplings).unwrap();
        let x = run(&inpaint, &PAIR, normals(samples, 2, 1));
        let pairs = x.as_slice().chunks(2);
        assert!(pairs.clone().all(|pair| pair[0] == GIVEN), "what is known stays as it is");
        moments(pairs.map(|pair| pair[1]))
    };
    let (mean, variance) = (PAIR.correlation * GIVEN, 1.0 - PAIR.correlation * PAIR.correlation);
    let error = (0.5 / samples as f64).sqrt();
    let ((replaced, spread), (resampled, nearer)) = (painted(1), painted(10));
    assert!((replaced - mean_by_replacement(&times)).abs() < 4.0 * error, "{replaced}");
    assert!(mean - replaced > 0.1, "replacement: {replaced} for {mean}");
    assert!((mean - resampled).abs() < 0.16 * (mean - replaced), "{resampled} after {replaced} for {mean}");
    assert!(spread > 1.5 * variance && nearer < 1.5 * variance, "{spread}, {nearer} for {variance}");
}

#[test]
fn every_sampler_can_inpaint() {
    let times = trailing(20);
    let kinds = SamplerKind::ALL.iter().filter(|&&kind| kind != SamplerKind::Lcm);
    let build = |&kind| (kind, SamplerSettings::new(kind).build::<f64>(&times).unwrap());
    for (name, sampler) in kinds.map(build) {
        let inpaint = Inpaint::new(sampler, known()).resampled(4, 8).unwrap();
        let x = run(&inpaint, &PAIR, normals(1000, 2, 2));
        assert!(x.as_slice().chunks(2).all(|pair| pair[0] == GIVEN), "{name}");
        let (mean, _) = moments(x.as_slice().chunks(2).map(|pair| pair[1]));
        // Deterministic steps mix the two parts less than ancestral ones.
        assert!((mean - PAIR.correlation * GIVEN).abs() < 0.45, "{name}: {mean}");
    }
}

#[test]
fn the_known_part_has_the_noise_of_the_level_that_is_reached() {
    let ddpm = Ddpm::new(&trailing(10), VarianceKind::FixedSmall);
    let inpaint = Inpaint::new(ddpm, known()).resampled(2, 2).unwrap();
    let (condition, x) = (Condition::default(), normals(4000, 2, 3));
    let states: Vec<State<f64>> = inpaint.run(&PAIR, x, &condition, 0).collect::<Result<_>>().unwrap();
    assert_eq!(states.len(), inpaint.steps());
    for state in &states {
        let Level { signal, noise } = state.level;
        let (mean, variance) = moments(state.x.as_slice().chunks(2).map(|pair| pair[0]));
        close(mean, signal * GIVEN, 0.07, 1.0);
        close(variance, noise * noise, 0.1, 1.0);
    }
    // After a jump the next step leaves the level that the jump led to.
    for (step, state) in states.iter().enumerate().skip(1) {
        let before = states[step - 1].level;
        close(before.noise, Sampler::<f64>::time(&inpaint, step).level().noise, 1e-12, 0.0);
        assert_eq!(state.t, Sampler::<f64>::time(&inpaint, step));
    }
    // Steps that are taken again have noise of their own.
    assert_ne!(states[0].x.as_slice()[1], states[2].x.as_slice()[1]);
}

#[test]
fn what_does_not_fit_the_picture_is_refused() {
    assert!(Known::new(Tensor::<f64>::zeros([3]), vec![true; 2]).is_err());
    let inpaint = || Inpaint::new(Ddpm::new(&trailing(5), VarianceKind::FixedSmall), known());
    for (jump, resamplings) in [(0, 1), (1, 0), (1, 1001)] {
        assert!(inpaint().resampled(jump, resamplings).is_err());
    }
    let condition = Condition::default();
    let error = inpaint().run(&PAIR, normals(2, 4, 0), &condition, 0).next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "inpainting: x = [2, 4]: the picture that is known has shape [2]");
}

#[test]
fn no_strength_leaves_the_picture_and_all_of_it_is_sampling() {
    let schedule = Schedule::cosine(100).unwrap().with_zero_terminal_snr().unwrap();
    let times = Times::spaced(&schedule, 20, Spacing::Trailing).unwrap();
    let ddpm = Ddpm::new(&times, VarianceKind::FixedSmall);
    let denoiser = GaussianDenoiser::new(Tensor::zeros([3]), 0.5).unwrap();
    let (condition, x0) = (Condition::default(), normals(4, 3, 0));
    let model = || Conditioned::new(&denoiser, &condition, 7);
    let of = |strength| SdEdit::new(strength).unwrap();
    assert!(of(0.0).run(&ddpm, model(), &x0).unwrap().is_none());
    let all = of(1.0).run(&ddpm, model(), &x0).unwrap().unwrap().last().unwrap().unwrap();
    let sampled = ddpm.run_with(model(), model().forward_noise(0, &x0)).last().unwrap().unwrap();
    assert_eq!(all.x.as_slice(), sampled.x.as_slice());
    assert_eq!(of(0.3).run(&ddpm, model(), &x0).unwrap().unwrap().count(), 6);
    for strength in [-0.1, 1.1, f64::NAN] {
        assert!(SdEdit::new(strength).is_err());
    }
}

/// With the exact denoiser and every step, a variation of N(0, v) is one of N(0, v), and its correlation with the picture
/// is that of two draws of q(x_0 | x_t): s² v / (s² v + n²).
#[test]
fn variations_are_data_and_resemble_the_picture_as_far_as_the_noise_lets_them() {
    let (schedule, variance, samples) = (Schedule::cosine(100).unwrap(), 0.25, 20_000);
    let times = Times::spaced(&schedule, 100, Spacing::Trailing).unwrap();
    let ddpm = Ddpm::new(&times, VarianceKind::FixedSmall);
    let denoiser = GaussianDenoiser::new(Tensor::zeros([1]), variance).unwrap();
    let condition = Condition::default();
    let x0 = ops::combine(&[(&[variance.sqrt()], &normals(samples, 1, 4))]).unwrap();
    let mut correlations = vec![];
    for strength in [0.2, 0.5, 0.8] {
        let model = Conditioned::new(&denoiser, &condition, 1);
        let edit = SdEdit::new(strength).unwrap();
        let x = edit.run(&ddpm, model, &x0).unwrap().unwrap().last().unwrap().unwrap().x;
        let (_, spread) = moments(x.as_slice().iter().copied());
        // The small variance of a step is a little too small for data that are spread.
        close(spread, variance, 0.1, 0.0);
        let Level { signal, noise } = schedule.level((100.0 * strength) as usize - 1);
        let of_data = signal * signal * variance;
        let together = ops::dot(&x, &x0).unwrap() / samples as f64 / variance;
        close(together, of_data / (of_data + noise * noise), 0.03, 1.0);
        correlations.push(together);
    }
    assert!(correlations.windows(2).all(|pair| pair[1] < pair[0]), "{correlations:?}");
}

fn mixture() -> MixtureDenoiser<f64> {
    let means = Tensor::from_slice([3, 2], &[-1.0, 0.5, 1.0, 0.0, 0.2, -0.8]).unwrap();
    MixtureDenoiser::new(means, &[2.0, 1.0, 1.0], &[0.04, 0.09, 0.01]).unwrap()
}

/// The largest difference that there and back leaves.
fn round_trip(denoiser: &dyn Denoiser<f64>, times: &Times, iterations: usize, x0: &Tensor<f64>) -> f64 {
    let inversion = Inversion::new(times).iterations(iterations).unwrap();
    let x_t = run(&inversion, denoiser, x0.clone());
    let back = run(&Ddim::new(times, 0.0).unwrap(), denoiser, x_t);
    back.as_slice().iter().zip(x0.as_slice()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn inversion_is_of_first_order_and_exact_with_iterations() {
    let x0 = Tensor::from_slice([3, 2], &[-0.9, 0.4, 1.2, 0.1, 0.25, -0.7]).unwrap();
    let gaussian = GaussianDenoiser::new(Tensor::full([2], 0.1), 0.5).unwrap();
    for denoiser in [&gaussian as &dyn Denoiser<f64>, &mixture()] {
        let errors = [125, 250, 500].map(|steps| round_trip(denoiser, &trailing(steps), 1, &x0));
        for pair in errors.windows(2) {
            assert!((1.6..2.6).contains(&(pair[0] / pair[1])), "{errors:?}");
        }
        for steps in [50, 500] {
            let exact = round_trip(denoiser, &trailing(steps), 60, &x0);
            assert!(exact < 1e-10, "{exact:e} with {steps} steps");
        }
    }
}

#[test]
fn inversion_ends_where_the_ode_comes_from() {
    // For N(0, v) data, x_T is x_0 times the ratio of the deviations at the two ends.
    let (variance, times) = (0.5, trailing(1000));
    let denoiser = GaussianDenoiser::new(Tensor::zeros([1]), variance).unwrap();
    let Level { signal, noise } = times.steps()[0].from.level();
    let ratio = ((signal * signal * variance + noise * noise) / variance).sqrt();
    let x_t = run(&Inversion::new(&times), &denoiser, Tensor::full([1, 1], 0.7));
    close(x_t.as_slice()[0], 0.7 * ratio, 0.02, 0.0);
}

proptest! {
    #![proptest_config(common::cases(64))]

    #[test]
    fn great_circles_end_where_they_should_and_keep_the_norm(n in 2usize..50, u in 0.0..1.0, seed: u64) {
        let (a, b) = (normals(2, n, seed), normals(2, n, !seed));
        for (u, end) in [(0.0, &a), (1.0, &b)] {
            for way in [slerp, lerp] {
                for (x, y) in way(&a, &b, u).unwrap().as_slice().iter().zip(end.as_slice()) {
                    close(*x, *y, 1e-12, 1.0);
                }
            }
        }
        // Two of one norm.
        let norms = |x: &Tensor<f64>| -> Vec<f64> {
            x.as_slice().chunks(n).map(|x| x.iter().map(|x| x * x).sum::<f64>().sqrt()).collect()
        };
        let scale: Vec<f64> = norms(&a).iter().zip(norms(&b)).map(|(a, b)| a / b).collect();
        let b = ops::combine(&[(&scale, &b)]).unwrap();
        let between = slerp(&a, &b, u).unwrap();
        for (x, y) in norms(&between).iter().zip(norms(&a)) {
            // Nearly opposite vectors cancel.
            close(*x, y, 1e-6, 0.0);
        }
        // The angle to a is its share of the whole.
        let angle = |x: &[f64], y: &[f64]| {
            let dot: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
            let size = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            (dot / size(x) / size(y)).clamp(-1.0, 1.0).acos()
        };
        for i in 0..2 {
            let of = |x: &Tensor<f64>| x.as_slice()[i * n..][..n].to_vec();
            close(angle(&of(&a), &of(&between)), u * angle(&of(&a), &of(&b)), 1e-6, 1.0);
        }
    }
}

#[test]
fn opposite_ends_have_no_way_between() {
    let a = normals(1, 5, 0);
    let opposite = ops::combine(&[(&[-2.0], &a)]).unwrap();
    assert!(slerp(&a, &opposite, 0.5).is_err());
    assert_eq!(slerp(&a, &a, 0.5).unwrap().as_slice(), a.as_slice());
    let zero = Tensor::zeros([1, 5]);
    assert_eq!(slerp(&zero, &a, 0.5).unwrap().as_slice(), lerp(&zero, &a, 0.5).unwrap().as_slice());
    assert!(slerp(&a, &normals(1, 6, 0), 0.5).is_err());
}
