//! Files of weights, and indices of shards.

use super::scratch::{Scratch, check_error};
use std::collections::BTreeMap;
use std::path::Path;
use tweedie_nn::weights::{WeightFile, load, load_sharded, write_safetensors};
use tweedie_nn::{Builder, Init};
use tweedie_tensor::Tensor;
use tweedie_train::Error;

fn said(error: tweedie_nn::Error) -> String {
    Error::from(error).user_error().to_string()
}

/// Every tensor of the file is refused, or has as many numbers as its shape says.
fn read_all(path: &Path) {
    let place = path.to_str().expect("plain names");
    let file = match WeightFile::read(path) {
        Ok(file) => file,
        Err(error) => return check_error(&said(error), place),
    };
    for (name, entry) in file.entries() {
        match file.tensor::<f32>(name) {
            Ok(value) => assert_eq!(value.dims(), entry.shape),
            Err(error) => check_error(&said(error), place),
        }
        match file.integers(name) {
            Ok(values) => assert_eq!(values.len(), entry.shape.iter().product::<usize>()),
            Err(error) => check_error(&said(error), place),
        }
    }
    if let Err(error) = load::<f32>(&file, &model().specs()) {
        check_error(&said(error), place);
    }
}

/// A model of two tensors.
fn model() -> Builder {
    let builder = Builder::new();
    builder.param("a", [2], Init::Ones);
    builder.param("b.weight", [3, 2], Init::Ones);
    builder
}

/// A safetensors file.
pub fn weights(input: &[u8]) {
    let folder = Scratch::new();
    read_all(&folder.put("a.safetensors", input));
}

/// An index of two shards, `1` with the tensor `a` and `2` with `b.weight`, that lie beside it.
pub fn shards(input: &[u8]) {
    let folder = Scratch::new();
    for (shard, name, value) in
        [("1", "a", Tensor::full([2], 1.0)), ("2", "b.weight", Tensor::full([3, 2], 2.0))]
    {
        write_safetensors(&folder.path().join(shard), &[(name, &value)], &BTreeMap::new()).expect("room");
    }
    let index = folder.put("model.safetensors.index.json", input);
    match load_sharded::<f32>(&index, &model().specs()) {
        Ok(params) => assert_eq!(params.numel(), 8),
        Err(error) => check_error(&said(error), folder.path().to_str().expect("plain names")),
    }
}
