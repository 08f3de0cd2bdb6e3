use super::target::target;
use super::weighting::Weighting;
use crate::Decoder;
use crate::checks::one_each;
use crate::{Error, Level, Prediction, PredictionKind, Result, Schedule, VarianceKind};
use serde::{Deserialize, Serialize};
use std::f64::consts::{LN_2, PI};
use tweedie_tensor::{Element, Number, Tensor, ops};

const OP: &str = "training loss";

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// w_t ‖y − y_θ‖², its mean over places.
    #[default]
    SquaredError,
    /// L_vlb: T times the term of the bound at t, in bits a dimension (Ho et al. 2020, eq. 5), whose mean over t is the
    /// bound. Its weights are its own.
    Vlb,
    /// The squared error, and `vlb_weight` times L_vlb in which the mean is taken as given, so that it teaches the
    /// variance alone (Nichol and Dhariwal 2021, eq. 16; they take 0.001).
    Hybrid {
        /// The weight of L_vlb.
        vlb_weight: f64,
    },
}

/// A training loss: what is predicted, and how its error counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// What the network predicts.
    pub kind: PredictionKind,
    /// Whether the second half of its output says the variance ([`Prediction::range`]).
    pub learns_variance: bool,
    /// What is minimised.
    pub objective: Objective,
    /// The weight of the squared error over time.
    pub weighting: Weighting,
    /// The variance in the bound where the network has no say in it.
    pub variance: VarianceKind,
}

/// A batch's loss, and its derivative.
#[derive(Debug, Clone)]
pub struct LossValue<T: Element> {
    /// The loss of each sample.
    pub losses: Vec<f64>,
    /// The squared error of what is predicted, its mean over places, of each sample.
    pub squared_errors: Vec<f64>,
    /// The derivative of the mean of `importance` · `losses` by the network's output.
    pub gradient: Tensor<T>,
}

/// A sample's loss, and its derivatives by the two halves of the network's output.
struct Slopes<'a> {
    loss: &'a mut f64,
    by_value: &'a mut [f64],
    by_range: &'a mut [f64],
}

impl Loss {
    /// L_simple: the squared error of what is predicted, every time counting alike (Ho et al. 2020, eq. 14).
    pub fn simple(kind: PredictionKind) -> Loss {
        Loss {
            kind,
            learns_variance: false,
            objective: Objective::SquaredError,
            weighting: Weighting::Simple,
            variance: VarianceKind::FixedLarge,
        }
    }

    /// Refuses a loss that teaches nothing, or that no network could have.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn check(&self) -> Result<()> {
        match self.objective {
            Objective::Hybrid { vlb_weight } if !(vlb_weight > 0.0 && vlb_weight.is_finite()) => {
                Err(Error::parameter(OP, "vlb_weight", vlb_weight, "must be above 0"))
            }
            Objective::Hybrid { .. } if !self.learns_variance => {
                let why = "teaches the variance, which the network does not predict";
                Err(Error::parameter(OP, "objective", "hybrid", why))
            }
            Objective::SquaredError if self.learns_variance => {
                let why = "teaches no variance, which the network predicts; take hybrid or vlb";
                Err(Error::parameter(OP, "objective", "squared_error", why))
            }
            _ => Ok(()),
        }
    }

    /// The loss of a network's `output` at x_t = q_sample(x_0, t, noise), and its derivative by the output, sample i
    /// counting `importance`\[i\] times.
    ///
    /// # Errors
    /// [`Error::Time`], [`Error::Count`] and [`Error::Tensor`] for times or shapes that do not fit; as
    /// [`Weighting::weights`]; [`Error::Undetermined`] where the bound needs an x_0 that the prediction does not imply.
    pub fn evaluate<T: Element>(
        &self,
        schedule: &Schedule,
        x0: &Tensor<T>,
        noise: &Tensor<T>,
        t: &[usize],
        output: Tensor<T>,
        importance: &[f64],
    ) -> Result<LossValue<T>> {
        let n = t.len();
        one_each(OP, x0.shape(), "times", n)?;
        one_each(OP, x0.shape(), "importances", importance.len())?;
        let times = schedule.timesteps_at(t)?;
        let truth = target(self.kind, x0, noise, &times)?;
        let prediction = Prediction::from_output(self.kind, output, self.learns_variance)?;
        let each = x0.numel() / n.max(1);
        let (mut losses, mut squared_errors) = (vec![0.0; n], vec![0.0; n]);
        let mut by_value = vec![0.0; x0.numel()];
        let mut by_range = vec![0.0; if self.learns_variance { x0.numel() } else { 0 }];

        let difference = ops::combine(&[(&[1.0], &prediction.value), (&[-1.0], &truth)])?;
        let weights = match self.objective {
            Objective::Vlb => vec![0.0; n],
            _ => self.weighting.weights(schedule, self.kind, t)?,
        };
        for i in 0..n {
            let place = i * each..(i + 1) * each;
            for (slope, d) in by_value[place.clone()].iter_mut().zip(&difference.as_slice()[place]) {
                let d = d.to_f64();
                squared_errors[i] += d * d / each as f64;
                *slope = 2.0 * weights[i] * d / each as f64;
            }
            losses[i] = weights[i] * squared_errors[i];
        }
        let (vlb_weight, mean_counts) = match self.objective {
            Objective::SquaredError => (0.0, false),
            Objective::Vlb => (1.0, true),
            Objective::Hybrid { vlb_weight } => (vlb_weight, false),
        };
        if vlb_weight > 0.0 {
            let x_t = schedule.q_sample(x0, t, noise)?;
            let x0_hat = prediction.x0(&x_t, &times)?;
            for i in 0..n {
                let place = i * each..(i + 1) * each;
                let range = prediction.range.as_ref().map(|range| &range.as_slice()[place.clone()]);
                let slopes = Slopes {
                    loss: &mut losses[i],
                    by_value: &mut by_value[place.clone()],
                    by_range: if range.is_some() { &mut by_range[place.clone()] } else { &mut [] },
                };
                let scale = vlb_weight * schedule.num_timesteps() as f64 / (each as f64 * LN_2);
                let (x0, x0_hat) = (&x0.as_slice()[place.clone()], &x0_hat.as_slice()[place]);
                self.add_bound(schedule, t[i], x0, x0_hat, range, scale, mean_counts, slopes);
            }
        }
        let parts: Vec<Tensor<T>> = [by_value, by_range]
            .into_iter()
            .filter(|slopes| !slopes.is_empty())
            .map(|slopes| {
                let share = |i: usize| importance[i / each] / n as f64;
                Tensor::from_fn(*x0.shape(), |i| T::from_f64(share(i) * slopes[i]))
            })
            .collect();
        let gradient = ops::concat(&parts.iter().collect::<Vec<_>>(), 1)?;
        Ok(LossValue { losses, squared_errors, gradient })
    }

    /// Adds `scale` times the term of the bound at index `t`, in nats, and its derivatives.
    fn add_bound<T: Element>(
        &self,
        schedule: &Schedule,
        t: usize,
        x0: &[T],
        x0_hat: &[T],
        range: Option<&[T]>,
        scale: f64,
        mean_counts: bool,
        slopes: Slopes<'_>,
    ) {
        let step = schedule.step(t);
        let (of_x0, _) = step.posterior_mean_coefficients();
        let small = schedule.posterior_log_variance_clipped(t);
        let large = Number::ln(step.beta);
        let fixed = Number::ln(schedule.variance_clipped(t, self.variance));
        let posterior = step.posterior_variance();
        // How x̂_0 follows what is predicted, at the same x_t.
        let Level { signal, noise } = step.from;
        let (a, b) = self.kind.coefficients(step.from);
        let x0_by_value = -noise / (signal * b - noise * a);
        for i in 0..x0.len() {
            let (x0, x0_hat) = (x0[i].to_f64(), x0_hat[i].to_f64());
            let log_variance =
                range.map_or(fixed, |range| small + 0.5 * (1.0 + range[i].to_f64()) * (large - small));
            let (nats, by_x0_hat, by_log_variance) = if t == 0 {
                reconstruction(x0, x0_hat, log_variance)
            } else {
                // β̃ is cut at index 0 alone, so `small` is its logarithm here.
                divergence(of_x0, x0 - x0_hat, (posterior, small), log_variance)
            };
            *slopes.loss += scale * nats;
            if mean_counts {
                slopes.by_value[i] += scale * by_x0_hat * x0_by_value;
            }
            if range.is_some() {
                slopes.by_range[i] += scale * by_log_variance * 0.5 * (large - small);
            }
        }
    }
}

/// KL(N(c x_0, β̃) ‖ N(c x̂_0, σ²)) for an error e = x_0 − x̂_0, given β̃ and its logarithm; by x̂_0, and by ln σ².
fn divergence(c: f64, error: f64, (small, log_small): (f64, f64), log_variance: f64) -> (f64, f64, f64) {
    let precision = Number::exp(-log_variance);
    let apart = c * error;
    let spread = (small + apart * apart) * precision;
    let nats = 0.5 * (log_variance - log_small - 1.0 + spread);
    (nats, -c * apart * precision, 0.5 * (1.0 - spread))
}

/// −ln of the discretised N(x̂_0, σ²) at x_0 (Ho et al. 2020, eq. 13); by x̂_0, and by ln σ².
fn reconstruction(x0: f64, x0_hat: f64, log_variance: f64) -> (f64, f64, f64) {
    const HALF: f64 = 1.0 / 255.0;
    let sigma = Number::exp(0.5 * log_variance);
    let log_p = Decoder::Exact.log_probability(x0, x0_hat, sigma);
    // φ(z) / p at the two ends of the level; the ends of the outermost are at infinity, where φ is 0.
    let density = |end: f64| {
        let z = (end - x0_hat) / sigma;
        (z, Number::exp(-0.5 * z * z - 0.5 * Number::ln(2.0 * PI) - log_p))
    };
    let (low, at_low) = if x0 < HALF - 1.0 { (0.0, 0.0) } else { density(x0 - HALF) };
    let (high, at_high) = if x0 > 1.0 - HALF { (0.0, 0.0) } else { density(x0 + HALF) };
    (-log_p, (at_high - at_low) / sigma, 0.5 * (high * at_high - low * at_low))
}
