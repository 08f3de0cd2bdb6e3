//! Places for results: tried before the long work, written whole or not at all.

use crate::error::{Failure, Result};
use std::fs;
use std::path::Path;
use tweedie_train::files::write_whole;

/// Makes sure that a file can be written at `path`, which `option` asked for; folders on the way are made.
///
/// # Errors
/// When it cannot, or when something other than a file is there.
pub(crate) fn claim_file(path: &Path, option: &str) -> Result<()> {
    // Renaming a file over a device or a pipe would take its place.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) || path.file_name().is_none() {
        return Err(Failure::user(
            "cannot write (what is there is no file)",
            format!("{option} {}", path.display()),
            "choose another name",
        ));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    claim(folder.unwrap_or(Path::new(".")), path, option)
}

/// Makes sure that files can be written into the folder `path`, which `option` asked for, and makes it if need be.
///
/// # Errors
/// When they cannot.
pub(crate) fn claim_folder(path: &Path, option: &str) -> Result<()> {
    claim(path, path, option)
}

fn claim(folder: &Path, asked: &Path, option: &str) -> Result<()> {
    let tried = fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    tried.map(drop).map_err(|error| Failure::unwritable(asked, option, &error))
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    Ok(write_whole(path, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_tried_without_a_trace() {
        let Ok(folder) = tempfile::tempdir() else { panic!("no temporary folder") };
        assert!(claim_file(&folder.path().join("new/a.png"), "--out").is_ok());
        assert!(claim_folder(&folder.path().join("new"), "--out").is_ok());
        assert_eq!(fs::read_dir(folder.path().join("new")).map(Iterator::count).ok(), Some(0));
    }

    #[test]
    fn files_in_the_way_and_devices_are_refused() {
        let Ok(folder) = tempfile::tempdir() else { panic!("no temporary folder") };
        let file = folder.path().join("file");
        assert!(fs::write(&file, "").is_ok());
        for refused in [
            claim_folder(&file, "--out"),
            claim_file(&file.join("a.png"), "--out"),
            claim_file(folder.path(), "--raw"),
        ] {
            let message = refused.err().map(|failure| failure.to_string()).unwrap_or_default();
            assert!(message.starts_with("error: cannot write (") && message.contains(", --"), "{message}");
        }
        #[cfg(unix)]
        assert!(claim_file(Path::new("/dev/null"), "--raw").is_err());
    }
}
