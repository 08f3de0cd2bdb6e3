//! `tweedie sample`: pictures out of noise.

mod attention;
mod gallery;

use super::{captions, classes, noise, open_any, pictures_at_a_time, sizeless};
use crate::args::{Out, SampleArgs, SamplerArgs, SamplerName};
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::output;
use crate::pictures::Colour;
use crate::progress::{Progress, duration};
use gallery::Gallery;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tweedie_diffusion::Condition;
use tweedie_tensor::Tensor;
use tweedie_train::config::{SamplerKind, SamplingConfig};
use tweedie_train::plan::check_pictures;
use tweedie_train::{Asked, Model, SampleRequest};

/// Pictures that are painted when nothing says how many.
const PICTURES: usize = 16;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Sampled<'a> {
    model: &'a Path,
    n: usize,
    sampler: SamplerKind,
    steps: usize,
    seconds: f64,
    seconds_per_picture: f64,
    out: Option<&'a Path>,
    raw: Option<&'a Path>,
    classes: Option<&'a [usize]>,
    captions: Option<&'a [String]>,
}

/// What is to be painted, all questions answered.
struct Plan {
    n: usize,
    condition: Condition,
    x_t: Option<Tensor<f32>>,
    sampling: SamplingConfig,
    out: Option<Out>,
}

/// Paints, and writes what was painted.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(crate) fn sample(args: &SampleArgs, seed: u64, console: Console) -> Result<()> {
    let mut model = open_any(&args.model, !args.no_ema, console)?;
    let plan = Plan::new(args, &mut model)?;
    let asked = Asked { sampler: args.sampler.sampler.is_some(), steps: args.sampler.steps.is_some() };
    for note in model.sampling_notes(&plan.sampling, asked) {
        console.say(format!("note: {note}"));
    }
    let Plan { n, condition, sampling, .. } = &plan;
    let (n, steps) = (*n, sampling.steps);
    let shape = model.shape();
    plan.claim_places(args.raw.as_deref(), shape)?;
    if let Some(path) = &args.attention {
        output::claim_file(path, "--attention")?;
    }

    let interrupt = Interrupt::listen(console, "stopping");
    let mut progress = Progress::new(console);
    let mut gallery = plan.out.as_ref().map(|out| Gallery::new(out, n, steps));
    let mut raw = args.raw.is_some().then(Vec::new);
    let began = Instant::now();
    let (x_t, condition, sampling) = (plan.x_t.clone(), condition.clone(), sampling.clone());
    let whole = SampleRequest { n, first: 0, x_t, condition, seed, sampling };
    let SampleRequest { condition, sampling, .. } = &whole;
    for request in whole.parts(pictures_at_a_time(shape)) {
        let request = request?;
        let (first, count) = (request.first, request.n);
        let mut trouble = None;
        let painted = model.sample(&request, |state| {
            let done = first as f64 + (count * (state.step + 1)) as f64 / steps as f64;
            progress.update(done / n as f64, || {
                let pace = began.elapsed().div_f64(done).mul_f64(n as f64 - done);
                format!(
                    "pictures {} to {} of {n}, step {} of {steps}, {} left",
                    first + 1,
                    first + count,
                    state.step + 1,
                    duration(pace)
                )
            });
            let seen = gallery.as_mut().map_or(Ok(()), |gallery| gallery.see(state.step, &state.x));
            match seen {
                Ok(()) if interrupt.asked() => Err(Failure::Interrupted(plan.interrupted(first))),
                seen => seen,
            }
            .map_err(|failure| stop(&mut trouble, failure))
        });
        let x = painted.map_err(|error| trouble.take().unwrap_or_else(|| error.into()))?;
        if let (Some(path), 0) = (&args.attention, first) {
            attention::write(path, &model, &x, condition, seed)?;
        }
        if let Some(gallery) = &mut gallery {
            gallery.hang(first, &x)?;
        }
        if let Some(raw) = &mut raw {
            raw.extend_from_slice(x.as_slice());
        }
    }
    progress.finish();
    let seconds = began.elapsed().as_secs_f64();

    let names = model.classes();
    if let Some(gallery) = gallery {
        gallery.finish(condition.classes.as_deref(), names)?;
    }
    if let (Some(path), Some(values)) = (&args.raw, &raw) {
        noise::write(path, values, shape)?;
    }
    let out = plan.out.as_ref().map(Out::path);
    console.say(format!(
        "painted {} in {seconds:.1} s ({} of {})",
        counted(n, "picture"),
        counted(steps, "step"),
        said(sampling.sampler)
    ));
    for place in [out, args.raw.as_deref(), args.attention.as_deref()].into_iter().flatten() {
        console.say(format!("in {}", place.display()));
    }
    console.result(&Sampled {
        model: &args.model,
        n,
        sampler: sampling.sampler,
        steps,
        seconds,
        seconds_per_picture: seconds / n as f64,
        out,
        raw: args.raw.as_deref(),
        classes: condition.classes.as_deref(),
        captions: (!args.caption.is_empty()).then_some(&args.caption),
    })
}

/// Keeps the failure for the caller, and answers an error that ends the sampler's run.
pub(super) fn stop(kept: &mut Option<Failure>, failure: Failure) -> tweedie_train::Error {
    let text = failure.to_string();
    *kept = Some(failure);
    tweedie_train::Error::Io { action: "go on", path: PathBuf::new(), source: std::io::Error::other(text) }
}

impl Plan {
    /// Checks what was asked for against what the model is.
    fn new(args: &SampleArgs, model: &mut Model) -> Result<Plan> {
        let x_t = args.noise.as_deref().map(|path| noise::read_for(model, path)).transpose()?;
        if model.shape()[1] == 0 {
            return Err(sizeless(&args.model, "give --noise of that size, or write it into its config.json"));
        }
        let in_noise = x_t.as_ref().map(|x| x.dims()[0]);
        let names = model.classes();
        let classes = classes::asked(&args.class, names)?.unwrap_or_default();
        let several = |count: usize| (count > 1).then_some(count);
        let asked = several(classes.len()).or_else(|| several(args.caption.len()));
        let n = args.n.or(in_noise).or(asked).unwrap_or(PICTURES);
        if n == 0 {
            return Err(Failure::user("0 pictures, --n: give at least 1"));
        }
        if let Some(there) = in_noise.filter(|&there| there != n) {
            return Err(Failure::user(format!(
                "{} from a noise of {there}, --n: leave it out, or give as many as --noise has",
                counted(n, "picture")
            )));
        }
        let out = match (&args.out, &args.raw) {
            (Some(out), _) => Some(out.clone()),
            (None, Some(_)) => None,
            (None, None) => Some(Out::Png("samples.png".into())),
        };
        let sampling = settings(&args.sampler, model)?;
        let kept = gallery::bytes_per_picture(out.as_ref(), model.shape(), sampling.steps);
        let raw =
            args.raw.as_ref().map_or(0, |_| 2 * size_of::<f32>() * model.shape().iter().product::<usize>());
        let at_a_time = pictures_at_a_time(model.shape());
        check_pictures(model.network_config(), at_a_time, n, (kept + raw) as u64, "--n")?;
        let classes = classes::resolve_or_in_turn(&args.class, names, n)?;
        let captions = captions::resolve(&args.caption, model.words(), n)?;
        let condition = Condition { classes, captions };
        Ok(Plan { n, condition, x_t, sampling, out })
    }

    /// Tries the places of the results, before the work.
    fn claim_places(&self, raw: Option<&Path>, [channels, ..]: [usize; 3]) -> Result<()> {
        if let Some(raw) = raw {
            output::claim_file(raw, "--raw")?;
        }
        if self.out.is_some() {
            Colour::of_channels(channels)?;
        }
        match &self.out {
            None => Ok(()),
            Some(Out::Png(path) | Out::Gif(path)) => output::claim_file(path, "--out"),
            Some(Out::Folder(path)) => output::claim_folder(path, "--out"),
        }
    }

    /// What to say when it was stopped while painting from picture `first` on.
    fn interrupted(&self, first: usize) -> String {
        match &self.out {
            Some(Out::Folder(path)) if first > 0 => {
                format!("{first} of {} in {}", counted(self.n, "picture"), path.display())
            }
            _ => "nothing was written".to_string(),
        }
    }
}

/// What people call a sampler.
fn said(sampler: SamplerKind) -> &'static str {
    match sampler {
        SamplerKind::Ddpm => "DDPM",
        SamplerKind::Ddim => "DDIM",
        SamplerKind::Euler => "Euler",
        SamplerKind::Heun => "Heun",
        SamplerKind::Dpmpp2m => "DPM-Solver++ 2M",
        SamplerKind::Dpmpp2mSde => "DPM-Solver++ 2M SDE",
        SamplerKind::UniPc => "UniPC",
        SamplerKind::Pndm => "PNDM",
    }
}

/// The model's own settings, with those of the command line in their place.
pub(super) fn settings(args: &SamplerArgs, model: &Model) -> Result<SamplingConfig> {
    let mut sampling = model.sampling_by(args.sampler.map(SamplerName::kind))?;
    let sampler = sampling.sampler;
    let foreign = |option: &str, owners: &str| {
        let said = said(sampler);
        Failure::user(format!(
            "{said} has no such setting, {option}: leave it out, or take --sampler {owners}"
        ))
    };
    if let Some(steps) = args.steps {
        sampling.steps = steps as usize;
    }
    if let Some(spacing) = args.spacing {
        sampling.spacing = Some(spacing.spacing());
    }
    if let Some(eta) = args.eta {
        share(eta, "--eta")?;
        if sampler != SamplerKind::Ddim {
            return Err(foreign("--eta", "ddim"));
        }
        sampling.eta = eta;
    }
    if let Some(churn) = args.churn {
        if !(churn >= 0.0 && churn.is_finite()) {
            return Err(Failure::user(format!("{churn} is out of range, --churn: give 0 or more")));
        }
        if !sampler.churns() {
            return Err(foreign("--churn", "euler or heun"));
        }
        sampling.churn = churn;
    }
    let guided = |option: &str| match model.classes().is_some() || model.words().is_some() {
        true => Ok(()),
        false => Err(Failure::user(format!(
            "the model knows no classes or captions to be guided to, {option}: leave it out"
        ))),
    };
    if let Some(guidance) = args.guidance {
        if !guidance.is_finite() {
            return Err(Failure::user(format!("{guidance} is no weight, --guidance: give a finite number")));
        }
        if guidance < 0.0 {
            return Err(Failure::user(format!(
                "{guidance} leads away from what is asked for, --guidance: give 0 (asked for nothing), 1 (not guided) or more"
            )));
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
    Err(Failure::user(format!("{value} is out of range, {option}: give a number from 0 to 1")))
}
