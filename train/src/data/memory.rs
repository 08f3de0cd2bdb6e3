use super::bounds;
use super::error::DataError;
use super::files::Whole;
use super::index::Index;
use super::ledger::Ledger;
use super::source::Source;
use rayon::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// A data set that is held in memory.
#[derive(Debug, Clone)]
pub struct Memory {
    shape: [usize; 3],
    bytes: Vec<u8>,
    labels: Vec<usize>,
    classes: Vec<String>,
    notes: Vec<String>,
    /// The files that the pictures come from, where they are known.
    files: Option<Whole>,
}

impl Memory {
    /// A set of pictures of `shape` (channels, height, width), one after another in `bytes`, with their labels.
    ///
    /// # Panics
    /// When `bytes` does not hold as many pictures as there are labels, or a label has no class.
    pub fn new(shape: [usize; 3], bytes: Vec<u8>, labels: Vec<usize>, classes: Vec<String>) -> Memory {
        assert_eq!(bytes.len(), labels.len() * shape.iter().product::<usize>(), "data: bytes per picture");
        assert!(labels.iter().all(|&label| label < classes.len()), "data: a label has no class");
        Memory { shape, bytes, labels, classes, notes: Vec::new(), files: None }
    }

    /// The set with what its reader has to say of it.
    pub fn with_notes(self, notes: Vec<String>) -> Memory {
        Memory { notes, ..self }
    }

    /// The set with the files that it was read from.
    pub(super) fn with_files(self, files: Whole) -> Memory {
        Memory { files: Some(files), ..self }
    }
}

/// The bytes of all pictures of `source`.
pub(super) fn bytes_of(source: &dyn Source) -> u64 {
    let each = source.shape().iter().map(|&side| side as u64).product::<u64>();
    each.saturating_mul(source.len() as u64)
}

/// All pictures of `source`, read by several threads.
///
/// # Errors
/// The errors of reading a picture; no memory for all of them.
pub(super) fn read_whole(source: &dyn Source) -> Result<Memory, DataError> {
    let total = usize::try_from(bytes_of(source)).unwrap_or(usize::MAX);
    let mut bytes = bounds::room(total, Path::new("the pictures in memory"))?;
    bytes.resize(total, 0);
    let read: Vec<Result<usize, DataError>> = bytes
        .par_chunks_mut(total / source.len())
        .enumerate()
        .map(|(index, out)| source.read(index, out))
        .collect();
    let labels = read.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (shape, classes) = (source.shape(), source.classes().to_vec());
    Ok(Memory::new(shape, bytes, labels, classes).with_notes(source.notes().to_vec()))
}

impl Source for Memory {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn held(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
        self.files.as_ref().map_or(Ok(()), |files| files.list(index))
    }

    fn watched(&self, ledger: &Arc<Ledger>) -> Result<Option<Arc<dyn Source>>, DataError> {
        self.files.as_ref().map_or(Ok(()), |files| files.check(ledger))?;
        Ok(None)
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        let each = self.shape.iter().product::<usize>();
        match self.labels.get(index) {
            Some(&label) => {
                out.copy_from_slice(&self.bytes[index * each..][..each]);
                Ok(label)
            }
            None => Err(DataError::Index { index, pictures: self.len() }),
        }
    }
}
