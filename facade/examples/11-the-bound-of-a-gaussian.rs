//! The variational bound where everything is known: data N(0, v) and their exact denoiser. With the exact variance of every
//! reverse step, the bound loses nothing but what is still known at its noisy end: it is H(x_0) + KL(q(x_T) ‖ N(0, 1)). With
//! the usual fixed variances it costs more, and how much is known as well.

use std::error::Error;
use std::f64::consts::{E, LN_2, TAU};
use tweedie::diffusion::{Bound, BoundEstimator, GaussianDenoiser, Transition, VarianceKind};
use tweedie::prelude::*;

/// The entropy of a normal of this variance, in nats.
fn entropy(variance: f64) -> f64 {
    0.5 * (TAU * E * variance).ln()
}

fn bits(nats: f64) -> f64 {
    nats / LN_2
}

/// The bound for data N(0, `data`) in closed form, in nats, every term of it shown to `each`. `variance` is what a reverse
/// step is given, from its index, its transition, and the mean square that doubt about x_0 takes its mean off.
fn bound(
    schedule: &Schedule,
    data: f64,
    variance: impl Fn(usize, Transition, f64) -> f64,
    mut each: impl FnMut(&str, f64),
) -> Result<f64, Box<dyn Error>> {
    let denoiser = GaussianDenoiser::new(Tensor::<f64>::zeros([1]), data)?;
    // L_T depends on x_0² alone, linearly.
    let mut total = Bound::new(schedule, VarianceKind::FixedSmall).prior(&Tensor::from([[data.sqrt()]]))[0];
    each("L_T", total);
    for t in (0..schedule.num_timesteps()).rev() {
        let (step, level) = (schedule.step(t), schedule.level(t));
        // E (x_0 − x̂_0)²: the least that any denoiser can reach.
        let error = data * (1.0 - denoiser.gain(level) * level.signal);
        let (of_x0, _) = step.posterior_mean_coefficients();
        let off = of_x0 * of_x0 * error;
        let sigma2 = variance(t, step, off);
        let term =
            off / (2.0 * sigma2) + if t == 0 { 0.5 * (TAU * sigma2).ln() } else { step.kl_constant(sigma2) };
        total += term;
        each(&format!("L_{t}"), term);
    }
    Ok(total)
}

fn main() -> Result<(), Box<dyn Error>> {
    let schedule = Schedule::linear(1000, 1e-4, 0.02)?;
    let data = 0.25;

    // Exact: the posterior's variance, and the doubt about x_0 besides.
    let mut sum = 0.0;
    let total = bound(
        &schedule,
        data,
        |_, step, off| step.posterior_variance() + off,
        |name, term| {
            sum += term;
            if ["L_T", "L_999", "L_500", "L_100", "L_10", "L_1", "L_0"].contains(&name) {
                println!("{name:<6} {:>10.6}  Σ {:>10.6} bits", bits(term), bits(sum));
            }
        },
    )?;
    let end = schedule.level(schedule.num_timesteps() - 1);
    let left = end.signal * end.signal * data + end.noise * end.noise;
    let divergence = 0.5 * (left - 1.0 - left.ln());
    println!("\nthe bound  {:>12.8} bits", bits(total));
    println!(
        "H + KL     {:>12.8} bits, of which KL {:.1e}",
        bits(entropy(data) + divergence),
        bits(divergence)
    );
    assert!((total - entropy(data) - divergence).abs() < 1e-9);

    // As pictures are measured: x_0 in 256 levels from −1 to 1, a handful of times for each, and a fixed variance. Densities
    // are then counted in levels, of which 127.5 make 1.
    let data = 0.04f64;
    let x0 = random::normal([256, 64], 0, Purpose::new(128), 0, 0) * data.sqrt();
    let denoiser = GaussianDenoiser::new(Tensor::<f64>::zeros([64]), data)?;
    let levels = 127.5f64.ln();
    println!(
        "\n256 samples of 64 numbers, N(0, {data}), 20 times each; their entropy is {:.3} bits:",
        bits(entropy(data) + levels)
    );
    for (name, kind) in [("β", VarianceKind::FixedLarge), ("β̃", VarianceKind::FixedSmall)] {
        let mut estimator = BoundEstimator::new(Bound::new(&schedule, kind), 20, 0)?;
        estimator.add(&denoiser, &x0, &Condition::default(), 0)?;
        let total = estimator.estimate().total;
        let error = total.std_error.unwrap_or(f64::NAN);
        // β̃ is 0 at the last step, where that of the step before stands in.
        let variance = |t: usize, step: Transition, _| match (t, kind) {
            (0, VarianceKind::FixedSmall) => schedule.posterior_variance(1),
            _ => step.variance(kind),
        };
        let expected = bits(bound(&schedule, data, variance, |_, _| {})? + levels);
        println!("σ² = {name}: {:.3} ± {error:.3} bits, in closed form {expected:.3}", total.mean);
        assert!((total.mean - expected).abs() < 4.0 * error);
    }
    Ok(())
}
