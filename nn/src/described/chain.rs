use super::LayerDescription;
use crate::weights::WeightFile;
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::path::Path;
use tweedie_tensor::ops::{self, Binary, KeepDim, Padding, Unary};
use tweedie_tensor::{Shape, Tensor};

/// A chain of layers that maps a picture to a row of features. Inference only.
#[derive(Debug, Clone)]
pub struct FeatureNetwork {
    steps: Vec<Step>,
    width: usize,
}

/// A layer with its weights.
#[derive(Debug, Clone)]
enum Step {
    /// a x + b with an a and a b for each channel.
    Affine(Tensor<f32>, Tensor<f32>),
    Resize([usize; 2]),
    Conv(Tensor<f32>, Option<Tensor<f32>>, ops::Conv2dOptions),
    Linear(Tensor<f32>, Option<Tensor<f32>>),
    GroupNorm(Tensor<f32>, Tensor<f32>, usize, f64),
    Activation(Unary),
    MaxPool(usize, usize, Padding),
    AvgPool(usize, usize),
    GlobalAverage,
    Flatten,
}

impl FeatureNetwork {
    /// The network of the layers that the JSON file `description` lists, with the tensors of the safetensors file
    /// `weights`, for pictures of `shape` (channels, height, width).
    ///
    /// # Errors
    /// [`Error::File`], which names the layer and the key: a file that cannot be read, a description that is not a list of
    /// layers, a layer that does not take its input, tensors that are missing or have another shape, or a chain whose output
    /// is not a row for each picture. [`Error::Weights`] for tensors of the file that no layer uses.
    pub fn open(weights: &Path, description: &Path, shape: [usize; 3]) -> Result<FeatureNetwork> {
        let refuse = |why: String| Error::File { path: description.to_path_buf(), why };
        let text =
            std::fs::read_to_string(description).map_err(|e| refuse(format!("cannot be read: {e}")))?;
        let listed: Vec<serde_json::Value> =
            serde_json::from_str(&text).map_err(|e| refuse(format!("is no JSON list of layers: {e}")))?;
        let mut store = Store { file: WeightFile::read(weights)?, used: BTreeSet::new() };
        // A picture of zeros passes through the layers as they are built, so that each is checked against its input.
        let [c, h, w] = shape;
        let mut x = Tensor::zeros([1, c, h, w]);
        let mut steps = Vec::with_capacity(listed.len());
        for (i, json) in listed.into_iter().enumerate() {
            let kind = json.get("layer").and_then(serde_json::Value::as_str).unwrap_or("?").to_string();
            let step = serde_json::from_value(json)
                .map_err(|error| error.to_string())
                .and_then(|layer| Step::new(&layer, &x, &mut store))
                .and_then(|step| Ok((step.run(&x).map_err(|error| error.to_string())?, step)));
            let (next, step) = step.map_err(|why| refuse(format!("layer {i} ({kind}): {why}")))?;
            (x, steps) = (next, [steps, vec![step]].concat());
        }
        let &[_, width] = x.dims() else {
            let why =
                format!("the last layer leaves {}, not a row: end with flatten or global_average", x.shape());
            return Err(refuse(why));
        };
        store.all_used()?;
        Ok(FeatureNetwork { steps, width })
    }

    /// The length of its features.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The features \[n, width\] of pictures x \[n, c, h, w\] in \[−1, 1\].
    ///
    /// # Errors
    /// Pictures of another shape than the network was opened for.
    pub fn features(&self, x: &Tensor<f32>) -> Result<Tensor<f32>> {
        let mut x = x.clone();
        for step in &self.steps {
            x = step.run(&x)?;
        }
        Ok(x)
    }
}

/// The file, and the tensors of it that layers have taken.
struct Store {
    file: WeightFile,
    used: BTreeSet<String>,
}

impl Store {
    /// Tensor `key` of layer `name`, which must have this shape if it is known.
    fn take(&mut self, name: &str, key: &str, shape: Option<&[usize]>) -> Result<Tensor<f32>, String> {
        let full = format!("{name}.{key}");
        let place = self.file.path().display();
        let Some(entry) = self.file.entries().get(&full) else {
            return Err(format!("{full} is missing, {place}"));
        };
        if let Some(shape) = shape.filter(|&shape| shape != entry.shape) {
            return Err(format!("{full} has shape {:?}, not {shape:?}, {place}", entry.shape));
        }
        let tensor = self.file.tensor(&full).map_err(|error| error.to_string())?;
        if !tensor.all_finite() {
            return Err(format!("{full} has infinities or NaN, {place}"));
        }
        self.used.insert(full);
        Ok(tensor)
    }

    fn all_used(&self) -> Result<()> {
        // PyTorch counts the batches of a batch normalisation; inference does not need the count.
        let left = self.file.entries().keys().filter(|name| !name.ends_with(".num_batches_tracked"));
        let problems: Vec<String> = left
            .filter(|name| !self.used.contains(*name))
            .map(|name| format!("{name} is of no layer"))
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::Weights { path: self.file.path().to_path_buf(), problems })
    }
}

impl Step {
    /// The layer, for an input like `x`.
    fn new(layer: &LayerDescription, x: &Tensor<f32>, store: &mut Store) -> Result<Step, String> {
        let channels = x.dims()[1];
        Ok(match layer {
            LayerDescription::Normalise { mean, std } => {
                if let Some(bad) = std.iter().chain(mean).find(|v| !v.is_finite()) {
                    return Err(format!("mean or std = {bad}: must be finite"));
                }
                if std.contains(&0.0) {
                    return Err("std = 0: nothing is divided by 0".to_string());
                }
                let (mean, std) = (each(mean, channels, "mean")?, each(std, channels, "std")?);
                let scale = std.iter().map(|std| 1.0 / std).collect();
                let shift = mean.iter().zip(&std).map(|(mean, std)| -mean / std).collect();
                affine(scale, shift, x)
            }
            &LayerDescription::Resize { height, width } => Step::Resize([height, width]),
            LayerDescription::Conv2d { name, stride, padding, bias } => {
                let weight = store.take(name, "weight", None)?;
                let outputs = weight.dims().first().copied().unwrap_or(0);
                let bias = bias.then(|| store.take(name, "bias", Some(&[outputs]))).transpose()?;
                Step::Conv(
                    weight,
                    bias,
                    ops::Conv2dOptions { stride: *stride, padding: Padding::same(*padding) },
                )
            }
            LayerDescription::Linear { name, bias } => {
                let weight = store.take(name, "weight", None)?;
                let outputs = weight.dims().first().copied().unwrap_or(0);
                if weight.rank() != 2 || x.rank() != 2 {
                    return Err(format!("{name}.weight {} on {}: flatten first", weight.shape(), x.shape()));
                }
                let bias = bias.then(|| store.take(name, "bias", Some(&[outputs]))).transpose()?;
                Step::Linear(weight, bias)
            }
            LayerDescription::GroupNorm { name, groups, eps } => {
                let mut take = |key| store.take(name, key, Some(&[channels]));
                Step::GroupNorm(take("weight")?, take("bias")?, *groups, checked(*eps)?)
            }
            LayerDescription::BatchNorm { name, eps } => {
                let eps = checked(*eps)?;
                let mut take = |key| -> Result<Vec<f64>, String> {
                    let tensor = store.take(name, key, Some(&[channels]))?;
                    Ok(tensor.as_slice().iter().copied().map(f64::from).collect())
                };
                let [weight, bias] = [take("weight")?, take("bias")?];
                let [mean, variance] = [take("running_mean")?, take("running_var")?];
                if let Some(bad) = variance.iter().find(|&&variance| variance + eps <= 0.0) {
                    return Err(format!("{name}.running_var holds {bad}, which is no variance"));
                }
                let scale: Vec<f64> =
                    weight.iter().zip(variance).map(|(w, v)| w / (v + eps).sqrt()).collect();
                let shift = bias.iter().zip(mean).zip(&scale).map(|((b, mean), scale)| b - mean * scale);
                let shift = shift.collect();
                affine(scale, shift, x)
            }
            LayerDescription::Relu {} => Step::Activation(Unary::Relu),
            LayerDescription::Silu {} => Step::Activation(Unary::Silu),
            LayerDescription::Gelu {} => Step::Activation(Unary::Gelu),
            &LayerDescription::MaxPool { kernel, stride, padding } => {
                Step::MaxPool(kernel, stride.unwrap_or(kernel), Padding::same(padding))
            }
            &LayerDescription::AvgPool { kernel, stride } => Step::AvgPool(kernel, stride.unwrap_or(kernel)),
            LayerDescription::GlobalAverage {} => Step::GlobalAverage,
            LayerDescription::Flatten {} => Step::Flatten,
        })
    }

    fn run(&self, x: &Tensor<f32>) -> Result<Tensor<f32>, tweedie_tensor::Error> {
        match self {
            Step::Affine(scale, shift) => {
                let scaled = ops::binary(x.clone(), scale.clone(), Binary::Mul)?;
                ops::binary(scaled, shift.clone(), Binary::Add)
            }
            Step::Resize(size) => ops::resize_bilinear(x, *size),
            Step::Conv(weight, bias, geometry) => ops::conv2d(x, weight, bias.as_ref(), geometry),
            Step::Linear(weight, bias) => {
                let y = ops::matmul(x, false, weight, true)?;
                match bias {
                    Some(bias) => ops::binary(y, bias.clone(), Binary::Add),
                    None => Ok(y),
                }
            }
            Step::GroupNorm(weight, bias, groups, eps) => {
                Ok(ops::group_norm(x, *groups, Some(weight), Some(bias), *eps, false)?.0)
            }
            Step::Activation(f) => Ok(ops::unary(x.clone(), *f)),
            Step::MaxPool(kernel, stride, padding) => ops::max_pool2d(x, *kernel, *stride, *padding),
            Step::AvgPool(kernel, stride) => ops::avg_pool2d(x, *kernel, *stride),
            Step::GlobalAverage => {
                let [n, c, h, w] = x.shape().nchw("global_average")?;
                ops::mean_axis(&x.reshape([n, c, h * w])?, 2, KeepDim::No)
            }
            Step::Flatten => x.reshape(Shape::new(&[x.dims()[0], x.numel() / x.dims()[0].max(1)])?),
        }
    }
}

/// One number for each channel, from a list of one for each or of one for all.
fn each(values: &[f64], channels: usize, key: &str) -> Result<Vec<f64>, String> {
    match values {
        [one] => Ok(vec![*one; channels]),
        _ if values.len() == channels => Ok(values.to_vec()),
        _ => Err(format!(
            "{key} has {} numbers: give one for each of {channels} channels, or one",
            values.len()
        )),
    }
}

fn checked(eps: f64) -> Result<f64, String> {
    if eps.is_finite() && eps >= 0.0 { Ok(eps) } else { Err(format!("eps = {eps}: must not be negative")) }
}

/// A scale and a shift for each channel of pictures, or for each element of rows.
fn affine(scale: Vec<f64>, shift: Vec<f64>, x: &Tensor<f32>) -> Step {
    let shaped = |values: Vec<f64>| {
        let one = Tensor::from_fn([values.len()], |i| values[i] as f32);
        let axes = [values.len(), 1, 1];
        if x.rank() == 4 { Tensor::from_fn(axes, |i| values[i] as f32) } else { one }
    };
    Step::Affine(shaped(scale), shaped(shift))
}
