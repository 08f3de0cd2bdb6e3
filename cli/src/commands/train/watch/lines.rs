//! The lines of a run's metrics, read as they are written.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tweedie_train::Metrics;

/// Between two looks at the file.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A file of metrics that grows.
pub(super) struct Lines {
    path: PathBuf,
    /// How many of its bytes are read.
    read: u64,
    lines: Vec<Metrics>,
    looked: Option<Instant>,
}

impl Lines {
    /// Of this file, whether it is there yet or not.
    pub(super) fn of(path: &Path) -> Lines {
        Lines { path: path.to_path_buf(), read: 0, lines: Vec::new(), looked: None }
    }

    /// Every line so far.
    pub(super) fn all(&self) -> &[Metrics] {
        &self.lines
    }

    /// Reads what has been written since the last look, if that is some time ago; returns whether there was something.
    pub(super) fn read(&mut self) -> bool {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return false;
        }
        self.looked = Some(Instant::now());
        self.read_now()
    }

    /// What cannot be read now is read later, or never: the run does not depend on it.
    fn read_now(&mut self) -> bool {
        let Ok(mut file) = File::open(&self.path) else { return false };
        // A run that went back to a checkpoint writes its lines again.
        if file.metadata().is_ok_and(|about| about.len() < self.read) {
            (self.read, self.lines) = (0, Vec::new());
        }
        let mut text = Vec::new();
        if file.seek(SeekFrom::Start(self.read)).and_then(|_| file.read_to_end(&mut text)).is_err() {
            return false;
        }
        // What is written of the next line is read when it is whole.
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        let before = self.lines.len();
        let lines = text[..whole].split(|&byte| byte == b'\n');
        self.lines.extend(lines.filter_map(|line| serde_json::from_slice::<Metrics>(line).ok()));
        self.lines.len() > before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn line(step: u64) -> String {
        format!(
            "{{\"step\":{step},\"loss\":0.5,\"images_per_second\":1.0,\"rss_mib\":1,\"loss_by_decile\":\
             [null,null,null,null,null,null,null,null,null,null],\"grad_norm\":1.0,\"learning_rate\":0.1,\"seconds\":1.0}}"
        )
    }

    #[test]
    fn lines_are_read_once_and_when_they_are_whole() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("metrics.jsonl");
        let mut lines = Lines::of(&path);
        let steps = |lines: &Lines| lines.all().iter().map(|line| line.step).collect::<Vec<_>>();
        assert!(!lines.read_now());
        let mut file = File::create(&path)?;
        write!(file, "{}\n{}", line(10), &line(20)[..9])?;
        assert!(lines.read_now() && !lines.read_now());
        assert_eq!(steps(&lines), [10]);
        writeln!(file, "{}", &line(20)[9..])?;
        assert!(lines.read_now());
        assert_eq!(steps(&lines), [10, 20]);
        std::fs::write(&path, format!("{}\n", line(10)))?;
        assert!(lines.read_now());
        assert_eq!(steps(&lines), [10]);
        Ok(())
    }
}
