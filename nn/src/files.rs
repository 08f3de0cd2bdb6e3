//! Which paths can be read as files.

use std::path::Path;
use std::{fs, io};

/// Why a path cannot be read as a plain file.
#[derive(Debug, thiserror::Error)]
pub enum NotPlain {
    /// A folder.
    #[error("a folder where a file was expected")]
    Folder,
    /// A pipe, a socket or a device.
    #[error("a pipe or a device, no file")]
    Special,
    /// Nothing that the system lets this process look at.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
}

/// The length of a plain file in bytes. It is not opened: opening a pipe that nobody writes to waits for ever, and reading
/// a device may never end. Links are followed.
///
/// # Errors
/// [`NotPlain`] for anything else.
pub fn plain_length(path: &Path) -> Result<u64, NotPlain> {
    let about = fs::metadata(path)?;
    match (about.is_file(), about.is_dir()) {
        (true, _) => Ok(about.len()),
        (_, true) => Err(NotPlain::Folder),
        _ => Err(NotPlain::Special),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_a_length_and_other_things_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "12345").unwrap();
        assert_eq!(plain_length(&file).unwrap(), 5);
        assert!(matches!(plain_length(folder.path()), Err(NotPlain::Folder)));
        assert!(matches!(plain_length(&folder.path().join("none")), Err(NotPlain::Unreadable(_))));
        #[cfg(unix)]
        assert!(matches!(plain_length(Path::new("/dev/null")), Err(NotPlain::Special)));
    }
}
