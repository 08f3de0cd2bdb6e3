use crate::{Clip, Conditioned, Error, History, Level, Result, Sampler, State, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// DDIM run backwards, from the picture to the noise that it comes from (Song et al. 2021, DDIM, section 4.3): a
/// [`Sampler`] whose steps lead to noisier levels.
///
/// A step of DDIM from t to s, x_s = s_s x̂_0 + n_s ε̂ with both as seen in x_t, is undone by the x_t that solves either of
/// x_t = s_t/s_s x_s + (n_t − n_s s_t/s_s) ε̂(x_t) and x_t = n_t/n_s x_s + (s_t − s_s n_t/n_s) x̂_0(x_t). The right side is
/// computed at x_t = x_s first, which makes the step one of first order; each iteration more computes it at what came out
/// (as Pan et al. 2023, AIDI), and where that converges, the step is undone exactly.
///
/// Where the data have variance v, the right side changes with x_t by (1 − r) n_t²/(s_t² v + n_t²) and
/// (1/r − 1) s_t² v/(s_t² v + n_t²), r = σ_s/σ_t. With v = 1 the second is the smaller one if σ_s σ_t > 1, and then it is
/// taken.
#[derive(Debug, Clone)]
pub struct Inversion {
    times: Times,
    iterations: usize,
}

impl Inversion {
    /// Undoes DDIM (η = 0, without clipping) over `times`, by one evaluation a step.
    pub fn new(times: &Times) -> Inversion {
        Inversion { times: times.clone(), iterations: 1 }
    }

    /// The same, with this many evaluations a step.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is none.
    pub fn iterations(self, iterations: usize) -> Result<Inversion> {
        if iterations == 0 {
            return Err(Error::parameter("DDIM inversion", "iterations", iterations, "must be at least 1"));
        }
        Ok(Inversion { iterations, ..self })
    }

    fn undone(&self, step: usize) -> Step {
        let steps = self.times.steps();
        steps[steps.len() - 1 - step]
    }
}

impl<T: Element> Sampler<T> for Inversion {
    fn steps(&self) -> usize {
        self.times.steps().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.undone(step).to
    }

    /// The state's `t` is the time that the step reaches, at which the model is asked.
    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        _: &mut History<T>,
    ) -> Result<State<T>> {
        let Step { from: t, transition, .. } = self.undone(step);
        let Level { signal: s_t, noise: n_t } = transition.from;
        let Level { signal: s_s, noise: n_s } = transition.to;
        let by_x0 = transition.from.sigma() * transition.to.sigma() > 1.0;
        let (mut next, mut x0_hat) = (x.clone(), None);
        for _ in 0..self.iterations {
            let (x0, epsilon) = model.x0_and_epsilon(&next, t, Clip::Off)?;
            next = if by_x0 {
                let of_x = n_t / n_s;
                ops::combine(&[(&[of_x], x), (&[s_t - s_s * of_x], &x0)])?
            } else {
                let of_x = s_t / s_s;
                ops::combine(&[(&[of_x], x), (&[n_t - n_s * of_x], &epsilon)])?
            };
            x0_hat = Some(x0);
        }
        let x0_hat = x0_hat.unwrap_or_else(|| x.clone());
        Ok(State { step, t, x: next, level: transition.from, x0_hat, evaluations: self.iterations })
    }
}
