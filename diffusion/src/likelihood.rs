//! Log-likelihood by the probability-flow ODE (Song et al. 2021, section 4.3 and appendix D).
//!
//! Along the path y = cos φ x_0 + sin φ ε, which is x_t scaled to unit level, with tan φ = noise / signal, samples of the
//! marginals move by dy/dφ = v = cos φ ε̂ − sin φ x̂_0, and the density along with them by
//! d log p(y)/dφ = −tr ∂v/∂y. The prior's density at the noisy end thus gives that of a picture.

use crate::checks::one_time_each;
use crate::purpose;
use crate::{
    Condition, Denoiser, Error, GaussianDenoiser, Level, Prediction, PredictionKind, Result, Schedule,
    Timestep,
};
use std::f64::consts::TAU;
use tweedie_tensor::random;
use tweedie_tensor::{Element, Number, Tensor, ops};

/// Streams of probes are numbered from here, apart from a measurement's other noise.
const PROBES: u64 = 1 << 41;

/// A denoiser that can say how its prediction changes with x_t.
pub trait JacobianProbe<T: Element>: Denoiser<T> {
    /// The prediction y_θ at `x_t`, and for each sample ⟨z, (∂y_θ/∂x_t) z⟩ with its part z of `probe`. For z of
    /// independent entries of mean 0 and variance 1, the expectation is the trace (Hutchinson 1990).
    ///
    /// # Errors
    /// As [`Denoiser::predict`].
    fn predict_with_probe(
        &self,
        x_t: &Tensor<T>,
        t: &[Timestep],
        condition: &Condition,
        probe: &Tensor<T>,
    ) -> Result<(Prediction<T>, Vec<f64>)>;
}

impl<T: Element> JacobianProbe<T> for GaussianDenoiser<T> {
    /// The Jacobian is the gain, times the identity.
    fn predict_with_probe(
        &self,
        x_t: &Tensor<T>,
        t: &[Timestep],
        condition: &Condition,
        probe: &Tensor<T>,
    ) -> Result<(Prediction<T>, Vec<f64>)> {
        let prediction = self.predict(x_t, t, condition)?;
        let squares = per_sample(probe, probe, t.len());
        let traces = squares.into_iter().zip(t).map(|(z, time)| z * self.gain(time.level())).collect();
        Ok((prediction, traces))
    }
}

/// Any denoiser, probed by central differences (y_θ(x + hz) − y_θ(x − hz)) / 2h: for exact ones in f64, to about h².
#[derive(Debug, Clone, Copy)]
pub struct CentralDifferences<D> {
    /// The denoiser.
    pub denoiser: D,
    /// The step h; 1e-5 suits f64.
    pub step: f64,
}

impl<T: Element, D: Denoiser<T>> Denoiser<T> for CentralDifferences<D> {
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], condition: &Condition) -> Result<Prediction<T>> {
        self.denoiser.predict(x_t, t, condition)
    }
}

impl<T: Element, D: Denoiser<T>> JacobianProbe<T> for CentralDifferences<D> {
    fn predict_with_probe(
        &self,
        x_t: &Tensor<T>,
        t: &[Timestep],
        condition: &Condition,
        probe: &Tensor<T>,
    ) -> Result<(Prediction<T>, Vec<f64>)> {
        let at = |h: f64| -> Result<Tensor<T>> {
            Ok(self.predict(&ops::combine(&[(&[1.0], x_t), (&[h], probe)])?, t, condition)?.value)
        };
        let slope = 0.5 / self.step;
        let change = ops::combine(&[(&[slope], &at(self.step)?), (&[-slope], &at(-self.step)?)])?;
        Ok((self.predict(x_t, t, condition)?, per_sample(&change, probe, t.len())))
    }
}

/// What the trace of the Jacobian is estimated with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Probe {
    /// ±1 with equal odds: the least variance of all.
    #[default]
    Rademacher,
    /// Standard normals.
    Normal,
}

impl Probe {
    /// The probes of the samples from number `first` on.
    fn draw<T: Element>(self, like: &Tensor<T>, seed: u64, first: u64) -> Tensor<T> {
        let mut z: Tensor<T> = random::normal(*like.shape(), seed, purpose::EVALUATION, PROBES, first);
        if self == Probe::Rademacher {
            z.as_mut_slice().iter_mut().for_each(|z| *z = T::from_f64(1f64.copysign(z.to_f64())));
        }
        z
    }
}

/// The probability-flow ODE over levels of a schedule, solved by Heun's method (of second order) in
/// u = ln tan φ = −½ ln SNR, in which what a denoiser sees changes evenly. It ends at the last level that holds signal.
///
/// It starts at the schedule's first level and not at a clean picture: the density is that of pictures with that
/// level's noise added, a density like any other, so that the bits it comes to are those of a code.
#[derive(Debug, Clone)]
pub struct ProbabilityFlow {
    times: Vec<Timestep>,
    probe: Probe,
}

impl ProbabilityFlow {
    /// The flow from the first index of the schedule to the last with signal in about `steps` steps, even in u as far as there are
    /// indices, between which a network is not asked.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there are fewer than two indices, or no step.
    pub fn new(schedule: &Schedule, steps: usize) -> Result<ProbabilityFlow> {
        let signal = |&t: &usize| schedule.level(t).signal > 0.0;
        let last = (0..schedule.num_timesteps()).rev().find(signal).unwrap_or(0);
        if steps == 0 || last == 0 {
            let why = "the flow needs at least one, over a schedule of at least two levels with signal";
            return Err(Error::parameter("probability flow", "steps", steps, why));
        }
        let u = |t: usize| angle(schedule.level(t)).1;
        let (low, high) = (u(0), u(last));
        let mut indices = vec![0];
        for t in 1..last {
            let due = low + (high - low) * indices.len() as f64 / steps as f64;
            if u(t) >= due && indices.len() < steps {
                indices.push(t);
            }
        }
        indices.push(last);
        Ok(ProbabilityFlow { times: schedule.timesteps_at(&indices)?, probe: Probe::default() })
    }

    /// The same flow, probed otherwise.
    pub fn probe(self, probe: Probe) -> ProbabilityFlow {
        ProbabilityFlow { probe, ..self }
    }

    /// How many times the denoiser is asked.
    pub fn evaluations(&self) -> usize {
        2 * (self.times.len() - 1)
    }

    /// ln p of each sample of `x` (leading axis; numbered from `first`, which with the seed gives the probes), as
    /// clean pictures: per unit of x_0. Estimated with one probe a sample, and unbiased but for the solver.
    ///
    /// # Errors
    /// Those of the denoiser; [`Error::Undetermined`] where its prediction implies no v.
    pub fn log_density<T: Element>(
        &self,
        denoiser: &(impl JacobianProbe<T> + ?Sized),
        x: &Tensor<T>,
        condition: &Condition,
        seed: u64,
        first: u64,
    ) -> Result<Vec<f64>> {
        let samples = x.dims().first().copied().unwrap_or(1);
        let dims = (x.numel() / samples.max(1)) as f64;
        let z = self.probe.draw(x, seed, first);
        let squares = per_sample(&z, &z, samples);
        let slope = |y: &Tensor<T>, t: Timestep| velocity(denoiser, y, t, condition, &z, &squares);

        let (phi, _) = angle(self.times[0].level());
        let mut y = ops::combine(&[(&[Number::cos(phi)], x)])?;
        let mut log_density = vec![dims * Number::ln(Number::cos(phi)); samples];
        for pair in self.times.windows(2) {
            let h = angle(pair[1].level()).1 - angle(pair[0].level()).1;
            let (start, start_trace) = slope(&y, pair[0])?;
            let ahead = ops::combine(&[(&[1.0], &y), (&[h], &start)])?;
            let (end, end_trace) = slope(&ahead, pair[1])?;
            y = ops::combine(&[(&[1.0], &y), (&[0.5 * h], &start), (&[0.5 * h], &end)])?;
            for (sum, (a, b)) in log_density.iter_mut().zip(start_trace.iter().zip(&end_trace)) {
                *sum += 0.5 * h * (a + b);
            }
        }
        for (sum, square) in log_density.iter_mut().zip(per_sample(&y, &y, samples)) {
            *sum -= 0.5 * (square + dims * Number::ln(TAU));
        }
        Ok(log_density)
    }
}

/// φ, and u = ln tan φ; dφ = sin φ cos φ du.
fn angle(level: Level) -> (f64, f64) {
    (libm::atan2(level.noise, level.signal), Number::ln(level.noise / level.signal))
}

/// dy/du at a time, and the probed trace of its Jacobian.
fn velocity<T: Element>(
    denoiser: &(impl JacobianProbe<T> + ?Sized),
    y: &Tensor<T>,
    t: Timestep,
    condition: &Condition,
    z: &Tensor<T>,
    squares: &[f64],
) -> Result<(Tensor<T>, Vec<f64>)> {
    let Level { signal, noise } = t.level();
    let radius = signal.hypot(noise);
    let speed = noise * signal / (radius * radius);
    let x = ops::combine(&[(&[radius], y)])?;
    let times = vec![t; squares.len()];
    one_time_each("probability flow", x.shape(), times.len())?;
    let (prediction, traces) = denoiser.predict_with_probe(&x, &times, condition, z)?;
    // v = radius⁻¹ (signal ε̂ − noise x̂_0) is linear in x and in the prediction; so is its trace, by the same factors.
    let of = |x: f64, y: f64| -> Result<f64> {
        let prediction = Prediction::new(prediction.kind, Tensor::full([1, 1], y));
        let v = prediction.v(&Tensor::full([1, 1], x), &[t])?;
        Ok(v.as_slice()[0])
    };
    let (of_x, of_y) = (of(1.0, 0.0)?, of(0.0, 1.0)?);
    let scale = speed / radius;
    let v = ops::combine(&[(&[scale * of_x], &x), (&[scale * of_y], &prediction.value)])?;
    let trace = |(square, trace): (&f64, &f64)| speed * (of_x * square + of_y * trace);
    let traces = squares.iter().zip(&traces).map(trace).collect();
    if !v.all_finite() {
        return Err(Error::NotFinite { kind: PredictionKind::V, t: t.clock(), sample: 0 });
    }
    Ok((v, traces))
}

/// ⟨a, b⟩ of each sample.
fn per_sample<T: Element>(a: &Tensor<T>, b: &Tensor<T>, samples: usize) -> Vec<f64> {
    let each = (a.numel() / samples.max(1)).max(1);
    let pairs = a.as_slice().chunks(each).zip(b.as_slice().chunks(each));
    pairs.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum()).collect()
}
