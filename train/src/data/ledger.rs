//! What the files of a set held when a run first read them.

use super::error::DataError;
use super::index::hex;
use sha2::{Digest, Sha256};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tweedie_nn::files::write_whole;

/// A line is longer only where something else has written it.
const LONGEST_LINE: u64 = 1 << 16;

/// Length and time of change of a file: while neither differs, its content is taken to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    /// Nanoseconds since 1970.
    changed: i64,
}

impl Stamp {
    /// The stamp of the file that `about` describes.
    pub fn of(about: &Metadata) -> Stamp {
        Stamp { bytes: about.len(), changed: changed(about) }
    }
}

/// When the system last changed anything of the file: a program can set the time of modification back, but not this one.
#[cfg(unix)]
fn changed(about: &Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    about.ctime().wrapping_mul(1_000_000_000).wrapping_add(about.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(about: &Metadata) -> i64 {
    let since = about.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_nanos() as i64)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Record {
    stamp: Stamp,
    digest: [u8; 32],
}

/// The digests of a set's files, by their numbers in its index: 56 bytes of memory a file.
///
/// On the disk it is a text: a line that names the index, then a line for each file that was read, of its number, length,
/// time of change, SHA-256 and name. Of several lines for a file, the last counts.
#[derive(Debug, Default)]
pub struct Ledger {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    records: Vec<Option<Record>>,
    /// Where lines go, once there is a place for them.
    file: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: File,
    path: PathBuf,
    /// Whether a line is missing from the file, as when the disk was full.
    lacks: bool,
}

impl Ledger {
    /// What was written to `path` about the set of so many `files` with this index; nothing, where it is of another one or
    /// not there.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(path: &Path, index: &str, files: usize) -> io::Result<Ledger> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ledger::default()),
            Err(error) => return Err(error),
        };
        let (mut lines, mut line) = (BufReader::new(file), Vec::new());
        let mut next = move |line: &mut Vec<u8>| -> io::Result<bool> {
            line.clear();
            Ok(lines.by_ref().take(LONGEST_LINE).read_until(b'\n', line)? > 0)
        };
        let mut records = Vec::new();
        if next(&mut line)? && line == head(index).as_bytes() {
            while next(&mut line)? {
                if let Some((number, record)) = parsed(&line).filter(|(number, _)| *number < files) {
                    set(&mut records, number, record);
                }
            }
        }
        Ok(Ledger { state: Mutex::new(State { records, file: None }) })
    }

    /// Writes all that is known to `path`, and from now on each file that is read for the first time. `names` are those of
    /// all files in their order.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn keep(&self, path: &Path, index: &str, names: impl Iterator<Item = String>) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        write_whole(path, |file| {
            let mut to = BufWriter::new(file);
            to.write_all(head(index).as_bytes())?;
            for ((number, record), name) in state.records.iter().enumerate().zip(names) {
                if let Some(record) = record {
                    to.write_all(line(number, record, &name).as_bytes())?;
                }
            }
            to.flush()
        })?;
        let file = OpenOptions::new().append(true).open(path)?;
        state.file = Some(Kept { file, path: path.to_path_buf(), lacks: false });
        Ok(())
    }

    /// Where the ledger is kept, if it is no longer there or a line could not be written.
    pub fn lost(&self) -> Option<PathBuf> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = state.file.as_ref()?;
        (kept.lacks || !kept.path.exists()).then(|| kept.path.clone())
    }

    /// Refuses file `number`, which is at `path` and called `name`, if it does not hold what it held when it was first
    /// read. Its digest is only asked for where its stamp is not known.
    ///
    /// # Errors
    /// [`DataError::Malformed`] for another content; the errors of `digest`.
    pub fn check(
        &self,
        number: usize,
        path: &Path,
        stamp: Stamp,
        digest: impl FnOnce() -> Result<[u8; 32], DataError>,
        name: impl FnOnce() -> String,
    ) -> Result<(), DataError> {
        let lock = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().records.get(number).copied().flatten();
        if known.is_some_and(|known| known.stamp == stamp) {
            return Ok(());
        }
        let record = Record { stamp, digest: digest()? };
        if known.is_some_and(|known| known.digest != record.digest) {
            return Err(DataError::malformed(path, "changed since the run first read it", REMEDY));
        }
        let mut state = lock();
        set(&mut state.records, number, record);
        if let Some(kept) = &mut state.file {
            // A disk that is full is no reason to end the run: the whole file is written again at the next checkpoint.
            kept.lacks |= kept.file.write_all(line(number, &record, &name()).as_bytes()).is_err();
        }
        Ok(())
    }
}

/// What to do about data that are not those that a run has learnt from.
pub(crate) const REMEDY: &str =
    "give the data that the run has learnt from, or --resume with --changed-data to go on with these";

/// The SHA-256 of a whole file.
pub(super) fn digest_of(path: &Path) -> Result<[u8; 32], DataError> {
    let unreadable = |error| DataError::unreadable(path, error);
    let mut file = File::open(path).map_err(unreadable)?;
    let (mut digest, mut part) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut part).map_err(unreadable)? {
            0 => return Ok(digest.finalize().into()),
            n => digest.update(&part[..n]),
        }
    }
}

fn set(records: &mut Vec<Option<Record>>, number: usize, record: Record) {
    if records.len() <= number {
        records.resize(number + 1, None);
    }
    records[number] = Some(record);
}

fn head(index: &str) -> String {
    format!("index {index}\n")
}

fn line(number: usize, Record { stamp, digest }: &Record, name: &str) -> String {
    format!("{number}\t{}\t{}\t{}\t{name}\n", stamp.bytes, stamp.changed, hex(digest))
}

/// The record of a whole line.
fn parsed(line: &[u8]) -> Option<(usize, Record)> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let mut fields = line.splitn(5, '\t');
    let mut next = || fields.next();
    let number: usize = next()?.parse().ok()?;
    let stamp = Stamp { bytes: next()?.parse().ok()?, changed: next()?.parse().ok()? };
    let digits = next()?;
    let mut digest = [0; 32];
    if digits.len() != 2 * digest.len() || !digits.is_ascii() {
        return None;
    }
    for (i, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).ok()?;
    }
    next()?;
    Some((number, Record { stamp, digest }))
}

#[cfg(test)]
mod tests;
