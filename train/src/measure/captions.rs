use crate::config::SamplingConfig;
use crate::data::{Marks, Scenes, Source, Split, marks};
use crate::model::{Model, SampleRequest};
use crate::{Error, Result};
use serde::Serialize;
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

/// Whether a model paints what the captions of test scenes ask for: what is to be painted, and how it is read.
#[derive(Debug)]
pub struct CaptionTest {
    scenes: Scenes,
    side: usize,
    score: CaptionScore,
}

impl CaptionTest {
    /// The test of a model.
    ///
    /// # Errors
    /// A model that does not read these captions, or paints no square colour pictures.
    pub fn of(model: &Model) -> Result<CaptionTest> {
        let [channels, side, width] = model.shape();
        let scenes = Scenes::new(Split::Test, side);
        if model.words() != Some(scenes.words()) || channels != 3 || side != width {
            return Err(Error::config(
                "the model does not read the captions of scenes",
                "MODEL",
                "give one that was trained with --data scenes",
            ));
        }
        Ok(CaptionTest { scenes, side, score: CaptionScore::default() })
    }

    /// What is to be painted: the first `n` captions, from the beginning again if there are fewer.
    pub fn request(&self, n: usize, sampling: SamplingConfig, seed: u64) -> SampleRequest {
        let captions = (0..n).map(|i| self.caption(i)).collect();
        SampleRequest::new(n, Condition::of_captions(captions), seed, sampling)
    }

    /// Reads painted pictures \[n, 3, h, w\], the first of which is number `first` of the request.
    pub fn read(&mut self, first: usize, pictures: &Tensor<f32>) {
        let pictures = pictures.as_slice().chunks(3 * self.side * self.side);
        for (i, picture) in (first..).zip(pictures) {
            if let Some(marks) = marks(picture, self.side, &self.caption(i)) {
                self.score.add(marks);
            }
        }
    }

    /// How many of the pictures that were read show what was asked for.
    pub fn score(&self) -> CaptionScore {
        self.score
    }

    fn caption(&self, i: usize) -> Vec<usize> {
        self.scenes.caption(i % self.scenes.len())
    }
}
