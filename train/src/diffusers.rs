//! Models in diffusers' folder format, in any of its layouts.

mod index;
mod layout;
mod scheduler;
mod weights;

pub use scheduler::Asked;
pub(crate) use scheduler::FolderScheduler;

use crate::config::{SamplerKind, SamplingConfig};
use crate::model::{Model, Scheduling};
use crate::{Error, Result};
use layout::Layout;
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tweedie_diffusion::{Churn, Sampler, SchedulerClass, SchedulerConfig};
use tweedie_nn::unet::DiffusersConfig;
use tweedie_nn::{Builder, Network, UNetConfig};
use weights::Weights;

/// Whether a path is one of such a model.
pub(crate) fn is_one(path: &Path) -> bool {
    layout::is_one(path)
}

/// Opens such a model. With `average`, the moving average of its weights is taken where one lies beside them. Its
/// scheduler may be missing, or of a kind that is not known: that is an error of what needs it.
pub(crate) fn open(path: &Path, average: bool) -> Result<Model> {
    let mut layout = Layout::of(path, average)?;
    let (config, note) = network_config(&layout.network.join(layout::CONFIG))?;
    layout.notes.extend(note);
    let weights = match layout.weights.take() {
        Some(weights) => weights,
        None => {
            let (weights, note) = Weights::of(&layout.network)?;
            layout.notes.extend(note);
            weights
        }
    };
    let classes = config.num_class_embeds.map(|n| (0..n).map(|class| class.to_string()).collect());
    let config = config.into();
    let builder = Builder::new();
    let network = Network::new(&config, &builder)?;
    let params = weights.load(&builder.specs())?;
    let learns_variance = config.backbone.out_channels() == 2 * config.backbone.in_channels();
    Ok(Model {
        network,
        params,
        config,
        learns_variance,
        classes,
        null_class: None,
        words: None,
        null_caption: false,
        notes: std::mem::take(&mut layout.notes),
        scheduling: Scheduling::Diffusers(Box::new(FolderScheduler::of(layout))),
        data: None,
    })
}

/// A network's `config.json`, and what to say of it.
fn network_config(path: &Path) -> Result<(UNetConfig, Option<String>)> {
    let DiffusersConfig { network, ignored } =
        UNetConfig::from_json(read_json(path)?).map_err(|error| match error {
            tweedie_nn::Error::Config { key, value, .. } if key == "_class_name" => Error::model(
                format!("a model of the class {value} is not supported (_class_name)"),
                path,
                index::SUPPORTED,
            ),
            other => Error::model(other.to_string(), path, "take another model, or correct the file"),
        })?;
    let note = (!ignored.is_empty()).then(|| {
        let keys = ignored.join(", ");
        format!("{}: keys that UNet2DModel does not have mean nothing: {keys}", path.display())
    });
    Ok((network, note))
}

/// The sampler that a scheduler's configuration stands for.
fn sampler_of(scheduler: &SchedulerConfig) -> Result<SamplerKind> {
    Ok(match scheduler.class()? {
        SchedulerClass::Ddpm => SamplerKind::Ddpm,
        SchedulerClass::Ddim => SamplerKind::Ddim,
        SchedulerClass::Pndm => SamplerKind::Pndm,
        SchedulerClass::Euler => SamplerKind::Euler,
        SchedulerClass::Heun => SamplerKind::Heun,
        SchedulerClass::DpmSolver if scheduler.algorithm_type == SDE => SamplerKind::Dpmpp2mSde,
        SchedulerClass::DpmSolver => SamplerKind::Dpmpp2m,
        SchedulerClass::UniPc => SamplerKind::UniPc,
    })
}

/// `algorithm_type` of DPM-Solver++ for the reverse SDE.
const SDE: &str = "sde-dpmsolver++";

/// The scheduler with this configuration, at other settings.
pub(crate) fn sampler(
    scheduler: &SchedulerConfig,
    sampling: &SamplingConfig,
) -> Result<Box<dyn Sampler<f32>>> {
    let SamplingConfig { steps, eta, churn, .. } = *sampling;
    let mut config = scheduler.clone();
    if let Some(spacing) = sampling.spacing {
        config.timestep_spacing = Some(spacing.name().into());
    }
    let churn = Churn::new(churn);
    Ok(match sampling.sampler {
        SamplerKind::Ddpm => Box::new(config.ddpm(steps)?),
        SamplerKind::Ddim => Box::new(config.ddim(steps, eta)?),
        SamplerKind::Pndm => Box::new(config.pndm(steps)?),
        SamplerKind::Euler => {
            let schedule = config.of_class(SchedulerClass::Euler).schedule()?;
            Box::new(config.euler(steps)?.churn(churn, |sigma| schedule.at_sigma(sigma))?)
        }
        SamplerKind::Heun => {
            let schedule = config.of_class(SchedulerClass::Heun).schedule()?;
            Box::new(config.heun(steps)?.churn(churn, |sigma| schedule.at_sigma(sigma))?)
        }
        SamplerKind::Dpmpp2m | SamplerKind::Dpmpp2mSde => {
            if sampling.sampler != sampler_of(&config)? {
                let stochastic = sampling.sampler == SamplerKind::Dpmpp2mSde;
                config.algorithm_type = if stochastic { SDE } else { "dpmsolver++" }.into();
            }
            Box::new(config.dpm_solver(steps)?)
        }
        SamplerKind::UniPc => Box::new(config.unipc(steps)?),
    })
}

/// JSON in the place of what Python writes: infinities and NaN, which mean that a limit is not set, become null.
fn without_infinities(text: &str) -> String {
    let mut strict = String::with_capacity(text.len());
    // Every second piece between quotes is a string; these files have no quotes within.
    for (i, piece) in text.split('"').enumerate() {
        if i > 0 {
            strict.push('"');
        }
        if i % 2 == 1 {
            strict.push_str(piece);
        } else {
            let piece = piece.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null");
            strict.push_str(&piece);
        }
    }
    strict
}

/// The longest file of JSON that is read.
const LONGEST: u64 = 1 << 26;

fn read(path: &Path) -> Result<String> {
    let mut text = String::new();
    let size = File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_string(&mut text))
        .map_err(Error::io("read", path))?;
    if size as u64 == LONGEST {
        let long = io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than any such file");
        return Err(Error::io("read", path)(long));
    }
    if text.starts_with("version https://git-lfs") {
        let what = "a pointer of Git LFS, not the file that it stands for";
        return Err(Error::model(what, path, "run git lfs pull there"));
    }
    Ok(text)
}

fn read_json(path: &Path) -> Result<Value> {
    serde_json::from_str(&without_infinities(&read(path)?))
        .map_err(|error| Error::model(format!("not JSON: {error}"), path, "take the file of the model again"))
}

/// The names of a folder's files, in order.
fn folder_names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}
