//! Where a run goes.

use crate::args::TrainArgs;
use crate::error::{Failure, Result};
use std::path::{Path, PathBuf};
use tweedie_train::Config;

/// The folder of runs that were not given one.
const RUNS: &str = "runs";

/// A run directory, and whether the run in it is resumed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) out: PathBuf,
    pub(super) resume: bool,
    /// What the user should know about the choice.
    pub(super) note: Option<String>,
}

impl Place {
    /// The directory that was asked for; else one in `runs/` named after the data.
    ///
    /// # Errors
    /// A run in a directory that was given for a new one; no run in one that is to be resumed.
    pub(super) fn of(args: &TrainArgs, data: &str) -> Result<Place> {
        let default = || Path::new(RUNS).join(name_of(data));
        match (&args.out, args.resume) {
            (Some(out), false) if holds_run(out) => Err(Failure::user(
                "a run is there already",
                format!("--out {}", out.display()),
                "add --resume to continue it, or choose another --out",
            )),
            (Some(out), false) => Ok(Place { out: out.clone(), resume: false, note: None }),
            (None, false) => {
                let first = default();
                let out = numbered(&first).find(|out| !holds_run(out)).unwrap_or_else(|| first.clone());
                let note = (out != first).then(|| {
                    format!("{} holds a run already; this one goes to {}", first.display(), out.display())
                });
                Ok(Place { out, resume: false, note })
            }
            (out, true) => {
                let given =
                    || numbered(&default()).take_while(|out| holds_run(out)).last().unwrap_or_else(default);
                Place::to_resume(out.clone().unwrap_or_else(given))
            }
        }
    }

    /// The configuration of the run that is there: that of its newest checkpoint, which is what holds; before the first one,
    /// `config.toml`.
    ///
    /// # Errors
    /// None that can be read.
    pub(super) fn config(&self) -> Result<Config> {
        match self.resume {
            true => Ok(tweedie_train::saved_config(&self.out)?),
            false => Ok(Config::from_file(&self.out.join("config.toml"))?),
        }
    }

    fn to_resume(out: PathBuf) -> Result<Place> {
        if !holds_run(&out) {
            return Err(Failure::user(
                "no run to resume",
                format!("--out {}", out.display()),
                "leave out --resume to begin one",
            ));
        }
        // A run that was stopped before its first checkpoint has lost nothing by beginning again.
        let resume = tweedie_train::newest_checkpoint(&out).is_ok();
        let without_config = || Config::from_file(&out.join("config.toml")).is_err();
        let note = match resume {
            false => Some(format!("{} has no checkpoint yet: the run begins at step 0", out.display())),
            true => without_config().then(|| {
                let config = out.join("config.toml");
                format!("note: {} cannot be read: it is written again from the checkpoint", config.display())
            }),
        };
        Ok(Place { out, resume, note })
    }
}

/// `runs/a`, `runs/a-2`, `runs/a-3`, …
fn numbered(first: &Path) -> impl Iterator<Item = PathBuf> {
    let name = first.as_os_str().to_os_string();
    (1u32..).map(move |i| {
        let mut name = name.clone();
        if i > 1 {
            name.push(format!("-{i}"));
        }
        name.into()
    })
}

/// Whether a run has begun there: its configuration is the first that is written, and checkpoints hold it too.
fn holds_run(folder: &Path) -> bool {
    let has_checkpoints =
        || std::fs::read_dir(folder.join("checkpoints")).is_ok_and(|mut files| files.next().is_some());
    folder.join("config.toml").exists() || has_checkpoints()
}

/// The name of a data set: a folder's own, or its parent's where the folder is one of the splits.
fn name_of(data: &str) -> String {
    let path = Path::new(data);
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let mut names = path.iter().rev().map(|name| name.to_string_lossy().into_owned());
    names
        .find(|name| !matches!(name.as_str(), "train" | "test" | "/" | "." | ".."))
        .unwrap_or_else(|| "run".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_gives_a_run_its_name() {
        for (data, name) in [
            ("glyphs", "glyphs"),
            ("a/mnist/", "mnist"),
            ("x/cifar10-sample/train", "cifar10-sample"),
            ("/", "run"),
        ] {
            assert_eq!(name_of(data), name);
        }
    }

    #[test]
    fn names_are_numbered_from_the_second_on() {
        let names: Vec<PathBuf> = numbered(Path::new("runs/a")).take(3).collect();
        assert_eq!(names, [Path::new("runs/a"), Path::new("runs/a-2"), Path::new("runs/a-3")]);
    }
}
