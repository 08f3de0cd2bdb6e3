//! The picture that is looked at, painted once.

use crate::error::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tweedie_diffusion::{Condition, SamplerKind};
use tweedie_tensor::Tensor;
use tweedie_train::config::SamplingConfig;
use tweedie_train::{Model, SampleRequest};

/// Steps in which it is painted.
const STEPS: usize = 20;

/// The picture that was painted last, for whoever looks at one layer after another.
#[derive(Default)]
pub(in super::super) struct LastPicture(Mutex<Option<Painted>>);

struct Painted {
    model: Weak<Model>,
    seed: u64,
    condition: Condition,
    picture: Tensor<f32>,
}

impl LastPicture {
    /// The picture of a model, painted if it is another than the last.
    ///
    /// # Errors
    /// As [`Model::sample`].
    pub(super) fn painted(
        &self,
        model: &Arc<Model>,
        seed: u64,
        condition: &Condition,
    ) -> Result<Tensor<f32>> {
        // The shelf opens a model anew when its files have changed, so that its identity says which weights it has.
        let of = Arc::downgrade(model);
        if let Some(last) = &*self.lock()
            && last.model.ptr_eq(&of)
            && (last.seed, &last.condition) == (seed, condition)
        {
            return Ok(last.picture.clone());
        }
        let own = model.sampling_by(Some(SamplerKind::Ddim))?;
        let sampling = SamplingConfig { steps: STEPS, guidance: 1.0, ..own };
        let asked = SampleRequest::new(1, condition.clone(), seed, sampling);
        // Not under the lock: a thread that computes takes up other work while it waits, which may ask for the same lock.
        let picture = model.sample(&asked)?.finish()?;
        let condition = condition.clone();
        *self.lock() = Some(Painted { model: of, seed, condition, picture: picture.clone() });
        Ok(picture)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Painted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
