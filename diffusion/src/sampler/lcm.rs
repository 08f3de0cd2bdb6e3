use super::conditioned::Conditioned;
use super::history::History;
use super::run::{Sampler, State};
use crate::{Clip, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// Multistep sampling of a latent consistency model (Luo et al. 2023, algorithm 3; Song et al. 2023, algorithm 1): the
/// model predicts the picture at once, f = c_skip x + c_out x̂_0, which is noised to the next, less noisy time and
/// predicted again. For models that were distilled for it.
///
/// c_skip = σ_d²/(τ² + σ_d²) and c_out = τ/√(τ² + σ_d²) with σ_d = ½ and τ the network's clock times a scale make f the
/// identity at clock 0.
#[derive(Debug, Clone)]
pub struct Lcm {
    times: Times,
    clock_scale: f64,
    clip: Clip,
}

/// σ_d.
const SIGMA_DATA: f64 = 0.5;

impl Lcm {
    /// A sampler over `times` with a scale of the clock of 10, without clipping.
    pub fn new(times: &Times) -> Lcm {
        Lcm { times: times.clone(), clock_scale: 10.0, clip: Clip::Off }
    }

    /// The same sampler, with another scale of the clock.
    pub fn clock_scale(self, clock_scale: f64) -> Lcm {
        Lcm { clock_scale, ..self }
    }

    /// The same sampler, with x̂_0 clipped.
    pub fn clip(self, clip: Clip) -> Lcm {
        Lcm { clip, ..self }
    }
}

impl<T: Element> Sampler<T> for Lcm {
    fn steps(&self) -> usize {
        self.times.steps().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.times.steps()[step].from
    }

    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        _: &mut History<T>,
    ) -> Result<State<T>> {
        let Step { from: t, to, .. } = self.times.steps()[step];
        let x0 = model.x0(x, t, self.clip)?;
        let tau = t.clock() * self.clock_scale;
        let total = tau * tau + SIGMA_DATA * SIGMA_DATA;
        let (skip, out) = (SIGMA_DATA * SIGMA_DATA / total, tau / total.sqrt());
        let x0_hat = ops::combine(&[(&[out], &x0), (&[skip], x)])?;
        let level = to.level();
        let next = if level.noise == 0.0 {
            x0_hat.clone()
        } else {
            ops::combine(&[(&[level.signal], &x0_hat), (&[level.noise], &model.noise(step, x))])?
        };
        Ok(State { step, t, x: next, level, x0_hat, evaluations: 1 })
    }
}
