//! `tweedie eval frechet`: how near pictures are to real ones.

use super::judge::Judge;
use super::real::Real;
use super::rounded::rounded;
use crate::args::FrechetArgs;
use crate::commands::classes;
use crate::commands::sampler_settings::settings;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::models::open;
use crate::painting::{Painted as Painting, Painter, pictures_at_a_time};
use crate::ranks;
use crate::spread::spread;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use tweedie_diffusion::metrics::Scores;
use tweedie_diffusion::purpose;
use tweedie_tensor::Tensor;
use tweedie_tensor::random::Stream;
use tweedie_train::cluster::{Collective, Team, Turn};
use tweedie_train::config::SamplingConfig;
use tweedie_train::data::{self, DataError, DataOptions, Source, Split};
use tweedie_train::plan::check_pictures;
use tweedie_train::{Model, SampleRequest, newest_checkpoint};

/// Pictures that are painted when nothing says how many.
const PICTURES: usize = 1000;
/// Real pictures that the painted ones are compared with, unless more are painted.
const REAL: usize = 10_000;
/// About how many bytes stay of each picture: a row of features, once more while they are gathered, and its class.
const ROW: u64 = 2048;
/// The least rows that every score can be had from.
const LEAST: usize = 20;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Compared<'a> {
    model: &'a Path,
    data: &'a str,
    split: &'static str,
    n: usize,
    /// Real pictures that they were compared with.
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
    /// The Fréchet distance of `baseline_n` other real pictures in the place of the painted ones.
    baseline: f64,
    baseline_n: usize,
    baseline_precision: f64,
    baseline_recall: f64,
}

/// What is compared with real pictures.
enum Painted {
    /// To be painted, of these classes in turn.
    Model { model: Box<Model>, classes: Option<Vec<usize>>, sampling: SamplingConfig },
    /// There already.
    Folder(Arc<dyn Source>),
}

/// Compares pictures with real ones.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn frechet(args: &FrechetArgs, seed: u64, console: Console) -> Result<()> {
    ranks::together(&args.ranks, console, |team, console| of_ranks(args, seed, team, console))
}

fn of_ranks(args: &FrechetArgs, seed: u64, team: &mut Team, console: Console) -> Result<()> {
    let split = Split::from(args.split);
    let prepare = || {
        let painted = Painted::open(args, console)?;
        let real = Real::new(&args.real, painted.model())?;
        let pictures = real.open(split, painted.shape())?;
        let mut order = Stream::new(seed, purpose::EVALUATION, 0, 0).permutation(pictures.len());
        if !args.class.is_empty() {
            order = of_classes(&args.class, &*pictures, order)?;
        }
        let n = painted.count(args)?;
        if let Some(model) = painted.model() {
            check_pictures(model.network_config(), pictures_at_a_time(model.shape()), n, ROW, "--n")?;
        }
        Ok((painted, real, pictures, order, n))
    };
    let (painted, real, pictures, mut order, n) =
        ranks::prepared(team, prepare, |(painted, ..)| painted.model())?;
    ranks::check_data(team, &*pictures, "--data")?;
    if let Painted::Folder(source) = &painted {
        ranks::check_data(team, &**source, "MODEL")?;
    }
    let others = order.split_off(order.len() - n.min(order.len() / 2));
    order.truncate(REAL.max(n));

    let interrupt = Interrupt::listen(console, "stopping");
    let judge = Judge::obtain(args, &real, painted.shape(), team, console, &interrupt)?;
    let width = judge.width();
    ranks::rank_0_first(team, || {
        enough(width, n, format!("{n} pictures"), "--n".to_string(), "give --n")?;
        let spare = format!("{} real pictures to spare", others.len());
        enough(width, others.len(), spare, format!("--data {}", real.name()), "give a larger set, to spare")
    })?;

    let mut look = |source: &dyn Source, indices: &[usize], what: &str| {
        judge.features_of(source, indices, what, team, console, &interrupt)
    };
    let (of_real, of_others) = (look(&*pictures, &order, "real")?, look(&*pictures, &others, "real")?);
    let of_painted = match painted {
        Painted::Folder(source) => look(&*source, &(0..n).collect::<Vec<_>>(), "painted")?,
        Painted::Model { model, classes, sampling } => {
            let classes = classes.map(|asked| (0..n).map(|i| asked[i % asked.len()]).collect::<Vec<_>>());
            let condition = model.without_words(classes, n);
            let request = SampleRequest::new(n, condition, seed, sampling);
            let mut painter = Painter::new(console, interrupt.clone(), 1).in_turn(Turn::among(team));
            let at_a_time = pictures_at_a_time(model.shape());
            let begin = |part: &SampleRequest| Ok(model.sample(part)?);
            let painted = painter.paint(&request, at_a_time, "nothing was measured", begin);
            let batches = painted.map(|painted| match painted? {
                Painting::Step(_) => Ok(None),
                Painting::Batch { pictures, .. } => Ok(Some(judge.features(&rounded(pictures))?)),
            });
            judge.gathered(spread(team, &interrupt, batches))?
        }
    };
    if team.rank() > 0 {
        return Ok(());
    }

    let (found, usual) = (scores(&of_real, &of_painted)?, scores(&of_real, &of_others)?);
    let baseline = (&usual, others.len());
    let compared = Compared::new(args, &real, split, [n, order.len()], &judge, &found, baseline);
    compared.print(&found, &usual, console)?;
    console.result(&compared)
}

impl<'a> Compared<'a> {
    fn new(
        args: &'a FrechetArgs,
        real: &'a Real,
        split: Split,
        [n, real_n]: [usize; 2],
        judge: &Judge<'_>,
        found: &Scores,
        (usual, baseline_n): (&Scores, usize),
    ) -> Compared<'a> {
        Compared {
            model: &args.model,
            data: real.name(),
            split: split.name(),
            n,
            real: real_n,
            features: judge.name(),
            dimensions: judge.width(),
            frechet: found.frechet,
            kernel: found.kernel.value,
            kernel_std_error: found.kernel.std_error,
            precision: found.manifolds.precision,
            recall: found.manifolds.recall,
            density: found.manifolds.density,
            coverage: found.manifolds.coverage,
            classifier_accuracy: judge.accuracy(),
            baseline: usual.frechet,
            baseline_n,
            baseline_precision: usual.manifolds.precision,
            baseline_recall: usual.manifolds.recall,
        }
    }

    /// Prints it for a person: each score beside what real pictures have.
    fn print(&self, found: &Scores, usual: &Scores, console: Console) -> Result<()> {
        let Compared { n, real, data, split, features, dimensions, baseline_n, .. } = self;
        console.print(format!(
            "{n} pictures beside {real} of {data} ({split} split), in {dimensions} features ({features});\n\
             in brackets {baseline_n} other real pictures in their place"
        ))?;
        let line = |name: &str, of: fn(&Scores) -> f64| {
            console.print(format!("{name:<18} {:>10.4}  ({:.4})", of(found), of(usual)))
        };
        line("Fréchet distance", |scores| scores.frechet)?;
        line("kernel distance", |scores| scores.kernel.value)?;
        line("  standard error", |scores| scores.kernel.std_error)?;
        line("precision", |scores| scores.manifolds.precision)?;
        line("recall", |scores| scores.manifolds.recall)?;
        line("density", |scores| scores.manifolds.density)?;
        line("coverage", |scores| scores.manifolds.coverage)
    }
}

impl Painted {
    /// Opens a MODEL, or a folder of pictures, and checks the options for it.
    fn open(args: &FrechetArgs, console: Console) -> Result<Painted> {
        let path = &args.model;
        match open(path, !args.no_ema, console) {
            Ok(model) => {
                let asked = classes::asked(&args.class, model.classes())?;
                let all = model.classes().map_or(0, <[String]>::len);
                let classes = asked.map(|asked| if asked.is_empty() { (0..all).collect() } else { asked });
                let sampling = settings(&args.sampler, &model)?;
                Ok(Painted::Model { model: Box::new(model), classes, sampling })
            }
            // A run whose checkpoints are damaged is not to be taken for the pictures in it.
            Err(error) if path.is_dir() && newest_checkpoint(path).is_err() => {
                let image_size = args.real.image_size.map(|size| size as usize);
                let options = DataOptions { image_size, ..DataOptions::default() };
                match data::open(&path.to_string_lossy(), Split::Test, &options) {
                    Ok(source) => Ok(Painted::Folder(source)),
                    Err(DataError::Empty { .. }) => Err(error),
                    Err(of_pictures) => Err(of_pictures.into()),
                }
            }
            Err(error) => Err(error),
        }
    }

    fn model(&self) -> Option<&Model> {
        match self {
            Painted::Model { model, .. } => Some(model),
            Painted::Folder(_) => None,
        }
    }

    fn shape(&self) -> [usize; 3] {
        match self {
            Painted::Model { model, .. } => model.shape(),
            Painted::Folder(source) => source.shape(),
        }
    }

    /// How many pictures are compared.
    fn count(&self, args: &FrechetArgs) -> Result<usize> {
        let asked = args.n.map(|n| n as usize);
        match self {
            Painted::Model { .. } => Ok(asked.unwrap_or(PICTURES)),
            Painted::Folder(source) => match asked {
                Some(n) if n > source.len() => {
                    let there = source.len();
                    Err(Failure::user(
                        format!("{n} pictures of {there}"),
                        "--n",
                        format!("give at most {there}"),
                    ))
                }
                asked => Ok(asked.unwrap_or(source.len())),
            },
        }
    }
}

/// Which of the pictures at `indices` are of the `asked` classes of the data.
fn of_classes(asked: &[String], source: &dyn Source, indices: Vec<usize>) -> Result<Vec<usize>> {
    let asked = classes::listed(asked, source.classes())?;
    let mut bytes = vec![0; source.shape().iter().product()];
    let mut kept = Vec::new();
    for index in indices {
        if asked.contains(&source.read(index, &mut bytes)?) {
            kept.push(index);
        }
    }
    Ok(kept)
}

/// Refuses fewer pictures than leave a covariance of full rank.
fn enough(width: usize, n: usize, what: String, place: String, remedy: &str) -> Result<()> {
    let least = (width + 1).max(LEAST);
    if n >= least {
        return Ok(());
    }
    Err(Failure::user(
        what,
        place,
        format!("too few to have a covariance of {width} features: {remedy} {least} or more"),
    ))
}

fn scores(real: &Tensor<f32>, other: &Tensor<f32>) -> Result<Scores> {
    Scores::of(real, other).map_err(|error| {
        Failure::user(error.to_string(), "the features", "look for broken pictures, or take another network")
    })
}
