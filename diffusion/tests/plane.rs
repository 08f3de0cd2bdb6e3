//! The plane: densities, scores and distances against what they must be.

mod common;

use common::{close, schedules};
use proptest::prelude::*;
use tweedie_diffusion::plane::{
    Distribution, Grid, batch, density, score, score_error, sliced_wasserstein, ways,
};
use tweedie_diffusion::{
    Condition, Denoiser, EmpiricalDenoiser, GaussianDenoiser, Level, SamplerKind, SamplerSettings, Schedule,
    predict_finite,
};
use tweedie_tensor::random::{self, Purpose};
use tweedie_tensor::{Tensor, ops};

fn distributions() -> impl Strategy<Value = Distribution> {
    prop::sample::select(Distribution::ALL.to_vec())
}

/// Normal points of the plane.
fn normals(n: usize, seed: u64) -> Tensor<f64> {
    random::normal([n, 2, 1, 1], seed, Purpose::TEST, 0, 0)
}

proptest! {
    #![proptest_config(common::cases(24))]

    /// ∇ ln q_t by central differences, whose error is of the order of h² / noise³ and of rounding over h.
    #[test]
    fn the_score_is_the_slope_of_the_log_density(schedule in schedules(), of in distributions(), seed: u64) {
        let data = of.points::<f64>(seed, 0, 40);
        let exact = EmpiricalDenoiser::new(data).unwrap();
        let x = normals(3, seed);
        for t in (0..schedule.num_timesteps()).step_by(9) {
            let time = schedule.timestep(t);
            let noise = time.level().noise;
            let found = score(&exact, &x, time).unwrap();
            for at in 0..x.numel() {
                let moved = |by: f64| {
                    let mut moved = x.clone();
                    moved.as_mut_slice()[at] += by;
                    exact.log_density(&moved, &[time; 3]).unwrap()[at / 2]
                };
                let h = 1e-4 * noise;
                let slope = (moved(h) - moved(-h)) / (2.0 * h);
                // Far from the data, ln q_t is large, and so is what its rounding leaves of a difference.
                let rounding = 1e-13 * moved(0.0).abs().max(1.0) / h;
                let error = (found.as_slice()[at] - slope).abs();
                prop_assert!(error <= 1e-5 * slope.abs().max(1.0 / noise) + rounding, "{} is not {slope}", found.as_slice()[at]);
            }
        }
    }

    /// x̂_0 = (x_t + (1−ᾱ_t) s) / √ᾱ_t.
    #[test]
    fn the_exact_denoiser_and_its_score_are_tweedies(schedule in schedules(), of in distributions(), seed: u64) {
        let exact = EmpiricalDenoiser::new(of.points::<f64>(seed, 0, 30)).unwrap();
        let x = normals(4, seed);
        for t in 0..schedule.num_timesteps() {
            let (time, Level { signal, noise }) = (schedule.timestep(t), schedule.level(t));
            let s = score(&exact, &x, time).unwrap();
            let prediction = predict_finite(&exact, &x, &[time; 4], &Condition::default()).unwrap();
            let x0 = prediction.x0(&x, &[time; 4]).unwrap();
            for i in 0..x.numel() {
                let tweedie = (x.as_slice()[i] + noise * noise * s.as_slice()[i]) / signal;
                close(tweedie, x0.as_slice()[i], 1e-9, 1.0 / signal);
            }
        }
    }

    /// The mean of `density` over a window that holds all of it, times the window's area; and at each cell's centre, the
    /// exponential of the mixture's own logarithm.
    #[test]
    fn the_density_integrates_to_one_and_is_the_mixtures(of in distributions(), seed: u64, noise in 0.2f64..1.0) {
        let level = Level { signal: (1.0 - noise * noise).sqrt(), noise };
        let data = of.points::<f64>(seed, 0, 50);
        let grid = Grid { low: [-8.0, -9.0], high: [9.0, 8.0], columns: 170, rows: 150 };
        let found = density(&data, level, 0.0, &grid).unwrap();
        let [width, height] = grid.cell();
        let integral: f64 = found.iter().sum::<f64>() * width * height;
        // The midpoint rule converges faster than any power on Gaussians; their tails beyond the window are below 1e-7.
        close(integral, 1.0, 1e-6, 1.0);
        let exact = EmpiricalDenoiser::new(data).unwrap();
        let times = vec![tweedie_diffusion::Timestep::new(0.0, level); found.len()];
        let log = exact.log_density(&grid.points(), &times).unwrap();
        for (found, log) in found.iter().zip(log) {
            close(*found, log.exp(), 1e-10, 1e-30);
        }
    }

    #[test]
    fn a_moved_set_is_as_far_as_it_was_moved(n in 1usize..60, m in 1usize..60, x in -2.0f64..2.0, y in -2.0f64..2.0, seed: u64) {
        let (a, b) = (normals(n, seed), normals(m, !seed));
        let moved = Tensor::from_fn(*a.shape(), |i| a.as_slice()[i] + [x, y][i % 2]);
        close(sliced_wasserstein(&a, &moved).unwrap(), (x.hypot(y)) / 2f64.sqrt(), 1e-9, 1e-9);
        close(sliced_wasserstein(&a, &b).unwrap(), sliced_wasserstein(&b, &a).unwrap(), 1e-12, 1.0);
        // Every point twice is the same distribution.
        let twice = ops::concat(&[&b, &b], 0).unwrap();
        close(sliced_wasserstein(&a, &twice).unwrap(), sliced_wasserstein(&a, &b).unwrap(), 1e-9, 1e-9);
        close(sliced_wasserstein(&b, &twice).unwrap(), 0.0, 1e-9, 1.0);
    }
}

#[test]
fn the_error_of_a_score_is_that_of_the_noise() {
    let schedule = Schedule::cosine(100).unwrap();
    let (narrow, wide) =
        [0.5, 2.0].map(|v| GaussianDenoiser::new(Tensor::zeros([2, 1, 1]), v).unwrap()).into();
    let (time, Level { signal, noise }) = (schedule.timestep(40), schedule.level(40));
    let x = normals(50, 1);
    let error = score_error(&narrow, &wide, &x, time).unwrap();
    // The score of N(0, u I) is −x / u.
    let mean: f64 = x.as_slice().iter().map(|x| x * x).sum::<f64>() / 50.0;
    let [near, far] = [0.5, 2.0].map(|v| 1.0 / (signal * signal * v + noise * noise));
    close(error.squared, mean * f64::powi(near - far, 2), 1e-9, 1e-9);
    close(error.of_exact, mean * far * far, 1e-9, 1e-9);
    close(error.in_noise, noise * noise * error.squared, 1e-12, 1e-12);
}

/// Every sampler brings noise to the data set under its exact denoiser: the last step of each ends at x̂_0, which is a point of
/// the set, or lies between two.
#[test]
fn every_way_ends_at_the_data() {
    let schedule = Schedule::cosine(1000).unwrap();
    let data = Distribution::Moons.points::<f64>(0, 0, 300);
    let exact = EmpiricalDenoiser::new(data.clone()).unwrap();
    let start = normals(20, 3);
    for kind in ["ddpm", "ddim", "euler", "heun", "dpmpp-2m"] {
        let kind: SamplerKind = kind.parse().unwrap();
        let times = kind.times(&schedule, 60, None).unwrap();
        let found = ways(&SamplerSettings::new(kind), &times, &exact, start.clone(), 0).unwrap();
        assert_eq!((found.states.len(), found.levels.len()), (61, 61), "{kind}");
        assert!(found.evaluations >= 60, "{kind}");
        for point in found.last().as_slice().chunks(2) {
            let nearest =
                data.as_slice().chunks(2).map(|other| (point[0] - other[0]).hypot(point[1] - other[1]));
            assert!(nearest.fold(f64::INFINITY, f64::min) < 0.1, "{kind}: {point:?}");
        }
    }
}

#[test]
fn what_has_no_answer_is_refused() {
    let grid = Grid::square(1.0, 2);
    let points = batch::<f64>(&[[0.0, 1.0]]);
    let message = |error: tweedie_diffusion::Error| error.to_string();
    assert!(message(density(&points, Level::CLEAN, 0.0, &grid).unwrap_err()).contains("needs noise"));
    let nothing = Tensor::<f64>::zeros([0, 2, 1, 1]);
    assert!(message(density(&nothing, Level::CLEAN, 0.1, &grid).unwrap_err()).contains("at least one"));
    assert!(message(sliced_wasserstein(&points, &nothing).unwrap_err()).contains("at least one"));
    let exact = EmpiricalDenoiser::new(points.clone()).unwrap();
    assert!(
        message(score(&exact, &points, tweedie_diffusion::Timestep::CLEAN).unwrap_err()).contains("no score")
    );
    assert!(exact.predict(&points, &[tweedie_diffusion::Timestep::CLEAN], &Condition::default()).is_err());
}
