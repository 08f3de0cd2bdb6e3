//! `model_index.json`: which pipeline a folder is of, and what it is put together from.

use super::json::read_json;
use crate::{Error, Result};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The file's name.
pub(super) const FILE: &str = "model_index.json";

/// What turns a network's output into pictures, where that is not the picture itself.
pub(super) const DECODERS: [&str; 3] = ["vqvae", "vae", "movq"];

/// A folder's `model_index.json`.
#[derive(Debug, Clone)]
pub(super) struct ModelIndex {
    path: PathBuf,
    keys: Map<String, Value>,
}

impl ModelIndex {
    /// Reads the index of a folder; `None` where it has none.
    pub(super) fn of(folder: &Path) -> Result<Option<ModelIndex>> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        match read_json(&path)? {
            Value::Object(keys) => Ok(Some(ModelIndex { path, keys })),
            _ => Err(Error::model("not an object of components", &path, "take the file of the model again")),
        }
    }

    /// The pipeline's class, as `DDPMPipeline`.
    pub(super) fn pipeline(&self) -> &str {
        self.keys.get("_class_name").and_then(Value::as_str).unwrap_or("pipeline without a name")
    }

    /// The class of a component; `None` where the pipeline has none of that name.
    pub(super) fn component(&self, name: &str) -> Option<&str> {
        let parts = self.keys.get(name)?.as_array()?;
        parts.first()?.as_str()?;
        parts.get(1)?.as_str()
    }

    /// Refuses a pipeline that is more than a `UNet2DModel` which paints pictures.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::model(what, &self.path, SUPPORTED));
        let pipeline = self.pipeline();
        if let Some(decoder) = DECODERS.into_iter().find(|name| self.component(name).is_some()) {
            return refuse(format!(
                "{pipeline} is not supported: its network paints latents, which {decoder}/ decodes"
            ));
        }
        match self.component("unet") {
            Some("UNet2DModel") => Ok(()),
            Some(other) => refuse(format!("{pipeline} with a {other} is not supported")),
            None => {
                let body =
                    ["transformer", "prior", "model"].into_iter().find(|name| self.component(name).is_some());
                let body = body.map_or(String::new(), |name| format!(" ({name}/)"));
                refuse(format!("{pipeline}{body} is not supported"))
            }
        }
    }
}

/// What to do about a model of another kind.
pub(super) const SUPPORTED: &str =
    "give a folder of a UNet2DModel that paints pictures, as a DDPMPipeline is";
