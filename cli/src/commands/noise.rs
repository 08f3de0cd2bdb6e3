//! `--noise` and `--raw`: tensor `x` of a safetensors file, in and out.

use crate::error::{Failure, Result};
use std::collections::BTreeMap;
use std::path::Path;
use tweedie_nn::weights::{WeightFile, write_safetensors};
use tweedie_tensor::Tensor;
use tweedie_train::Model;

const NAME: &str = "x";

/// Reads tensor `x`, a batch of pictures of `shape` (channels, height, width); of any size where height and width are 0.
///
/// # Errors
/// A file that cannot be read, or holds no such tensor; a tensor of another shape, without pictures, or with numbers
/// that are not finite.
pub(crate) fn read(path: &Path, shape: [usize; 3]) -> Result<Tensor<f32>> {
    let x: Tensor<f32> = WeightFile::read(path)?.tensor(NAME)?;
    let place = path.display();
    let side = |n: usize, any: &str| if n == 0 { any.to_string() } else { n.to_string() };
    let [c, h, w] = shape;
    if x.rank() != 4 || x.dims()[1] != c || (h > 0 && x.dims()[2..] != [h, w]) {
        let given = x.shape();
        let (h, w) = (side(h, "h"), side(w, "w"));
        return Err(Failure::user(
            format!("tensor x has shape {given}"),
            format!("--noise {place}"),
            format!("the model takes [n, {c}, {h}, {w}]"),
        ));
    }
    if x.numel() == 0 {
        return Err(Failure::user(
            "tensor x holds no picture",
            format!("--noise {place}"),
            "give at least one",
        ));
    }
    if !x.all_finite() {
        return Err(Failure::user(
            "tensor x holds infinities or NaN",
            format!("--noise {place}"),
            "give finite numbers",
        ));
    }
    Ok(x)
}

/// Reads the pictures that a model is given, which say their size where the model does not.
///
/// # Errors
/// As [`read`]; pictures that do not fit the network.
pub(crate) fn read_for(model: &mut Model, path: &Path) -> Result<Tensor<f32>> {
    let x = read(path, model.shape())?;
    if let (0, &[_, _, height, width]) = (model.shape()[1], x.dims()) {
        model.set_size([height, width])?;
    }
    Ok(x)
}

/// Writes `values`, pictures of `shape`, as tensor `x`.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write(path: &Path, values: &[f32], [c, h, w]: [usize; 3]) -> Result<()> {
    let x = Tensor::from_slice([values.len() / (c * h * w).max(1), c, h, w], values)?;
    Ok(write_safetensors(path, &[(NAME, &x)], &BTreeMap::new())?)
}
