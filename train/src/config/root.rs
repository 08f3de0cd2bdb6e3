//! All sections together.

use super::data::DataConfig;
use super::diffusion::DiffusionConfig;
use super::optimizer::OptimizerConfig;
use super::sampling::SamplingConfig;
use super::training::TrainConfig;
use crate::data::Source;
use serde::{Deserialize, Serialize};
use tweedie_nn::NetworkConfig;
use tweedie_nn::unet::SampleSize;

/// A run's configuration. Running it again gives the same weights, bit for bit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which pictures.
    pub data: DataConfig,
    /// The forward process, and what the network predicts of it.
    pub diffusion: DiffusionConfig,
    /// How weights are moved.
    pub optimizer: OptimizerConfig,
    /// How long, how much at once, and what is kept.
    pub train: TrainConfig,
    /// How pictures are painted unless the command line says otherwise.
    pub sampling: SamplingConfig,
    /// The network. Channels, picture size and number of classes follow from the data.
    pub model: NetworkConfig,
}

impl Config {
    /// The configuration with what follows from the data: channels, picture size, classes, words. Data without
    /// classes to tell apart make an unconditional run.
    pub fn resolved(mut self, source: &dyn Source) -> Config {
        let [channels, height, width] = source.shape();
        let size = match height == width {
            true => SampleSize::Square(height),
            false => SampleSize::Sides([height, width]),
        };
        let outputs = if self.diffusion.learned_variance { 2 * channels } else { channels };
        self.model.backbone.set_pictures(channels, outputs, size);
        self.data.classes = source.classes().to_vec();
        self.data.units = source.units();
        self.train.class_conditional &= self.data.classes.len() > 1;
        // One more label than there are classes: the last one means "no class".
        let classes = self.train.class_conditional.then_some(self.data.classes.len() + 1);
        self.model.backbone.set_classes(classes);
        if let Some(caption) = &mut self.model.caption {
            self.data.words = source.words().to_vec();
            (caption.vocabulary, caption.length) = (self.data.words.len() + 1, source.caption_length());
        }
        self
    }
}
