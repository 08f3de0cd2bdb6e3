//! The file `metrics.jsonl` of a run that goes on.

use super::metrics::Metrics;
use super::standing::stands_at;
use crate::{Error, Result, files};
use serde::Deserialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Which lines of an earlier session stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// The last step whose lines do.
    pub(super) up_to: u64,
    /// Whether the line of that step loses its validation.
    pub(super) without_validation: bool,
}

/// A `metrics.jsonl`, open for more lines.
pub(super) struct MetricsFile {
    file: File,
    path: PathBuf,
    /// Lines that the disk has had no room for.
    unwritten: Vec<u8>,
}

/// All that is asked of a line to know whether it stays: later versions may say more, or less.
#[derive(Deserialize)]
struct Stepped {
    step: u64,
}

impl MetricsFile {
    /// Opens the file, keeping these lines as they are; returns the last of them that is a line of a run, too.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(super) fn open(path: &Path, kept: Kept) -> Result<(MetricsFile, Option<Metrics>)> {
        let before = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => Some(read.map_err(Error::io("read", path))?),
        };
        let (text, last) = kept.of(before.as_deref().unwrap_or_default());
        if before.is_none_or(|before| before != text) {
            files::write_whole(path, &text)?;
        }
        let file = open(path).map_err(Error::io("open", path))?;
        Ok((MetricsFile { file, path: path.to_path_buf(), unwritten: Vec::new() }, last))
    }

    /// Adds a line, and those that there was no room for. One that cannot be written is kept for the next time.
    ///
    /// # Errors
    /// [`Error::Io`], which is no reason to end a run before its end.
    pub(super) fn write(&mut self, metrics: &Metrics) -> Result<()> {
        self.unwritten.extend(line_of(metrics).into_bytes());
        self.flush()
    }

    /// Writes what could not be written before.
    ///
    /// # Errors
    /// As [`MetricsFile::write`].
    pub(super) fn flush(&mut self) -> Result<()> {
        self.try_flush().map_err(Error::io("write", &self.path))
    }

    fn try_flush(&mut self) -> io::Result<()> {
        if !stands_at(&self.file, &self.path) {
            self.stand_again()?;
        }
        let length = self.file.metadata()?.len();
        if let Err(error) = self.file.write_all(&self.unwritten) {
            // Half a line must not stand before the next one.
            self.file.set_len(length)?;
            return Err(error);
        }
        self.unwritten.clear();
        Ok(())
    }

    /// Writes the file again under its name, which somebody has removed: what was written can still be read.
    fn stand_again(&mut self) -> io::Result<()> {
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut text)?;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Not over another file that stands there by now: it may be another run's.
        let mut file = OpenOptions::new().read(true).append(true).create_new(true).open(&self.path)?;
        if let Err(error) = file.write_all(&text) {
            let _ = fs::remove_file(&self.path);
            return Err(error);
        }
        self.file = file;
        Ok(())
    }

    /// Has all lines on the disk.
    pub(super) fn sync(&self) {
        // A system that cannot is none that a checkpoint should fail on: the lines are not needed to go on.
        let _ = self.file.sync_data();
    }
}

impl Kept {
    /// What stays of a text, and the last of its lines that is a line of a run.
    fn of(self, text: &[u8]) -> (Vec<u8>, Option<Metrics>) {
        let (mut kept, mut last) = (Vec::with_capacity(text.len()), None);
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let step = serde_json::from_slice(line).ok().map(|Stepped { step }| step);
            let is_half = !line.ends_with(b"\n") && step.is_none();
            if is_half || step.is_some_and(|step| step > self.up_to) {
                continue;
            }
            let metrics: Option<Metrics> = serde_json::from_slice(line).ok();
            let changed = metrics
                .clone()
                .filter(|line| {
                    self.without_validation && line.step == self.up_to && line.validation.is_some()
                })
                .map(|line| Metrics { validation: None, validation_by_decile: None, ..line });
            match &changed {
                Some(line) => kept.extend(line_of(line).into_bytes()),
                None => kept.extend(line),
            }
            if !kept.ends_with(b"\n") {
                kept.push(b'\n');
            }
            last = changed.or(metrics).or(last);
        }
        (kept, last)
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).open(path)
}

fn line_of(metrics: &Metrics) -> String {
    // Plain numbers under plain names: serialisation has nothing to fail on.
    serde_json::to_string(metrics).map(|line| line + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests;
