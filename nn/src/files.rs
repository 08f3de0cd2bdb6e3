//! Which paths can be read as files, and writing files so that a reader finds all of one or none of it.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::{fs, io, thread};

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

/// Bytes between two syncs of a file that is being written: few enough that the disk is at work early, enough that it is not
/// asked all the time.
const BETWEEN_SYNCS: u64 = 32 << 20;

/// A file that has its writer's bytes counted, and is synced by another thread now and then.
struct Syncing<'a> {
    file: &'a mut File,
    unsynced: u64,
    ask: SyncSender<()>,
}

impl Write for Syncing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced += written as u64;
        // Where the disk is still at work, it is asked again after the next bytes.
        if self.unsynced >= BETWEEN_SYNCS && self.ask.try_send(()).is_ok() {
            self.unsynced = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Has `write` fill a file whose bytes go to the disk meanwhile, so that a sync at the end finds little left to do.
///
/// # Errors
/// Those of `write`; the system's, which a sync at the end would not report a second time.
pub(crate) fn syncing_meanwhile(
    file: &mut File,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let synced = file.try_clone()?;
    let (ask, asked) = mpsc::sync_channel(0);
    thread::scope(|scope| {
        let sync = scope.spawn(move || asked.iter().try_for_each(|()| synced.sync_data()));
        let mut syncing = Syncing { file, unsynced: 0, ask };
        let written = write(&mut syncing);
        drop(syncing);
        // It panics nowhere; were it to, the bytes would be as good as unsynced.
        written.and(sync.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
    })
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
    fn a_file_that_is_synced_on_the_way_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let part: Vec<u8> = (0..1 << 20).map(|i| (i % 251) as u8).collect();
        let parts = 2 * (BETWEEN_SYNCS as usize / part.len()) + 1;
        write_whole(&path, |file| {
            syncing_meanwhile(file, |file| (0..parts).try_for_each(|_| file.write_all(&part)))
        })
        .unwrap();
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole.len(), parts * part.len());
        assert!(whole.chunks(part.len()).all(|there| there == part));
        let mut file = File::create(&path).unwrap();
        let full = syncing_meanwhile(&mut file, |_| Err(io::ErrorKind::StorageFull.into()));
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
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
