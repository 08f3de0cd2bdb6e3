//! Which of a folder's files holds the weights.

use super::json::folder_names;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use tweedie_nn::weights::{WeightFile, load, load_sharded};
use tweedie_nn::{Params, Spec};

/// What `save_pretrained` calls the weights, before the ending.
const STEM: &str = "diffusion_pytorch_model";
const WHOLE: &str = ".safetensors";
const INDEX: &str = ".index.json";

/// Weights of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Weights {
    /// In one file.
    Whole(PathBuf),
    /// In several, which an index names.
    Sharded(PathBuf),
}

impl Weights {
    /// The weights in this file, or in the shards that it lists.
    pub(super) fn at(path: &Path) -> Weights {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".json") { Weights::Sharded(path.into()) } else { Weights::Whole(path.into()) }
    }

    /// Whether a file is named as weights or an index of shards are.
    pub(super) fn is_name(name: &str) -> bool {
        name.ends_with(WHOLE) || (name.contains(".safetensors.") && name.ends_with(".json"))
    }

    /// The weights of a folder, and a note on the choice. An index comes before a whole file, as in diffusers, and a
    /// variant (`….fp16.safetensors`) after both.
    ///
    /// # Errors
    /// No weights, weights in a format that is not read, or a choice between variants.
    pub(super) fn of(folder: &Path) -> Result<(Weights, Option<String>)> {
        let names = folder_names(folder)?;
        let has = |name: &String| names.contains(name);
        let (whole, index) = (format!("{STEM}{WHOLE}"), format!("{STEM}{WHOLE}{INDEX}"));
        if has(&index) {
            let note = has(&whole).then(|| format!("the weights are read from {index}; {whole} is not read"));
            return Ok((Weights::Sharded(folder.join(index)), note));
        }
        if has(&whole) {
            return Ok((Weights::Whole(folder.join(whole)), None));
        }
        let variants: Vec<&String> = names
            .iter()
            .filter(|name| name.starts_with(STEM) && Weights::is_name(name) && !name.contains("-of-"))
            .collect();
        match variants[..] {
            [] => Err(none(folder, &names)),
            [only] => {
                Ok((Weights::at(&folder.join(only)), Some(format!("the weights are read from {only}"))))
            }
            [..] => {
                let list = variants.iter().map(|name| &name[..]).collect::<Vec<_>>().join(", ");
                let remedy = format!("give one of them as MODEL: {}", folder.join(variants[0]).display());
                Err(Error::model(
                    format!("several variants of the weights and no {whole} ({list})"),
                    folder,
                    remedy,
                ))
            }
        }
    }

    /// The parameters of a network.
    ///
    /// # Errors
    /// As [`load`] and [`load_sharded`].
    pub(super) fn load(&self, specs: &[Spec]) -> Result<Params<f32>> {
        Ok(match self {
            Weights::Whole(path) => load(&WeightFile::read(path)?, specs)?,
            Weights::Sharded(path) => load_sharded(path, specs)?,
        })
    }
}

/// Why a folder without weights that are read has none.
fn none(folder: &Path, names: &[String]) -> Error {
    let ends =
        |endings: &[&str]| names.iter().find(|name| endings.iter().any(|ending| name.ends_with(ending)));
    let folder_name = folder.display();
    if let Some(index) = ends(&[".bin.index.json"]) {
        return Error::model(
            "the weights are pickled (.bin), which is not read",
            &folder.join(index),
            format!(
                "convert them: python -c \"from diffusers import UNet2DModel as M; \
                 M.from_pretrained('{folder_name}', use_safetensors=False).save_pretrained('{folder_name}')\""
            ),
        );
    }
    if let Some(pickled) = ends(&[".bin", ".pt", ".pth", ".ckpt", ".pkl"]) {
        return Error::model(
            "the weights are pickled, which is not read",
            &folder.join(pickled),
            format!(
                "convert them: python -c \"import torch, safetensors.torch as s; \
                 s.save_file({{k: v.contiguous() for k, v in torch.load('{folder_name}/{pickled}', map_location='cpu', \
                 weights_only=True).items()}}, '{folder_name}/{STEM}{WHOLE}')\""
            ),
        );
    }
    match ends(&[WHOLE, ".msgpack", ".h5", ".onnx"]) {
        Some(other) if other.ends_with(WHOLE) => Error::model(
            format!("no {STEM}{WHOLE} in the folder, but {other}"),
            folder,
            "rename it, or give it as MODEL",
        ),
        Some(other) => {
            Error::model("the weights are in a format that is not read", &folder.join(other), FETCH)
        }
        None => Error::model(format!("no {STEM}{WHOLE} in the folder"), folder, FETCH),
    }
}

const FETCH: &str = "fetch or save the model's weights as safetensors";
