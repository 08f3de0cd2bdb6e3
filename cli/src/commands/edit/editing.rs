//! What every way of editing has in common.

use crate::args::{EditCommon, InversionArgs, SamplerArgs};
use crate::commands::sampler_settings::settings;
use crate::commands::{captions, classes};
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::models::open;
use crate::output;
use crate::painting::{Painter, pictures_at_a_time};
use crate::pictures::{Colour, Pictures, grid_png};
use serde::Serialize;
use std::path::Path;
use tweedie_diffusion::Condition;
use tweedie_tensor::{Tensor, ops};
use tweedie_train::config::{SamplerKind, SamplingConfig};
use tweedie_train::data::read_picture;
use tweedie_train::plan::check_pictures;
use tweedie_train::{Model, Painting, SampleRequest};

/// A model with pictures to edit, and a place for the result.
pub(super) struct Editing<'a> {
    common: &'a EditCommon,
    pub(super) model: Model,
    seed: u64,
    console: Console,
}

/// The classes and captions that were given, as `--json` prints them.
#[derive(Debug, Serialize)]
pub(super) struct Asked<'a> {
    classes: Option<&'a [usize]>,
    captions: Option<&'a [String]>,
}

impl<'a> Editing<'a> {
    pub(super) fn new(common: &'a EditCommon, seed: u64, console: Console) -> Result<Editing<'a>> {
        let model = open(&common.model, !common.no_ema, console)?;
        Colour::of_shape(model.shape())?;
        check_pictures(model.network_config(), pictures_at_a_time(model.shape()), 1, 0, "--n")?;
        Ok(Editing { common, model, seed, console })
    }

    /// The picture \[c, h, w\] in a file.
    pub(super) fn picture(&self, path: &Path) -> Result<Tensor<f32>> {
        Ok(read_picture(path, self.model.shape(), self.common.resize)?)
    }

    /// What each of `n` pictures is to show: the class and caption that were given, else those that stand for none.
    pub(super) fn condition(&self, n: usize) -> Result<Condition> {
        let classes = match classes::resolve(&self.common.class, self.model.classes(), n)? {
            Some(none) if none.is_empty() => match self.model.null_class() {
                Some(null) => Some(vec![null; n]),
                None => {
                    return Err(Failure::user(
                        "the model was not trained without classes",
                        "--class",
                        "say which one it is to paint",
                    ));
                }
            },
            classes => classes,
        };
        let captions = captions::resolve(&self.common.caption, self.model.words(), n)?;
        Ok(Condition { classes, captions })
    }

    /// The part of `condition` that was given, as `--json` prints it.
    pub(super) fn asked<'c>(&'c self, condition: &'c Condition) -> Asked<'c> {
        let EditCommon { class, caption, .. } = self.common;
        Asked {
            classes: condition.classes.as_deref().filter(|_| !class.is_empty()),
            captions: (!caption.is_empty()).then_some(caption),
        }
    }

    /// The settings of the sampler. Without class and caption there is nothing to guide to.
    pub(super) fn sampling(&self, args: &SamplerArgs) -> Result<SamplingConfig> {
        let sampling = settings(args, &self.model)?;
        let unasked = self.common.class.is_empty() && self.common.caption.is_empty();
        Ok(if unasked { SamplingConfig { guidance: 1.0, ..sampling } } else { sampling })
    }

    /// The settings of DDIM, there and back.
    pub(super) fn inversion(&self, args: &InversionArgs) -> Result<SamplingConfig> {
        let own = self.model.sampling_by(Some(SamplerKind::Ddim))?;
        let steps = args.steps.map_or(own.steps, |steps| steps as usize);
        Ok(SamplingConfig { steps, guidance: 1.0, ..own })
    }

    /// Paints `n` pictures, as many at a time as memory is meant for; `begin` begins each batch.
    pub(super) fn paint<'m>(
        &self,
        painter: &mut Painter,
        (n, condition): (usize, &Condition),
        sampling: &SamplingConfig,
        begin: impl FnMut(&SampleRequest) -> Result<Painting<'m>>,
    ) -> Result<Tensor<f32>> {
        let (seed, condition, sampling) = (self.seed, condition.clone(), sampling.clone());
        let request = SampleRequest::new(n, condition, seed, sampling);
        painter.pictures(&request, pictures_at_a_time(self.model.shape()), "nothing was written", begin)
    }

    /// Tries the place of the result, before the work.
    pub(super) fn claim_output(&self) -> Result<()> {
        output::claim_file(&self.common.out, "--out")
    }

    /// Writes pictures in rows of `columns`, and says where.
    pub(super) fn write(&self, pictures: &[&Tensor<f32>], columns: usize) -> Result<()> {
        let pictures = Pictures::from_tensor(&ops::concat(pictures, 0)?)?;
        output::write(&self.common.out, &grid_png(&pictures, columns)?)?;
        self.console.say(format!("in {}", self.common.out.display()));
        Ok(())
    }
}

/// A picture \[c, h, w\] as a batch of one.
pub(super) fn batch(picture: &Tensor<f32>) -> Result<Tensor<f32>> {
    let &[c, h, w] = picture.dims() else {
        return Err(Failure::user(
            format!("shape {} is no picture", picture.shape()),
            "--image",
            "report it with the command",
        ));
    };
    Ok(picture.reshape([1, c, h, w])?)
}
