//! Whether an open file is still the one under its name.

use std::fs::File;
use std::path::Path;

/// Whether `path` names the open `file`: it has not been removed, renamed or replaced.
#[cfg(unix)]
pub(super) fn stands_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Whether `path` names a file: where an open file can be neither removed nor replaced, the open one.
#[cfg(not(unix))]
pub(super) fn stands_at(_: &File, path: &Path) -> bool {
    path.exists()
}
