use super::reference::Reference;
use super::subject::Subject;
use crate::{Condition, Denoiser, Result, Sampler, Schedule, ScheduleKind};
use tweedie_tensor::Tensor;

/// What the rows are made from.
pub(super) struct Case<'a> {
    pub(super) subject: &'a dyn Subject,
    pub(super) kind: ScheduleKind,
    /// The program's schedule.
    pub(super) schedule: Schedule,
    /// The same, by other means.
    pub(super) reference: Reference,
    /// T.
    pub(super) timesteps: usize,
}

impl Case<'_> {
    /// The paper's t at a tenth, half and all of the way, as long as there is signal.
    pub(super) fn times(&self) -> [usize; 3] {
        [self.timesteps / 10, self.timesteps / 2, self.reference.last_with_signal()]
    }

    /// What `denoiser` makes of one number `x` by `sampler`.
    pub(super) fn paint(
        &self,
        sampler: &impl Sampler<f64>,
        denoiser: &dyn Denoiser<f64>,
        x: f64,
    ) -> Result<f64> {
        Ok(sampler.last(denoiser, Tensor::full([1, 1], x), &Condition::default(), 0)?.as_slice()[0])
    }
}
