use super::conditioned::Conditioned;
use super::euler_ancestral::split;
use super::falling::check_falling;
use super::history::History;
use super::run::{Sampler, State};
use super::weighted_sum::weighted_sum;
use crate::{Clip, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// The midpoint method for the probability-flow ODE of x / signal in σ = noise / signal (Crowson 2022, k-diffusion,
/// `sample_dpm_2`, after DPM-Solver-2 of Lu et al. 2022): an Euler step to √(σ σ'), half way in ln σ, and from the start
/// the whole step with the ε̂ that is found there. Of second order; the model is asked twice a step.
///
/// The ancestral one (`sample_dpm_2_ancestral`) goes down to σ_down as [`EulerAncestral`](crate::EulerAncestral) does, and
/// adds noise of σ_up. A step to the clean picture or from pure noise is Euler's.
#[derive(Debug, Clone)]
pub struct Kdpm2 {
    times: Times,
    middles: Vec<Option<Timestep>>,
    ancestral: bool,
    clip: Clip,
    start_deviation: f64,
    without_signal: bool,
}

impl Kdpm2 {
    /// A sampler over `times`, without clipping.
    pub fn new(times: &Times) -> Kdpm2 {
        Kdpm2::with_noise(times, false)
    }

    /// The ancestral sampler over `times`, without clipping.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) when noise / signal rises in a step.
    pub fn ancestral(times: &Times) -> Result<Kdpm2> {
        check_falling("KDPM2 ancestral", times)?;
        Ok(Kdpm2::with_noise(times, true))
    }

    fn with_noise(times: &Times, ancestral: bool) -> Kdpm2 {
        let middle = |step: &Step| {
            let (from, to) = (step.from.level().sigma(), step.to.level().sigma());
            let down = if ancestral { to * split(from, to).0 } else { to };
            let middle = (from * down).sqrt();
            (middle > 0.0 && middle.is_finite()).then(|| times.at_sigma(middle))
        };
        Kdpm2 {
            times: times.clone(),
            middles: times.steps().iter().map(middle).collect(),
            ancestral,
            clip: Clip::Off,
            start_deviation: 1.0,
            without_signal: false,
        }
    }

    /// The same sampler, with x̂_0 clipped, and ε̂ what then explains x.
    pub fn clip(self, clip: Clip) -> Kdpm2 {
        Kdpm2 { clip, ..self }
    }

    /// As [`Euler::in_sigmas`](crate::Euler::in_sigmas).
    pub fn in_sigmas(self, start_deviation: f64) -> Kdpm2 {
        Kdpm2 { start_deviation, without_signal: true, ..self }
    }
}

impl<T: Element> Sampler<T> for Kdpm2 {
    fn steps(&self) -> usize {
        self.times.steps().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.times.steps()[step].from
    }

    fn start_deviation(&self) -> f64 {
        self.start_deviation
    }

    fn ends_without_signal(&self) -> bool {
        self.without_signal
    }

    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        _: &mut History<T>,
    ) -> Result<State<T>> {
        let Step { from: t, to, .. } = self.times.steps()[step];
        let (x0_hat, epsilon) = model.x0_and_epsilon(x, t, self.clip)?;
        let level = to.level();
        let (down, up) = if self.ancestral { split(t.level().sigma(), level.sigma()) } else { (1.0, 0.0) };
        let (down, up) = (level.noise * down, level.noise * up);
        let Some(middle) = self.middles[step] else {
            // Only a step that ends without noise or starts without signal has no middle; the latter's is all noise.
            let mut next = ops::combine(&[(&[level.signal], &x0_hat), (&[down], &epsilon)])?;
            if up > 0.0 {
                next = ops::combine(&[(&[1.0], &next), (&[up], &model.noise(step, x))])?;
            }
            return Ok(State { step, t, x: next, level, x0_hat, evaluations: 1 });
        };
        let half = middle.level();
        let at_half = ops::combine(&[(&[half.signal], &x0_hat), (&[half.noise], &epsilon)])?;
        let x0_half = model.x0(&at_half, middle, self.clip)?;
        // ε̂ half way less ε̂ is −(x̂_0 half way − x̂_0)/σ half way: as a difference of two ε̂ it would be lost in rounding where σ
        // is large.
        let weight = (level.signal * t.level().sigma() - down) / half.sigma();
        let mut terms = vec![(level.signal - weight, &x0_hat), (down, &epsilon), (weight, &x0_half)];
        let z = (up > 0.0).then(|| model.noise(step, x));
        terms.extend(z.as_ref().map(|z| (up, z)));
        let next = weighted_sum(terms)?;
        Ok(State { step, t, x: next, level, x0_hat, evaluations: 2 })
    }
}
