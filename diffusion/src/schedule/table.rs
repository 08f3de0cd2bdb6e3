use crate::time::transition::between_in_log;
use crate::{Error, Level, Result, Timestep, Transition, VarianceKind};
use tweedie_tensor::Number;

/// The variances β_t of the T steps of a discrete diffusion, and what follows from them, in f64.
///
/// Families are constructors ([`Schedule::linear`] and its like); all but [`Schedule::rectified_flow`] and what
/// [`Schedule::from_levels`] is given preserve the variance: α_t = 1 − β_t.
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

    /// The diffusion through given levels of signal and noise, whose ratio falls from one to the next, to no signal at
    /// the last or above: α_t = (s_t/s_{t−1})² and β_t = n_t² (1 − SNR_t/SNR_{t−1}). They need not preserve the
    /// variance.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there are none (or more than [`Schedule::MAX_TIMESTEPS`]); [`Error::Beta`] where the
    /// ratio does not fall, or the signal ends before the last.
    pub fn from_levels(levels: Vec<Level>) -> Result<Schedule> {
        let last = levels.len().saturating_sub(1);
        let before = [Level::CLEAN].into_iter().chain(levels.iter().copied());
        let (mut alphas, mut betas) = (Vec::with_capacity(levels.len()), Vec::with_capacity(levels.len()));
        for (t, (level, before)) in levels.iter().zip(before).enumerate() {
            let step = Transition::between(*level, before);
            if !(step.beta > 0.0 && step.beta.is_finite() && (step.alpha > 0.0 || t == last)) {
                return Err(Error::Beta { t, beta: step.beta });
            }
            alphas.push(step.alpha);
            betas.push(step.beta);
        }
        let alphas_cumprod = levels.iter().map(|level| level.signal * level.signal).collect();
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

    /// α_t, for t = 1, …, T: 1 − β_t where the variance is preserved.
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

    /// The signal √ᾱ and the noise, √(1−ᾱ) where the variance is preserved, at index `t`. The noise is computed without
    /// the cancellation of 1 − ᾱ.
    pub fn level(&self, t: usize) -> Level {
        self.levels[t]
    }

    /// [`Schedule::level`] of every index.
    pub(crate) fn levels(&self) -> &[Level] {
        &self.levels
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
        2.0 * (Number::ln(self.levels[t].signal) - Number::ln(self.levels[t].noise))
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
        Number::ln(self.posterior_variance_clipped(t))
    }

    /// [`Transition::variance`] at index `t`, with β̃_2 standing in for the 0 of the small variance at index 0.
    pub(crate) fn variance_clipped(&self, t: usize, kind: VarianceKind) -> f64 {
        match kind {
            VarianceKind::FixedLarge => self.betas[t],
            VarianceKind::FixedSmall => self.posterior_variance_clipped(t),
        }
    }

    fn posterior_variance_clipped(&self, t: usize) -> f64 {
        match (t, self.num_timesteps()) {
            (0, 1) => self.betas[0],
            (0, _) => self.posterior_variance(1),
            _ => self.posterior_variance(t),
        }
    }

    /// The variance of the step from index `t` where the model has its own say: between β̃ at `range` = −1 and β at 1,
    /// evenly in the logarithm (Nichol and Dhariwal 2021, eq. 15); at index 0, β̃_2 stands in for 0.
    pub fn learned_variance(&self, t: usize, range: f64) -> f64 {
        between_in_log(self.betas[t], self.posterior_variance_clipped(t), range)
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
