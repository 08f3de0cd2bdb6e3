use serde::{Deserialize, Serialize};

/// A layer of a described network. A layer with weights has a `name`, and its tensors are `name.weight`, `name.bias`
/// and their like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerDescription {
    /// (x − mean) / std, one number for each channel or one for all. Pictures come in \[−1, 1\].
    Normalise {
        /// What is subtracted.
        mean: Vec<f64>,
        /// What is divided by.
        std: Vec<f64>,
    },
    /// Bilinear, pixels' centres half a pixel inside, without antialiasing.
    Resize {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// `weight` \[out, in, k, k'\], and `bias` \[out\] unless it is off.
    Conv2d {
        /// The layer's name in the file.
        name: String,
        /// Pixels from place to place.
        #[serde(default = "one")]
        stride: usize,
        /// Zeros on all four sides.
        #[serde(default)]
        padding: usize,
        /// Whether there is a bias.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// `weight` \[out, in\], and `bias` \[out\] unless it is off.
    Linear {
        /// The layer's name in the file.
        name: String,
        /// Whether there is a bias.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// `weight` and `bias`, one number for each channel.
    GroupNorm {
        /// The layer's name in the file.
        name: String,
        /// Groups of channels.
        groups: usize,
        /// Added to the variance.
        #[serde(default = "eps")]
        eps: f64,
    },
    /// At inference: `running_mean`, `running_var`, `weight` and `bias`, one number for each channel.
    BatchNorm {
        /// The layer's name in the file.
        name: String,
        /// Added to the variance.
        #[serde(default = "eps")]
        eps: f64,
    },
    /// max(x, 0).
    Relu {},
    /// x σ(x).
    Silu {},
    /// x Φ(x), exact.
    Gelu {},
    /// Maxima of squares.
    MaxPool {
        /// The squares' side.
        kernel: usize,
        /// Pixels from place to place; the kernel if not given.
        stride: Option<usize>,
        /// Pixels around that never are the maximum.
        #[serde(default)]
        padding: usize,
    },
    /// Means of squares, without padding.
    AvgPool {
        /// The squares' side.
        kernel: usize,
        /// Pixels from place to place; the kernel if not given.
        stride: Option<usize>,
    },
    /// The mean over all places of each channel: \[n, c, h, w\] to \[n, c\].
    GlobalAverage {},
    /// \[n, c, h, w\] to \[n, c h w\].
    Flatten {},
}

fn one() -> usize {
    1
}
fn yes() -> bool {
    true
}
fn eps() -> f64 {
    1e-5
}
