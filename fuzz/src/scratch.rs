//! Folders in memory, and what errors must look like.

use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder for one input, in memory where the system has such a place.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        Scratch(
            tempfile::Builder::new().prefix("tweedie-fuzz-").tempdir_in(place).expect("a temporary folder"),
        )
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        let above = path.parent().expect("names are of files within the folder");
        fs::create_dir_all(above)
            .and_then(|()| fs::write(&path, bytes))
            .expect("room in the temporary folder");
        path
    }
}

/// Of an error that a user sees: one line, and where.
pub(crate) fn check_error(message: &str, place: &str) {
    assert!(!message.contains(char::is_control), "more than one plain line: {message:?}");
    assert!(message.contains(place), "it does not say where ({place}): {message}");
    assert!(message.contains(": "), "it does not say what to do: {message}");
}
