//! `tweedie sample`: pictures out of noise.

mod attention;
mod gallery;

use super::sampler_settings::settings;
use super::{captions, classes, noise};
use crate::args::{Out, SampleArgs};
use crate::console::Console;
use crate::counted::counted;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::models::{open_any, sizeless};
use crate::output;
use crate::painting::{Painted, Painter, pictures_at_a_time};
use crate::pictures::Colour;
use gallery::Gallery;
use serde::Serialize;
use std::path::Path;
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

    let mut painter = Painter::new(console, Interrupt::listen(console, "stopping"), 1);
    let mut gallery = plan.out.as_ref().map(|out| Gallery::new(out, n, steps));
    let mut raw = args.raw.is_some().then(Vec::new);
    let (x_t, condition, sampling) = (plan.x_t.clone(), condition.clone(), sampling.clone());
    let request = SampleRequest { n, first: 0, x_t, condition, seed, sampling };
    let SampleRequest { condition, sampling, .. } = &request;
    let mut done = 0;
    for painted in painter.paint(&request, pictures_at_a_time(shape), "", |part| Ok(model.sample(part)?)) {
        match painted {
            Ok(Painted::Step(state)) => {
                if let Some(gallery) = &mut gallery {
                    gallery.add_step(state.step, &state.x)?;
                }
            }
            Ok(Painted::Batch { first, pictures }) => {
                if let (Some(path), 0) = (&args.attention, first) {
                    attention::write(path, &model, &pictures, condition, seed)?;
                }
                if let Some(gallery) = &mut gallery {
                    gallery.add(first, &pictures)?;
                }
                if let Some(raw) = &mut raw {
                    raw.extend_from_slice(pictures.as_slice());
                }
                done = first + pictures.dims()[0];
            }
            Err(Failure::Interrupted(_)) => return Err(Failure::Interrupted(plan.interrupted(done))),
            Err(failure) => return Err(failure),
        }
    }
    let seconds = painter.finish().as_secs_f64();

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
        sampling.sampler.title()
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

impl Plan {
    /// Checks the command line against the model.
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
            return Err(Failure::user("0 pictures", "--n", "give at least 1"));
        }
        if let Some(there) = in_noise.filter(|&there| there != n) {
            return Err(Failure::user(
                format!("{} from a noise of {there}", counted(n, "picture")),
                "--n",
                "leave it out, or give as many as --noise has",
            ));
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

    /// What became of the work when it was stopped after `done` pictures.
    fn interrupted(&self, done: usize) -> String {
        match &self.out {
            Some(Out::Folder(path)) if done > 0 => {
                format!("{done} of {} in {}", counted(self.n, "picture"), path.display())
            }
            _ => "nothing was written".to_string(),
        }
    }
}
