//! The runs and models that the page can choose from, and those that are open.

use crate::error::{Failure, Result};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tweedie_train::{Model, RunLock, newest_checkpoint};

/// How far below the folder runs and models are looked for.
const DEPTH: usize = 3;
/// Folders that are looked into, and things that are listed, at most.
const MOST: usize = 2000;
/// Models that stay open.
const OPEN: usize = 2;

/// A place in the file system, with what is open of it.
pub(super) struct Shelf {
    root: PathBuf,
    open: Mutex<Vec<Open>>,
}

/// A model that is open.
struct Open {
    name: String,
    averaged: bool,
    version: Version,
    model: Arc<Model>,
}

/// Which of the states of a model's files was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    path: PathBuf,
    changed: Option<SystemTime>,
    bytes: u64,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Item {
    /// Its path below the shelf's.
    name: String,
    kind: Kind,
    /// Whether a process trains in it.
    training: bool,
    /// Whether there are weights yet.
    paints: bool,
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A run directory.
    Run,
    /// A checkpoint file.
    Checkpoint,
    /// A folder of diffusers.
    Folder,
}

/// All there is to choose from.
#[derive(Debug, Default, Serialize)]
pub(super) struct Listed {
    place: String,
    items: Vec<Item>,
}

impl Shelf {
    /// The shelf at `root`, which `must_exist` unless nobody named it.
    ///
    /// # Errors
    /// A place that does not exist.
    pub(super) fn new(root: PathBuf, must_exist: bool) -> Result<Shelf> {
        if must_exist && !root.exists() {
            return Err(Failure::user(
                "no such file or folder",
                root.display().to_string(),
                "give a run, a model or a folder of them",
            ));
        }
        Ok(Shelf { root, open: Mutex::default() })
    }

    /// What lies on it now, the runs that train first, then by name.
    pub(super) fn listed(&self) -> Listed {
        let mut items = Vec::new();
        match kind_of(&self.root) {
            Some(kind) => items.push(item(".".to_string(), &self.root, kind)),
            None => look(&self.root, "", DEPTH, &mut MOST.clone(), &mut items),
        }
        items.sort_by(|a, b| b.training.cmp(&a.training).then_with(|| a.name.cmp(&b.name)));
        Listed { place: self.root.display().to_string(), items }
    }

    /// The path of something that lies on it.
    ///
    /// # Errors
    /// A name of nothing on the shelf.
    pub(super) fn path(&self, name: &str) -> Result<PathBuf> {
        let path = if name == "." { self.root.clone() } else { self.root.join(self.checked(name)?) };
        match kind_of(&path) {
            Some(_) => Ok(path),
            None => Err(gone(name)),
        }
    }

    /// The path of a run that is to be made.
    ///
    /// # Errors
    /// A name that leads elsewhere; a shelf that is a single run.
    pub(super) fn new_run(&self, name: &str) -> Result<PathBuf> {
        if kind_of(&self.root).is_some() {
            let what = "the studio shows one run, and makes no others beside it";
            return Err(Failure::user(
                what,
                self.root.display().to_string(),
                "open the studio with a folder",
            ));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(plain) {
            return Err(Failure::user(
                format!("{name:?} is no name for a run"),
                "name",
                "use letters, digits, - and _",
            ));
        }
        Ok(self.root.join(name))
    }

    /// A model by name, opened if it is not, and again if its files have changed.
    ///
    /// # Errors
    /// A name of nothing on the shelf; files that hold no model.
    pub(super) fn model(&self, name: &str, averaged: bool) -> Result<Arc<Model>> {
        let path = self.path(name)?;
        let version = Version::of(&path);
        let is_it = |one: &Open| one.name == name && one.averaged == averaged && one.version == version;
        if let Some(one) = self.lock().iter().find(|one| is_it(one)) {
            return Ok(Arc::clone(&one.model));
        }
        // Not under the lock: a thread that computes takes up other work while it waits, which may ask for the same lock.
        let model = Arc::new(Model::open(&path, averaged)?);
        let mut open = self.lock();
        open.retain(|one| one.name != name || one.averaged != averaged);
        let more = open.len().saturating_sub(OPEN - 1);
        open.drain(..more);
        open.push(Open { name: name.to_string(), averaged, version, model: Arc::clone(&model) });
        Ok(model)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name, if it leads nowhere but below the shelf's root.
    fn checked<'a>(&self, name: &'a str) -> Result<&'a Path> {
        use std::path::Component;
        let path = Path::new(name);
        match !name.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_))) {
            true => Ok(path),
            false => Err(gone(name)),
        }
    }
}

fn gone(name: &str) -> Failure {
    Failure::user("there is no such run or model any more", name, "choose another")
}

impl Version {
    /// Of a run, its newest checkpoint; of a folder, the files in it and in its own folders.
    fn of(path: &Path) -> Version {
        let path = newest_checkpoint(path).unwrap_or_else(|_| path.to_path_buf());
        let mut version = Version { changed: None, bytes: 0, path };
        let path = version.path.clone();
        version.count(&path, 2);
        version
    }

    fn count(&mut self, path: &Path, depth: usize) {
        let Ok(about) = fs::metadata(path) else { return };
        self.changed = self.changed.max(about.modified().ok());
        if !about.is_dir() {
            self.bytes += about.len();
        } else if depth > 0 {
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                self.count(&entry.path(), depth - 1);
            }
        }
    }
}

fn item(name: String, path: &Path, kind: Kind) -> Item {
    let is_run = kind == Kind::Run;
    let paints = !is_run || newest_checkpoint(path).is_ok();
    Item { name, kind, training: is_run && RunLock::owner(path).is_some(), paints }
}

/// What lies at a path, as its names tell.
fn kind_of(path: &Path) -> Option<Kind> {
    if path.is_file() {
        return path.extension().is_some_and(|end| end == "safetensors").then_some(Kind::Checkpoint);
    }
    if path.join("config.toml").is_file() {
        return Some(Kind::Run);
    }
    let known = ["model_index.json", "unet/config.json", "transformer/config.json", "config.json"];
    known.iter().any(|name| path.join(name).is_file()).then_some(Kind::Folder)
}

/// Adds what lies in a folder, and below it to this depth.
fn look(folder: &Path, below: &str, depth: usize, left: &mut usize, items: &mut Vec<Item>) {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // A name that is no text cannot be asked for.
        let Ok(name) = entry.file_name().into_string() else { continue };
        if *left == 0 || name.starts_with('.') {
            continue;
        }
        *left -= 1;
        let (path, name) = (entry.path(), if below.is_empty() { name } else { format!("{below}/{name}") });
        match kind_of(&path) {
            Some(kind) => items.push(item(name, &path, kind)),
            // Links are not followed: they may lead in a circle.
            None if depth > 1 && entry.file_type().is_ok_and(|kind| kind.is_dir()) => {
                look(&path, &name, depth - 1, left, items);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf_in(folder: &Path) -> Shelf {
        for run in ["a", "deep/er/b", "deep/er/too/far"] {
            fs::create_dir_all(folder.join(run)).unwrap();
            fs::write(folder.join(run).join("config.toml"), "").unwrap();
        }
        fs::write(folder.join("deep/weights.safetensors"), "").unwrap();
        fs::write(folder.join("notes.txt"), "").unwrap();
        Shelf::new(folder.to_path_buf(), true).unwrap()
    }

    #[test]
    fn runs_and_models_are_found_to_some_depth() {
        let folder = tempfile::tempdir().unwrap();
        let listed = shelf_in(folder.path()).listed();
        let names: Vec<_> = listed.items.iter().map(|item| (item.name.as_str(), item.kind)).collect();
        let expected =
            [("a", Kind::Run), ("deep/er/b", Kind::Run), ("deep/weights.safetensors", Kind::Checkpoint)];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        let shelf = shelf_in(&inner);
        fs::write(outer.path().join("secret.safetensors"), "").unwrap();
        assert!(shelf.path("a").is_ok() && shelf.path("deep/weights.safetensors").is_ok());
        let absolute = outer.path().join("secret.safetensors").display().to_string();
        for name in [
            "",
            "..",
            "../secret.safetensors",
            "a/../../secret.safetensors",
            &absolute,
            "notes.txt",
            "none",
            "\0",
        ] {
            assert!(shelf.path(name).is_err(), "{name}");
        }
        for name in ["", ".", "..", "../x", "a/b", ".hidden", "-\n", "ä"] {
            assert!(shelf.new_run(name).is_err(), "{name}");
        }
        assert_eq!(shelf.new_run("new-run_1").ok(), Some(inner.join("new-run_1")));
    }
}
