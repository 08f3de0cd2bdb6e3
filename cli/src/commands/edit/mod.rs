//! `tweedie edit`: pictures changed with a model.

mod inpaint;
mod interpolate;
mod invert;
mod vary;

use super::{captions, classes, open, pictures_at_a_time, sample::settings};
use crate::args::{EditCommon, EditWhat, InversionArgs, SamplerArgs};
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::output;
use crate::pictures::{Colour, Pictures, grid_png};
use crate::progress::{Progress, duration};
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;
use tweedie_diffusion::Condition;
use tweedie_tensor::{Tensor, ops};
use tweedie_train::config::{SamplerKind, SamplingConfig};
use tweedie_train::data::read_picture;
use tweedie_train::plan::check_pictures;
use tweedie_train::{Model, SampleRequest};

/// Edits.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(crate) fn edit(what: &EditWhat, seed: u64, console: Console) -> Result<()> {
    match what {
        EditWhat::Inpaint(args) => inpaint::inpaint(args, seed, console),
        EditWhat::Vary(args) => vary::vary(args, seed, console),
        EditWhat::Interpolate(args) => interpolate::interpolate(args, seed, console),
        EditWhat::Invert(args) => invert::invert(args, seed, console),
    }
}

/// A model with pictures to edit, and a place for the result.
struct Desk<'a> {
    common: &'a EditCommon,
    model: Model,
    seed: u64,
    console: Console,
}

/// What `--json` says of what the pictures were asked to show.
#[derive(Debug, Serialize)]
struct Asked<'a> {
    classes: Option<&'a [usize]>,
    captions: Option<&'a [String]>,
}

impl<'a> Desk<'a> {
    fn new(common: &'a EditCommon, seed: u64, console: Console) -> Result<Desk<'a>> {
        let model = open(&common.model, !common.no_ema, console)?;
        Colour::of_channels(model.shape()[0])?;
        check_pictures(model.network_config(), pictures_at_a_time(model.shape()), 1, 0, "--n")?;
        Ok(Desk { common, model, seed, console })
    }

    /// The picture \[c, h, w\] in a file.
    fn picture(&self, path: &Path) -> Result<Tensor<f32>> {
        Ok(read_picture(path, self.model.shape(), self.common.resize)?)
    }

    /// What each of `n` pictures is to show: as asked for, else the class and the caption that stand for none.
    fn condition(&self, n: usize) -> Result<Condition> {
        let classes = match classes::resolve(&self.common.class, self.model.classes(), n)? {
            Some(none) if none.is_empty() => match self.model.null_class() {
                Some(null) => Some(vec![null; n]),
                None => {
                    return Err(Failure::user(
                        "the model was not trained without classes, --class: say which one it is to paint",
                    ));
                }
            },
            classes => classes,
        };
        let captions = captions::resolve(&self.common.caption, self.model.words(), n)?;
        Ok(Condition { classes, captions })
    }

    /// What was asked for of `condition`, as `--json` prints it.
    fn asked<'c>(&'c self, condition: &'c Condition) -> Asked<'c> {
        let EditCommon { class, caption, .. } = self.common;
        Asked {
            classes: condition.classes.as_deref().filter(|_| !class.is_empty()),
            captions: (!caption.is_empty()).then_some(caption),
        }
    }

    /// The settings of the sampler. Where nothing is asked for, there is nothing to be guided to.
    fn sampling(&self, args: &SamplerArgs) -> Result<SamplingConfig> {
        let sampling = settings(args, &self.model)?;
        let unasked = self.common.class.is_empty() && self.common.caption.is_empty();
        Ok(if unasked { SamplingConfig { guidance: 1.0, ..sampling } } else { sampling })
    }

    /// The settings of DDIM, there and back.
    fn inversion(&self, args: &InversionArgs) -> Result<SamplingConfig> {
        let own = self.model.sampling_by(Some(SamplerKind::Ddim))?;
        let steps = args.steps.map_or(own.steps, |steps| steps as usize);
        Ok(SamplingConfig { steps, guidance: 1.0, ..own })
    }

    /// Does `work` on `n` pictures, as many at a time as memory is meant for, and puts its results together. `work`
    /// calls what it is given with the share of it that is done.
    fn in_parts(
        &self,
        watch: &mut Watch,
        (n, condition): (usize, &Condition),
        sampling: &SamplingConfig,
        mut work: impl FnMut(&SampleRequest, &mut dyn FnMut(f64) -> ControlFlow<()>) -> Done,
    ) -> Result<Tensor<f32>> {
        let mut parts = Vec::new();
        let (seed, condition, sampling) = (self.seed, condition.clone(), sampling.clone());
        let whole = SampleRequest { n, first: 0, x_t: None, condition, seed, sampling };
        for request in whole.parts(pictures_at_a_time(self.model.shape())) {
            let request = request?;
            let (first, count) = (request.first as f64, request.n as f64);
            let done = work(&request, &mut |share| watch.see((first + share * count) / n as f64))?;
            let stopped = || Failure::Interrupted("nothing was written".to_string());
            parts.push(done.ok_or_else(stopped)?);
        }
        watch.end_stage();
        Ok(ops::concat(&parts.iter().collect::<Vec<_>>(), 0)?)
    }

    /// Tries the place of the result, before the work.
    fn claim(&self) -> Result<()> {
        output::claim_file(&self.common.out, "--out")
    }

    /// Writes pictures in rows of `columns`, and says where.
    fn hang(&self, pictures: &[&Tensor<f32>], columns: usize) -> Result<()> {
        let pictures = Pictures::from_tensor(&ops::concat(pictures, 0)?)?;
        output::write(&self.common.out, &grid_png(&pictures, columns)?)?;
        self.console.say(format!("in {}", self.common.out.display()));
        Ok(())
    }
}

/// What a part of the work answers: nothing where it was stopped.
type Done = tweedie_train::Result<Option<Tensor<f32>>>;

/// Shows how far the work is, and listens for Ctrl-C.
struct Watch {
    interrupt: Interrupt,
    progress: Progress,
    began: Instant,
    stage: usize,
    stages: usize,
}

impl Watch {
    /// Of work in so many stages of about one length.
    fn new(console: Console, stages: usize) -> Watch {
        let interrupt = Interrupt::listen(console, "stopping");
        Watch { interrupt, progress: Progress::new(console), began: Instant::now(), stage: 0, stages }
    }

    fn see(&mut self, share: f64) -> ControlFlow<()> {
        let share = (self.stage as f64 + share) / self.stages as f64;
        let began = self.began;
        self.progress.update(share, || {
            let left = began.elapsed().mul_f64((1.0 - share) / share.max(1e-9));
            format!("painting, {} left", duration(left))
        });
        if self.interrupt.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn end_stage(&mut self) {
        self.stage += 1;
    }

    /// Takes the bar away; the seconds that the work took.
    fn finish(self) -> f64 {
        self.progress.finish();
        self.began.elapsed().as_secs_f64()
    }
}

/// A picture \[c, h, w\] as a batch of one.
fn batch(picture: &Tensor<f32>) -> Result<Tensor<f32>> {
    let &[c, h, w] = picture.dims() else {
        return Err(Failure::user(format!("shape {} is no picture", picture.shape())));
    };
    Ok(picture.reshape([1, c, h, w])?)
}
