use crate::config::SamplingConfig;
use crate::data::{Marks, Scenes, Source, Split, marks};
use crate::{Error, Model, Result, SampleRequest};
use serde::Serialize;
use std::ops::ControlFlow;
use tweedie_diffusion::Condition;
use tweedie_tensor::Tensor;

/// How many painted pictures show what their captions ask for, read by rule: see [`marks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CaptionScore {
    /// Pictures that were painted.
    pub n: usize,
    /// With as many figures as asked for.
    pub count: usize,
    /// With the colours asked for.
    pub colours: usize,
    /// With each figure asked for, in its colour.
    pub figures: usize,
    /// With the colours where they were asked for.
    pub places: usize,
    /// With all of that.
    pub all: usize,
}

impl CaptionScore {
    fn add(&mut self, marks: Marks) {
        self.n += 1;
        self.count += usize::from(marks.count);
        self.colours += usize::from(marks.colours);
        self.figures += usize::from(marks.figures);
        self.places += usize::from(marks.places);
        self.all += usize::from(marks.all());
    }
}

/// Paints the first `n` captions of the test scenes, `at_a_time` at once, and reads the pictures. `each` is told the
/// share that is done, and may end it: then there is no score.
///
/// # Errors
/// A model that does not read these captions, or paints no colour pictures; what sampling refuses.
pub fn captions(
    model: &Model,
    sampling: &SamplingConfig,
    n: usize,
    at_a_time: usize,
    seed: u64,
    mut each: impl FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<CaptionScore>> {
    let [channels, side, width] = model.shape();
    let scenes = Scenes::new(Split::Test, side);
    if model.words() != Some(scenes.words()) || channels != 3 || side != width {
        return Err(Error::config(
            "the model does not read the captions of scenes",
            "MODEL",
            "give one that was trained with --data scenes",
        ));
    }
    let mut score = CaptionScore::default();
    for first in (0..n).step_by(at_a_time.max(1)) {
        if each(first as f64 / n as f64).is_break() {
            return Ok(None);
        }
        let count = at_a_time.min(n - first);
        let captions: Vec<Vec<usize>> =
            (first..first + count).map(|i| scenes.caption(i % scenes.len())).collect();
        let request = SampleRequest {
            n: count,
            first,
            x_t: None,
            condition: Condition::of_captions(captions.clone()),
            seed,
            sampling: sampling.clone(),
        };
        let pictures: Tensor<f32> = model.sample(&request, |_| Ok(()))?;
        for (picture, caption) in pictures.as_slice().chunks(channels * side * side).zip(&captions) {
            if let Some(marks) = marks(picture, side, caption) {
                score.add(marks);
            }
        }
    }
    Ok(Some(score))
}
