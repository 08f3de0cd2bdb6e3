use super::decoder::Decoder;
use crate::checks::one_time_each;
use crate::{Clip, Condition, Denoiser, Result, Schedule, VarianceKind, predict_finite};
use tweedie_tensor::{Element, Number, Tensor};

/// The bound of a reverse process over a schedule: its variance, what is done to x̂_0, and its last step.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    schedule: &'a Schedule,
    variance: VarianceKind,
    clip: Clip,
    decoder: Decoder,
}

/// One term for one sample, in nats: L_{t−1} in two parts, or L_0 in the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Term {
    /// ‖μ̃ − μ_θ‖² / 2σ², the part that training can lower; at index 0 all of −log p_θ(x_0 | x_1).
    pub mean: f64,
    /// C_t, what a variance that is not the posterior's costs: Σ ½ (ln(σ²/β̃) − 1 + β̃/σ²) over places.
    pub constant: f64,
    /// ‖x_0 − x̂_0‖², the distortion at this time.
    pub square_error: f64,
}

impl Term {
    /// The whole term.
    pub fn nats(&self) -> f64 {
        self.mean + self.constant
    }
}

impl<'a> Bound<'a> {
    /// Without clipping, with the exact decoder. `variance` is that of steps on which the denoiser has no say itself.
    pub fn new(schedule: &'a Schedule, variance: VarianceKind) -> Bound<'a> {
        Bound { schedule, variance, clip: Clip::Off, decoder: Decoder::Exact }
    }

    /// The same bound, with x̂_0 clipped: a reverse process of its own, as good a bound.
    pub fn clip(self, clip: Clip) -> Bound<'a> {
        Bound { clip, ..self }
    }

    /// The same bound, with another last step.
    pub fn decoder(self, decoder: Decoder) -> Bound<'a> {
        Bound { decoder, ..self }
    }

    /// The schedule.
    pub fn schedule(&self) -> &'a Schedule {
        self.schedule
    }

    /// L_T = KL(q(x_T | x_0) ‖ N(0, I)) of each sample (leading axis), in closed form:
    /// Σ ½ (ᾱ_T x_0² + (1−ᾱ_T) − 1 − ln(1−ᾱ_T)) over places.
    pub fn prior<T: Element>(&self, x0: &Tensor<T>) -> Vec<f64> {
        let last = self.schedule.level(self.schedule.num_timesteps() - 1);
        let (signal, noise) = (last.signal * last.signal, last.noise * last.noise);
        let each = noise - 1.0 - Number::ln(noise);
        let nats = |x: &T| 0.5 * (signal * x.to_f64() * x.to_f64() + each);
        samples(x0, x0.dims().first().copied().unwrap_or(1))
            .map(|sample| sample.iter().map(nats).sum())
            .collect()
    }

    /// C_t at index `t`, in nats a dimension: what the fixed variance costs, however good the mean is. 0 at index 0.
    pub fn constant(&self, t: usize) -> f64 {
        if t == 0 {
            0.0
        } else {
            self.schedule.step(t).kl_constant(self.schedule.variance_clipped(t, self.variance))
        }
    }

    /// The term of each sample (leading axis) at its own index `t`, with x_t made by `noise`: at index 0
    /// L_0 = −log p_θ(x_0 | x_1), at others L_{t−1} = KL(q(x_{t−1} | x_t, x_0) ‖ p_θ(x_{t−1} | x_t)) of the papers'
    /// t, one more than the index.
    ///
    /// # Errors
    /// [`Error::Time`](crate::Error::Time) and [`Error::Count`](crate::Error::Count) unless there is one index below
    /// T a sample; as [`predict_finite`]; [`Error::Undetermined`](crate::Error::Undetermined) where the prediction
    /// implies no x_0; [`Error::Tensor`](crate::Error::Tensor) when `noise` has another shape than `x0`.
    pub fn terms<T: Element>(
        &self,
        denoiser: &(impl Denoiser<T> + ?Sized),
        x0: &Tensor<T>,
        t: &[usize],
        noise: &Tensor<T>,
        condition: &Condition,
    ) -> Result<Vec<Term>> {
        one_time_each("bound", x0.shape(), t.len())?;
        let x_t = self.schedule.q_sample(x0, t, noise)?;
        let times = self.schedule.timesteps_at(t)?;
        let prediction = predict_finite(denoiser, &x_t, &times, condition)?;
        let x0_hat = self.clip.apply(prediction.x0(&x_t, &times)?);
        let mut ranges = prediction.range.as_ref().map(|range| samples(range, t.len()));
        let pairs = samples(x0, t.len()).zip(samples(&x0_hat, t.len()));
        let terms = pairs.zip(t).map(|((x0, x0_hat), &t)| {
            let range = ranges.as_mut().and_then(Iterator::next);
            self.term(t, x0, x0_hat, range)
        });
        Ok(terms.collect())
    }

    /// The term of one sample.
    fn term<T: Element>(&self, t: usize, x0: &[T], x0_hat: &[T], range: Option<&[T]>) -> Term {
        let step = self.schedule.step(t);
        // The means differ by what x̂_0 is off, times its coefficient: taken so, nothing cancels.
        let (of_x0, _) = step.posterior_mean_coefficients();
        let (fixed, constant) = (self.schedule.variance_clipped(t, self.variance), self.constant(t));
        let mut term = Term { mean: 0.0, constant: 0.0, square_error: 0.0 };
        for (place, (x0, x0_hat)) in x0.iter().zip(x0_hat).enumerate() {
            let (x0, x0_hat) = (x0.to_f64(), x0_hat.to_f64());
            let error = x0 - x0_hat;
            term.square_error += error * error;
            let variance =
                range.map_or(fixed, |range| self.schedule.learned_variance(t, range[place].to_f64()));
            if t == 0 {
                term.mean -= self.decoder.log_probability(x0, x0_hat, variance.sqrt());
            } else {
                term.mean += of_x0 * of_x0 * error * error / (2.0 * variance);
                term.constant += if range.is_some() { step.kl_constant(variance) } else { constant };
            }
        }
        term
    }
}

/// The samples of a batch, one slice each.
fn samples<T: Element>(x: &Tensor<T>, count: usize) -> impl Iterator<Item = &[T]> {
    let each = x.numel() / count.max(1);
    x.as_slice().chunks(each.max(1))
}
