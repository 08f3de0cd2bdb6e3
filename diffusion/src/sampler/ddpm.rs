use super::{History, Hop, Model, Plan, Sampler, State};
use crate::{Clip, Grid, Result, Schedule, Timestep, VarianceKind};
use tweedie_tensor::{Element, Tensor, ops};

/// Ancestral sampling (Ho et al. 2020, algorithm 2): each step draws from p_θ(x_s | x_t), the posterior
/// q(x_s | x_t, x_0) with the model's x̂_0 in the place of x_0. On a grid of fewer times, from the posterior of the
/// diffusion over those times (Nichol and Dhariwal 2021, eq. 19).
///
/// A model that predicts the variance is taken at its word. The step that ends at the clean picture adds no noise, with
/// any variance. (diffusers leaves it out only at
/// index 0; the two differ with the large variance on grids that stop above it, where its pictures stay noisy.)
#[derive(Debug, Clone)]
pub struct Ddpm {
    plan: Plan,
    variance: VarianceKind,
    clip: Clip,
}

impl Ddpm {
    /// A sampler over the times of `grid`, without clipping.
    ///
    /// # Errors
    /// [`Error::Time`](crate::Error::Time) when the grid does not fit the schedule.
    pub fn new(schedule: &Schedule, grid: &Grid, variance: VarianceKind) -> Result<Ddpm> {
        Ok(Ddpm::over(Plan::new(schedule, grid)?, variance))
    }

    /// A sampler over the times of `plan`, without clipping.
    pub fn over(plan: Plan, variance: VarianceKind) -> Ddpm {
        Ddpm { plan, variance, clip: Clip::Off }
    }

    /// The same sampler, with x̂_0 clipped.
    pub fn clip(self, clip: Clip) -> Ddpm {
        Ddpm { clip, ..self }
    }
}

impl<T: Element> Sampler<T> for Ddpm {
    fn steps(&self) -> usize {
        self.plan.hops().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.plan.hops()[step].from
    }

    fn step(&self, step: usize, x: &Tensor<T>, model: &Model<'_, T>, _: &mut History<T>) -> Result<State<T>> {
        let Hop { from: t, transition, .. } = self.plan.hops()[step];
        let (prediction, times) = model.predict(x, t)?;
        let x0_hat = self.clip.apply(prediction.x0(x, &times)?);
        let (of_x0, of_x) = transition.posterior_mean_coefficients();
        let next = if transition.to.noise == 0.0 {
            ops::combine(&[(&[of_x0], &x0_hat), (&[of_x], x)])?
        } else {
            let mut z = model.noise(step, x);
            let mut sigma = transition.variance(self.variance).sqrt();
            if let Some(range) = &prediction.range {
                sigma = 1.0;
                for (z, range) in z.as_mut_slice().iter_mut().zip(range.as_slice()) {
                    *z *= T::from_f64(transition.learned_variance(range.to_f64()).sqrt());
                }
            }
            ops::combine(&[(&[of_x0], &x0_hat), (&[of_x], x), (&[sigma], &z)])?
        };
        Ok(State { step, t, x: next, level: transition.to, x0_hat, evaluations: 1 })
    }
}
