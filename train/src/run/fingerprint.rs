//! Whether the pictures of a run are those that it has learnt from so far.

use crate::data::{self, Differs, Fingerprint, GIVE_THE_SAME_DATA, Ledger, Source, hex, name_in};
use crate::{Error, Result};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tweedie_nn::files::write_whole;

/// The list of a set's files, and the digests of those that were read, in a run's folder `fingerprint`.
const INDEX: &str = "index.tsv";
const DIGESTS: &str = "digests.tsv";

/// What is known of the data before this session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Earlier<'a> {
    /// The run directory, if there is one.
    pub(super) run: Option<&'a Path>,
    /// The fingerprint in the checkpoint that is resumed from.
    pub(super) fingerprint: Option<&'a Fingerprint>,
    /// Whether the pictures may be others.
    pub(super) may_differ: bool,
    /// Whether the run could go on with these pictures, were it allowed to.
    pub(super) could_go_on: bool,
}

/// The data of a session.
pub(super) struct Known {
    pub(super) fingerprint: Fingerprint,
    /// The pictures, each file of which is held against the ledger as it is read.
    pub(super) source: Arc<dyn Source>,
    ledger: Arc<Ledger>,
}

impl Known {
    /// Takes the fingerprint of `source`, and holds it and every file that is read from now on against what the run has
    /// learnt from.
    ///
    /// # Errors
    /// Other pictures, where they may not differ; pictures that cannot be read.
    pub(super) fn of(source: Arc<dyn Source>, earlier: Earlier<'_>) -> Result<Known> {
        let index = data::index_of(&*source, &mut |_| {})?;
        let digest = index.as_ref().map(|(digest, _)| digest.clone());
        if let Some(then) = earlier.fingerprint
            && !earlier.may_differ
        {
            let now = Fingerprint {
                pictures: source.len(),
                shape: source.shape(),
                classes: source.classes().len(),
                index: digest.clone(),
                sample: then.sample.clone(),
            };
            if now.difference(then).is_some() {
                let first = earlier.run.and_then(|run| first_difference(&*source, &folder(run), then));
                return Err(changed(&now, then, first, earlier.could_go_on));
            }
        }
        let ledger = match (&index, earlier) {
            (
                Some((digest, lines)),
                Earlier { run: Some(run), fingerprint: Some(_), may_differ: false, .. },
            ) => {
                let path = folder(run).join(DIGESTS);
                Ledger::read(&path, digest, *lines).map_err(Error::io("read", &path))?
            }
            _ => Ledger::default(),
        };
        let ledger = Arc::new(ledger);
        let source = source.watched(&ledger)?.unwrap_or(source);
        let fingerprint = Fingerprint::with_index(&*source, digest)?;
        match earlier.fingerprint.and_then(|then| fingerprint.difference(then)) {
            Some(Differs::Pixels) if !earlier.may_differ => Err(decoded_otherwise(&fingerprint)),
            _ => Ok(Known { fingerprint, source, ledger }),
        }
    }

    /// Writes the list of the set's files into the directory `run`, and the digests of those read; more follow as they are
    /// read for the first time.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn keep(&self, run: &Path) -> Result<()> {
        let Some(digest) = &self.fingerprint.index else { return Ok(()) };
        let folder = folder(run);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let path = folder.join(INDEX);
        if digest_of_lines(&path).as_ref() != Some(digest) {
            write_index(&*self.source, &path).map_err(Error::io("write", &path))?;
        }
        self.keep_digests(&folder.join(DIGESTS), digest)
    }

    /// Writes the digests again where the file of them was lost, or lacks a line.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn keep_again(&self, run: &Path) -> Result<()> {
        match self.ledger.lost() {
            Some(_) => self.keep(run),
            None => Ok(()),
        }
    }

    fn keep_digests(&self, path: &Path, digest: &str) -> Result<()> {
        let names = lines(&path.with_file_name(INDEX)).map_err(Error::io("read", path))?;
        let names = names.map(|line| name_in(&line).to_string());
        self.ledger.keep(path, digest, names).map_err(Error::io("write", path))
    }
}

/// Where a run keeps what it knows of its data.
fn folder(run: &Path) -> PathBuf {
    run.join("fingerprint")
}

fn write_index(source: &dyn Source, path: &Path) -> io::Result<()> {
    write_whole(path, |file| {
        let (mut to, mut written) = (BufWriter::new(file), Ok(()));
        let listed = data::index_of(source, &mut |line| {
            if written.is_ok() {
                written = writeln!(to, "{line}");
            }
        });
        listed.map_err(io::Error::other)?;
        written?;
        to.flush()
    })
}

/// The lines of an index that is on the disk. Names of files are no longer than the system's paths.
fn lines(path: &Path) -> io::Result<impl Iterator<Item = String> + use<>> {
    const LONGEST: u64 = 1 << 16;
    let (mut file, mut line) = (BufReader::new(File::open(path)?), Vec::new());
    Ok(std::iter::from_fn(move || {
        line.clear();
        let read = io::Read::take(&mut file, LONGEST).read_until(b'\n', &mut line).ok()?;
        (read > 0).then(|| String::from_utf8_lossy(&line).trim_end_matches('\n').to_string())
    }))
}

fn digest_of_lines(path: &Path) -> Option<String> {
    let mut digest = Sha256::new();
    for line in lines(path).ok()? {
        digest.update(line.as_bytes());
        digest.update(b"\n");
    }
    Some(hex(&digest.finalize()))
}

/// The first file of `source`, or of the index that the run wrote down, where they part.
fn first_difference(source: &dyn Source, folder: &Path, then: &Fingerprint) -> Option<String> {
    let path = folder.join(INDEX);
    // An index of other data than the checkpoint's tells nothing.
    if digest_of_lines(&path) != then.index {
        return None;
    }
    let mut earlier = lines(&path).ok()?;
    let fewer = source.len() < then.pictures;
    let mut first = None;
    let listed = data::index_of(source, &mut |now| {
        if first.is_none() {
            let then = earlier.next();
            if then.as_deref() != Some(now) {
                // What is missing now is named by the line that was there.
                first = Some(then.filter(|_| fewer).unwrap_or_else(|| now.to_string()));
            }
        }
    });
    listed.ok()?;
    first.or_else(|| earlier.next()).map(|line| name_in(&line).to_string())
}

fn changed(now: &Fingerprint, then: &Fingerprint, first: Option<String>, could_go_on: bool) -> Error {
    let form = |of: &Fingerprint| {
        let [channels, height, width] = of.shape;
        format!("{channels} x {height} x {width}, {} classes", of.classes)
    };
    let is_form = (now.shape, now.classes) == (then.shape, then.classes);
    let first = first.map_or(String::new(), |name| format!("; first difference {name}"));
    let what = match now.pictures == then.pictures {
        _ if !is_form => format!("pictures of {} where the run has learnt from {}", form(now), form(then)),
        true => format!("the pictures have changed: {} now as when the run last saved{first}", now.pictures),
        false => format!(
            "the pictures have changed: {} now, {} when the run last saved{first}",
            now.pictures, then.pictures
        ),
    };
    let remedy = match is_form && could_go_on {
        true => GIVE_THE_SAME_DATA,
        false => "give the data that the run has learnt from, or begin a new run with another --out",
    };
    Error::config(what, "data.source", remedy)
}

fn decoded_otherwise(now: &Fingerprint) -> Error {
    let what = match now.index {
        Some(_) => {
            "the files are the same, and this program reads other pixels from them than the one that the run last saved with"
        }
        None => "the pictures have changed since the run last saved",
    };
    let remedy = match now.index {
        Some(_) => "use that version of the program, or --resume with --changed-data to go on with these",
        None => GIVE_THE_SAME_DATA,
    };
    Error::config(what, "data.source", remedy)
}

#[cfg(test)]
mod tests;
