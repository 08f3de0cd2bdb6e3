//! The table of closed forms holds for every family of schedules, and fails where a fault is planted.

use tweedie_diffusion::verify::{MIN_TIMESTEPS, Program, Row, Subject, verify};
use tweedie_diffusion::{
    Gaussian, Prediction, PredictionKind, Result, Schedule, ScheduleConfig, ScheduleKind, Transition,
    VarianceKind,
};
use tweedie_tensor::{Tensor, ops};

fn failures(table: &[Row]) -> Vec<String> {
    table
        .iter()
        .filter(|row| !row.pass)
        .map(|row| format!("{}: {} is not {}", row.name, row.actual, row.expected))
        .collect()
}

fn table(subject: &dyn Subject) -> Vec<Row> {
    verify(subject, ScheduleKind::Linear, 1000).unwrap()
}

#[test]
fn every_family_passes_at_every_length() {
    for kind in ScheduleKind::FORMULAS {
        for timesteps in [MIN_TIMESTEPS, 37, 100, 1000, 4000] {
            let Ok(table) = verify(&Program, kind, timesteps) else {
                // The scaled ends leave (0, 1) where T is so small.
                assert!(timesteps <= 20 && kind.has_end_points(), "{kind:?} {timesteps}");
                continue;
            };
            assert!(table.len() >= 50, "{kind:?} {timesteps}: {} rows", table.len());
            assert!(failures(&table).is_empty(), "{kind:?} {timesteps}: {:#?}", failures(&table));
            for row in &table {
                // An order is what a ratio of errors tends to.
                let share = if row.name.starts_with("order of") { 0.1 } else { 1e-6 };
                assert!(
                    row.expected.is_finite() && row.tolerance <= share * (1.0 + row.expected.abs()),
                    "{row:?}"
                );
            }
        }
    }
}

#[test]
fn the_published_numbers_are_in_the_table() {
    let table = table(&Program);
    let published = [
        ("ᾱ_500", 0.0785872429),
        ("ᾱ_1000", 4.03582977e-5),
        ("log SNR_1", 9.21024037),
        ("log SNR_1000", -10.1176732),
        ("β̃_2", 5.45318766e-5),
        ("λ_2, σ² = β", 0.272692084),
        ("λ_100, σ² = β", 0.0100812638),
        ("λ_1000, σ² = β", 0.0102044935),
        ("λ_2, σ² = β̃", 0.599671512),
        ("λ_100, σ² = β̃", 0.0102669534),
        ("λ_1000, σ² = β̃", 0.0102045019),
        ("Σ λ_t, t = 2 to 1000, σ² = β", 9.36099698),
        ("Σ λ_t, t = 2 to 1000, σ² = β̃", 10.1704929),
        ("ε_θ = 0: Σ L_{t−1}, t = 2 to 1000, bits a dimension, σ² = β", 13.9914832),
        ("ε_θ = 0: Σ L_{t−1}, t = 2 to 1000, bits a dimension, σ² = β̃", 14.6729196),
        ("of which Σ C_t, σ² = β", 0.486419230),
        ("L_T at E x_0² = ¼, bits a dimension", 7.27867696e-6),
        ("data N(0, ¼), ancestral sampling: variance, fixed small", 0.2461252114),
        ("data N(0, ¼), ancestral sampling: variance, fixed large", 0.2507520750),
        ("data ±1, exact denoiser: Σ L_{t−1} with β̃, bits", 1.00681174),
        ("data N(0, 1), DDIM in 50 leading steps: gain", 0.964079),
        ("the same without the root, as popular notes print it", 0.504924),
    ];
    for (name, expected) in published {
        let row = table.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no row {name}"));
        assert!((row.actual / expected - 1.0).abs() < 1e-6, "{row:?}");
    }
}

/// Asserts that the table fails with this subject, in a row whose name holds each of `rows`.
#[track_caller]
fn is_caught(subject: &dyn Subject, rows: &[&str]) {
    let failures = failures(&table(subject));
    for row in rows {
        assert!(failures.iter().any(|failure| failure.contains(row)), "{row} is not among {failures:#?}");
    }
}

#[test]
fn a_root_left_out_of_the_forward_kernel_is_caught() {
    struct Fault;
    impl Subject for Fault {
        fn q_sample(
            &self,
            s: &Schedule,
            x0: &Tensor<f64>,
            t: &[usize],
            z: &Tensor<f64>,
        ) -> Result<Tensor<f64>> {
            Ok(ops::combine(&[(&[s.alphas_cumprod()[t[0]]], x0), (&[s.level(t[0]).noise], z)])?)
        }
    }
    is_caught(&Fault, &["chain = marginal: mean", "variance of x_T", "E|X_t(f)|²"]);
    struct Noise;
    impl Subject for Noise {
        fn q_sample(
            &self,
            s: &Schedule,
            x0: &Tensor<f64>,
            t: &[usize],
            z: &Tensor<f64>,
        ) -> Result<Tensor<f64>> {
            Ok(ops::combine(&[(&[s.level(t[0]).signal], x0), (&[s.level(t[0]).noise.powi(2)], z)])?)
        }
    }
    is_caught(&Noise, &["chain = marginal: variance"]);
}

#[test]
fn an_alpha_bar_of_the_wrong_time_in_the_posterior_is_caught() {
    struct Fault;
    impl Subject for Fault {
        fn q_posterior(
            &self,
            s: &Schedule,
            x0: &Tensor<f64>,
            x_t: &Tensor<f64>,
            t: &[usize],
        ) -> Result<Gaussian<f64>> {
            let (of_x0, of_x) = s.posterior_mean_coefficients(t[0]);
            let before = if t[0] == 0 { s.betas()[0] } else { 1.0 - s.alphas_cumprod()[t[0] - 1] };
            let factor = (1.0 - s.alphas_cumprod()[t[0]]) / before;
            let mean = ops::combine(&[(&[of_x0 * factor], x0), (&[of_x * factor], x_t)])?;
            Ok(Gaussian { mean, ..s.q_posterior(x0, x_t, t)? })
        }
    }
    is_caught(&Fault, &["Bayes' rule", "μ̃_500"]);
}

#[test]
fn beta_for_the_posterior_variance_is_caught() {
    struct Posterior;
    impl Subject for Posterior {
        fn q_posterior(
            &self,
            s: &Schedule,
            x0: &Tensor<f64>,
            x_t: &Tensor<f64>,
            t: &[usize],
        ) -> Result<Gaussian<f64>> {
            Ok(Gaussian { variance: vec![s.betas()[t[0]]], ..s.q_posterior(x0, x_t, t)? })
        }
    }
    is_caught(&Posterior, &["Bayes' rule", "β̃_500"]);
    struct Reverse;
    impl Subject for Reverse {
        fn variance(&self, step: &Transition, _: VarianceKind) -> f64 {
            step.beta
        }
    }
    is_caught(
        &Reverse,
        &["β̃_2", "λ_2, σ² = β̃", "Σ L_{t−1}, t = 2 to 1000, bits a dimension, σ² = β̃", "H + KL"],
    );
}

#[test]
fn other_slips_are_caught() {
    struct Sign;
    impl Subject for Sign {
        fn convert(
            &self,
            schedule: &Schedule,
            prediction: &Prediction<f64>,
            to: PredictionKind,
            x_t: &Tensor<f64>,
            t: &[usize],
        ) -> Result<Tensor<f64>> {
            let right = prediction.convert(to, x_t, &schedule.timesteps_at(t)?)?;
            let factor = if to == PredictionKind::Score { -1.0 } else { 1.0 };
            Ok(ops::combine(&[(&[factor], &right)])?)
        }
    }
    is_caught(&Sign, &["score from v", "score to every other"]);
    struct Alpha;
    impl Subject for Alpha {
        fn lambda(&self, step: &Transition, variance: f64) -> f64 {
            step.lambda(variance) * step.alpha
        }
    }
    is_caught(&Alpha, &["λ_2, σ² = β", "λ_t = ½ (SNR"]);
    struct Constant;
    impl Subject for Constant {
        fn kl_constant(&self, step: &Transition, variance: f64) -> f64 {
            -step.kl_constant(variance)
        }
    }
    is_caught(&Constant, &["of which Σ C_t", "H + KL"]);
    struct Shifted;
    impl Subject for Shifted {
        fn schedule(&self, config: &ScheduleConfig) -> Result<Schedule> {
            let betas = config.build()?.betas().to_vec();
            Schedule::from_betas([&betas[..1], &betas[..betas.len() - 1]].concat())
        }
    }
    is_caught(&Shifted, &["ᾱ_500", "β̃_2", "respaced chain = chain"]);
}

#[test]
fn what_has_no_table_is_refused() {
    let message = |kind, timesteps| verify(&Program, kind, timesteps).unwrap_err().to_string();
    assert!(message(ScheduleKind::Cosine, 9).contains("timesteps = 9"));
    assert!(message(ScheduleKind::Betas, 1000).contains("schedule = betas"));
    assert!(message(ScheduleKind::Linear, 15).contains("outside (0, 1)"));
}
