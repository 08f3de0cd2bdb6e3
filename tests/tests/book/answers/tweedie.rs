use super::Answer;
use tweedie_diffusion::{Condition, Denoiser, Level, MixtureDenoiser, Timestep};
use tweedie_tensor::Tensor;

pub(crate) const ANSWERS: &[Answer] = &[("tweedie.coin", coin), ("tweedie.score", score)];

const LEVEL: Level = Level { signal: 0.6, noise: 0.8 };
const X: f64 = 0.5;

/// E[x_0 | x_t = ½] of data ±1.
fn coin() -> f64 {
    let data = Tensor::from_slice([2, 1], &[-1.0, 1.0]).unwrap();
    let coin = MixtureDenoiser::new(data, &[1.0; 2], &[0.0; 2]).unwrap();
    let x = Tensor::full([1, 1], X);
    coin.predict(&x, &[Timestep::new(0.0, LEVEL)], &Condition::default()).unwrap().value.as_slice()[0]
}

/// The slope of the logarithm of the density there, by differences.
fn score() -> f64 {
    let log_density = |x: f64| {
        let bump = |m: f64| (-(x - LEVEL.signal * m).powi(2) / (2.0 * LEVEL.noise.powi(2))).exp();
        (bump(-1.0) + bump(1.0)).ln()
    };
    let h = 1e-5;
    (log_density(X + h) - log_density(X - h)) / (2.0 * h)
}
