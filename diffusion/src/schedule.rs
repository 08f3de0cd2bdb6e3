use crate::{Error, Level, Result, Timestep, Transition, VarianceKind};
use std::f64::consts::FRAC_PI_2;
use tweedie_tensor::Element;

/// The variances β_t of the T steps of a discrete diffusion, and what follows from them, in f64.
///
/// Index t = 0..T stands for the papers' t + 1: `betas()[0]` is β_1, `alphas_cumprod()[T−1]` is ᾱ_T. Methods that
/// take an index panic when it is not below [`Schedule::num_timesteps`], as slices do.
///
/// ```
/// use tweedie_diffusion::Schedule;
/// let schedule = Schedule::linear(1000, 1e-4, 0.02)?;
/// assert!((schedule.alphas_cumprod()[499] - 0.0785872429).abs() < 1e-10); // ᾱ_500
/// assert!((schedule.log_snr(999) - -10.1176732).abs() < 1e-7); // log SNR_1000
/// # Ok::<(), tweedie_diffusion::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    betas: Vec<f64>,
    alphas: Vec<f64>,
    alphas_cumprod: Vec<f64>,
    alphas_cumprod_prev: Vec<f64>,
    levels: Vec<Level>,
}

impl Schedule {
    /// The most steps that a schedule can have.
    pub const MAX_TIMESTEPS: usize = 1_000_000;

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
            let cos = Element::cos(angle);
            Element::sin(step) * Element::sin(2.0 * angle + step) / (cos * cos)
        };
        Schedule::from_betas((0..steps).map(|t| beta(t).min(0.999)).collect())
    }

    /// The schedule of given variances β_1, …, β_T.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there are none (or more than [`Schedule::MAX_TIMESTEPS`]); [`Error::Beta`] when one is outside (0, 1).
    pub fn from_betas(betas: Vec<f64>) -> Result<Schedule> {
        match betas.iter().position(|&beta| !(beta > 0.0 && beta < 1.0)) {
            Some(t) => Err(Error::Beta { t, beta: betas[t] }),
            None => Schedule::checked(betas),
        }
    }

    /// As [`Schedule::from_betas`], with β_T = 1 (no signal at all is left at the end) allowed.
    pub(crate) fn from_betas_to_pure_noise(mut betas: Vec<f64>) -> Result<Schedule> {
        match betas.pop() {
            Some(last) if last == 1.0 => {
                if let Some(t) = betas.iter().position(|&beta| !(beta > 0.0 && beta < 1.0)) {
                    return Err(Error::Beta { t, beta: betas[t] });
                }
                betas.push(last);
                Schedule::checked(betas)
            }
            last => Schedule::from_betas(betas.into_iter().chain(last).collect()),
        }
    }

    /// The schedule of given ᾱ_1, …, ᾱ_T, falling from below 1 to 0 or above.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there are none (or more than [`Schedule::MAX_TIMESTEPS`]); [`Error::Beta`] where they do not fall, or end before the last.
    pub fn from_alphas_cumprod(alphas_cumprod: Vec<f64>) -> Result<Schedule> {
        let last = alphas_cumprod.len().saturating_sub(1);
        let mut betas = Vec::with_capacity(alphas_cumprod.len());
        let mut before = 1.0;
        for (t, &alpha_bar) in alphas_cumprod.iter().enumerate() {
            let beta = (before - alpha_bar) / before;
            if !(beta > 0.0 && (beta < 1.0 || (t == last && beta == 1.0))) {
                return Err(Error::Beta { t, beta });
            }
            betas.push(beta);
            before = alpha_bar;
        }
        let level = |&alpha_bar: &f64| Level { signal: alpha_bar.sqrt(), noise: (1.0 - alpha_bar).sqrt() };
        let levels = alphas_cumprod.iter().map(level).collect();
        let alphas = betas.iter().map(|beta| 1.0 - beta).collect();
        Schedule::of_tables(betas, alphas, alphas_cumprod, levels)
    }

    fn checked(betas: Vec<f64>) -> Result<Schedule> {
        let (mut alpha_bar, mut noise) = (1.0, 0.0);
        let tables = betas.iter().map(|beta| {
            alpha_bar *= 1.0 - beta;
            // 1 − ᾱ as a sum of positive terms: subtracting would lose the digits of the first, small ones.
            noise = noise * (1.0 - beta) + beta;
            (alpha_bar, Level { signal: f64::sqrt(alpha_bar), noise: f64::sqrt(noise) })
        });
        let (alphas_cumprod, levels) = tables.unzip();
        let alphas = betas.iter().map(|beta| 1.0 - beta).collect();
        Schedule::of_tables(betas, alphas, alphas_cumprod, levels)
    }

    fn of_tables(
        betas: Vec<f64>,
        alphas: Vec<f64>,
        alphas_cumprod: Vec<f64>,
        levels: Vec<Level>,
    ) -> Result<Schedule> {
        Schedule::check_timesteps(betas.len())?;
        let alphas_cumprod_prev = [1.0].iter().chain(&alphas_cumprod).copied().take(betas.len()).collect();
        Ok(Schedule { betas, alphas, alphas_cumprod, alphas_cumprod_prev, levels })
    }

    /// The schedule shifted and scaled so that no signal is left at the end: √ᾱ becomes
    /// (√ᾱ_t − √ᾱ_T) √ᾱ_1 / (√ᾱ_1 − √ᾱ_T) (Lin et al. 2024, algorithm 1). Sampling starts from pure noise, so
    /// training must end there. At the last step an ε-prediction says nothing about x_0; predict v or x_0.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is only one step: it cannot be kept and taken to pure noise.
    pub fn with_zero_terminal_snr(&self) -> Result<Schedule> {
        let last = self.levels[self.levels.len() - 1].signal;
        let Some(first) = self.betas.first().filter(|_| self.betas.len() > 1) else {
            let why = "zero-terminal-SNR rescaling needs at least two steps";
            return Err(Error::parameter("schedule", "timesteps", 1, why));
        };
        let mut betas = vec![*first];
        for t in 1..self.betas.len() {
            // √ᾱ_{t−1} − √ᾱ_t, without cancellation.
            let drop = self.levels[t - 1].signal * self.betas[t] / (1.0 + self.alphas[t].sqrt());
            let relative = drop / (self.levels[t - 1].signal - last);
            betas.push(relative * (2.0 - relative));
        }
        // In exact arithmetic the last is 1.
        if let Some(end) = betas.last_mut() {
            *end = 1.0;
        }
        Schedule::from_betas_to_pure_noise(betas)
    }

    /// T, the number of steps.
    pub fn num_timesteps(&self) -> usize {
        self.betas.len()
    }

    /// β_1, …, β_T: the variance that each step adds.
    pub fn betas(&self) -> &[f64] {
        &self.betas
    }

    /// α_t = 1 − β_t, for t = 1, …, T.
    pub fn alphas(&self) -> &[f64] {
        &self.alphas
    }

    /// ᾱ_t = ∏_{s≤t} α_s, for t = 1, …, T: the share of the signal's variance that is left.
    pub fn alphas_cumprod(&self) -> &[f64] {
        &self.alphas_cumprod
    }

    /// ᾱ_{t−1}, for t = 1, …, T; the first is ᾱ_0 = 1.
    pub fn alphas_cumprod_prev(&self) -> &[f64] {
        &self.alphas_cumprod_prev
    }

    /// √ᾱ and √(1−ᾱ) at index `t`. The noise is computed without the cancellation of 1 − ᾱ.
    pub fn level(&self, t: usize) -> Level {
        self.levels[t]
    }

    /// The time at index `t` as a denoiser is told it: the clock value is `t` itself.
    pub fn timestep(&self, t: usize) -> Timestep {
        Timestep::new(t as f64, self.levels[t])
    }

    /// [`Schedule::timestep`] of each index.
    ///
    /// # Errors
    /// [`Error::Time`] when an index is not below T.
    pub fn timesteps_at(&self, t: &[usize]) -> Result<Vec<Timestep>> {
        self.check("timesteps_at", t)?;
        Ok(t.iter().map(|&t| self.timestep(t)).collect())
    }

    /// SNR_t = ᾱ_t / (1 − ᾱ_t) at index `t` (Kingma et al. 2021, eq. 2).
    pub fn snr(&self, t: usize) -> f64 {
        self.levels[t].snr()
    }

    /// ln SNR_t at index `t`; −∞ where no signal is left.
    pub fn log_snr(&self, t: usize) -> f64 {
        2.0 * (Element::ln(self.levels[t].signal) - Element::ln(self.levels[t].noise))
    }

    /// The step between index `t` and the one before it (the clean picture for t = 0).
    pub fn step(&self, t: usize) -> Transition {
        let to = if t == 0 { Level::CLEAN } else { self.levels[t - 1] };
        Transition { from: self.levels[t], to, alpha: self.alphas[t], beta: self.betas[t] }
    }

    /// All steps between index `from` and index `to` (`None`: the clean picture) as one.
    ///
    /// # Errors
    /// [`Error::Time`] when `from` is not below T; [`Error::Parameter`] when `to` is above `from`.
    pub fn transition(&self, from: usize, to: Option<usize>) -> Result<Transition> {
        self.check("transition", &[from])?;
        if to.is_some_and(|to| to > from) {
            let why = format!("a reverse step from t = {from} cannot end at a noisier time");
            return Err(Error::parameter("transition", "to", to.unwrap_or(0), why));
        }
        let (mut alpha, mut beta) = (1.0, 0.0);
        for t in to.map_or(0, |to| to + 1)..=from {
            alpha *= self.alphas[t];
            beta = beta * self.alphas[t] + self.betas[t];
        }
        let to = to.map_or(Level::CLEAN, |to| self.levels[to]);
        Ok(Transition { from: self.levels[from], to, alpha, beta })
    }

    /// The diffusion over a subset of the steps, given by rising indices: its k-th level is this one's at
    /// `times[k]`, and its β_k is that of all steps in between (Nichol and Dhariwal 2021, eq. 19).
    ///
    /// # Errors
    /// [`Error::Time`] when an index is not below T; [`Error::Parameter`] when there is none, or they do not rise.
    pub fn respaced(&self, times: &[usize]) -> Result<Schedule> {
        self.check("respaced", times)?;
        if times.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::parameter("respaced", "times", format!("{times:?}"), "indices must rise"));
        }
        let before = [None].into_iter().chain(times.iter().copied().map(Some));
        let hops: Result<Vec<Transition>> =
            times.iter().zip(before).map(|(&from, to)| self.transition(from, to)).collect();
        let hops = hops?;
        Schedule::of_tables(
            hops.iter().map(|hop| hop.beta).collect(),
            hops.iter().map(|hop| hop.alpha).collect(),
            times.iter().map(|&t| self.alphas_cumprod[t]).collect(),
            times.iter().map(|&t| self.levels[t]).collect(),
        )
    }

    /// β̃_t at index `t`, the variance of q(x_{t−1} | x_t, x_0); 0 at index 0 (Ho et al. 2020, eq. 7).
    pub fn posterior_variance(&self, t: usize) -> f64 {
        self.step(t).posterior_variance()
    }

    /// ln β̃_t at index `t`, with ln β̃_2 standing in for the −∞ at index 0 (Nichol and Dhariwal 2021, in their code;
    /// ln β_1 when T = 1).
    pub fn posterior_log_variance_clipped(&self, t: usize) -> f64 {
        Element::ln(self.posterior_variance_clipped(t))
    }

    pub(crate) fn posterior_variance_clipped(&self, t: usize) -> f64 {
        match (t, self.num_timesteps()) {
            (0, 1) => self.betas[0],
            (0, _) => self.posterior_variance(1),
            _ => self.posterior_variance(t),
        }
    }

    /// The coefficients of x_0 and x_t in the posterior mean at index `t` (Ho et al. 2020, eq. 7).
    pub fn posterior_mean_coefficients(&self, t: usize) -> (f64, f64) {
        self.step(t).posterior_mean_coefficients()
    }

    /// λ_t at index `t`: the weight of ‖ε − ε_θ‖² in the bound, for a reverse step of the given variance
    /// (Ho et al. 2020, eq. 12). With the small variance it is infinite at index 0, which the bound treats apart.
    pub fn lambda(&self, t: usize, variance: VarianceKind) -> f64 {
        let step = self.step(t);
        step.lambda(step.variance(variance))
    }

    /// Refuses a number of steps that no schedule can have.
    pub(crate) fn check_timesteps(steps: usize) -> Result<()> {
        if (1..=Schedule::MAX_TIMESTEPS).contains(&steps) {
            return Ok(());
        }
        let why = format!("must be 1 to {}", Schedule::MAX_TIMESTEPS);
        Err(Error::parameter("schedule", "timesteps", steps, why))
    }

    /// Refuses indices that are not below T.
    pub(crate) fn check(&self, op: &'static str, t: &[usize]) -> Result<()> {
        let steps = self.num_timesteps();
        match t.iter().find(|&&t| t >= steps) {
            Some(&t) => Err(Error::Time { op, t, steps }),
            None => Ok(()),
        }
    }
}

/// `steps` evenly spaced numbers, both ends included.
fn linspace(steps: usize, start: f64, end: f64) -> Vec<f64> {
    let gaps = steps.saturating_sub(1).max(1) as f64;
    (0..steps).map(|i| (start * (gaps - i as f64) + end * i as f64) / gaps).collect()
}
