//! The variational bound where everything is known: data N(0, ¼), their exact denoiser, and the exact variance of every
//! reverse step. Then the bound loses nothing but what is still known at its noisy end, H(x_0) + KL(q(x_T) ‖ N(0, 1)).

use std::error::Error;
use std::f64::consts::{E, LN_2, TAU};
use tweedie::diffusion::{Bound, BoundEstimator, GaussianDenoiser, VarianceKind};
use tweedie::prelude::*;

const DATA: f64 = 0.25;

/// The entropy of a normal of this variance, in nats.
fn entropy(variance: f64) -> f64 {
    0.5 * (TAU * E * variance).ln()
}

fn main() -> Result<(), Box<dyn Error>> {
    let schedule = Schedule::linear(1000, 1e-4, 0.02)?;
    let denoiser = GaussianDenoiser::new(Tensor::<f64>::zeros([1]), DATA)?;
    let bits = |nats: f64| nats / LN_2;

    // In closed form, term by term. L_T: the mean over x_0 of KL(q(x_T | x_0) ‖ N(0, 1)) depends on x_0² alone.
    let bound = Bound::new(&schedule, VarianceKind::FixedSmall);
    let mut total = bound.prior(&Tensor::from([[DATA.sqrt()]]))[0];
    println!("L_T              {:>10.6} bits", bits(total));
    for t in (0..schedule.num_timesteps()).rev() {
        let (step, level) = (schedule.step(t), schedule.level(t));
        // E (x_0 − x̂_0)², the least that any denoiser can reach, and how far it takes the mean of the step.
        let error = DATA * (1.0 - denoiser.gain(level) * level.signal);
        let (of_x0, _) = step.posterior_mean_coefficients();
        let apart = of_x0 * of_x0 * error;
        // The step has the posterior's variance, and the doubt about x_0 besides.
        let exact = step.posterior_variance() + apart;
        let term = if t == 0 { entropy(exact) } else { apart / (2.0 * exact) + step.kl_constant(exact) };
        total += term;
        if [999, 500, 100, 10, 1, 0].contains(&t) {
            println!("L_{t:<4} {:>10.6}  Σ {:>10.6} bits", bits(term), bits(total));
        }
    }
    let end = schedule.level(schedule.num_timesteps() - 1);
    let left = end.signal * end.signal * DATA + end.noise * end.noise;
    let expected = entropy(DATA) + 0.5 * (left - 1.0 - left.ln());
    println!("\nthe bound        {:>12.8} bits", bits(total));
    println!(
        "H(x_0) + KL      {:>12.8} bits, of which KL {:.1e}",
        bits(expected),
        bits(expected - entropy(DATA))
    );
    assert!((total - expected).abs() < 1e-9);

    // As pictures are measured: x_0 in 256 levels from −1 to 1, a handful of times for each, and a fixed variance, which costs
    // a little. The entropy is then counted in levels, of which 127.5 make 1.
    let data = 0.04f64;
    let x0 = random::normal([256, 64], 0, Purpose::new(128), 0, 0) * data.sqrt();
    let denoiser = GaussianDenoiser::new(Tensor::<f64>::zeros([64]), data)?;
    println!("\n256 samples of 64 numbers, N(0, {data}), 20 times each:");
    let expected = bits(entropy(data) + 127.5f64.ln());
    for (name, variance) in [("β", VarianceKind::FixedLarge), ("β̃", VarianceKind::FixedSmall)] {
        let mut estimator = BoundEstimator::new(Bound::new(&schedule, variance), 20, 0)?;
        estimator.add(&denoiser, &x0, &Condition::default(), 0)?;
        let total = estimator.estimate().total;
        let error = total.std_error.unwrap_or(f64::NAN);
        println!("σ² = {name}: {:.3} ± {error:.3} bits, entropy {expected:.3}", total.mean);
        assert!(total.mean > expected - 3.0 * error && total.mean < expected + 0.2);
    }
    Ok(())
}
