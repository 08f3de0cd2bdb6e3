//! The section `data`.

use crate::data::{Convention, DataOptions, Split};
use serde::{Deserialize, Serialize};
use tweedie_diffusion::plane::Units;

/// Which pictures a run learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// `glyphs`, `shapes`, `scenes`, a distribution of the plane, a folder, or a file of points.
    pub source: String,
    /// Which part of it, where it has parts.
    pub split: Split,
    /// Pictures are resized and cropped to this square; unset, they are taken as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// Whose choices are followed where programs read pictures differently: `tweedie` or `torchvision`.
    pub convention: Convention,
    /// Whether rows are taken for columns; unset, where the files' names say EMNIST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transpose: Option<bool>,
    /// Of CIFAR-100, whether the twenty coarse classes are taken instead of the hundred fine ones.
    pub coarse: bool,
    /// Whether each picture is mirrored left to right at random. Not for digits.
    pub flips: bool,
    /// The share of the pictures that training leaves out, for validation; 0 leaves out none. Validation then looks at the
    /// test part, where the data have one.
    pub hold_out: f64,
    /// The most MiB of decoded pictures that stay in memory, of data that are read from files; IDX files and CIFAR batches
    /// that are larger are read picture by picture. Unset, what the run leaves free. It changes no bit of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_mib: Option<u64>,
    /// The names of the classes, found in the data; empty for an unconditional model.
    pub classes: Vec<String>,
    /// The words of the pictures' captions, found in the data. A word's number counts from 1; 0 is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// The units of points that were read from a file, found in the data: the network learns (x − mean) / deviation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
}

impl Default for DataConfig {
    fn default() -> Self {
        DataConfig {
            source: "glyphs".into(),
            split: Split::Train,
            image_size: None,
            convention: Convention::default(),
            transpose: None,
            coarse: false,
            flips: false,
            hold_out: 0.0,
            cache_mib: None,
            classes: Vec::new(),
            words: Vec::new(),
            units: None,
        }
    }
}

impl DataConfig {
    /// How the pictures are read.
    pub fn options(&self) -> DataOptions {
        let DataConfig { image_size, convention, transpose, coarse, .. } = *self;
        DataOptions { image_size, channels: None, convention, transpose, coarse, cache: self.cache() }
    }

    /// The most bytes of pictures that stay in memory, where that is decided.
    pub fn cache(&self) -> Option<u64> {
        self.cache_mib.map(|mib| mib.saturating_mul(1 << 20))
    }
}
