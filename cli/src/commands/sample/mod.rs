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
use crate::ranks;
use crate::spread::spread;
use attention::FirstPictures;
use gallery::{Frames, Gallery};
use serde::Serialize;
use std::path::Path;
use tweedie_diffusion::Condition;
use tweedie_tensor::Tensor;
use tweedie_train::cluster::{Collective, Team, Turn};
use tweedie_train::config::{SamplerKind, SamplingConfig};
use tweedie_train::plan::check_pictures;
use tweedie_train::{Asked, Model, PicturesDigest, SampleRequest};

/// Pictures that are painted when nothing says how many, and points.
const PICTURES: usize = 16;
const POINTS: usize = 2000;

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
    digest: String,
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
    ranks::together(&args.ranks, console, |team, console| of_ranks(args, seed, team, console))
}

fn of_ranks(args: &SampleArgs, seed: u64, team: &mut Team, console: Console) -> Result<()> {
    let speaks = team.rank() == 0;
    let prepare = || {
        let mut model = open_any(&args.model, !args.no_ema, console)?;
        let plan = Plan::new(args, &mut model)?;
        if speaks {
            plan.claim_places(args, model.shape())?;
        }
        Ok((model, plan))
    };
    let (model, plan) = ranks::prepared(team, prepare, |(model, _)| Some(model))?;
    let asked = Asked { sampler: args.sampler.sampler.is_some(), steps: args.sampler.steps.is_some() };
    for note in model.sampling_notes(&plan.sampling, asked) {
        console.say(format!("note: {note}"));
    }
    let Plan { n, condition, sampling, .. } = &plan;
    let (n, steps) = (*n, sampling.steps);
    let shape = model.shape();
    let at_a_time = pictures_at_a_time(shape);

    let interrupt = Interrupt::listen(console, "stopping");
    let mut painter = Painter::new(console, interrupt.clone(), 1).in_turn(Turn::among(team));
    let mut frames = Frames::new(plan.out.as_ref(), steps);
    let mut gallery = plan.out.as_ref().map(|out| Gallery::new(out, n));
    let mut attention = args.attention.as_ref().map(|path| (path, FirstPictures::new(n, at_a_time)));
    let mut raw = args.raw.is_some().then(Vec::new);
    let (x_t, condition, sampling) = (plan.x_t.clone(), condition.clone(), sampling.clone());
    let request = SampleRequest { n, first: 0, x_t, condition, seed, sampling };
    let SampleRequest { condition, sampling, .. } = &request;
    let batches =
        painter.paint(&request, at_a_time, "", |part| Ok(model.sample(part)?)).map(
            |painted| match painted? {
                Painted::Step(state) => frames.look(state.step, &state.x).map(|()| None),
                Painted::Batch { pictures, .. } => Ok(Some((frames.finish(), pictures))),
            },
        );
    let (mut done, mut digest) = (0, PicturesDigest::default());
    for batch in spread(team, &interrupt, batches) {
        let (of_steps, pictures) = match batch {
            Err(Failure::Interrupted(_)) => return Err(Failure::Interrupted(plan.interrupted(done))),
            batch => batch?,
        };
        if let Some((path, first)) = &mut attention
            && let Some(pictures) = first.take(&pictures)?
        {
            attention::write(path, &model, &pictures, condition, seed)?;
        }
        if let Some(gallery) = &mut gallery {
            gallery.add(done, of_steps, &pictures)?;
        }
        digest.add(&pictures);
        if let Some(raw) = &mut raw {
            raw.extend_from_slice(pictures.as_slice());
        }
        done += pictures.dims()[0];
    }
    let seconds = painter.finish().as_secs_f64();
    if !speaks {
        return Ok(());
    }

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
        digest: digest.finish(),
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
        let n = args.n.or(in_noise).or(asked).unwrap_or_else(|| match Colour::of_shape(model.shape()) {
            Ok(Colour::Point) => POINTS,
            _ => PICTURES,
        });
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
    fn claim_places(&self, args: &SampleArgs, shape: [usize; 3]) -> Result<()> {
        for (path, option) in [(&args.raw, "--raw"), (&args.attention, "--attention")] {
            path.as_ref().map_or(Ok(()), |path| output::claim_file(path, option))?;
        }
        if let Some(out) = &self.out {
            let colour = Colour::of_shape(shape)?;
            if let (Colour::Point, Out::Folder(path)) = (colour, out) {
                let place = format!("--out {}", path.display());
                return Err(Failure::user("a point alone is no picture", place, "give FILE.png or FILE.gif"));
            }
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
