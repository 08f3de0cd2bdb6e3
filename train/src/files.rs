//! Writing files so that a reader finds all of a file or none of it, and reading texts within bounds.

use crate::{Error, Result};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tweedie_nn::files::{NotPlain, leftovers, plain_length};

/// Writes a file beside its place, syncs it, and renames it there.
///
/// # Errors
/// [`Error::Io`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    tweedie_nn::files::write_whole(path, |file| file.write_all(bytes)).map_err(Error::io("write", path))
}

/// The files in a run directory that processes which are gone have left half-written.
pub(crate) fn half_written(run: &Path) -> Vec<PathBuf> {
    let folders = ["", "checkpoints", "samples", "fingerprint"];
    folders.iter().flat_map(|folder| leftovers(&run.join(folder))).collect()
}

/// The largest text that is read: far more than any configuration has.
const MOST_TEXT: u64 = 16 << 20;

/// How long a pipe's writer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The text of a file or a pipe, if it is not longer than 16 MiB.
///
/// # Errors
/// The system's errors; a longer text; a pipe that nobody has opened for writing after five seconds.
pub fn read_text(path: &Path) -> io::Result<String> {
    let file = match plain_length(path) {
        Err(NotPlain::Special) => open_pipe(path, PATIENCE)?,
        _ => File::open(path)?,
    };
    let mut text = String::new();
    let length = file.take(MOST_TEXT + 1).read_to_string(&mut text)?;
    if length as u64 > MOST_TEXT {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than 16 MiB"));
    }
    Ok(text)
}

/// Opens a pipe, which waits for its writer, in a thread that is left waiting where none comes.
fn open_pipe(path: &Path, patience: Duration) -> io::Result<File> {
    let (send, opened) = mpsc::channel();
    let path = path.to_path_buf();
    // The receiver is gone where it has been waited for too long: then nobody needs the file.
    thread::Builder::new().spawn(move || drop(send.send(File::open(path))))?;
    let nobody = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "a pipe that nobody writes to"));
    opened.recv_timeout(patience).unwrap_or_else(nobody)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn nothing_half_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        // A folder stands where the file should go: the rename fails.
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("x"), b"").unwrap();
        assert!(write_whole(&taken, b"three").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_read_and_not_waited_for_where_nobody_writes() {
        let folder = tempfile::tempdir().unwrap();
        let [silent, pipe] = ["silent", "pipe"].map(|name| folder.path().join(name));
        assert!(std::process::Command::new("mkfifo").args([&silent, &pipe]).status().unwrap().success());
        let error = open_pipe(&silent, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let writer = thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, "batch = 3")
        });
        assert_eq!(read_text(&pipe).unwrap(), "batch = 3");
        writer.join().unwrap().unwrap();
    }
}
