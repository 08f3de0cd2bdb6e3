use super::table::Schedule;
use crate::{Error, Level, Result};
use std::f64::consts::FRAC_PI_2;
use tweedie_tensor::Number;

/// The largest β of schedules whose formula has no signal left at the end: with it, a prediction of ε still says
/// something about x_0 there (Nichol and Dhariwal 2021, section 3.2).
const MAX_BETA: f64 = 0.999;

/// The families of schedules.
impl Schedule {
    /// β rising linearly from `beta_start` to `beta_end` over `steps` steps. Ho et al. 2020, section 4, take 1e-4
    /// and 0.02 at T = 1000.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `steps` is 1 to [`Schedule::MAX_TIMESTEPS`]; [`Error::Beta`] when a β leaves
    /// (0, 1).
    pub fn linear(steps: usize, beta_start: f64, beta_end: f64) -> Result<Schedule> {
        Schedule::check_timesteps(steps)?;
        Schedule::from_betas(linspace(steps, beta_start, beta_end))
    }

    /// The linear schedule of Ho et al. with both ends scaled by 1000 / T, so that ᾱ as a function of t / T, and
    /// with it the noise at the end, hardly depends on T (so does the code of Nichol and Dhariwal 2021). T must be
    /// above 20, or β leaves (0, 1).
    ///
    /// # Errors
    /// As [`Schedule::linear`].
    pub fn linear_scaled_to(steps: usize) -> Result<Schedule> {
        let scale = 1000.0 / steps as f64;
        Schedule::linear(steps, scale * 1e-4, scale * 0.02)
    }

    /// √β rising linearly from √`beta_start` to √`beta_end` (Rombach et al. 2022: latent diffusion takes 0.00085 and
    /// 0.012 at T = 1000).
    ///
    /// # Errors
    /// As [`Schedule::linear`].
    pub fn scaled_linear(steps: usize, beta_start: f64, beta_end: f64) -> Result<Schedule> {
        Schedule::check_timesteps(steps)?;
        for (t, beta) in [(0, beta_start), (steps - 1, beta_end)] {
            if !(beta > 0.0 && beta < 1.0) {
                return Err(Error::Beta { t, beta });
            }
        }
        let roots = linspace(steps, beta_start.sqrt(), beta_end.sqrt());
        Schedule::from_betas(roots.into_iter().map(|root| root * root).collect())
    }

    /// ᾱ_t = f(t)/f(0), f(t) = cos²(π/2 · (t/T + s)/(1 + s)), s = 0.008, each β cut at 0.999
    /// (Nichol and Dhariwal 2021, eq. 17).
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `steps` is 1 to [`Schedule::MAX_TIMESTEPS`].
    pub fn cosine(steps: usize) -> Result<Schedule> {
        const S: f64 = 0.008;
        Schedule::check_timesteps(steps)?;
        let step = FRAC_PI_2 / (1.0 + S) / steps as f64;
        let beta = |t: usize| {
            // 1 − f(t+1)/f(t), with cos² a − cos² b = sin(b − a) sin(b + a) in place of the cancelling difference.
            let angle = (t as f64 / steps as f64 + S) / (1.0 + S) * FRAC_PI_2;
            let cos = Number::cos(angle);
            Number::sin(step) * Number::sin(2.0 * angle + step) / (cos * cos)
        };
        Schedule::from_betas((0..steps).map(|t| beta(t).min(MAX_BETA)).collect())
    }

    /// ᾱ_t falling as a sigmoid, ᾱ(u) = (σ(e/τ) − σ((s + u (e − s))/τ)) / (σ(e/τ) − σ(s/τ)) at u = t/T, each β cut at
    /// 0.999 (Jabri et al. 2022; Chen 2023, algorithm 1). They take s = −3, e = 3 and τ = 1 or thereabouts: a larger
    /// τ spends more steps in the middle.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `steps` is 1 to [`Schedule::MAX_TIMESTEPS`], s < e and τ > 0.
    pub fn sigmoid(steps: usize, start: f64, end: f64, tau: f64) -> Result<Schedule> {
        const WHAT: &str = "sigmoid schedule";
        Schedule::check_timesteps(steps)?;
        if !(start < end && end.is_finite() && start.is_finite()) {
            return Err(Error::parameter(WHAT, "start", start, format!("must be below the end, {end}")));
        }
        if !(tau > 0.0 && tau.is_finite()) {
            return Err(Error::parameter(WHAT, "tau", tau, "must be above 0"));
        }
        let at = |t: usize| (start + (end - start) * t as f64 / steps as f64) / tau;
        // σ(a) − σ(b), for a above b, without the cancellation.
        let difference = |a: f64, b: f64| -libm::expm1(b - a) * Number::sigmoid(a) * Number::sigmoid(-b);
        let beta = |t: usize| difference(at(t + 1), at(t)) / difference(end / tau, at(t));
        Schedule::from_betas((0..steps).map(|t| beta(t).min(MAX_BETA)).collect())
    }

    /// log SNR spread as a Laplace distribution of mean μ and scale b: log SNR(u) = μ − b sgn(½ − u) ln(1 − 2|u − ½|)
    /// (Hang et al. 2024, table 1), at the middles u = (t − ½)/T of T equal parts. They take μ = 0 and b = 0.5: most
    /// steps are near SNR = 1, and few near either end.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `steps` is 1 to [`Schedule::MAX_TIMESTEPS`], μ is finite and b > 0.
    pub fn laplace(steps: usize, mu: f64, b: f64) -> Result<Schedule> {
        const WHAT: &str = "Laplace schedule";
        Schedule::check_timesteps(steps)?;
        if !mu.is_finite() {
            return Err(Error::parameter(WHAT, "mu", mu, "must be finite"));
        }
        if !(b > 0.0 && b.is_finite()) {
            return Err(Error::parameter(WHAT, "b", b, "must be above 0"));
        }
        let log_snr = |t: usize| {
            let u = (t as f64 + 0.5) / steps as f64;
            let to_end = 2.0 * u.min(1.0 - u);
            mu + if u < 0.5 { -b } else { b } * Number::ln(to_end)
        };
        Schedule::from_levels((0..steps).map(|t| Level::of_log_snr(log_snr(t))).collect())
    }

    /// The chain through the noise levels σ_t = √(1−ᾱ_t)/√ᾱ_t of [`karras_sigmas`], rising (Karras et al. 2022,
    /// eq. 5; they take 0.002, 80 and ρ = 7), in the variance-preserving scale: ᾱ = 1/(1 + σ²).
    ///
    /// # Errors
    /// As [`karras_sigmas`].
    pub fn edm(steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<Schedule> {
        let sigmas = karras_sigmas(steps, sigma_min, sigma_max, rho)?;
        let level = |sigma: &f64| Level::of_log_snr(-2.0 * Number::ln(*sigma));
        Schedule::from_levels(sigmas.iter().rev().map(level).collect())
    }

    /// The straight path of rectified flows and flow matching: x_t = (1 − u) x_0 + u ε at u = t/T (Liu et al. 2023;
    /// Lipman et al. 2023, eq. 20 with σ_min = 0). Its variance is not preserved, and nothing else needs to know:
    /// predict [`Velocity`](crate::PredictionKind::Velocity), and a deterministic DDIM step is an Euler step of dx = v du.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `steps` is 1 to [`Schedule::MAX_TIMESTEPS`].
    pub fn rectified_flow(steps: usize) -> Result<Schedule> {
        Schedule::check_timesteps(steps)?;
        let level =
            |t: usize| Level { signal: (steps - t) as f64 / steps as f64, noise: t as f64 / steps as f64 };
        Schedule::from_levels((1..=steps).map(level).collect())
    }
}

/// `steps` noise levels σ from σ_max down to σ_min, evenly spaced in σ^(1/ρ) (Karras et al. 2022, eq. 5): the larger
/// ρ, the more of them near σ_min. They take 0.002, 80 and ρ = 7. A single one is σ_max.
///
/// # Errors
/// [`Error::Parameter`] unless `steps` is 1 to [`Schedule::MAX_TIMESTEPS`], 0 < σ_min < σ_max and ρ > 0.
pub fn karras_sigmas(steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<Vec<f64>> {
    const WHAT: &str = "EDM schedule";
    Schedule::check_timesteps(steps)?;
    if !(sigma_min > 0.0 && sigma_min < sigma_max && sigma_max.is_finite()) {
        let why = format!("must be above 0 and below sigma_max, {sigma_max}");
        return Err(Error::parameter(WHAT, "sigma_min", sigma_min, why));
    }
    if !(rho > 0.0 && rho.is_finite()) {
        return Err(Error::parameter(WHAT, "rho", rho, "must be above 0"));
    }
    let (low, high) = (libm::pow(sigma_min, 1.0 / rho), libm::pow(sigma_max, 1.0 / rho));
    Ok(linspace(steps, high, low).into_iter().map(|root| libm::pow(root, rho)).collect())
}

/// `steps` evenly spaced numbers, both ends included.
fn linspace(steps: usize, start: f64, end: f64) -> Vec<f64> {
    let gaps = steps.saturating_sub(1).max(1) as f64;
    (0..steps).map(|i| (start * (gaps - i as f64) + end * i as f64) / gaps).collect()
}
