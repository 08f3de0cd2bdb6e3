//! `tweedie eval classes`: whether the pictures show their class.

use super::classifier;
use super::real::Real;
use super::rounded::rounded;
use crate::args::ClassesArgs;
use crate::commands::classes as named;
use crate::commands::sampler_settings::settings;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::models::open;
use crate::painting::{Painter, pictures_at_a_time};
use serde::Serialize;
use std::path::Path;
use tweedie_train::SampleRequest;
use tweedie_train::cluster::Team;
use tweedie_train::plan::check_pictures;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Classes<'a> {
    model: &'a Path,
    n: usize,
    guidance: f64,
    accuracy: f64,
    per_class: Vec<OfClass<'a>>,
    /// A line for each class that was painted, in the order of `per_class`: how often each class was read.
    confusion: Vec<Vec<usize>>,
    classifier_accuracy: f64,
}

#[derive(Debug, Serialize)]
struct OfClass<'a> {
    class: usize,
    name: &'a str,
    accuracy: f64,
}

/// Paints pictures of each class, and has the classifier read them.
///
/// # Errors
/// Whatever the user can mend; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn classes(args: &ClassesArgs, seed: u64, console: Console) -> Result<()> {
    let model = open(&args.model, !args.no_ema, console)?;
    let Some(names) = model.classes() else {
        return Err(Failure::user(
            "the model knows no classes",
            args.model.display().to_string(),
            "give one that was trained class-conditionally",
        ));
    };
    let asked = match args.class.as_slice() {
        [] => (0..names.len()).collect(),
        given => named::listed(given, names)?,
    };
    let (at_a_time, kept) = (pictures_at_a_time(model.shape()), 64 * asked.len() as u64);
    check_pictures(model.network_config(), at_a_time, args.n as usize, kept, "--n")?;
    let sampling = settings(&args.sampler, &model)?;
    let real = Real::new(&args.real, Some(&model))?;
    let interrupt = Interrupt::listen(console, "stopping");
    let given = args.real.classifier.as_deref();
    let judge = classifier::obtain(
        given,
        &args.model,
        &real,
        model.shape(),
        &mut Team::default(),
        console,
        &interrupt,
    )?;
    if judge.classes() != names {
        return Err(Failure::user(
            format!(
                "the model has the classes {}, and the data {}",
                names.join(", "),
                judge.classes().join(", ")
            ),
            format!("--data {}", real.name()),
            "give the data that the model learnt from",
        ));
    }

    let each = args.n as usize;
    let n = each * asked.len();
    let wanted: Vec<usize> = (0..n).map(|i| asked[i / each]).collect();
    let mut confusion = vec![vec![0; names.len()]; asked.len()];
    let guidance = sampling.guidance;
    let condition = model.without_words(Some(wanted), n);
    let request = SampleRequest::new(n, condition, seed, sampling);
    let mut painter = Painter::new(console, interrupt, 1);
    for batch in painter.batches(&request, at_a_time, "nothing was measured", |part| Ok(model.sample(part)?))
    {
        let (first, pictures) = batch?;
        for (i, read) in (first..).zip(judge.judge(&rounded(pictures))?.classes) {
            confusion[i / each][read] += 1;
        }
    }
    painter.finish();

    let share = |right: usize, of: usize| right as f64 / of as f64;
    let rights: Vec<usize> = asked.iter().zip(&confusion).map(|(&class, line)| line[class]).collect();
    let accuracy = share(rights.iter().sum(), n);
    for ((&class, line), &right) in asked.iter().zip(&confusion).zip(&rights) {
        let mut others: Vec<usize> = (0..names.len()).filter(|&k| k != class && line[k] > 0).collect();
        others.sort_by_key(|&k| std::cmp::Reverse(line[k]));
        let taken: Vec<String> = others.iter().map(|&k| format!("{} as {}", line[k], names[k])).collect();
        let others = if taken.is_empty() { String::new() } else { format!(" ({})", taken.join(", ")) };
        console.print(format!("{}: {right} of {each} read as asked{others}", names[class]))?;
    }
    console.print(format!(
        "{:.2}% of {n} pictures show their class; of real test pictures the classifier reads {:.2}% right",
        100.0 * accuracy,
        100.0 * judge.accuracy()
    ))?;
    let per_class = asked.iter().zip(&rights);
    let per_class = per_class.map(|(&class, &right)| OfClass {
        class,
        name: &names[class],
        accuracy: share(right, each),
    });
    console.result(&Classes {
        model: &args.model,
        n,
        guidance,
        accuracy,
        per_class: per_class.collect(),
        confusion,
        classifier_accuracy: judge.accuracy(),
    })
}
