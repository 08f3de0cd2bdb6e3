//! Pictures painted to be measured, in batches.

use crate::commands::pictures_at_a_time;
use crate::commands::sample::stop;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::progress::{Progress, duration};
use std::time::Instant;
use tweedie_tensor::Tensor;
use tweedie_train::config::SamplingConfig;
use tweedie_train::{Model, SampleRequest};

/// A model with everything that painting needs to know.
pub(super) struct Painter<'a> {
    pub(super) model: &'a Model,
    pub(super) sampling: SamplingConfig,
    pub(super) seed: u64,
    pub(super) console: Console,
    pub(super) interrupt: &'a Interrupt,
}

impl Painter<'_> {
    /// Paints `n` pictures, of `classes` if the model has any, and hands them over batch by batch, rounded to the 256
    /// levels that they would have in a file.
    ///
    /// # Errors
    /// What the sampler or `each` refuses; [`Failure::Interrupted`] on Ctrl-C.
    pub(super) fn paint(
        &self,
        n: usize,
        classes: Option<&[usize]>,
        mut each: impl FnMut(usize, Tensor<f32>) -> Result<()>,
    ) -> Result<()> {
        let steps = self.sampling.steps;
        let condition = self.model.without_words(classes.map(<[usize]>::to_vec), n);
        let (seed, sampling) = (self.seed, self.sampling.clone());
        let whole = SampleRequest { n, first: 0, x_t: None, condition, seed, sampling };
        let mut progress = Progress::new(self.console);
        let began = Instant::now();
        for request in whole.parts(pictures_at_a_time(self.model.shape())) {
            let request = request?;
            let (first, count) = (request.first, request.n);
            let mut trouble = None;
            let painted = self.model.sample(&request, |state| {
                let done = first as f64 + (count * (state.step + 1)) as f64 / steps as f64;
                progress.update(done / n as f64, || {
                    let left = began.elapsed().div_f64(done).mul_f64(n as f64 - done);
                    format!("painting {} to {} of {n}, {} left", first + 1, first + count, duration(left))
                });
                if self.interrupt.asked() {
                    return Err(stop(&mut trouble, Failure::Interrupted("nothing was measured".to_string())));
                }
                Ok(())
            });
            let mut x = painted.map_err(|error| trouble.take().unwrap_or_else(|| error.into()))?;
            for value in x.as_mut_slice() {
                *value = (*value * 127.5 + 127.5).round().clamp(0.0, 255.0) / 127.5 - 1.0;
            }
            each(first, x)?;
        }
        Ok(())
    }
}
