use crate::level::one_time_each;
use crate::{Error, Level, Result, Timestep};
use serde::{Deserialize, Serialize};
use std::fmt;
use tweedie_tensor::{Element, Tensor, ops};

/// What a model predicts. Every kind is, at a given level, a fixed combination a x_0 + b ε of the clean picture and the
/// noise, so any two are related through x_t = signal · x_0 + noise · ε.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum PredictionKind {
    /// The noise ε (Ho et al. 2020).
    #[serde(rename = "epsilon")]
    Epsilon,
    /// The clean picture x_0.
    #[serde(rename = "sample")]
    Sample,
    /// v = √ᾱ ε − √(1−ᾱ) x_0 (Salimans and Ho 2022, appendix D).
    #[serde(rename = "v_prediction")]
    V,
    /// The score ∇ log p(x_t) = −ε / noise (Song et al. 2021; the conditional one, whose mean given x_t is the score).
    #[serde(rename = "score")]
    Score,
    /// The velocity ε − x_0 of the straight path from the picture to the noise (Liu et al. 2023).
    #[serde(rename = "velocity")]
    Velocity,
    /// What the network inside EDM's preconditioning predicts: F in x̂_0 = c_skip x + c_out F, for x = x_t / signal and
    /// σ = noise / signal, with c_skip = σ_d²/(σ² + σ_d²) and c_out = σ σ_d/√(σ² + σ_d²) (Karras et al. 2022, table 1).
    /// Its variance is 1 at every level if the data's is σ_d²; with σ_d = 1, it is −v.
    #[serde(rename = "edm")]
    Edm {
        /// σ_d, the standard deviation of the data.
        sigma_data: f64,
    },
}

impl PredictionKind {
    /// (a, b) such that the predicted quantity is a x_0 + b ε at the given level.
    pub fn coefficients(self, level: Level) -> (f64, f64) {
        match self {
            PredictionKind::Epsilon => (0.0, 1.0),
            PredictionKind::Sample => (1.0, 0.0),
            PredictionKind::V => (-level.noise, level.signal),
            PredictionKind::Score => (0.0, -1.0 / level.noise),
            PredictionKind::Velocity => (-1.0, 1.0),
            PredictionKind::Edm { sigma_data } => {
                // F = (x_0 − c_skip x) / c_out, multiplied out so that σ may be infinite.
                let Level { signal, noise } = level;
                let total = (noise * noise + signal * signal * sigma_data * sigma_data).sqrt();
                (noise / (sigma_data * total), -signal * sigma_data / total)
            }
        }
    }

    /// By how much an error in x_0, carried over to this kind at the same x_t, is multiplied. An error δ in x_0 is
    /// one of −(signal / noise) δ in ε, so it is |a − b signal / noise|.
    pub(crate) fn per_x0(self, level: Level) -> f64 {
        let (a, b) = self.coefficients(level);
        (a - b * level.signal / level.noise).abs()
    }

    /// By how much an error in ε is multiplied: as [`PredictionKind::per_x0`], from the other end.
    pub(crate) fn per_epsilon(self, level: Level) -> f64 {
        let (a, b) = self.coefficients(level);
        (b - a * level.noise / level.signal).abs()
    }

    /// Whether a prediction of this kind implies an x_0 at the given level: ε and the score do not where no signal is
    /// left.
    pub fn determines_x0(self, level: Level) -> bool {
        let (a, b) = self.coefficients(level);
        level.signal * b != level.noise * a
    }
}

impl fmt::Display for PredictionKind {
    /// The symbol of what is predicted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PredictionKind::Epsilon => "ε",
            PredictionKind::Sample => "x_0",
            PredictionKind::V => "v",
            PredictionKind::Score => "the score",
            PredictionKind::Velocity => "the velocity",
            PredictionKind::Edm { .. } => "F",
        })
    }
}

/// What a denoiser answers: a tensor of x_t's shape, and what it is a prediction of.
#[derive(Debug, Clone)]
pub struct Prediction<T: Element> {
    /// What is predicted.
    pub kind: PredictionKind,
    /// The prediction.
    pub value: Tensor<T>,
    /// The model's own say on the variance of the reverse step, of the same shape: log σ² = u log β + (1 − u) log β̃ with
    /// u = (1 + range)/2, so that −1 is the small variance and 1 the large one (Nichol and Dhariwal 2021, eq. 15).
    pub range: Option<Tensor<T>>,
}

impl<T: Element> Prediction<T> {
    /// A prediction of the given kind.
    pub fn new(kind: PredictionKind, value: Tensor<T>) -> Prediction<T> {
        Prediction { kind, value, range: None }
    }

    /// The prediction in a network's output: all of it, or where it `learns_variance` the first half of its channels,
    /// and the range in the second.
    ///
    /// # Errors
    /// [`Error::Tensor`] when the channels (the second axis) are not two halves.
    pub fn from_output(
        kind: PredictionKind,
        output: Tensor<T>,
        learns_variance: bool,
    ) -> Result<Prediction<T>> {
        if !learns_variance {
            return Ok(Prediction::new(kind, output));
        }
        let half = output.dims().get(1).map_or(0, |channels| channels / 2);
        let value = ops::narrow(&output, 1, 0, half)?;
        let range = ops::narrow(&output, 1, half, half)?;
        Ok(Prediction { kind, value, range: Some(range) })
    }

    /// The quantity of kind `to` that this prediction implies for `x_t` at times `t` (one a sample).
    ///
    /// From x_t = s x_0 + n ε and y = a x_0 + b ε follows, with D = s b − n a,
    /// c x_0 + d ε = ((c b − d a) x_t + (d s − c n) y) / D. Where c b = d a, one is a multiple of the other.
    ///
    /// # Errors
    /// [`Error::Undetermined`] where D = 0 otherwise: ε says nothing about x_0 where no signal is left, nor x_0 about ε where
    /// there is no noise. [`Error::Count`] unless there is one time a sample, [`Error::Tensor`] when shapes differ.
    pub fn convert(&self, to: PredictionKind, x_t: &Tensor<T>, t: &[Timestep]) -> Result<Tensor<T>> {
        one_time_each("convert", x_t.shape(), t.len())?;
        if to == self.kind {
            return Ok(self.value.clone());
        }
        let (mut of_x, mut of_y) = (Vec::with_capacity(t.len()), Vec::with_capacity(t.len()));
        for time in t {
            let Level { signal, noise } = time.level();
            let ((a, b), (c, d)) = (self.kind.coefficients(time.level()), to.coefficients(time.level()));
            let (determinant, across) = (signal * b - noise * a, c * b - d * a);
            if across == 0.0 {
                of_x.push(0.0);
                of_y.push(if b == 0.0 { c / a } else { d / b });
                continue;
            }
            if determinant == 0.0 {
                return Err(Error::Undetermined { from: self.kind, to, t: time.clock(), signal, noise });
            }
            of_x.push(across / determinant);
            of_y.push((d * signal - c * noise) / determinant);
        }
        Ok(ops::combine(&[(&of_x, x_t), (&of_y, &self.value)])?)
    }

    /// The implied clean picture x̂_0.
    ///
    /// # Errors
    /// As [`Prediction::convert`].
    pub fn x0(&self, x_t: &Tensor<T>, t: &[Timestep]) -> Result<Tensor<T>> {
        self.convert(PredictionKind::Sample, x_t, t)
    }

    /// The implied noise ε̂.
    ///
    /// # Errors
    /// As [`Prediction::convert`].
    pub fn epsilon(&self, x_t: &Tensor<T>, t: &[Timestep]) -> Result<Tensor<T>> {
        self.convert(PredictionKind::Epsilon, x_t, t)
    }

    /// The implied v.
    ///
    /// # Errors
    /// As [`Prediction::convert`].
    pub fn v(&self, x_t: &Tensor<T>, t: &[Timestep]) -> Result<Tensor<T>> {
        self.convert(PredictionKind::V, x_t, t)
    }
}
