//! Which paths can be read as files, and writing files so that a reader finds all of one or none of it.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
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

/// Writes a file whole or not at all: `write` fills one beside its place, which is synced and renamed.
///
/// # Errors
/// The system's, and those of `write`. Nothing is left beside it then, and what was there before stays.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let partial = partial(path);
    let written = File::create(&partial).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&partial, path)).inspect_err(|_| {
        // The incomplete file is of no use, and may be gone already.
        let _ = fs::remove_file(&partial);
    })?;
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // The new name is durable once the folder is synced; not every system can sync one.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(())
}

/// Where a file stands while it is written: a name in the same folder that no two processes share.
fn partial(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.partial", std::process::id()));
    path.with_file_name(name)
}

/// The half-written files in a folder that no process goes on with, as a process that was killed leaves them. The caller
/// must not write there meanwhile, and on systems that do not list their processes nobody may.
pub fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> =
        entries.filter(|path| writer(path).is_some_and(|process| !is_running(process))).collect();
    found.sort();
    found
}

/// The process that has written a file of this name, if it is half a file.
fn writer(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    let rest = name.strip_suffix(".partial").or_else(|| name.strip_suffix(".part"))?;
    rest.rsplit_once('.')?.1.parse().ok()
}

/// Whether another process has this number. In a container, the one before this had its number.
fn is_running(process: u32) -> bool {
    process != std::process::id() && Path::new("/proc").join(process.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_files_of_dead_processes_are_found_and_those_of_living_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        // No process has the greatest number that there is.
        let dead = [".a.4294967295.partial", ".b.safetensors.4294967295.part", "c.txt.4294967295.partial"];
        for name in
            dead.iter().chain(&[".d.1.partial", "e.partial", "f.part", "g.x.part", "step-1.safetensors"])
        {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found: Vec<String> = leftovers(folder.path())
            .into_iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .filter(|name| name != ".d.1.partial" || cfg!(target_os = "linux"))
            .collect();
        assert_eq!(found, dead);
        assert!(leftovers(&folder.path().join("none")).is_empty());
    }

    #[test]
    fn a_file_that_cannot_be_finished_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_whole(&path, |file| io::Write::write_all(file, b"one")).unwrap();
        let full = write_whole(&path, |file| {
            io::Write::write_all(file, b"tw")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

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
