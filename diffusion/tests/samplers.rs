//! Samplers on denoisers whose answer is known, and on those that go wrong.

mod common;

use common::{close, ho, normals, schedules};
use proptest::prelude::*;
use tweedie_diffusion::purpose;
use tweedie_diffusion::{
    Clip, Condition, Ddim, Ddpm, Denoiser, EmpiricalDenoiser, Error, GaussianDenoiser, Guided,
    MixtureDenoiser, NoiseSource, Prediction, PredictionKind, Result, Sampler, Schedule, Spacing, State,
    Times, Timestep, VarianceKind,
};
use tweedie_tensor::random::{self, Purpose};
use tweedie_tensor::{Element, Tensor};

const VARIANCES: [VarianceKind; 2] = [VarianceKind::FixedSmall, VarianceKind::FixedLarge];

fn paint<T: Element>(
    sampler: &impl Sampler<T>,
    denoiser: &dyn Denoiser<T>,
    x: Tensor<T>,
    noise: impl Into<NoiseSource>,
) -> Result<Tensor<T>> {
    let condition = Condition::default();
    sampler
        .run(denoiser, x, &condition, noise)
        .try_fold(None, |_, state| Ok(Some(state?.x)))
        .map(Option::unwrap)
}

/// A Gaussian around 0 in one place.
fn gaussian(variance: f64) -> GaussianDenoiser<f64> {
    GaussianDenoiser::new(Tensor::zeros([1]), variance).unwrap()
}

fn every_step(schedule: &Schedule) -> Times {
    let steps = schedule.num_timesteps();
    Times::spaced(schedule, steps, Spacing::Leading).unwrap()
}

/// What a sampler makes of x_T when it is linear in it: the noise, drawn twice alike, cancels.
fn gain(sampler: &impl Sampler<f64>, denoiser: &dyn Denoiser<f64>) -> f64 {
    let [one, zero] =
        [1.0, 0.0].map(|x| paint(sampler, denoiser, Tensor::full([1, 1], x), 0).unwrap().as_slice()[0]);
    one - zero
}

/// The variance that ancestral sampling of N(0, `variance`) data puts out, its moments taken through each step.
fn ancestral_variance(schedule: &Schedule, variance: f64, kind: VarianceKind) -> (f64, f64) {
    let (one, denoiser) = (Tensor::full([1, 1], 1.0), gaussian(variance));
    let (mut gain, mut spread) = (1.0, 1.0);
    for t in (0..schedule.num_timesteps()).rev() {
        let times = schedule.timesteps_at(&[t]).unwrap();
        let prediction = denoiser.predict(&one, &times, &Condition::default()).unwrap();
        let p = schedule.p_mean_variance(&prediction, &one, &[t], kind, Clip::Off).unwrap();
        let factor = p.mean.as_slice()[0];
        gain *= factor;
        spread = factor * factor * spread + if t > 0 { p.variance[0] } else { 0.0 };
    }
    (gain, spread)
}

#[test]
fn published_spread_of_ancestral_sampling() {
    for (kind, expected) in VARIANCES.into_iter().zip([0.2461252114, 0.2507520750]) {
        close(ancestral_variance(&ho(), 0.25, kind).1, expected, 1e-9, 0.0);
    }
}

#[test]
fn ancestral_sampling_puts_out_the_spread_that_its_moments_say() {
    let schedule = Schedule::cosine(40).unwrap();
    let denoiser = GaussianDenoiser::new(Tensor::zeros([64]), 0.25).unwrap();
    for kind in VARIANCES {
        let sampler = Ddpm::new(&every_step(&schedule), kind);
        let x: Tensor<f64> = random::normal([256, 64], 3, purpose::START, 0, 0);
        let painted = paint(&sampler, &denoiser, x, 3).unwrap();
        let actual = painted.as_slice().iter().map(|x| x * x).sum::<f64>() / painted.numel() as f64;
        let (expected_gain, expected) = ancestral_variance(&schedule, 0.25, kind);
        // Four standard deviations of the estimate: √(2 / 16384) of it each.
        close(actual, expected, 4.0 * 0.011, 0.0);
        close(gain(&sampler, &gaussian(0.25)), expected_gain, 1e-10, 1e-3);
    }
}

#[test]
fn published_gain_of_ddim() {
    let times = Times::spaced(&ho(), 50, Spacing::Leading).unwrap();
    let sampler = Ddim::new(&times, 0.0).unwrap();
    let gain = gain(&sampler, &gaussian(1.0));
    assert!((gain - 0.964079).abs() < 5e-7, "{gain}");
}

#[test]
fn ddim_is_a_first_order_solver() {
    // In the limit of many steps, DDIM maps N(0, 1) noise to the data's spread (the probability-flow ODE).
    let schedule = Schedule::linear(4096, 1e-5, 0.01).unwrap();
    let error = |steps| {
        let times = Times::spaced(&schedule, steps, Spacing::Trailing).unwrap();
        gain(&Ddim::new(&times, 0.0).unwrap(), &gaussian(0.25)) - 0.5
    };
    let errors = [16, 32, 64, 128].map(error);
    for pair in errors.windows(2) {
        let ratio = pair[0] / pair[1];
        assert!((1.8..2.3).contains(&ratio), "{errors:?}");
    }
}

#[test]
fn mixtures_are_painted_in_their_proportions() {
    let means = Tensor::from_slice([2, 2], &[-1.0, 0.5, 1.0, 0.0]).unwrap();
    let denoiser = MixtureDenoiser::new(means, &[3.0, 1.0], &[0.01, 0.01]).unwrap();
    let schedule = Schedule::cosine(200).unwrap();
    let sampler = Ddpm::new(&every_step(&schedule), VarianceKind::FixedSmall);
    let painted = paint(&sampler, &denoiser, random::normal([1000, 2], 1, purpose::START, 0, 0), 1).unwrap();
    let (left, right): (Vec<&[f64]>, _) = painted.as_slice().chunks(2).partition(|x| x[0] < 0.0);
    assert!((700..800).contains(&left.len()), "{}", left.len());
    for (points, mean) in [(left, [-1.0, 0.5]), (right, [1.0, 0.0])] {
        let n = points.len() as f64;
        for axis in 0..2 {
            let centre = points.iter().map(|x| x[axis]).sum::<f64>() / n;
            let spread = points.iter().map(|x| (x[axis] - centre).powi(2)).sum::<f64>() / n;
            assert!((centre - mean[axis]).abs() < 0.03, "{centre}");
            assert!((spread - 0.01).abs() < 0.004, "{spread}");
        }
    }
}

#[test]
fn the_data_set_as_denoiser_gives_the_data_set_back() {
    let data = Tensor::from_fn([6, 8], |i| if (i * 7919 % 13) % 2 == 0 { 1.0f32 } else { -1.0 });
    let denoiser = EmpiricalDenoiser::new(data.clone()).unwrap();
    let schedule = Schedule::cosine(1000).unwrap();
    let times = Times::spaced(&schedule, 50, Spacing::Trailing).unwrap();
    let sampler = Ddim::new(&times, 0.0).unwrap();
    let painted = paint(&sampler, &denoiser, random::normal([30, 8], 5, purpose::START, 0, 0), 0).unwrap();
    let mut seen = [false; 6];
    for x in painted.as_slice().chunks(8) {
        let nearest =
            data.as_slice().chunks(8).position(|y| x.iter().zip(y).all(|(x, y)| (x - y).abs() < 1e-3));
        seen[nearest.expect("a picture of the set")] = true;
    }
    assert!(seen.iter().filter(|&&s| s).count() >= 4, "{seen:?}");
}

#[test]
fn states_tell_where_the_run_is() {
    let schedule = ho();
    let times = Times::spaced(&schedule, 4, Spacing::Trailing).unwrap();
    let sampler = Ddim::new(&times, 0.0).unwrap();
    let (denoiser, condition) = (gaussian(0.25), Condition::default());
    let states: Vec<State<f64>> =
        sampler.run(&denoiser, normals(3, 1, 0), &condition, 0).collect::<Result<_>>().unwrap();
    assert_eq!(states.iter().map(|s| s.step).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(states.iter().map(|s| s.t.index().unwrap()).collect::<Vec<_>>(), [999, 749, 499, 249]);
    assert_eq!(states[0].level, schedule.level(749));
    assert_eq!(states[3].level.signal, 1.0);
    // The last x̂_0 is the picture, without noise even where a step's variance is large.
    assert_eq!(states[3].x.as_slice(), states[3].x0_hat.as_slice());
    let ancestral = Ddpm::new(&times, VarianceKind::FixedLarge);
    let last = ancestral.run(&denoiser, normals(3, 1, 0), &condition, 0).last().unwrap().unwrap();
    for (x, x0_hat) in last.x.as_slice().iter().zip(last.x0_hat.as_slice()) {
        close(*x, *x0_hat, 1e-14, 1.0);
    }
    assert_eq!(sampler.run(&denoiser, normals(3, 1, 0), &condition, 0).size_hint(), (1, Some(4)));
}

#[test]
fn pictures_do_not_depend_on_how_many_are_painted_at_a_time() {
    let schedule = Schedule::cosine(50).unwrap();
    let times = Times::spaced(&schedule, 10, Spacing::Linspace).unwrap();
    let samplers: [Box<dyn Sampler<f64> + Send>; 2] = [
        Box::new(Ddpm::new(&times, VarianceKind::FixedLarge).clip(Clip::At(1.0))),
        Box::new(Ddim::new(&times, 0.7).unwrap().clip(Clip::At(1.0)).epsilon_from_clipped(true)),
    ];
    let denoiser = gaussian(0.5);
    for sampler in &samplers {
        let draw = |n, first: u64| {
            let x = random::normal([n, 1], 9, purpose::START, 0, first);
            paint(sampler, &denoiser, x, NoiseSource { seed: 9, first_sample: first }).unwrap()
        };
        let (all, head, tail) = (draw(5, 0), draw(2, 0), draw(3, 2));
        assert_eq!(all.as_slice(), [head.as_slice(), tail.as_slice()].concat());
    }
}

#[test]
fn noise_made_anew_explains_the_clipped_picture() {
    // One step from a picture that is clipped: with ε̂ computed again, x_s lies on the line between x_t and x̂_0.
    let schedule = ho();
    let times = Times::at_indices(&schedule, &[600, 300]).unwrap();
    let plain = Ddim::new(&times, 0.0).unwrap().clip(Clip::At(0.1));
    let recomputed = plain.clone().epsilon_from_clipped(true);
    let (denoiser, condition, x) = (gaussian(1.0), Condition::default(), Tensor::full([1, 1], 2.0));
    let first = |sampler: &Ddim| sampler.run(&denoiser, x.clone(), &condition, 0).next().unwrap().unwrap();
    let (from, to) = (schedule.level(600), schedule.level(300));
    let epsilon = (2.0 - from.signal * 0.1) / from.noise;
    close(first(&recomputed).x.as_slice()[0], to.signal * 0.1 + to.noise * epsilon, 1e-12, 0.0);
    let epsilon = (2.0 - from.signal * from.signal * 2.0) / from.noise;
    close(first(&plain).x.as_slice()[0], to.signal * 0.1 + to.noise * epsilon, 1e-12, 0.0);
}

/// Class 0 and class 1 are each a Gaussian around a picture near what a pixel can be; class 2 is either of them.
struct TwoClasses([MixtureDenoiser<f64>; 3]);

impl TwoClasses {
    const PICTURES: [[f64; 4]; 2] = [[0.9, 0.9, -0.9, 0.9], [0.9, -0.9, 0.9, -0.9]];

    fn new() -> TwoClasses {
        let pictures = |means: &[[f64; 4]]| {
            let means = Tensor::from_slice([means.len(), 4], means.as_flattened()).unwrap();
            let n = means.shape()[0];
            MixtureDenoiser::new(means, &vec![1.0; n], &vec![0.01; n]).unwrap()
        };
        let [a, b] = Self::PICTURES;
        TwoClasses([pictures(&[a]), pictures(&[b]), pictures(&[a, b])])
    }
}

impl Denoiser<f64> for TwoClasses {
    fn predict(&self, x: &Tensor<f64>, t: &[Timestep], asked: &Condition) -> Result<Prediction<f64>> {
        let class = asked.classes.as_ref().unwrap()[0];
        self.0[class].predict(x, t, &Condition::default())
    }
}

#[test]
fn guidance_and_the_clip_leave_the_class_that_was_asked_for() {
    // Guidance drives x̂_0 past what pictures can be, the clip takes it back; unless ε̂ is computed again, it still
    // explains what was clipped, and what is left of the picture shrinks with every step.
    let schedule = Schedule::cosine(1000).unwrap();
    let times = Times::spaced(&schedule, 50, Spacing::Trailing).unwrap();
    let ddim = Ddim::new(&times, 0.0).unwrap().clip(Clip::At(1.0));
    let n = 40;
    let recovered = |sampler: &Ddim, class: usize| {
        let of = |class| Condition::of_classes(vec![class; n]);
        let guided = Guided::new(TwoClasses::new(), of(2), 4.0);
        let x = random::normal([n, 4], 7, purpose::START, 0, 0);
        let painted = sampler.run(&guided, x, &of(class), 0).last().unwrap().unwrap().x;
        let near = |x: &&[f64]| x.iter().zip(TwoClasses::PICTURES[class]).all(|(x, y)| (x - y).abs() < 0.35);
        painted.as_slice().chunks(4).filter(near).count()
    };
    for class in [0, 1] {
        let (recomputed, plain) =
            (recovered(&ddim.clone().epsilon_from_clipped(true), class), recovered(&ddim, class));
        assert_eq!(recomputed, n, "class {class}");
        assert!(plain < n, "class {class}: {plain} of {n} without");
    }
}

/// A model that fails below a time, in one way or another.
struct Failing(fn(Tensor<f32>) -> Result<Tensor<f32>>);

impl Denoiser<f32> for Failing {
    fn predict(&self, x: &Tensor<f32>, t: &[Timestep], _: &Condition) -> Result<Prediction<f32>> {
        let x = if t[0].clock() < 600.0 { (self.0)(x.clone())? } else { x.clone() };
        Ok(Prediction::new(PredictionKind::V, x))
    }
}

#[test]
fn a_model_that_goes_wrong_stops_the_run_by_name() {
    let times = Times::spaced(&ho(), 5, Spacing::Leading).unwrap();
    let sampler = Ddim::new(&times, 0.0).unwrap();
    let start = Tensor::full([3, 2], 0.5f32);
    let message = |fail| {
        let (model, condition) = (Failing(fail), Condition::default());
        let states: Vec<_> = sampler.run(&model, start.clone(), &condition, 0).collect();
        assert_eq!(states.len(), 3, "two good steps and an error, then nothing more");
        states[2].as_ref().unwrap_err().to_string()
    };
    let nan = |mut x: Tensor<f32>| {
        x.as_mut_slice()[3] = f32::NAN;
        Ok(x)
    };
    assert_eq!(message(nan), "the model's prediction of v at t = 400 is not finite (sample 1 of the batch)");
    let shape = |_| Ok(Tensor::zeros([3, 3]));
    assert_eq!(message(shape), "the model's prediction of v has shape [3, 3], and x_t has [3, 2]");
    assert_eq!(message(|_| Err(Error::Denoiser("out of ideas".into()))), "out of ideas");
}

/// A model that says −1 everywhere paints as the small variance does, one that says 1 as the large one.
#[test]
fn a_model_that_predicts_the_variance_is_taken_at_its_word() {
    struct Ranged(GaussianDenoiser<f64>, f64);
    impl Denoiser<f64> for Ranged {
        fn predict(&self, x: &Tensor<f64>, t: &[Timestep], condition: &Condition) -> Result<Prediction<f64>> {
            let prediction = self.0.predict(x, t, condition)?;
            Ok(Prediction { range: Some(Tensor::full(*x.shape(), self.1)), ..prediction })
        }
    }
    let schedule = Schedule::cosine(30).unwrap();
    let x = random::normal([5, 1], 0, Purpose::TEST, 0, 0);
    for (range, kind) in [(-1.0, VarianceKind::FixedSmall), (1.0, VarianceKind::FixedLarge)] {
        let sampler = |kind| Ddpm::new(&every_step(&schedule), kind);
        let fixed = paint(&sampler(kind), &gaussian(0.3), x.clone(), 1).unwrap();
        let learnt = paint(&sampler(VarianceKind::FixedSmall), &Ranged(gaussian(0.3), range), x.clone(), 1);
        for (a, b) in learnt.unwrap().as_slice().iter().zip(fixed.as_slice()) {
            close(*a, *b, 1e-10, 1.0);
        }
    }
}

#[test]
fn impossible_runs_are_refused() {
    let message = |error: Error| error.to_string();
    for steps in [0, 1001] {
        let refused = message(Times::spaced(&ho(), steps, Spacing::Leading).unwrap_err());
        assert_eq!(
            refused,
            format!(
                "sampling: steps = {steps}: must be 1 to 1000, the number of steps that the schedule has"
            )
        );
    }
    let times = Times::spaced(&ho(), 10, Spacing::Leading).unwrap();
    for eta in [-0.1, 1.5, f64::NAN] {
        assert!(message(Ddim::new(&times, eta).unwrap_err()).starts_with(&format!("DDIM: eta = {eta}")));
    }
    assert!(matches!(
        Times::at_indices(&Schedule::cosine(10).unwrap(), &[900, 0]).unwrap_err(),
        Error::Time { t: 900, steps: 10, .. }
    ));
    assert!(message(Spacing::Leading.indices(1000, 1000, 1).unwrap_err()).contains("steps_offset = 1"));
    assert!(Times::at_indices(&ho(), &[]).is_err() && Times::at_indices(&ho(), &[3, 3]).is_err());

    let sampler = Ddim::new(&times, 0.0).unwrap();
    let condition = Condition::of_classes(vec![1, 2]);
    let denoiser = gaussian(1.0);
    let error = sampler.run(&denoiser, normals(3, 1, 0), &condition, 0).next().unwrap().unwrap_err();
    assert_eq!(message(error), "predict: 2 classes were given for 3 samples (shape [3, 1])");
    assert!(paint(&sampler, &denoiser, normals(3, 2, 0), 0).is_err());

    let zero = ho().with_zero_terminal_snr().unwrap();
    let sampler = Ddim::new(&Times::spaced(&zero, 10, Spacing::Trailing).unwrap(), 0.0).unwrap();
    struct Noise;
    impl Denoiser<f64> for Noise {
        fn predict(&self, x: &Tensor<f64>, _: &[Timestep], _: &Condition) -> Result<Prediction<f64>> {
            Ok(Prediction::new(PredictionKind::Epsilon, x.clone()))
        }
    }
    let refused = paint(&sampler, &Noise, normals(1, 1, 0), 0).unwrap_err();
    assert!(matches!(refused, Error::Undetermined { t: 999.0, .. }));
}

proptest! {
    #![proptest_config(common::cases(32))]

    /// DDIM with η = 1 takes DDPM's steps: the same mean, and noise of the same variance.
    #[test]
    fn ddim_with_eta_one_is_ddpm(schedule in schedules(), variance in 0.05..2.0, steps in 1usize..80, seed: u64) {
        let steps = steps.min(schedule.num_timesteps());
        let times = Times::spaced(&schedule, steps, Spacing::Linspace).unwrap();
        let ddim = Ddim::new(&times, 1.0).unwrap();
        let ddpm = Ddpm::new(&times, VarianceKind::FixedSmall);
        let (denoiser, x) = (gaussian(variance), normals(4, 1, seed));
        let [a, b] = [paint(&ddim, &denoiser, x.clone(), seed), paint(&ddpm, &denoiser, x, seed)];
        for (a, b) in a.unwrap().as_slice().iter().zip(b.unwrap().as_slice()) {
            close(*a, *b, 1e-10, 1.0);
        }
    }

    /// A sampler over a subset of times is the sampler over all times of the respaced schedule.
    #[test]
    fn sampling_a_subset_is_sampling_the_respaced_chain(schedule in schedules(), steps in 1usize..40, seed: u64) {
        let steps = steps.min(schedule.num_timesteps());
        let times = Times::spaced(&schedule, steps, Spacing::Trailing).unwrap();
        let mut indices = Spacing::Trailing.indices(schedule.num_timesteps(), steps, 0).unwrap();
        indices.reverse();
        let respaced = schedule.respaced(&indices).unwrap();
        let (denoiser, x) = (gaussian(0.5), normals(4, 1, seed));
        for kind in VARIANCES {
            let subset = Ddpm::new(&times, kind);
            let whole = Ddpm::new(&every_step(&respaced), kind);
            let [a, b] = [&subset, &whole].map(|sampler| paint(sampler, &denoiser, x.clone(), seed).unwrap());
            for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
                close(*a, *b, 1e-10, 1.0);
            }
        }
    }

    /// The deterministic sampler is its own inverse in this sense: with the true noise as prediction, it returns the
    /// picture from any time and over any grid.
    #[test]
    fn ddim_with_the_true_noise_returns_the_picture(schedule in schedules(), steps in 1usize..40, seed: u64) {
        struct Truth(Tensor<f64>);
        impl Denoiser<f64> for Truth {
            fn predict(&self, _: &Tensor<f64>, _: &[Timestep], _: &Condition) -> Result<Prediction<f64>> {
                Ok(Prediction::new(PredictionKind::Epsilon, self.0.clone()))
            }
        }
        let (steps, last) = (steps.min(schedule.num_timesteps()), schedule.num_timesteps() - 1);
        let times = Times::spaced(&schedule, steps, Spacing::Trailing).unwrap();
        let (x0, noise) = (normals(2, 3, seed), normals(2, 3, !seed));
        let x_t = schedule.q_sample(&x0, &[last; 2], &noise).unwrap();
        let sampler = Ddim::new(&times, 0.0).unwrap();
        let back = paint(&sampler, &Truth(noise), x_t, 0).unwrap();
        for (a, b) in back.as_slice().iter().zip(x0.as_slice()) {
            close(*a, *b, 1e-12 / schedule.level(last).signal, 1.0);
        }
    }
}
