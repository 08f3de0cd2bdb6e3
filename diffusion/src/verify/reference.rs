//! What should come out, computed a second time by other means: the definitions typed out, plain recursions, the
//! standard library's functions. Nothing here calls the code that is verified.

use crate::ScheduleKind;
use std::f64::consts::{FRAC_PI_2, LN_2, PI};

/// The chain of a schedule, from its definition.
pub(super) struct Reference {
    /// β_t, the variance that step t adds; index 0 is t = 1.
    pub(super) beta: Vec<f64>,
    /// The squared factor of step t.
    pub(super) alpha: Vec<f64>,
    /// ᾱ_t, the squared factor of x_0.
    pub(super) signal: Vec<f64>,
    /// The variance of the noise in x_t, 1 − ᾱ_t where the variance is preserved.
    pub(super) noise: Vec<f64>,
}

impl Reference {
    /// The chain of T steps of a family, its parameters as [`ScheduleKind`] documents them.
    pub(super) fn new(kind: ScheduleKind, timesteps: usize) -> Reference {
        let all = timesteps as f64;
        let scale = 1000.0 / all;
        let line = |start: f64, end: f64, t: usize| start + (end - start) * (t as f64 - 1.0) / (all - 1.0);
        let ratio = |f: &dyn Fn(f64) -> f64, t: usize| 1.0 - f(t as f64 / all) / f((t as f64 - 1.0) / all);
        let beta = |t: usize| match kind {
            ScheduleKind::Linear => line(scale * 1e-4, scale * 0.02, t),
            ScheduleKind::ScaledLinear => line((scale * 0.00085).sqrt(), (scale * 0.012).sqrt(), t).powi(2),
            ScheduleKind::Cosine => ratio(&|u| (FRAC_PI_2 * (u + 0.008) / 1.008).cos().powi(2), t).min(0.999),
            ScheduleKind::Sigmoid => {
                let logistic = |x: f64| 0.5 + 0.5 * (x / 2.0).tanh();
                ratio(&|u| logistic(3.0) - logistic(-3.0 + 6.0 * u), t).min(0.999)
            }
            ScheduleKind::Laplace | ScheduleKind::Edm => {
                let snr = |t: usize| match kind {
                    ScheduleKind::Laplace => {
                        let u = (t as f64 - 0.5) / all;
                        if u < 0.5 { (2.0 * u).powf(-0.5) } else { (2.0 * (1.0 - u)).powf(0.5) }
                    }
                    _ => {
                        let (low, high) = (0.002f64.powf(1.0 / 7.0), 80f64.powf(1.0 / 7.0));
                        line(low, high, t).powi(-14)
                    }
                };
                // 1 − ᾱ_t/ᾱ_{t−1} with ᾱ = SNR/(1 + SNR), over a common denominator.
                if t == 1 { 1.0 / (1.0 + snr(1)) } else { (1.0 - snr(t) / snr(t - 1)) / (1.0 + snr(t)) }
            }
            ScheduleKind::RectifiedFlow | ScheduleKind::Betas => f64::NAN,
        };
        let mut chain = Reference { beta: vec![], alpha: vec![], signal: vec![], noise: vec![] };
        let (mut signal, mut noise) = (1.0, 0.0);
        for t in 1..=timesteps {
            let (alpha, beta) = if kind == ScheduleKind::RectifiedFlow {
                // x_t = (1 − u) x_0 + u ε: what carries x_{t−1} there.
                let (u, before) = (t as f64 / all, (t as f64 - 1.0) / all);
                let alpha = ((1.0 - u) / (1.0 - before)).powi(2);
                (alpha, u * u - alpha * before * before)
            } else {
                (1.0 - beta(t), beta(t))
            };
            signal *= alpha;
            noise = alpha * noise + beta;
            chain.beta.push(beta);
            chain.alpha.push(alpha);
            chain.signal.push(signal);
            chain.noise.push(noise);
        }
        chain
    }

    /// ᾱ and the noise's variance at the paper's t, from 0.
    pub(super) fn level(&self, t: usize) -> (f64, f64) {
        if t == 0 { (1.0, 0.0) } else { (self.signal[t - 1], self.noise[t - 1]) }
    }

    pub(super) fn snr(&self, t: usize) -> f64 {
        self.signal[t - 1] / self.noise[t - 1]
    }

    /// The product of the precisions that meet in q(x_{t−1} | x_t, x_0): 1/β̃ = α/β + 1/(1−ᾱ_{t−1}).
    pub(super) fn posterior_variance(&self, t: usize) -> f64 {
        1.0 / (self.alpha[t - 1] / self.beta[t - 1] + 1.0 / self.level(t - 1).1)
    }

    /// The last t at which some signal is left.
    pub(super) fn last_with_signal(&self) -> usize {
        self.signal.iter().rposition(|&signal| signal > 0.0).map_or(0, |t| t + 1)
    }
}

/// KL(N(m, v) ‖ N(n, w)) in nats.
pub(super) fn kl(m: f64, v: f64, n: f64, w: f64) -> f64 {
    0.5 * ((w / v).ln() + (v + (m - n) * (m - n)) / w - 1.0)
}

/// The differential entropy of a normal of variance v, in nats.
pub(super) fn entropy(v: f64) -> f64 {
    0.5 * (1.0 + (2.0 * PI * v).ln())
}

/// ln of the density of N(mean, variance) at x.
pub(super) fn log_normal(x: f64, mean: f64, variance: f64) -> f64 {
    -0.5 * ((x - mean).powi(2) / variance + (2.0 * PI * variance).ln())
}

/// E f(z) for z ~ N(0, 1), by the trapezoidal rule, which converges faster than any power for such functions.
pub(super) fn expectation(f: impl Fn(f64) -> f64) -> f64 {
    const STEPS: i32 = 360;
    const REACH: f64 = 9.0;
    let step = REACH / f64::from(STEPS);
    let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
    (-STEPS..=STEPS).map(|i| f64::from(i) * step).map(|z| f(z) * density(z) * step).sum()
}

/// Nats as bits.
pub(super) fn bits(nats: f64) -> f64 {
    nats / LN_2
}

/// E[x_0 | x_t] of data ±1 with equal odds.
pub(super) fn coin_mean(x: f64, signal: f64, noise: f64) -> f64 {
    (signal.sqrt() * x / noise).tanh()
}
