//! Who trains in a run directory.

use super::standing::stands_at;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

/// The file that is locked.
const FILE: &str = "run.lock";
/// How long the owner of a lock that it has just taken is given to write who it is, a few times.
const PATIENCE: Duration = Duration::from_millis(20);
const TRIES: u32 = 10;

/// The exclusive right to train in a run directory. The system ends it with its process, however that ends.
///
/// It is a lock on the file `run.lock`, which stays when the lock is gone. Its content says who holds or held it.
///
/// ```
/// use tweedie_train::RunLock;
/// let folder = std::env::temp_dir().join(format!("tweedie-lock-{}", std::process::id()));
/// let lock = RunLock::take(&folder)?;
/// let error = RunLock::take(&folder).unwrap_err().to_string();
/// assert!(error.contains(&format!("process {}", std::process::id())));
/// drop(lock);
/// // Nothing was written there: the directory goes with the lock that it was made for.
/// assert!(!folder.exists());
/// # Ok::<(), tweedie_train::Error>(())
/// ```
#[derive(Debug)]
pub struct RunLock {
    run: PathBuf,
    held: Held,
    /// The directories that were made for it, the innermost first. They go with it if nothing else is written there.
    made: Vec<PathBuf>,
}

/// An open file that is locked, as far as its file system locks.
#[derive(Debug)]
struct Held {
    file: File,
    /// Why nothing is locked, where the file system has no locks.
    note: Option<String>,
}

/// A process that trains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its number.
    pub pid: u32,
    /// The machine that it runs on.
    pub host: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

impl RunLock {
    /// Takes the run directory at `run`, which is made if need be.
    ///
    /// # Errors
    /// [`Error::User`] that names the process that trains there; [`Error::Io`].
    pub fn take(run: &Path) -> Result<RunLock> {
        let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let made = run.ancestors().take_while(is_missing).map(Path::to_path_buf).collect();
        Ok(RunLock { run: run.to_path_buf(), held: Held::take(run)?, made })
    }

    /// The process that trains in the run directory at `run`; `None` if none does, and where the file system locks nothing.
    ///
    /// ```
    /// use tweedie_train::RunLock;
    /// let folder = std::env::temp_dir().join(format!("tweedie-held-{}", std::process::id()));
    /// let lock = RunLock::take(&folder)?;
    /// assert_eq!(RunLock::owner(&folder).map(|owner| owner.pid), Some(std::process::id()));
    /// drop(lock);
    /// assert_eq!(RunLock::owner(&folder), None);
    /// # Ok::<(), tweedie_train::Error>(())
    /// ```
    pub fn owner(run: &Path) -> Option<Owner> {
        let mut file = File::open(run.join(FILE)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Owner::read_soon(&mut file),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    /// What the user should know: that the file system locks nothing.
    pub(super) fn note(&self) -> Option<&str> {
        self.held.note.as_deref()
    }

    /// The directory that it is for.
    pub(super) fn run(&self) -> &Path {
        &self.run
    }

    /// Takes the directory again if somebody has removed it, or the lock's file in it, since.
    ///
    /// # Errors
    /// As [`RunLock::take`]: another process may have been faster.
    pub(super) fn renew(&mut self) -> Result<()> {
        if !stands_at(&self.held.file, &self.run.join(FILE)) {
            self.held = Held::take(&self.run)?;
        }
        Ok(())
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        let is_unused = || {
            let mut entries = fs::read_dir(&self.run).ok()?;
            Some(entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == FILE)))
        };
        if !self.made.is_empty() && is_unused() == Some(true) {
            // What cannot be taken away stays: an empty directory does no harm.
            let _ = fs::remove_file(self.run.join(FILE));
            let _ = self.made.iter().try_for_each(fs::remove_dir);
        }
    }
}

impl Held {
    fn take(run: &Path) -> Result<Held> {
        let path = run.join(FILE);
        let mut tries = 0;
        loop {
            fs::create_dir_all(run).map_err(Error::io("create", run))?;
            // Not cut to nothing: the content is the owner's. For writing, as NFS locks nothing else exclusively.
            let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = match opened {
                // Whoever holds the lock may be taking a directory away that it has not used.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(Error::io("open", &path))?,
            };
            let note = match file.try_lock() {
                Ok(()) => None,
                // Whoever asks for the owner holds it for a moment.
                Err(TryLockError::WouldBlock) if tries < 2 => {
                    tries += 1;
                    thread::sleep(PATIENCE);
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Err(taken(run, &mut file)),
                Err(TryLockError::Error(error)) => Some(without_locks(run, &error)),
            };
            // It may have been taken away between opening and locking.
            if stands_at(&file, &path) {
                Owner::this().write(&mut file).map_err(Error::io("write", &path))?;
                return Ok(Held { file, note });
            }
        }
    }
}

impl Owner {
    /// Whether it runs on this machine, by the machine's name.
    pub fn is_here(&self) -> bool {
        self.host == host()
    }

    fn this() -> Owner {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
        Owner { pid: std::process::id(), host: host(), since }
    }

    fn write(&self, file: &mut File) -> io::Result<()> {
        let text = serde_json::to_string(self)? + "\n";
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
    }

    /// As [`Owner::read`], of a file whose owner may have locked it only just now.
    fn read_soon(file: &mut File) -> Option<Owner> {
        (0..TRIES).find_map(|tries| {
            if tries > 0 {
                thread::sleep(PATIENCE);
            }
            Owner::read(file)
        })
    }

    /// Reads whatever is there; `None` if it is no owner, or if the system keeps it to the one who has locked it.
    fn read(file: &mut File) -> Option<Owner> {
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).ok()?;
        file.take(1 << 16).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// The name of this machine, as its system tells it.
fn host() -> String {
    let named =
        ["/proc/sys/kernel/hostname", "/etc/hostname"].iter().find_map(|path| fs::read_to_string(path).ok());
    let named = named.or_else(|| std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok());
    named
        .map(|name| name.trim().to_string())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this host".into())
}

fn taken(run: &Path, file: &mut File) -> Error {
    let who = Owner::read_soon(file).map_or("another process".to_string(), |owner| {
        let now = Owner::this();
        let minutes = now.since.saturating_sub(owner.since) / 60;
        format!("process {} on {}, begun {minutes} min ago,", owner.pid, owner.host)
    });
    Error::config(
        format!("{who} trains there"),
        run.display().to_string(),
        "wait until it has ended, end it, or choose another --out",
    )
}

fn without_locks(run: &Path, error: &io::Error) -> String {
    format!(
        "the file system of {} locks no files ({}): see to it that no second process trains there",
        run.display(),
        crate::reason(error)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_taken_once_and_free_when_its_owner_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let lock = RunLock::take(folder.path()).unwrap();
        let error = RunLock::take(folder.path()).unwrap_err().to_string();
        let this = Owner::this();
        assert!(error.contains(&format!("process {} on {}", this.pid, this.host)), "{error}");
        assert!(error.contains("--out") && !error.contains('\n'), "{error}");
        drop(lock);
        RunLock::take(folder.path()).unwrap();
    }

    #[test]
    fn what_stands_in_the_file_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        for content in [&b""[..], b"{\"pid\": 1}", b"\xff\xfe no text", &[b'x'; 100_000]] {
            fs::write(folder.path().join(FILE), content).unwrap();
            drop(RunLock::take(folder.path()).unwrap());
            let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
            assert_eq!(serde_json::from_str::<Owner>(&text).unwrap().pid, std::process::id());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_was_removed_is_taken_again_unless_another_was_faster() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let mut lock = RunLock::take(&run).unwrap();
        fs::remove_dir_all(&run).unwrap();
        lock.renew().unwrap();
        assert!(RunLock::take(&run).is_err());
        fs::remove_dir_all(&run).unwrap();
        let other = RunLock::take(&run).unwrap();
        assert!(lock.renew().unwrap_err().to_string().contains("trains there"));
        drop(other);
        lock.renew().unwrap();
    }

    #[test]
    fn a_directory_that_was_made_for_the_lock_goes_with_it_unless_it_was_used() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("runs/a");
        drop(RunLock::take(&run).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let lock = RunLock::take(&run).unwrap();
        fs::write(run.join("config.toml"), "").unwrap();
        drop(lock);
        assert!(run.join("config.toml").exists());
    }
}
