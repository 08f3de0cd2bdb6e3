//! Schedules: published values, and the identities between their parts.

mod common;

use common::{close, ho, normals, schedules};
use proptest::prelude::*;
use tweedie_diffusion::{
    Condition, Ddim, GaussianDenoiser, Level, Prediction, PredictionKind, Sampler, Schedule, ScheduleConfig,
    ScheduleKind, Spacing, Times, VarianceKind, karras_sigmas,
};
use tweedie_tensor::{Tensor, ops};

#[test]
fn published_values_of_the_linear_schedule() {
    let schedule = ho();
    let within = |actual: f64, expected: f64| close(actual, expected, 1e-8, 0.0);
    within(schedule.alphas_cumprod()[499], 0.0785872429);
    within(schedule.alphas_cumprod()[999], 4.03582977e-5);
    within(schedule.log_snr(0), 9.21024037);
    within(schedule.log_snr(999), -10.1176732);
    within(schedule.posterior_variance(1), 5.45318766e-5);
    let large = [0.272692084, 0.0100812638, 0.0102044935];
    let small = [0.599671512, 0.0102669534, 0.0102045019];
    for (i, t) in [1, 99, 999].into_iter().enumerate() {
        within(schedule.lambda(t, VarianceKind::FixedLarge), large[i]);
        within(schedule.lambda(t, VarianceKind::FixedSmall), small[i]);
    }
    let sum = |kind| (1..1000).map(|t| schedule.lambda(t, kind)).sum::<f64>();
    within(sum(VarianceKind::FixedLarge), 9.36099698);
    within(sum(VarianceKind::FixedSmall), 10.1704929);
}

#[test]
fn the_cosine_schedule_is_the_product_that_defines_it() {
    let (steps, s) = (1000, 0.008);
    let schedule = Schedule::cosine(steps).unwrap();
    let f = |t: f64| ((t / steps as f64 + s) / (1.0 + s) * std::f64::consts::FRAC_PI_2).cos().powi(2);
    for t in 0..steps - 1 {
        close(schedule.alphas_cumprod()[t], f(t as f64 + 1.0) / f(0.0), 1e-10, 0.0);
    }
    assert_eq!(schedule.betas()[steps - 1], 0.999);
}

#[test]
fn families_are_what_their_formulas_say() {
    let steps = 200;
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    for (start, end, tau) in [(-3.0, 3.0, 1.0), (0.0, 3.0, 0.5), (-3.0, 3.0, 1.3)] {
        let schedule = Schedule::sigmoid(steps, start, end, tau).unwrap();
        let f = |u: f64| logistic(end / tau) - logistic((start + u * (end - start)) / tau);
        for t in 0..steps - 1 {
            let u = (t + 1) as f64 / steps as f64;
            close(schedule.alphas_cumprod()[t], f(u) / f(0.0), 1e-9, 0.0);
        }
        assert_eq!(schedule.betas()[steps - 1], 0.999);
    }
    let laplace = Schedule::laplace(steps, 0.3, 0.5).unwrap();
    // The cumulative distribution of log SNR, counted from the noisy end.
    for t in 0..steps {
        let z = (laplace.log_snr(t) - 0.3) / 0.5;
        let below = if z < 0.0 { 0.5 * z.exp() } else { 1.0 - 0.5 * (-z).exp() };
        close(below, 1.0 - (t as f64 + 0.5) / steps as f64, 1e-12, 0.1);
    }
    let edm = Schedule::edm(18, 0.002, 80.0, 7.0).unwrap();
    for t in 0..18 {
        let root =
            0.002f64.powf(1.0 / 7.0) * (17 - t) as f64 / 17.0 + 80f64.powf(1.0 / 7.0) * t as f64 / 17.0;
        close(edm.level(t).noise / edm.level(t).signal, root.powi(7), 1e-12, 0.0);
        close(edm.level(t).signal.hypot(edm.level(t).noise), 1.0, 1e-14, 0.0);
    }
}

/// x_t = (1 − u) x_0 + u ε: a chain like any other, and a deterministic step along it is x + (u' − u) v.
#[test]
fn the_rectified_flow_is_a_path_like_any_other() {
    let schedule = Schedule::rectified_flow(8).unwrap();
    let (mut signal, mut variance) = (1.0, 0.0);
    for t in 0..8 {
        signal *= schedule.alphas()[t].sqrt();
        variance = schedule.alphas()[t] * variance + schedule.betas()[t];
        close(signal, 1.0 - (t + 1) as f64 / 8.0, 1e-14, 1.0);
        close(variance.sqrt(), (t + 1) as f64 / 8.0, 1e-14, 0.0);
    }
    let times = Times::spaced(&schedule, 8, Spacing::Trailing).unwrap();
    let sampler = Ddim::new(&times, 0.0).unwrap();
    let denoiser = GaussianDenoiser::new(Tensor::full([3], 0.4f64), 0.3).unwrap();
    let (mut x, condition) = (normals(2, 3, 5), Condition::default());
    for state in sampler.run(&denoiser, x.clone(), &condition, 0) {
        let state = state.unwrap();
        let times = vec![state.t; 2];
        let x0_hat = Prediction::new(PredictionKind::Sample, state.x0_hat);
        // In pure noise x_t is ε.
        let velocity = if state.t.level().signal == 0.0 {
            ops::combine(&[(&[1.0], &x), (&[-1.0], &x0_hat.value)]).unwrap()
        } else {
            x0_hat.convert(PredictionKind::Velocity, &x, &times).unwrap()
        };
        let euler = ops::combine(&[(&[1.0], &x), (&[state.level.noise - state.t.level().noise], &velocity)]);
        for (a, b) in state.x.as_slice().iter().zip(euler.unwrap().as_slice()) {
            close(*a, *b, 1e-12, 1.0);
        }
        x = state.x;
    }
}

#[test]
fn a_scaled_schedule_ends_at_the_same_noise() {
    for steps in [100, 250, 1000, 4000] {
        let end = Schedule::linear_scaled_to(steps).unwrap().log_snr(steps - 1);
        assert!((end - -10.1).abs() < 1.2, "{steps}: {end}");
    }
    // At T = 20, β_T would be 1.
    assert_eq!(
        Schedule::linear_scaled_to(20).unwrap_err().to_string(),
        "schedule: beta = 1 at index 19 (t = 20 in the papers) is outside (0, 1)"
    );
}

#[test]
fn bad_schedules_are_named() {
    let message = |schedule: Result<Schedule, tweedie_diffusion::Error>| schedule.unwrap_err().to_string();
    assert!(message(Schedule::linear(0, 1e-4, 0.02)).contains("timesteps = 0"));
    assert!(message(Schedule::cosine(0)).contains("timesteps = 0"));
    assert!(message(Schedule::from_betas(vec![])).contains("timesteps = 0"));
    assert!(message(Schedule::from_betas(vec![0.1, 0.2, 0.0])).contains("beta = 0 at index 2 (t = 3"));
    assert!(message(Schedule::from_betas(vec![0.1, f64::NAN])).contains("beta = NaN at index 1"));
    assert!(message(Schedule::scaled_linear(10, -1e-4, 0.02)).contains("beta = -0.0001 at index 0"));
    assert!(message(Schedule::linear(10, 0.1, 1.5)).contains("at index 6"));
    assert!(message(ho().timesteps_at(&[3, 1000]).map(|_| ho())).contains("t = 1000 is outside"));
    let single = Schedule::from_betas(vec![0.5]).unwrap();
    assert!(message(single.with_zero_terminal_snr()).contains("at least two steps"));
    assert!(message(Schedule::sigmoid(10, 3.0, 3.0, 1.0)).contains("start = 3: must be below the end, 3"));
    assert!(message(Schedule::sigmoid(10, -3.0, 3.0, 0.0)).contains("tau = 0"));
    assert!(message(Schedule::laplace(10, 0.0, -1.0)).contains("b = -1"));
    assert!(message(Schedule::laplace(10, f64::NAN, 1.0)).contains("mu = NaN"));
    assert!(message(karras_sigmas(10, 1.0, 1.0, 7.0).map(|_| ho())).contains("sigma_min = 1"));
    assert!(message(karras_sigmas(10, 0.1, 1.0, 0.0).map(|_| ho())).contains("rho = 0"));
    let rising = [0.5, 0.6].map(|signal| Level { signal, noise: 0.5 });
    assert!(message(Schedule::from_levels(rising.to_vec())).contains("at index 1"));
    assert!(message(ho().transition(5, Some(6)).map(|_| ho())).contains("to = 6"));
    assert!(message(ho().respaced(&[5, 5])).contains("indices must rise"));
}

#[test]
fn configurations_round_trip_and_refuse_what_they_would_ignore() {
    let parse = |text: &str| serde_json::from_str::<ScheduleConfig>(text);
    let config = parse(r#"{"kind": "scaled_linear", "timesteps": 500, "beta_end": 0.03}"#).unwrap();
    assert_eq!(config.build().unwrap(), Schedule::scaled_linear(500, 0.0017, 0.03).unwrap());
    assert_eq!(parse(&serde_json::to_string(&config).unwrap()).unwrap(), config);
    assert_eq!(ScheduleConfig::default().build().unwrap(), ho());
    for kind in ScheduleKind::FORMULAS {
        assert_eq!(kind.to_string().replace('_', "-").parse::<ScheduleKind>().unwrap(), kind);
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
    }
    assert!("betas".parse::<ScheduleKind>().unwrap_err().to_string().contains("rectified_flow"));
    let zero = parse(r#"{"kind": "cosine", "timesteps": 30, "zero_terminal_snr": true}"#).unwrap();
    assert_eq!(zero.build().unwrap().alphas_cumprod()[29], 0.0);
    assert!(parse(r#"{"kind": "cosine", "beta_stat": 0.1}"#).unwrap_err().to_string().contains("beta_stat"));
    let refused = |text: &str| parse(text).unwrap().build().unwrap_err().to_string();
    assert!(refused(r#"{"kind": "cosine", "beta_start": 0.1}"#).contains("does not read beta_start"));
    assert!(refused(r#"{"kind": "linear", "betas": [0.1]}"#).contains("does not read betas"));
    assert!(refused(r#"{"kind": "betas"}"#).contains("needs the key betas"));
    assert!(refused(r#"{"kind": "betas", "betas": [0.1], "timesteps": 2}"#).contains("there are 1 betas"));
    assert!(
        refused(r#"{"kind": "rectified_flow", "zero_terminal_snr": true}"#).contains("pure noise as it is")
    );
    assert!(refused(r#"{"timesteps": 0}"#).contains("timesteps = 0"));
}

proptest! {
    #![proptest_config(common::cases(64))]

    /// The steps x_t = √α_t x_{t−1} + √β_t z compose to the marginal, in mean and in variance.
    #[test]
    fn the_chain_is_the_marginal(schedule in schedules()) {
        let (mut mean, mut variance) = (1.0, 0.0);
        for t in 0..schedule.num_timesteps() {
            let (alpha, beta) = (1.0 - schedule.betas()[t], schedule.betas()[t]);
            mean *= f64::sqrt(alpha);
            variance = alpha * variance + beta;
            let level = schedule.level(t);
            close(level.signal, mean, 1e-12, 0.0);
            close(level.noise.powi(2), variance, 1e-12, 0.0);
            close(level.noise.powi(2), 1.0 - schedule.alphas_cumprod()[t], 1e-10, 1e-3);
            close(schedule.snr(t), schedule.alphas_cumprod()[t] / (1.0 - schedule.alphas_cumprod()[t]), 1e-9, 0.0);
            let before = if t == 0 { 1.0 } else { schedule.alphas_cumprod()[t - 1] };
            prop_assert_eq!(schedule.alphas_cumprod_prev()[t], before);
        }
    }

    /// λ_t = ½ (SNR_{t−1} / SNR_t − 1) with the small variance. The difference loses the digits of a small λ.
    #[test]
    fn lambda_is_the_relative_drop_of_snr(schedule in schedules()) {
        for t in 1..schedule.num_timesteps() {
            let drop = 0.5 * (schedule.snr(t - 1) / schedule.snr(t) - 1.0);
            close(schedule.lambda(t, VarianceKind::FixedSmall), drop, 1e-10, 1e-3);
        }
    }

    /// Of all variances, σ² = β̃ + E‖μ̃ − μ_θ‖²/d makes the KL least; the constant is 0 at β̃ and positive elsewhere.
    #[test]
    fn the_kl_constant_is_least_at_the_posterior_variance(schedule in schedules(), factor in 1.01..9.0) {
        for t in 1..schedule.num_timesteps() {
            let step = schedule.step(t);
            let least = step.posterior_variance();
            prop_assert!(step.kl_constant(least).abs() < 1e-15);
            prop_assert!(step.kl_constant(least * factor) > 0.0 && step.kl_constant(least / factor) > 0.0);
        }
    }

    /// A diffusion over a subset of the steps has the same marginals there, and its steps are the composed ones.
    #[test]
    fn a_respaced_chain_is_a_chain(schedule in schedules(), picks in prop::collection::vec(any::<bool>(), 80)) {
        let last = schedule.num_timesteps() - 1;
        let times: Vec<usize> = (0..=last).filter(|&t| picks[t] || t == last).collect();
        let respaced = schedule.respaced(&times).unwrap();
        for (k, &t) in times.iter().enumerate() {
            close(respaced.level(k).signal, schedule.level(t).signal, 1e-10, 0.0);
            close(respaced.level(k).noise, schedule.level(t).noise, 1e-10, 0.0);
            let before = if k == 0 { 1.0 } else { schedule.alphas_cumprod()[times[k - 1]] };
            close(respaced.alphas()[k], schedule.alphas_cumprod()[t] / before, 1e-10, 0.0);
        }
    }

    /// Rescaling keeps √ᾱ_1 and moves √ᾱ linearly to 0.
    #[test]
    fn zero_terminal_snr_is_a_linear_map(schedule in schedules()) {
        let zero = schedule.with_zero_terminal_snr().unwrap();
        let last = schedule.num_timesteps() - 1;
        let (first, end) = (schedule.level(0).signal, schedule.level(last).signal);
        for t in 0..last {
            let expected = (schedule.level(t).signal - end) * first / (first - end);
            close(zero.level(t).signal, expected, 1e-10, 1e-3);
        }
        prop_assert_eq!(zero.level(last).signal, 0.0);
        prop_assert_eq!(zero.betas()[last], 1.0);
        prop_assert_eq!(zero.log_snr(last), f64::NEG_INFINITY);
        prop_assert!((zero.level(last).noise - 1.0).abs() < 1e-15);
    }
}
