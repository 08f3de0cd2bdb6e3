//! A sampler that tweedie does not have: Ralston's method of second order for the probability-flow ODE. Its order is
//! measured where the exact solution is known, beside Euler's and Heun's.

use std::error::Error;
use tweedie::diffusion::{
    Clip, Conditioned, Euler, GaussianDenoiser, Heun, History, State, Step, Times, Timestep,
};
use tweedie::prelude::*;

/// With signal s and noise n, y = x / s moves along dy/dσ = ε̂ as σ = n / s falls (Karras et al. 2022, eq. 3). Of all
/// explicit methods with two evaluations a step, the second two thirds of the way along has the least bound on its error
/// (Ralston 1962): y ← y + h (¼ k₁ + ¾ k₂).
struct Ralston {
    times: Times,
}

impl<T: Element> Sampler<T> for Ralston {
    fn steps(&self) -> usize {
        self.times.steps().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.times.steps()[step].from
    }

    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        _: &mut History<T>, // for methods that look back on earlier steps
    ) -> Result<State<T>, tweedie::diffusion::Error> {
        let Step { from, to, .. } = self.times.steps()[step];
        let h = to.level().sigma() - from.level().sigma();
        let y = x / from.level().signal;
        let (x0_hat, k1) = model.x0_and_epsilon(x, from, Clip::Off)?;
        let along = self.times.at_sigma(from.level().sigma() + 2.0 / 3.0 * h);
        let (_, k2) =
            model.x0_and_epsilon(&((&y + &k1 * (2.0 / 3.0 * h)) * along.level().signal), along, Clip::Off)?;
        let y = y + (k1 * 0.25 + k2 * 0.75) * h;
        Ok(State { step, t: from, x: y * to.level().signal, level: to.level(), x0_hat, evaluations: 2 })
    }
}

const SIGMA_MAX: f64 = 80.0;

/// How far a run over `steps` noise levels ends from the exact solution, relative to it. For data N(0, ¼) the ODE is linear:
/// y falls as √(¼ + σ²).
fn error(sampler: &impl Sampler<f64>) -> Result<f64, Box<dyn Error>> {
    let denoiser = GaussianDenoiser::new(Tensor::zeros([1]), 0.25)?;
    let noise = Tensor::from([[SIGMA_MAX]]);
    let end = sampler.last(&denoiser, noise, &Condition::default(), 0)?.item()?;
    let exact = SIGMA_MAX * (0.25 / (0.25 + SIGMA_MAX * SIGMA_MAX)).sqrt();
    Ok(end / exact - 1.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("steps      Euler       Heun    Ralston   (error of the spread of N(0, ¼))");
    let mut rows: Vec<[f64; 3]> = Vec::new();
    for steps in [18, 36, 72, 144] {
        let times = Times::edm(steps, 0.002, SIGMA_MAX, 7.0)?;
        let row = [error(&Euler::new(&times))?, error(&Heun::new(&times))?, error(&Ralston { times })?];
        println!("{steps:>5}  {:>+9.5}  {:>+9.5}  {:>+9.5}", row[0], row[1], row[2]);
        rows.push(row);
    }
    let order = |column: usize| (rows[2][column] / rows[3][column]).abs().log2();
    println!("order  {:>9.2}  {:>9.2}  {:>9.2}", order(0), order(1), order(2));
    assert!((order(0) - 1.0).abs() < 0.1 && (order(1) - 2.0).abs() < 0.2 && (order(2) - 2.0).abs() < 0.2);
    assert!((rows[0][0] + 0.154).abs() < 1e-3, "Euler's error at 18 steps is known");
    Ok(())
}
