//! Where a model that reads captions looks for their words.

use crate::{Error, Model, Result};
use tweedie_diffusion::Condition;
use tweedie_tensor::{Tensor, ops};

impl Model {
    /// How much each place of pictures \[n, c, h, w\] attends to each token of their captions, \[n, tokens, h, w\]: the
    /// mean over heads and cross-attentions, smaller ones stretched, when the pictures are noised half-way (t = T/2).
    /// At each place the tokens' shares sum to 1.
    ///
    /// # Errors
    /// A model that reads no captions; a condition that does not fit it.
    pub fn attention(&self, pictures: &Tensor<f32>, condition: &Condition, seed: u64) -> Result<Tensor<f32>> {
        let (x_t, clocks) = self.noised(pictures, self.num_timesteps()? / 2, seed)?;
        let maps = self.attention_maps(&x_t, &clocks, condition)?;
        let [_, _, height, width] = pictures.shape().nchw("attention")?;
        let stretched: Vec<Tensor<f32>> = maps
            .iter()
            .map(|map| {
                let [n, tokens, h, w] = map.shape().nchw("attention")?;
                Ok(Tensor::from_fn([n, tokens, height, width], |i| {
                    let (y, x) = (i / width % height * h / height, i % width * w / width);
                    map.as_slice()[(i / (height * width) * h + y) * w + x]
                }))
            })
            .collect::<Result<_, tweedie_tensor::Error>>()?;
        let share = [1.0 / stretched.len().max(1) as f64];
        let terms: Vec<(&[f64], &Tensor<f32>)> = stretched.iter().map(|map| (&share[..], map)).collect();
        if terms.is_empty() {
            return Err(Error::config(
                "the model reads no captions",
                "--attention",
                "give a model that was trained with captions",
            ));
        }
        Ok(ops::combine(&terms)?)
    }
}
