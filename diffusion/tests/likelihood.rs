//! The density by the probability-flow ODE where it is known, and the trace that it needs.

mod common;

use common::{close, ho, normals};
use std::f64::consts::TAU;
use tweedie_diffusion::{
    CentralDifferences, Condition, GaussianDenoiser, JacobianProbe, MixtureDenoiser, ProbabilityFlow, Probe,
    Schedule,
};
use tweedie_tensor::{Tensor, ops};

fn log_normal(x: f64, mean: f64, variance: f64) -> f64 {
    -0.5 * ((x - mean).powi(2) / variance + (TAU * variance).ln())
}

/// The variance that the first level adds to a clean picture, per unit of x_0.
fn added(schedule: &Schedule) -> f64 {
    1.0 / schedule.snr(0)
}

/// Largest deviation over samples of N(0.3, v) in three places.
fn gaussian_error(schedule: &Schedule, v: f64, steps: usize) -> f64 {
    let denoiser = GaussianDenoiser::new(Tensor::full([3], 0.3), v).unwrap();
    let z = normals(8, 3, 1);
    let x = ops::combine(&[(&[v.sqrt()], &z), (&[1.0], &Tensor::full([8, 3], 0.3))]).unwrap();
    let flow = ProbabilityFlow::new(schedule, steps).unwrap();
    let actual = flow.log_density(&denoiser, &x, &Condition::default(), 0, 0).unwrap();
    let expected = x
        .as_slice()
        .chunks(3)
        .map(|x| x.iter().map(|&x| log_normal(x, 0.3, v + added(schedule))).sum::<f64>());
    actual.iter().zip(expected).map(|(a, e)| (a - e).abs()).fold(0.0, f64::max)
}

/// A Jacobian that is a multiple of the identity is known from one Rademacher probe, so only the solver errs: by a
/// quarter when steps double, until what the schedule's end leaves of the picture shows.
#[test]
fn gaussian_data_have_their_density_to_solver_error() {
    let schedule = Schedule::cosine(4000).unwrap();
    let errors = [50, 100, 200].map(|steps| gaussian_error(&schedule, 0.25, steps));
    assert!(errors[2] < 2e-3, "{errors:?}");
    for pair in errors.windows(2) {
        assert!((3.0..5.5).contains(&(pair[0] / pair[1])), "{errors:?}");
    }
}

/// Two bumps apart along the first axis, in one dimension and in two, against the mixture's own density. Their Jacobian
/// is diagonal, so that the probe of ±1 finds its trace and only the solver errs.
#[test]
fn a_mixture_has_its_density() {
    let schedule = ho();
    let variance = 0.04 + added(&schedule);
    for dims in [1, 2] {
        let means = Tensor::from_fn([2, dims], |i| [-0.6, 0.5][i / dims] * f64::from(i % dims == 0));
        let mixture = MixtureDenoiser::new(means, &[0.3, 0.7], &[0.04; 2]).unwrap();
        let denoiser = CentralDifferences { denoiser: mixture, step: 1e-5 };
        let x = Tensor::from_fn([18, dims], |i| -1.0 + 0.11 * i as f64 / dims as f64);
        let flow = ProbabilityFlow::new(&schedule, 1000).unwrap();
        let actual = flow.log_density(&denoiser, &x, &Condition::default(), 0, 0).unwrap();
        for (x, actual) in x.as_slice().chunks(dims).zip(actual) {
            let along = [(0.3, -0.6), (0.7, 0.5)].map(|(w, mean)| w * log_normal(x[0], mean, variance).exp());
            let across: f64 = x[1..].iter().map(|&x| log_normal(x, 0.0, variance)).sum();
            close(actual, (along[0] + along[1]).ln() + across, 2e-3, 1.0);
        }
    }
}

/// The mean over probes of either kind is the trace, of a Jacobian with much beside its diagonal.
#[test]
fn probes_are_unbiased() {
    let n = 4000;
    let means = Tensor::from_slice([2, 2], &[-0.6, -0.5, 0.5, 0.6]).unwrap();
    let mixture = MixtureDenoiser::new(means, &[0.3, 0.7], &[0.04, 0.09]).unwrap();
    let denoiser = CentralDifferences { denoiser: mixture, step: 1e-5 };
    let probed = |probe: Tensor<f64>| {
        let count = probe.dims()[0];
        let (x, t) = (Tensor::full([count, 2], 0.1), vec![ho().timestep(150); count]);
        denoiser.predict_with_probe(&x, &t, &Condition::default(), &probe).unwrap().1
    };
    let along_axes = probed(Tensor::from_slice([3, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]).unwrap());
    let trace = along_axes[0] + along_axes[1];
    assert!((along_axes[2] - trace).abs() > 0.1 * trace, "the Jacobian is diagonal");
    let normal = normals(n, 2, 3);
    let signs = Tensor::from_fn([n, 2], |i| 1f64.copysign(normal.as_slice()[i]));
    for probe in [normal, signs] {
        let all = probed(probe);
        let mean = all.iter().sum::<f64>() / n as f64;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n as f64;
        assert!((mean - trace).abs() < 4.0 * (variance / n as f64).sqrt(), "{mean} is not {trace}");
    }
}

/// Both kinds of probe estimate one density; the normal one with noise.
#[test]
fn the_density_does_not_depend_on_the_probe() {
    let schedule = Schedule::cosine(200).unwrap();
    let (x, n) = (normals(2000, 2, 9), 2000.0);
    let density = |probe| {
        let flow = ProbabilityFlow::new(&schedule, 20).unwrap().probe(probe);
        let gaussian = GaussianDenoiser::new(Tensor::zeros([2]), 0.5).unwrap();
        flow.log_density(&gaussian, &x, &Condition::default(), 0, 0).unwrap()
    };
    let pairs = density(Probe::Normal).into_iter().zip(density(Probe::Rademacher));
    let apart: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
    let mean = apart.iter().sum::<f64>() / n;
    let error = (apart.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n / n).sqrt();
    assert!(error > 0.0 && mean.abs() < 4.0 * error, "{mean} apart, and {error} expected");
}
