//! Painting with a checkpoint that the visitor opened, step by step.

use crate::refusal::{Result, asked, refused, told};
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use tweedie_diffusion::{Condition, SamplerKind};
use tweedie_train::config::SamplingConfig;
use tweedie_train::{Model, Painting, PicturesDigest, SampleRequest, UserError};
use wasm_bindgen::prelude::wasm_bindgen;

/// Pixels that go through the network at once at most: what the program takes at a time, of which the bits do not depend.
const PIXELS: usize = 64 * 32 * 32;

/// All samplers, as JSON.
///
/// # Errors
/// None.
#[wasm_bindgen]
pub fn samplers() -> Result<String> {
    told(&SamplerKind::ALL.iter().map(|kind| kind.described()).collect::<Vec<_>>())
}

/// What the page says of a model.
#[derive(Debug, Serialize)]
struct About<'a> {
    architecture: &'static str,
    parameters: usize,
    shape: [usize; 3],
    classes: Option<&'a [String]>,
    words: Option<&'a [String]>,
    guided: bool,
    most: usize,
    sampling: SamplingConfig,
    digest: String,
}

/// What is to be painted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    n: usize,
    /// Without one, the classes in turn.
    class: Option<usize>,
    caption: Option<Vec<usize>>,
    guidance: f64,
    sampler: SamplerKind,
    steps: usize,
    eta: f64,
    churn: f64,
    seed: u64,
}

/// A model, and what is being painted with it.
#[wasm_bindgen]
pub struct Painter {
    model: Arc<Model>,
    painting: Option<Painting<'static>>,
}

/// What a step leads to: pictures `[n, c, h, w]`, one number after the other.
#[wasm_bindgen(getter_with_clone)]
#[derive(Debug)]
pub struct Painted {
    /// The network's clock, from T − 1 down.
    pub t: f64,
    /// √ᾱ_t and √(1 − ᾱ_t).
    pub signal: f64,
    /// As above.
    pub noise: f64,
    /// x_t.
    pub x: Vec<f32>,
    /// The predicted x_0.
    pub x0: Vec<f32>,
}

#[wasm_bindgen]
impl Painter {
    /// Opens the bytes of a checkpoint, a file of this name; with the moving average of its weights, or the weights as they are.
    ///
    /// # Errors
    /// Bytes that are no checkpoint, or are damaged.
    #[wasm_bindgen(constructor)]
    pub fn open(name: &str, bytes: Vec<u8>, ema: bool) -> Result<Painter> {
        let read = Model::read(Path::new(name), Cursor::new(bytes), ema);
        let model = read.map_err(|error| {
            let UserError { what, place, remedy } = error.user_error();
            refused(format!("{place}: {what}; {remedy}"))
        })?;
        Ok(Painter { model: Arc::new(model), painting: None })
    }

    /// What it is and how it paints unless asked otherwise, as JSON.
    ///
    /// # Errors
    /// None.
    pub fn about(&self) -> Result<String> {
        let Painter { model, .. } = self;
        let shape = model.shape();
        told(&About {
            architecture: model.network_config().backbone.architecture(),
            parameters: model.num_parameters(),
            shape,
            classes: model.classes(),
            words: model.words(),
            guided: model.can_be_guided(),
            most: (PIXELS / (shape[1] * shape[2]).max(1)).clamp(1, 64),
            sampling: model.sampling().map_err(refused)?,
            digest: model.digest(),
        })
    }

    /// Begins to paint what the JSON asks for; what was being painted is given up. Returns the number of steps.
    ///
    /// # Errors
    /// A request that does not fit the model.
    pub fn begin(&mut self, json: &str) -> Result<usize> {
        let Asked { n, class, caption, guidance, sampler, steps, eta, churn, seed } = asked(json)?;
        let own = self.model.sampling_by(Some(sampler)).map_err(refused)?;
        let sampling = SamplingConfig { steps, guidance, eta, churn, ..own };
        let condition = self.condition(n, class, caption);
        let request = SampleRequest::new(n, condition, seed, sampling);
        let painting = self.model.sample_shared(&request).map_err(refused)?;
        let steps = painting.steps();
        self.painting = Some(painting);
        Ok(steps)
    }

    /// Takes the next step; nothing after the last.
    ///
    /// # Errors
    /// An output that is not finite.
    pub fn step(&mut self) -> Result<Option<Painted>> {
        let Some(state) = self.painting.as_mut().and_then(Iterator::next) else { return Ok(None) };
        let state = state.map_err(refused)?;
        Ok(Some(Painted {
            t: state.t.clock(),
            signal: state.level.signal,
            noise: state.level.noise,
            x: state.x.as_slice().to_vec(),
            x0: state.x0_hat.as_slice().to_vec(),
        }))
    }

    /// Ends what is being painted, and returns the digest of its pictures: what `tweedie sample --json` calls `digest`.
    ///
    /// # Errors
    /// An output that is not finite.
    pub fn finish(&mut self) -> Result<Option<String>> {
        let Some(painting) = self.painting.take() else { return Ok(None) };
        let mut digest = PicturesDigest::default();
        digest.add(&painting.finish().map_err(refused)?);
        Ok(Some(digest.finish()))
    }

    /// Gives up what is being painted.
    pub fn cancel(&mut self) {
        self.painting = None;
    }
}

impl Painter {
    /// What n pictures are to show.
    fn condition(&self, n: usize, class: Option<usize>, caption: Option<Vec<usize>>) -> Condition {
        let classes = self.model.classes().map(|names| match class {
            Some(class) => vec![class; n],
            None => (0..n).map(|i| i % names.len()).collect(),
        });
        let empty = self.model.without_words(classes, n);
        let captions = empty.captions.map(|_| vec![caption.unwrap_or_default(); n]);
        Condition { captions, ..empty }
    }
}
