//! Sets in files that are too large to be held in memory: each picture is read from where it lies when it is asked for.

use super::error::DataError;
use super::files::Whole;
use super::index::Index;
use super::ledger::Ledger;
use super::source::Source;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Pictures that lie at even distances in a file.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// Where the first one begins.
    pub(super) first: u64,
    /// From the beginning of one to that of the next.
    pub(super) stride: u64,
    pub(super) pictures: usize,
}

/// What brings the bytes of a picture, as they are stored, to planes one after another.
pub(super) type Arrange = Box<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>;

/// A set that stays in its files.
pub(super) struct Offsets {
    pub(super) pieces: Vec<Piece>,
    pub(super) shape: [usize; 3],
    pub(super) arrange: Option<Arrange>,
    pub(super) labels: Vec<usize>,
    pub(super) classes: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) files: Whole,
}

impl Source for Offsets {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
        self.files.list(index)
    }

    fn watched(&self, ledger: &Arc<Ledger>) -> Result<Option<Arc<dyn Source>>, DataError> {
        self.files.check(ledger).map(|()| None)
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        let Some(&label) = self.labels.get(index) else {
            return Err(DataError::Index { index, pictures: self.len() });
        };
        let mut within = index;
        for piece in &self.pieces {
            if within < piece.pictures {
                let from = piece.first + within as u64 * piece.stride;
                let read = |bytes: &mut [u8]| {
                    read_at(&piece.file, bytes, from)
                        .map_err(|error| DataError::unreadable(&piece.path, error))
                };
                match &self.arrange {
                    None => read(out)?,
                    Some(arrange) => {
                        let mut bytes = vec![0; out.len()];
                        read(&mut bytes)?;
                        out.copy_from_slice(&arrange(bytes));
                    }
                }
                return Ok(label);
            }
            within -= piece.pictures;
        }
        Err(DataError::Index { index, pictures: self.len() })
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], from: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, from)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut from: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, from)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => (bytes, from) = (&mut bytes[n..], from + n as u64),
        }
    }
    Ok(())
}

#[cfg(not(any(unix, windows)))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no reads at a place of a file"))
}
