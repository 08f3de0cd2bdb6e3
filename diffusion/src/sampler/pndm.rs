use super::conditioned::Conditioned;
use super::history::{History, Past};
use super::run::{Sampler, State};
use super::weighted_sum::weighted_sum;
use crate::{Clip, Error, Level, Prediction, PredictionKind, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor};

/// Pseudo numerical methods (Liu et al. 2022, algorithms 1 and 2): multistep methods for ε̂ as a function of time, each
/// followed by a DDIM step with the ε̂ that they mix. Where ε̂ is constant, any step is exact.
///
/// Steps are Adams and Bashforth's of up to four ε̂ (eq. 12, "PLMS"), after three Runge–Kutta steps of four evaluations each
/// (eq. 13, "PRK"), or after one step of two evaluations that takes the mean of the ε̂ at its two ends, and lower orders.
/// The formulas assume steps of even length.
#[derive(Debug, Clone)]
pub struct Pndm {
    steps: Vec<Vec<Stage>>,
    mixes_outputs: bool,
    clip: Clip,
}

/// An evaluation in a step, and the DDIM step that is taken next with what was mixed until then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage {
    /// Where the model is asked.
    pub(crate) t: Timestep,
    /// Where the DDIM step starts, with the sample that the whole step started from.
    pub(crate) from: Timestep,
    /// Where it ends.
    pub(crate) to: Level,
}

impl Pndm {
    /// How many Runge–Kutta steps come first, if any.
    pub(crate) const RUNGE_KUTTA_STEPS: usize = 3;

    /// A sampler over `times` that starts with a step of two evaluations, without clipping.
    ///
    /// # Errors
    /// [`Error::Parameter`] for times that start from pure noise, in which ε̂ is all that there is.
    pub fn new(times: &Times) -> Result<Pndm> {
        let steps = times.steps().iter().enumerate().map(|(step, &Step { from, to, .. })| {
            let mean = (step == 0 && to.level().noise > 0.0).then_some(to);
            let at = [from].into_iter().chain(mean);
            at.map(|t| Stage { t, from, to: to.level() }).collect()
        });
        Pndm::of_stages(steps.collect())
    }

    /// A sampler over `times` that starts with three Runge–Kutta steps, without clipping.
    ///
    /// # Errors
    /// [`Error::Parameter`] for less than four steps, or times that start from pure noise.
    pub fn with_runge_kutta(times: &Times) -> Result<Pndm> {
        if times.steps().len() <= Pndm::RUNGE_KUTTA_STEPS {
            let why = "must be at least 4, the first three being Runge-Kutta's";
            return Err(Error::parameter("PNDM", "steps", times.steps().len(), why));
        }
        let steps = times.steps().iter().enumerate().map(|(step, &Step { from, to, .. })| {
            let stage = |t: Timestep, to: Timestep| Stage { t, from, to: to.level() };
            if step >= Pndm::RUNGE_KUTTA_STEPS {
                return vec![stage(from, to)];
            }
            let half = times.at_clock(0.5 * (from.clock() + to.clock()));
            vec![stage(from, half), stage(half, half), stage(half, to), stage(to, to)]
        });
        Pndm::of_stages(steps.collect())
    }

    /// A sampler of given steps. The number of stages tells the method: four are Runge and Kutta's, two take the mean
    /// of the ends, one is Adams and Bashforth's.
    pub(crate) fn of_stages(steps: Vec<Vec<Stage>>) -> Result<Pndm> {
        if steps.iter().flatten().any(|stage| stage.from.level().signal == 0.0) {
            let why = "no signal is left at the first time, and a step cannot be told by the noise alone";
            return Err(Error::parameter("PNDM", "signal", 0, why));
        }
        Ok(Pndm { steps, mixes_outputs: false, clip: Clip::Off })
    }

    /// Whether what the model predicts is mixed as it is, and read as ε̂ at the start of the step, as diffusers has it; of
    /// lower order, unless it is ε. x̂_0 is not clipped then.
    pub fn mixing_outputs(self, mixes_outputs: bool) -> Pndm {
        Pndm { mixes_outputs, ..self }
    }

    /// The same sampler, with x̂_0 clipped, and ε̂ what then explains x.
    pub fn clip(self, clip: Clip) -> Pndm {
        Pndm { clip, ..self }
    }

    /// x̂_0, and what is mixed.
    fn look<T: Element>(
        &self,
        model: &Conditioned<'_, T>,
        x: &Tensor<T>,
        t: Timestep,
    ) -> Result<(Tensor<T>, Prediction<T>)> {
        if self.mixes_outputs {
            let (prediction, times) = model.predict(x, t)?;
            Ok((prediction.x0(x, &times)?, prediction))
        } else {
            let (x0, epsilon) = model.x0_and_epsilon(x, t, self.clip)?;
            Ok((x0, Prediction::new(PredictionKind::Epsilon, epsilon)))
        }
    }
}

/// The weights of the ε̂ of the stages so far, the last one first, in the DDIM step that follows.
fn stage_weights(stage: usize, stages: usize) -> &'static [f64] {
    match (stage, stages) {
        (3, _) => &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
        (1, 2) => &[0.5, 0.5],
        _ => &[1.0],
    }
}

/// The weights of this ε̂ and of as many before it, the last one first (Adams and Bashforth).
fn step_weights(before: usize) -> &'static [f64] {
    match before {
        0 => &[1.0],
        1 => &[3.0 / 2.0, -1.0 / 2.0],
        2 => &[23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0],
        _ => &[55.0 / 24.0, -59.0 / 24.0, 37.0 / 24.0, -9.0 / 24.0],
    }
}

impl<T: Element> Sampler<T> for Pndm {
    fn steps(&self) -> usize {
        self.steps.len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.steps[step][0].from
    }

    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        history: &mut History<T>,
    ) -> Result<State<T>> {
        let stages = &self.steps[step];
        let t = stages[0].t;
        let (x0_hat, first) = self.look(model, x, t)?;
        let (kind, mut seen) = (first.kind, vec![first.value]);
        let mut at = x.clone();
        for (i, &Stage { t, from, to }) in stages.iter().enumerate() {
            if i > 0 {
                seen.insert(0, self.look(model, &at, t)?.1.value);
            }
            let mixed = if stages.len() == 1 {
                let all: Vec<&Tensor<T>> = seen.iter().chain(history.past().map(|past| &past.seen)).collect();
                weighted_sum(step_weights(all.len() - 1).iter().copied().zip(all))?
            } else {
                weighted_sum(stage_weights(i, stages.len()).iter().copied().zip(&seen))?
            };
            let times = vec![from; x.dims().first().copied().unwrap_or(1)];
            let epsilon = Prediction::new(kind, mixed).epsilon(x, &times)?;
            let Level { signal, noise } = from.level();
            let of_epsilon = (to.noise * signal - noise * to.signal) / signal;
            at = weighted_sum([(to.signal / signal, x), (of_epsilon, &epsilon)])?;
        }
        let level = stages[stages.len() - 1].to;
        if let Some(first) = seen.pop() {
            history.push(Past { t, x: x.clone(), seen: first }, 3);
        }
        Ok(State { step, t, x: at, level, x0_hat, evaluations: stages.len() })
    }
}
