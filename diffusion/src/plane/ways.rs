use crate::{Condition, Denoiser, Level, NoiseSource, Result, Sampler, SamplerSettings, Times};
use tweedie_tensor::{Element, Tensor, ops};

/// The ways that samples take from noise to where a sampler leaves them.
#[derive(Debug, Clone)]
pub struct Ways<T: Element> {
    /// The samples before the first step and after each.
    pub states: Vec<Tensor<T>>,
    /// The level of signal and noise of each of these.
    pub levels: Vec<Level>,
    /// How many times the denoiser was asked.
    pub evaluations: usize,
}

impl<T: Element> Ways<T> {
    /// Where the samples end.
    pub fn last(&self) -> &Tensor<T> {
        // There is always a state, the noise itself.
        &self.states[self.states.len() - 1]
    }
}

/// Runs a sampler over `times` from the noise `x`, whose leading axis counts samples and whose variance is 1, and keeps every
/// state. Without a condition. Samplers without noise of their own take the same way from the same noise each time.
///
/// # Errors
/// As [`SamplerSettings::build`] and [`Sampler::step`].
pub fn ways<T: Element>(
    sampler: &SamplerSettings,
    times: &Times,
    denoiser: &dyn Denoiser<T>,
    x: Tensor<T>,
    noise: impl Into<NoiseSource>,
) -> Result<Ways<T>> {
    let sampler = sampler.build::<T>(times)?;
    let x = match sampler.start_deviation() {
        1.0 => x,
        deviation => ops::combine(&[(&[deviation], &x)])?,
    };
    let mut found = Ways { states: vec![x.clone()], levels: vec![sampler.time(0).level()], evaluations: 0 };
    for state in sampler.run(denoiser, x, &Condition::default(), noise) {
        let state = state?;
        found.states.push(state.x);
        found.levels.push(state.level);
        found.evaluations += state.evaluations;
    }
    let signal = found.levels[found.levels.len() - 1].signal;
    if sampler.ends_without_signal() && signal != 1.0 {
        let last = ops::combine(&[(&[1.0 / signal], found.last())])?;
        found.states.pop();
        found.states.push(last);
    }
    Ok(found)
}
