//! What can happen to a run, and to its files.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;
use tempfile::TempDir;
use tweedie_nn::weights::WeightFile;
use tweedie_tensor::random::Stream;

/// Something that happens at a random moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL: the process is gone, as when the machine loses its power.
    Kill,
    /// SIGTERM, as a scheduler sends it.
    Terminate,
    /// SIGSTOP and, some time later, SIGCONT.
    StopAndContinue,
    /// SIGUSR1, five times in a row.
    SaveOnRequest,
    /// A bit of the newest checkpoint is not what was written.
    FlipABit,
    /// The newest checkpoint lacks its end.
    Cut,
    /// The newest checkpoint has no bytes.
    Empty,
    /// Files that are called almost as checkpoints are.
    Stray,
    /// `config.toml` is garbled or gone.
    NoConfiguration,
    /// The last line of the metrics is half a line.
    HalfALine,
    /// `checkpoints/` is removed while the run goes on.
    RemoveCheckpoints,
    /// The run directory is removed while the run goes on.
    RemoveDirectory,
}

impl Fault {
    /// Happens to a running process and to its directory. Faults of files happen when the process is gone. Returns whether
    /// there was something that it could happen to.
    pub(crate) fn strike(self, child: &mut Child, run: &Path, random: &mut Stream) -> bool {
        match self {
            Fault::Kill => child.kill().unwrap(),
            Fault::Terminate => signal(child, "TERM"),
            Fault::StopAndContinue => {
                signal(child, "STOP");
                pause(random, 100);
                signal(child, "CONT");
            }
            Fault::SaveOnRequest => (0..5).for_each(|_| {
                signal(child, "USR1");
                pause(random, 30);
            }),
            Fault::RemoveCheckpoints => remove(&run.join("checkpoints")),
            Fault::RemoveDirectory => remove(run),
            files => {
                child.kill().unwrap();
                child.wait().unwrap();
                return files.damage(run, random);
            }
        }
        true
    }

    /// Damages files; a checkpoint only where there is another whole one.
    fn damage(self, run: &Path, random: &mut Stream) -> bool {
        let is_whole = |path: &PathBuf| WeightFile::read(path).is_ok_and(|file| file.verify().is_ok());
        let mut whole: Vec<PathBuf> = checkpoints(run).into_iter().filter(is_whole).collect();
        let newest = whole.pop().filter(|_| !whole.is_empty());
        match (self, newest) {
            (Fault::FlipABit, Some(path)) => {
                let mut bytes = fs::read(&path).unwrap();
                let bit = random.next_u64() as usize % (8 * bytes.len());
                bytes[bit / 8] ^= 1 << (bit % 8);
                fs::write(&path, bytes).unwrap();
            }
            (Fault::Cut, Some(path)) => {
                let length = fs::metadata(&path).unwrap().len();
                let file = OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(random.next_u64() % length.max(1)).unwrap();
            }
            (Fault::Empty, Some(path)) => fs::write(path, []).unwrap(),
            (Fault::Stray, Some(path)) => {
                for name in
                    ["step-99999999.safetensors", "step-5.safetensors", "step-00000007.safetensors.bak"]
                {
                    fs::copy(&path, path.with_file_name(name)).unwrap();
                }
            }
            (Fault::NoConfiguration, _) => {
                let path = run.join("config.toml");
                match random.next_u64() % 3 {
                    0 => drop(fs::remove_file(path)),
                    1 => fs::write(path, "").unwrap(),
                    _ => fs::write(path, "batch = [\0").unwrap(),
                }
            }
            (Fault::HalfALine, _) => {
                let metrics = OpenOptions::new().append(true).open(run.join("metrics.jsonl"));
                let Ok(mut metrics) = metrics else { return false };
                metrics.write_all(b"{\"step\": 12, \"lo").unwrap();
            }
            _ => return false,
        }
        true
    }
}

/// The checkpoints of a run, oldest first.
pub(crate) fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.join("checkpoints")).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.len() == "step-00000000.safetensors".len() && !name.contains("99999999")
        })
        .collect();
    found.sort();
    found
}

/// Waits up to so many milliseconds.
pub(crate) fn pause(random: &mut Stream, most: u64) {
    std::thread::sleep(Duration::from_millis(random.next_u64() % most));
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    // A process that has ended meanwhile needs none.
    let _ = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).output();
}

/// Removes a folder into which a process writes: again, where a file appears meanwhile.
fn remove(folder: &Path) {
    while folder.exists() && fs::remove_dir_all(folder).is_err() {}
}

/// A file system of six mebibytes.
pub(crate) struct Filled(TempDir);

impl Filled {
    pub(crate) fn new() -> Option<Filled> {
        let folder = tempfile::tempdir().unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(folder.path()).output();
        mount.is_ok_and(|done| done.status.success()).then_some(Filled(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}
