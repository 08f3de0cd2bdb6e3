//! Models in diffusers' folder format: a `unet` folder with the network, a `scheduler` folder with the schedule.

use crate::config::{SamplerKind, SamplingConfig};
use crate::model::{Model, Scheduling};
use crate::{Error, Result};
use std::path::Path;
use tweedie_diffusion::{Churn, Clip, Sampler, SchedulerClass, SchedulerConfig};
use tweedie_nn::weights::{WeightFile, load};
use tweedie_nn::{Builder, Network, UNetConfig};

/// Whether a path looks like such a folder.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.join("model_index.json").is_file() || path.join("unet").join("config.json").is_file()
}

/// Opens such a folder. Its scheduler's own settings are the sampling defaults.
pub(crate) fn open(folder: &Path) -> Result<Model> {
    let config_path = folder.join("unet").join("config.json");
    let config = UNetConfig::read(&config_path)?;
    let builder = Builder::new();
    let classes = config.num_class_embeds.map(|n| (0..n).map(|class| class.to_string()).collect());
    let config = config.into();
    let network = Network::new(&config, &builder)?;
    let weights = folder.join("unet").join("diffusion_pytorch_model.safetensors");
    let params = load(&WeightFile::read(&weights)?, &builder.specs())?;

    let scheduler_path = folder.join("scheduler").join("scheduler_config.json");
    let text = without_infinities(&read(&scheduler_path)?);
    let scheduler: SchedulerConfig = serde_json::from_str(&text).map_err(|error| {
        Error::model(format!("not a scheduler's configuration: {error}"), &scheduler_path, "correct the file")
    })?;
    let sampling = SamplingConfig {
        sampler: sampler_of(&scheduler)?,
        steps: 50.min(scheduler.num_train_timesteps),
        guidance: 1.0,
        clip: match scheduler.clip()? {
            Clip::At(range) => range,
            Clip::Off => 0.0,
            Clip::Dynamic { .. } => 1.0,
        },
        variance: scheduler.variance()?,
        ..SamplingConfig::default()
    };
    let learns_variance = config.backbone.out_channels() == 2 * config.backbone.in_channels();
    Ok(Model {
        network,
        params,
        config,
        schedule: scheduler.schedule()?,
        prediction: scheduler.prediction()?,
        learns_variance,
        classes,
        null_class: None,
        words: None,
        null_caption: false,
        scheduling: Scheduling::Diffusers(Box::new(scheduler)),
        sampling,
        data: None,
    })
}

/// The sampler that a scheduler's configuration stands for.
///
/// # Errors
/// A class of scheduler that is not known, or one of flows.
fn sampler_of(scheduler: &SchedulerConfig) -> Result<SamplerKind> {
    refuse_flows(scheduler)?;
    let class = scheduler.class().map_err(|_| {
        let what = format!("{} is not known", scheduler.class_name);
        let names = "ddpm, ddim, pndm, euler, heun, dpmpp-2m, dpmpp-2m-sde or unipc";
        Error::config(what, PLACE, format!("name the sampler to take in its place, --sampler {names}"))
    })?;
    Ok(match class {
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

/// The file in which a scheduler's keys are.
const PLACE: &str = "scheduler_config.json";

/// Refuses a scheduler of flows, whose path from noise to pictures no sampler here takes.
fn refuse_flows(scheduler: &SchedulerConfig) -> Result<()> {
    if scheduler.is_of_flows() {
        let what = format!("{} is of flows, and holds no betas for any sampler here", scheduler.class_name);
        return Err(Error::config(
            what,
            PLACE,
            "take a model that was trained on noise; predict takes this one",
        ));
    }
    Ok(())
}

/// `algorithm_type` of DPM-Solver++ for the reverse SDE.
const SDE: &str = "sde-dpmsolver++";

/// The scheduler with this configuration, at other settings.
pub(crate) fn sampler(
    scheduler: &SchedulerConfig,
    sampling: &SamplingConfig,
) -> Result<Box<dyn Sampler<f32>>> {
    let SamplingConfig { steps, eta, churn, .. } = *sampling;
    refuse_flows(scheduler)?;
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
            if sampler_of(&config).ok() != Some(sampling.sampler) {
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

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(Error::io("read", path))
}
