//! Where the parts of a model lie in a folder: `unet/` beside `scheduler/`, everything in the root, or a network alone.

use super::index::{self, DECODERS, ModelIndex, SUPPORTED};
use super::json::{folder_names, read_json};
use super::weights::Weights;
use crate::{Error, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A network's configuration.
pub(super) const CONFIG: &str = "config.json";
const SCHEDULER: &str = "scheduler_config.json";
/// The folders of a network, and of the moving average of one.
const UNET: &str = "unet";
const AVERAGE: &str = "unet_ema";
/// Networks of other kinds.
const OTHERS: [&str; 2] = ["transformer", "prior"];

/// The parts that were found.
#[derive(Debug)]
pub(super) struct Layout {
    /// The folder of the network.
    pub(super) network: PathBuf,
    /// The weights, where they were given by name.
    pub(super) weights: Option<Weights>,
    /// The scheduler's configuration, or where it should be.
    pub(super) scheduler: PathBuf,
    /// What the folder is part of; or why that is nothing to sample by.
    pub(super) index: Result<Option<ModelIndex>>,
    /// What was chosen, for a person.
    pub(super) notes: Vec<String>,
}

/// Whether a path is one of a model of diffusers: a folder with one of its files where they belong, or a file of weights
/// beside a `config.json`.
pub(in crate::model) fn is_one(path: &Path) -> bool {
    if path.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return Weights::is_name(&name) && path.with_file_name(CONFIG).is_file();
    }
    let networks = [UNET, AVERAGE].into_iter().chain(OTHERS).map(|name| path.join(name));
    [CONFIG, index::FILE, SCHEDULER].iter().any(|name| path.join(name).is_file())
        || networks.into_iter().any(|network| network.is_dir())
        || folder_names(path)
            .is_ok_and(|names| names.iter().any(|name| name.starts_with("diffusion_pytorch_model")))
}

impl Layout {
    /// The layout of the model at `path`. With `average`, a moving average of the weights is taken where one lies beside
    /// them and no `model_index.json` says otherwise.
    pub(super) fn of(path: &Path, average: bool) -> Result<Layout> {
        let mut notes = Vec::new();
        let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
        let index = ModelIndex::of(folder)?;
        if let Some(index) = &index {
            index.check()?;
        }
        let network =
            if path.is_file() { folder.to_path_buf() } else { network(folder, index.as_ref(), average)? };
        if network != folder {
            refuse_decoders(folder)?;
        }
        if network.ends_with(AVERAGE) && network != folder {
            notes.push(format!("{AVERAGE}/ is read, the moving average of the weights"));
        } else if network.ends_with(UNET) && network != folder && folder.join(AVERAGE).is_dir() {
            notes.push(format!("{UNET}/ is read; {AVERAGE}/ beside it can be given as MODEL"));
        }
        let weights = path.is_file().then(|| Weights::at(path));
        // A network's folder that was taken out of a whole keeps its scheduler there.
        let (scheduler, index) = match (scheduler(folder), whole_of(folder)) {
            (Some(there), _) => (there, Ok(index)),
            (None, Some(whole)) => (scheduler(&whole).unwrap_or_else(|| expected(&whole)), checked(&whole)),
            (None, None) => (expected(folder), Ok(index)),
        };
        Ok(Layout { network, weights, scheduler, index, notes })
    }
}

/// What a folder named as a network's is part of.
fn whole_of(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let is_part = [UNET, AVERAGE].iter().any(|name| folder.ends_with(name));
    folder.parent().filter(|_| is_part).map(Path::to_path_buf)
}

/// Refuses a network that has a decoder beside it.
fn refuse_decoders(folder: &Path) -> Result<()> {
    match DECODERS.into_iter().find(|name| folder.join(name).is_dir()) {
        None => Ok(()),
        Some(decoder) => {
            let what = format!("the network paints latents, which {decoder}/ decodes");
            Err(Error::model(what, &folder.join(decoder), SUPPORTED))
        }
    }
}

/// The index of a whole, if that paints pictures.
fn checked(whole: &Path) -> Result<Option<ModelIndex>> {
    refuse_decoders(whole)?;
    let index = ModelIndex::of(whole)?;
    index.as_ref().map_or(Ok(()), ModelIndex::check)?;
    Ok(index)
}

/// The scheduler's file of a folder: in `scheduler/`, or in the root.
fn scheduler(folder: &Path) -> Option<PathBuf> {
    let places = [folder.join("scheduler").join(SCHEDULER), folder.join(SCHEDULER)];
    places.into_iter().find(|path| path.is_file())
}

/// Where a scheduler's file should be.
fn expected(folder: &Path) -> PathBuf {
    folder.join("scheduler").join(SCHEDULER)
}

/// The folder that holds the network.
fn network(folder: &Path, index: Option<&ModelIndex>, average: bool) -> Result<PathBuf> {
    let (unet, ema, root) = (folder.join(UNET), folder.join(AVERAGE), folder.to_path_buf());
    // A model_index.json names the folder of the network; without one the average is taken, which paints best.
    let order = match average && index.is_none() {
        true => [ema, unet, root],
        false => [unet, root, ema],
    };
    if let Some(found) = order.iter().find(|place| place.join(CONFIG).is_file()) {
        return Ok(found.clone());
    }
    for other in OTHERS {
        let config = folder.join(other).join(CONFIG);
        if config.is_file() {
            let json = read_json(&config)?;
            let class = json.get("_class_name").and_then(Value::as_str).unwrap_or("a network without a name");
            return Err(Error::model(format!("{class} ({other}/) is not supported"), &config, SUPPORTED));
        }
    }
    let missing =
        order.iter().find(|place| place.is_dir() && **place != folder).map_or(folder, |place| place);
    Err(Error::model(
        format!("no {CONFIG} of a network in the folder"),
        missing,
        "give the folder that save_pretrained wrote, whole",
    ))
}
