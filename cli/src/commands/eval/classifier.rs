//! The classifier that judges: found, or trained and kept.

use super::real::Real;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::output;
use crate::progress::Progress;
use crate::spread::spread;
use std::path::{Path, PathBuf};
use tweedie_train::cluster::{Collective, Team};
use tweedie_train::data::Split;
use tweedie_train::measure::features::{ClassifierStep, ClassifierTraining, TrainedClassifier};
use tweedie_train::told;

/// The classifier of `real` for pictures of `shape`, from the file `given` or from beside `model`; if there is none yet, it
/// is trained and kept there. Rank 0 of `team` finds or trains it for all.
///
/// # Errors
/// A file that is no classifier, or one of other data; data without classes; [`Failure::Interrupted`] on Ctrl-C.
pub(super) fn obtain(
    given: Option<&Path>,
    model: &Path,
    real: &Real,
    shape: [usize; 3],
    team: &mut Team,
    console: Console,
    interrupt: &Interrupt,
) -> Result<TrainedClassifier> {
    if team.rank() > 0 {
        if !told(team, false)? {
            let no_work = std::iter::empty::<Result<Option<usize>>>();
            spread(team, interrupt, no_work).try_for_each(|nothing| nothing.map(drop))?;
        }
        return Ok(TrainedClassifier::told(team, None)?);
    }
    let train = real.open(Split::Train, shape)?;
    let place = given.map_or_else(|| beside(model), Path::to_path_buf);
    let mut found = None;
    if place.exists() {
        let there = TrainedClassifier::open(&place)?;
        if there.knows(&*train)? {
            found = Some(there);
        } else if given.is_some() {
            return Err(Failure::user(
                format!("a classifier of other pictures than {}", real.name()),
                format!("--classifier {}", place.display()),
                "give another name, and one is trained and written there",
            ));
        }
    }
    if told(team, found.is_some())? {
        return Ok(TrainedClassifier::told(team, found)?);
    }
    if given.is_some() {
        output::claim_file(&place, "--classifier")?;
    }
    let test = real.open(Split::Test, shape)?;
    let mut progress = Progress::new(console);
    progress.say(format!("training a classifier of {}, to judge by", real.name()));
    let mut run = ClassifierTraining::for_shape(shape).run(train, &*test)?;
    let steps = run.by_ref().map(|step| {
        let ClassifierStep { share, loss } = step?;
        progress.update(share, || format!("classifier, loss {loss:.4}"));
        match interrupt.asked() {
            true => Err(Failure::Interrupted("the classifier was not kept".to_string())),
            false => Ok(None::<usize>),
        }
    });
    spread(team, interrupt, steps).try_for_each(|nothing| nothing.map(drop))?;
    let trained = run.finish()?;
    progress.finish();
    let kept = match trained.save(&place) {
        Ok(()) => format!("kept in {}", place.display()),
        Err(error) if given.is_some() => return Err(error.into()),
        Err(_) => format!("not kept: {} cannot be written", place.display()),
    };
    console.say(format!("it reads {:.2}% of the test pictures right; {kept}", 100.0 * trained.accuracy()));
    Ok(TrainedClassifier::told(team, Some(trained))?)
}

/// Where the classifier of a model is kept: in the run directory; beside anything else.
fn beside(model: &Path) -> PathBuf {
    const NAME: &str = "classifier.safetensors";
    if model.join("checkpoints").is_dir() {
        return model.join(NAME);
    }
    let folder = model.parent().unwrap_or(Path::new(""));
    if folder.ends_with("checkpoints") {
        return folder.with_file_name(NAME);
    }
    let mut name = model.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{NAME}"));
    model.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_keeps_its_classifier_and_other_models_have_it_beside_them() {
        let Ok(folder) = tempfile::tempdir() else { panic!("no temporary folder") };
        let run = folder.path().join("run");
        assert!(std::fs::create_dir_all(run.join("checkpoints")).is_ok());
        assert_eq!(beside(&run), run.join("classifier.safetensors"));
        let checkpoint = run.join("checkpoints/step-1.safetensors");
        assert_eq!(beside(&checkpoint), run.join("classifier.safetensors"));
        assert_eq!(beside(Path::new("models/ddpm/")), Path::new("models/ddpm.classifier.safetensors"));
        assert_eq!(beside(Path::new("ddpm")), Path::new("ddpm.classifier.safetensors"));
    }
}
