//! The sampler and its settings: what the command line gives, over what the model came with.

use crate::args::SamplerArgs;
use crate::error::{Failure, Result};
use tweedie_diffusion::Setting;
use tweedie_train::Model;
use tweedie_train::config::{SamplerKind, SamplingConfig};

/// The model's own settings, replaced by what the command line gives.
///
/// # Errors
/// A setting that is out of range, or that the sampler or the model has no use for.
pub(crate) fn settings(args: &SamplerArgs, model: &Model) -> Result<SamplingConfig> {
    let mut sampling = model.sampling_by(args.sampler)?;
    let sampler = sampling.sampler;
    let reads = |setting: Setting, option: &str| match sampler.reads(setting) {
        true => Ok(()),
        false => Err(Failure::user(
            format!("{} has no such setting", sampler.title()),
            option,
            format!("leave it out, or take --sampler {}", SamplerKind::listed(|kind| kind.reads(setting))),
        )),
    };
    if let Some(steps) = args.steps {
        sampling.steps = steps as usize;
    }
    if let Some(spacing) = args.spacing {
        sampling.spacing = Some(spacing);
    }
    if let Some(eta) = args.eta {
        share(eta, "--eta")?;
        reads(Setting::Eta, "--eta")?;
        sampling.eta = eta;
    }
    if let Some(churn) = args.churn {
        if !(churn >= 0.0 && churn.is_finite()) {
            return Err(Failure::user(format!("{churn} is out of range"), "--churn", "give 0 or more"));
        }
        reads(Setting::Churn, "--churn")?;
        sampling.churn = churn;
    }
    let guided = |option: &str| match model.classes().is_some() || model.words().is_some() {
        true => Ok(()),
        false => Err(Failure::user(
            "the model knows no classes or captions to be guided to",
            option,
            "leave it out",
        )),
    };
    if let Some(guidance) = args.guidance {
        if !guidance.is_finite() {
            return Err(Failure::user(
                format!("{guidance} is no weight"),
                "--guidance",
                "give a finite number",
            ));
        }
        if guidance < 0.0 {
            return Err(Failure::user(
                format!("{guidance} leads away from what is asked for"),
                "--guidance",
                "give 0 (asked for nothing), 1 (not guided) or more",
            ));
        }
        if guidance != 1.0 {
            guided("--guidance")?;
        }
        sampling.guidance = guidance;
    }
    if let Some(rescale) = args.guidance_rescale {
        share(rescale, "--guidance-rescale")?;
        if rescale != 0.0 {
            guided("--guidance-rescale")?;
        }
        sampling.guidance_rescale = rescale;
    }
    Ok(sampling)
}

/// Refuses what is not from 0 to 1.
fn share(value: f64, option: &str) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Failure::user(format!("{value} is out of range"), option, "give a number from 0 to 1"))
}
