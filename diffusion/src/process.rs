use crate::checks::one_time_each;
use crate::{Clip, Level, Prediction, Result, Schedule, Transition, VarianceKind};
use tweedie_tensor::{Element, Number, Tensor, ops};

/// Independent normals around a mean.
#[derive(Debug, Clone)]
pub struct Gaussian<T: Element> {
    /// The mean.
    pub mean: Tensor<T>,
    /// The variance of each sample; of each place of each, where a model has its say.
    pub variance: Vec<f64>,
    /// Its natural logarithm. Where a reverse step ends at the clean picture the posterior's variance is 0; the
    /// logarithm is then that of the next step's, so that it can be worked with.
    pub log_variance: Vec<f64>,
}

/// The forward process, its posterior, and the reverse step. Each sample has its own index `t`.
impl Schedule {
    /// A draw of q(x_t | x_0): x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε (Ho et al. 2020, eq. 4).
    ///
    /// It is what t + 1 steps x_t = √(1−β_t) x_{t−1} + √β_t z compose to. The root matters: with the mean
    /// (1−β_t) x_{t−1} that popular notes print, the variance does not stay 1 but falls to 0.504924.
    ///
    /// ```
    /// use tweedie_diffusion::Schedule;
    /// let schedule = Schedule::linear(1000, 1e-4, 0.02)?;
    /// let (mut with_root, mut without) = (1.0f64, 1.0f64);
    /// for beta in schedule.betas() {
    ///     with_root = (1.0 - beta) * with_root + beta;
    ///     without = (1.0 - beta) * (1.0 - beta) * without + beta;
    /// }
    /// assert!((with_root - 1.0).abs() < 1e-12);
    /// assert!((without - 0.504924).abs() < 1e-6);
    /// # Ok::<(), tweedie_diffusion::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Time`](crate::Error::Time) and [`Error::Count`](crate::Error::Count) unless there is one index below T a sample; [`Error::Tensor`](crate::Error::Tensor) when
    /// `noise` has another shape than `x0`.
    pub fn q_sample<T: Element>(&self, x0: &Tensor<T>, t: &[usize], noise: &Tensor<T>) -> Result<Tensor<T>> {
        let levels = self.levels_of("q_sample", x0, t)?;
        let (signal, sigma): (Vec<f64>, Vec<f64>) = levels.map(|level| (level.signal, level.noise)).unzip();
        Ok(ops::combine(&[(&signal, x0), (&sigma, noise)])?)
    }

    /// q(x_t | x_0) = N(√ᾱ_t x_0, (1−ᾱ_t) I) (Ho et al. 2020, eq. 4).
    ///
    /// # Errors
    /// As [`Schedule::q_sample`].
    pub fn q_mean_variance<T: Element>(&self, x0: &Tensor<T>, t: &[usize]) -> Result<Gaussian<T>> {
        let levels = self.levels_of("q_mean_variance", x0, t)?;
        let (signal, variance): (Vec<f64>, Vec<f64>) =
            levels.map(|level| (level.signal, level.noise * level.noise)).unzip();
        let log_variance = variance.iter().map(|&v| Number::ln(v)).collect();
        Ok(Gaussian { mean: ops::combine(&[(&signal, x0)])?, variance, log_variance })
    }

    /// The posterior q(x_{t−1} | x_t, x_0) = N(μ̃_t, β̃_t I) (Ho et al. 2020, eqs. 6 and 7).
    ///
    /// # Errors
    /// As [`Schedule::q_sample`].
    pub fn q_posterior<T: Element>(
        &self,
        x0: &Tensor<T>,
        x_t: &Tensor<T>,
        t: &[usize],
    ) -> Result<Gaussian<T>> {
        self.reverse("q_posterior", x0, x_t, t, VarianceKind::FixedSmall)
    }

    /// The reverse step p_θ(x_{t−1} | x_t) that a prediction at `x_t` implies: the posterior's mean with x̂_0, clipped
    /// or not, in the place of x_0 (Ho et al. 2020, eq. 11), and its own variance, or the fixed one where it has none.
    ///
    /// # Errors
    /// As [`Schedule::q_sample`], and [`Error::Undetermined`](crate::Error::Undetermined) where the prediction implies no x_0.
    pub fn p_mean_variance<T: Element>(
        &self,
        prediction: &Prediction<T>,
        x_t: &Tensor<T>,
        t: &[usize],
        variance: VarianceKind,
        clip: Clip,
    ) -> Result<Gaussian<T>> {
        let x0_hat = clip.apply(prediction.x0(x_t, &self.timesteps_at(t)?)?);
        let fixed = self.reverse("p_mean_variance", &x0_hat, x_t, t, variance)?;
        let Some(range) = &prediction.range else { return Ok(fixed) };
        let each = range.numel() / t.len().max(1);
        let samples = range.as_slice().chunks(each.max(1)).zip(t);
        let variance: Vec<f64> = samples
            .flat_map(|(ranges, &t)| ranges.iter().map(move |range| self.learned_variance(t, range.to_f64())))
            .collect();
        let log_variance = variance.iter().map(|&v| Number::ln(v)).collect();
        Ok(Gaussian { mean: fixed.mean, variance, log_variance })
    }

    fn reverse<T: Element>(
        &self,
        op: &'static str,
        x0: &Tensor<T>,
        x_t: &Tensor<T>,
        t: &[usize],
        kind: VarianceKind,
    ) -> Result<Gaussian<T>> {
        self.check(op, t)?;
        one_time_each(op, x_t.shape(), t.len())?;
        let steps: Vec<Transition> = t.iter().map(|&t| self.step(t)).collect();
        let (of_x0, of_xt): (Vec<f64>, Vec<f64>) =
            steps.iter().map(Transition::posterior_mean_coefficients).unzip();
        let variance = steps.iter().map(|step| step.variance(kind)).collect();
        let log_variance = t.iter().map(|&t| Number::ln(self.variance_clipped(t, kind))).collect();
        Ok(Gaussian { mean: ops::combine(&[(&of_x0, x0), (&of_xt, x_t)])?, variance, log_variance })
    }

    fn levels_of<T: Element>(
        &self,
        op: &'static str,
        x: &Tensor<T>,
        t: &[usize],
    ) -> Result<impl Iterator<Item = Level>> {
        self.check(op, t)?;
        one_time_each(op, x.shape(), t.len())?;
        Ok(t.iter().map(|&t| self.level(t)))
    }
}
