//! The analytic denoisers against each other and against Tweedie's formula.

mod common;

use common::{close, ho, normals, schedules};
use proptest::prelude::*;
use tweedie_diffusion::{
    Condition, Denoiser, EmpiricalDenoiser, GaussianDenoiser, MixtureDenoiser, Timestep, predict_finite,
};
use tweedie_tensor::Tensor;

fn x0_hat(denoiser: &dyn Denoiser<f64>, x: &Tensor<f64>, t: &[Timestep]) -> Tensor<f64> {
    predict_finite(denoiser, x, t, &Condition::default()).unwrap().x0(x, t).unwrap()
}

#[test]
fn two_points_make_a_hyperbolic_tangent() {
    let coin = EmpiricalDenoiser::new(Tensor::from_slice([2, 1], &[-1.0, 1.0]).unwrap()).unwrap();
    let schedule = ho();
    let x = Tensor::from_slice([3, 1], &[-0.3, 0.01, 1.7]).unwrap();
    for t in [0, 10, 500, 999] {
        let level = schedule.level(t);
        let hat = x0_hat(&coin, &x, &[schedule.timestep(t); 3]);
        for (hat, x) in hat.as_slice().iter().zip(x.as_slice()) {
            close(*hat, (level.signal * x / level.noise.powi(2)).tanh(), 1e-9, 1e-3);
        }
    }
}

#[test]
fn bad_data_are_named() {
    let message = |r: Result<MixtureDenoiser<f64>, tweedie_diffusion::Error>| r.unwrap_err().to_string();
    let means = normals(2, 3, 0);
    assert!(message(MixtureDenoiser::new(Tensor::zeros([0, 3]), &[], &[])).contains("at least one"));
    assert!(message(MixtureDenoiser::new(means.clone(), &[1.0], &[0.0; 2])).contains("weights = 1 numbers"));
    assert!(message(MixtureDenoiser::new(means.clone(), &[1.0, 0.0], &[0.0; 2])).contains("weight = 0"));
    assert!(message(MixtureDenoiser::new(means, &[1.0; 2], &[0.0, -1.0])).contains("variance = -1"));
    assert!(GaussianDenoiser::new(Tensor::<f64>::zeros([1]), f64::NAN).is_err());
    assert!(EmpiricalDenoiser::new(Tensor::<f64>::zeros([0, 1])).is_err());
    let gaussian = GaussianDenoiser::new(Tensor::<f64>::zeros([3]), 1.0).unwrap();
    let refused =
        gaussian.predict(&normals(2, 4, 0), &[ho().timestep(1); 2], &Condition::default()).unwrap_err();
    assert!(refused.to_string().contains("[2, 4] and [3]"), "{refused}");
}

proptest! {
    #![proptest_config(common::cases(32))]

    /// A mixture of one component is a Gaussian, and so is one of equal components.
    #[test]
    fn a_mixture_of_one_is_a_gaussian(schedule in schedules(), d in 1usize..5, variance in 0.0..2.0, seed: u64) {
        let t: Vec<usize> = (0..schedule.num_timesteps()).collect();
        let times = schedule.timesteps_at(&t).unwrap();
        let (x, mean) = (normals(t.len(), d, seed), normals(1, d, !seed));
        let gaussian = GaussianDenoiser::new(mean.reshape([d]).unwrap(), variance).unwrap();
        let single = MixtureDenoiser::new(mean.clone(), &[3.0], &[variance]).unwrap();
        let twice = Tensor::from_slice([2, d], &[mean.as_slice(), mean.as_slice()].concat()).unwrap();
        let equal = MixtureDenoiser::new(twice, &[1.0, 2.0], &[variance; 2]).unwrap();
        let expected = x0_hat(&gaussian, &x, &times);
        for mixture in [single, equal] {
            for (a, b) in x0_hat(&mixture, &x, &times).as_slice().iter().zip(expected.as_slice()) {
                close(*a, *b, 1e-12, 1.0);
            }
        }
    }

    /// E[x_0 | x_t] = (x_t + (1−ᾱ_t) ∇ log p(x_t)) / √ᾱ_t, the gradient by central differences of the density: their
    /// error is of the order of 1e-9 in units of the density's own width.
    #[test]
    fn tweedies_formula(schedule in schedules(), points in prop::collection::vec(-2.0..2.0, 3), x in -2.0..2.0) {
        let (weights, variances) = ([0.2f64, 0.5, 0.3], [0.0f64, 0.3, 1.0]);
        let mixture = MixtureDenoiser::new(Tensor::from_slice([3, 1], &points).unwrap(), &weights, &variances).unwrap();
        for t in 0..schedule.num_timesteps() {
            let level = schedule.level(t);
            let log_density = |x: f64| -> f64 {
                let logs: Vec<f64> = (0..3)
                    .map(|k| {
                        let spread: f64 = level.signal.powi(2) * variances[k] + level.noise.powi(2);
                        weights[k].ln() - 0.5 * (f64::powi(x - level.signal * points[k], 2) / spread + spread.ln())
                    })
                    .collect();
                let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
            };
            let h = 1e-4 * level.noise;
            let score = (log_density(x + h) - log_density(x - h)) / (2.0 * h);
            let expected = (x + level.noise.powi(2) * score) / level.signal;
            let times = [schedule.timestep(t)];
            let actual = x0_hat(&mixture, &Tensor::full([1, 1], x), &times).as_slice()[0];
            close(actual, expected, 1e-6, (1.0 + level.noise) / level.signal);
        }
    }
}
