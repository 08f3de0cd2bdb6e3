//! Models in diffusers' folder format: a `unet` folder with the network, a `scheduler` folder with the schedule.

use crate::config::{SamplerKind, SamplingConfig};
use crate::model::{Model, Scheduling};
use crate::{Error, Result};
use std::path::Path;
use tweedie_diffusion::{Clip, SchedulerConfig};
use tweedie_nn::weights::{WeightFile, load};
use tweedie_nn::{Builder, UNet, UNetConfig};

/// Whether a path looks like such a folder.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.join("model_index.json").is_file() || path.join("unet").join("config.json").is_file()
}

/// Opens such a folder. Its scheduler's own settings are the sampling defaults.
pub(crate) fn open(folder: &Path) -> Result<Model> {
    let config_path = folder.join("unet").join("config.json");
    let config = UNetConfig::read(&config_path)?;
    let builder = Builder::new();
    let network = UNet::new(&config, &builder)?;
    let weights = folder.join("unet").join("diffusion_pytorch_model.safetensors");
    let params = load(&WeightFile::read(&weights)?, &builder.specs())?;

    let scheduler_path = folder.join("scheduler").join("scheduler_config.json");
    let scheduler: SchedulerConfig = serde_json::from_str(&read(&scheduler_path)?).map_err(|error| {
        Error::model(format!("not a scheduler's configuration: {error}"), &scheduler_path, "correct the file")
    })?;
    let sampling = SamplingConfig {
        sampler: if scheduler.class_name == "DDPMScheduler" { SamplerKind::Ddpm } else { SamplerKind::Ddim },
        steps: 50.min(scheduler.num_train_timesteps),
        eta: 0.0,
        guidance: 1.0,
        clip: match scheduler.clip()? {
            Clip::At(range) => range,
            Clip::Off => 0.0,
        },
        variance: scheduler.variance()?,
    };
    let classes = config.num_class_embeds.map(|n| (0..n).map(|class| class.to_string()).collect());
    Ok(Model {
        network,
        params,
        config,
        schedule: scheduler.schedule()?,
        prediction: scheduler.prediction()?,
        classes,
        null_class: None,
        scheduling: Scheduling::Diffusers(Box::new(scheduler)),
        sampling,
        data: None,
    })
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(Error::io("read", path))
}
