use super::error::DataError;
use super::source::Source;

/// A data set that is held in memory.
#[derive(Debug, Clone)]
pub struct Memory {
    shape: [usize; 3],
    bytes: Vec<u8>,
    labels: Vec<usize>,
    classes: Vec<String>,
    notes: Vec<String>,
}

impl Memory {
    /// A set of pictures of `shape` (channels, height, width), one after another in `bytes`, with their labels.
    ///
    /// # Panics
    /// When `bytes` does not hold as many pictures as there are labels, or a label has no class.
    pub fn new(shape: [usize; 3], bytes: Vec<u8>, labels: Vec<usize>, classes: Vec<String>) -> Memory {
        assert_eq!(bytes.len(), labels.len() * shape.iter().product::<usize>(), "data: bytes per picture");
        assert!(labels.iter().all(|&label| label < classes.len()), "data: a label has no class");
        Memory { shape, bytes, labels, classes, notes: Vec::new() }
    }

    /// The set with what its reader has to say of it.
    pub fn with_notes(self, notes: Vec<String>) -> Memory {
        Memory { notes, ..self }
    }
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
