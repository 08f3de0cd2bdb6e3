//! `tweedie eval frechet`: how near pictures are to real ones.

use super::classifier;
use super::painter::Painter;
use super::real::Real;
use crate::args::FrechetArgs;
use crate::commands::{classes as named, sample};
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use tweedie_diffusion::metrics::Scores;
use tweedie_tensor::Tensor;
use tweedie_tensor::random::{Purpose, Stream};
use tweedie_train::classifier::TrainedClassifier;
use tweedie_train::data::{self, DataOptions, Source, Split, read_batch};
use tweedie_train::{Model, newest_checkpoint};

/// Pictures that are painted when nothing says how many.
const PICTURES: usize = 1000;
/// Real pictures that the painted ones are compared with, unless more are painted.
const REAL: usize = 10_000;
/// Pictures that go through the feature network at a time.
const AT_A_TIME: usize = 128;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Compared<'a> {
    model: &'a Path,
    data: &'a str,
    split: &'static str,
    n: usize,
    /// Real pictures they were compared with.
    real: usize,
    features: String,
    dimensions: usize,
    frechet: f64,
    kernel: f64,
    kernel_std_error: f64,
    precision: f64,
    recall: f64,
    density: f64,
    coverage: f64,
    classifier_accuracy: Option<f64>,
    /// The Fréchet distance of `baseline_n` other real pictures from the same ones.
    baseline: f64,
    baseline_n: usize,
    baseline_precision: f64,
    baseline_recall: f64,
}

/// What is compared with real pictures.
enum Painted {
    /// To be painted.
    Model(Box<Model>),
    /// There already.
    Folder(Arc<dyn Source>),
}

/// Compares pictures with real ones.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn frechet(args: &FrechetArgs, seed: u64, console: Console) -> Result<()> {
    let painted = Painted::open(args)?;
    let real = Real::new(&args.real, painted.model())?;
    let shape = painted.shape();
    let split = Split::from(args.split);
    let pictures = real.open(split, shape)?;
    let n = painted.count(args)?;
    let interrupt = Interrupt::listen(console, "stopping");
    let given = args.real.classifier.as_deref();
    let judge = classifier::obtain(given, &args.model, &real, shape, console, &interrupt)?;

    let mut order: Vec<usize> = Stream::new(seed, Purpose::Evaluation, 0, 0).permutation(pictures.len());
    let baseline_n = n.min(order.len() / 2);
    let others = order.split_off(order.len() - baseline_n);
    order.truncate(REAL.max(n));
    enough(judge.width(), n, "pictures, --n", "give --n")?;
    enough(judge.width(), baseline_n, "real pictures to spare, --data", "give data with")?;

    let (real_features, other_features) =
        (features(&judge, &*pictures, &order)?, features(&judge, &*pictures, &others)?);
    let generated = match &painted {
        Painted::Folder(source) => features(&judge, &**source, &(0..n).collect::<Vec<_>>())?,
        Painted::Model(model) => {
            let classes = match model.classes() {
                None => named::resolve(&args.class, None, n)?,
                Some(names) => {
                    let asked = named::resolve(&args.class, Some(names), args.class.len().max(1))?;
                    let asked = asked.filter(|asked| !asked.is_empty()).unwrap_or((0..names.len()).collect());
                    Some((0..n).map(|i| asked[i % asked.len()]).collect())
                }
            };
            let sampling = sample::settings(&args.sampler, model)?;
            let painter = Painter { model, sampling, seed, console, interrupt: &interrupt };
            let mut rows = Vec::new();
            painter.paint(n, classes.as_deref(), |_, x| {
                rows.extend_from_slice(judge.judge(&x)?.features.as_slice());
                Ok(())
            })?;
            Tensor::from_slice([n, judge.width()], &rows)?
        }
    };
    let scores = compare(&real_features, &generated)?;
    let baseline = compare(&real_features, &other_features)?;
    let (found, usual) = (scores.manifolds, baseline.manifolds);
    console.say(format!("Fréchet distance {:.4} (real pictures: {:.4})", scores.frechet, baseline.frechet));
    console.say(format!(
        "kernel distance {:.3e} ± {:.1e} (real pictures: {:.3e} ± {:.1e})",
        scores.kernel.value, scores.kernel.std_error, baseline.kernel.value, baseline.kernel.std_error
    ));
    console.say(format!(
        "precision {:.3}, recall {:.3} (real pictures: {:.3}, {:.3})",
        found.precision, found.recall, usual.precision, usual.recall
    ));
    console.say(format!("density {:.3}, coverage {:.3}", found.density, found.coverage));
    console.say(format!("{n} pictures beside {} of {}, {} split", order.len(), real.name(), split.name()));
    console.result(&Compared {
        model: &args.model,
        data: real.name(),
        split: split.name(),
        n,
        real: order.len(),
        features: "classifier".to_string(),
        dimensions: judge.width(),
        frechet: scores.frechet,
        kernel: scores.kernel.value,
        kernel_std_error: scores.kernel.std_error,
        precision: found.precision,
        recall: found.recall,
        density: found.density,
        coverage: found.coverage,
        classifier_accuracy: Some(judge.accuracy()),
        baseline: baseline.frechet,
        baseline_n,
        baseline_precision: usual.precision,
        baseline_recall: usual.recall,
    });
    Ok(())
}

impl Painted {
    /// Opens a MODEL, or a folder of pictures.
    fn open(args: &FrechetArgs) -> Result<Painted> {
        let path = &args.model;
        match Model::open(path, !args.no_ema) {
            Ok(model) => Ok(Painted::Model(Box::new(model))),
            // A run whose checkpoints are damaged is not to be taken for the pictures in it.
            Err(error) if path.is_dir() && newest_checkpoint(path).is_err() => {
                let image_size = args.real.image_size.map(|size| size as usize);
                let options = DataOptions { image_size, ..DataOptions::default() };
                match data::open(&path.to_string_lossy(), Split::Test, &options) {
                    Ok(source) => Ok(Painted::Folder(source)),
                    Err(data::DataError::Empty { .. }) => Err(error.into()),
                    Err(data) => Err(data.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    fn model(&self) -> Option<&Model> {
        match self {
            Painted::Model(model) => Some(model),
            Painted::Folder(_) => None,
        }
    }

    fn shape(&self) -> [usize; 3] {
        match self {
            Painted::Model(model) => model.shape(),
            Painted::Folder(source) => source.shape(),
        }
    }

    /// How many pictures are compared.
    fn count(&self, args: &FrechetArgs) -> Result<usize> {
        let asked = args.n.map(|n| n as usize);
        match self {
            Painted::Model(_) => Ok(asked.unwrap_or(PICTURES)),
            Painted::Folder(source) => match asked {
                Some(n) if n > source.len() => {
                    let there = source.len();
                    Err(Failure::user(format!("{n} pictures of {there}, --n: give at most {there}")))
                }
                asked => Ok(asked.unwrap_or(source.len())),
            },
        }
    }
}

fn compare(real: &Tensor<f32>, generated: &Tensor<f32>) -> Result<Scores> {
    Scores::of(real, generated)
        .map_err(|error| Failure::user(format!("{error}, the features: give more pictures")))
}

/// Refuses fewer pictures than leave a covariance of full rank.
fn enough(width: usize, n: usize, what: &str, remedy: &str) -> Result<()> {
    // Scores need a few rows for each of their blocks, whatever the width.
    let least = (width + 1).max(20);
    if n < least {
        return Err(Failure::user(format!(
            "{n} {what}: too few for features of {width} numbers, whose covariance would be singular: {remedy} {least} \
             or more"
        )));
    }
    Ok(())
}

/// The features of the pictures at `indices`, a row each.
fn features(judge: &TrainedClassifier, source: &dyn Source, indices: &[usize]) -> Result<Tensor<f32>> {
    let mut rows = Vec::with_capacity(indices.len() * judge.width());
    for part in indices.chunks(AT_A_TIME) {
        rows.extend_from_slice(judge.judge(&read_batch(source, part)?.x)?.features.as_slice());
    }
    Ok(Tensor::from_slice([indices.len(), judge.width()], &rows)?)
}
