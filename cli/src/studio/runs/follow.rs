//! A run as it goes, for a page that looks on.

use super::super::answer::Lines;
use super::super::shelf::Shelf;
use super::process::{Runs, Standing};
use crate::error::Result;
use crate::report::grid_files;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;
use tweedie_train::{Metrics, Owner, RunLock};

/// How often a run's files are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Lines of metrics of a run's past at most: of a longer one, every second, fourth and so on.
const PAST: usize = 1500;

/// A line of the answer.
#[derive(Serialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line<'a> {
    /// First of all, and again when the metrics have been begun anew: forget what was shown.
    Begin { config: &'a str },
    /// Logged steps.
    Metrics { lines: Vec<Metrics> },
    /// The steps that there are grids of samples of, oldest first.
    Grids { steps: Vec<u64> },
    /// Who trains in the run, and how the process is that the studio started for it.
    Standing { owner: Option<&'a Owner>, process: Option<&'a Standing> },
}

/// Writes what there is of the run, and what comes, until nobody reads.
///
/// # Errors
/// No such run; [`Failure::Unread`](crate::error::Failure::Unread).
pub(in super::super) fn follow(shelf: &Shelf, runs: &Runs, name: &str, lines: &Lines) -> Result<()> {
    // A run that the studio has just begun has no files yet.
    let path = match runs.standing(name) {
        Some(_) => shelf.new_run(name).or_else(|_| shelf.path(name))?,
        None => shelf.path(name)?,
    };
    let mut journal = Journal::new(path.join("metrics.jsonl"));
    let (mut grids, mut standing, mut begun) = (None, None, false);
    loop {
        let news = journal.news();
        if news.anew || !begun {
            let config = fs::read_to_string(path.join("config.toml")).unwrap_or_default();
            begun = !config.is_empty();
            lines.send(&Line::Begin { config: &config })?;
        }
        if news.anew {
            // New grids may stand at the steps of the old ones.
            grids = None;
        }
        if !news.lines.is_empty() {
            lines.send(&Line::Metrics { lines: news.lines })?;
        }
        let steps: Vec<u64> = grid_files(&path.join("samples")).into_iter().map(|(step, _)| step).collect();
        if grids.as_ref() != Some(&steps) {
            lines.send(&Line::Grids { steps: steps.clone() })?;
            grids = Some(steps);
        }
        let now = (RunLock::owner(&path), runs.standing(name));
        if standing.as_ref() != Some(&now) {
            lines.send(&Line::Standing { owner: now.0.as_ref(), process: now.1.as_ref() })?;
            standing = Some(now);
        }
        lines.pause(LOOK)?;
    }
}

/// A `metrics.jsonl` that grows.
struct Journal {
    path: PathBuf,
    read: u64,
    /// Of a line that is not whole yet.
    rest: Vec<u8>,
    is_past: bool,
}

/// What has come to it.
#[derive(Default)]
struct News {
    /// Whether it was begun anew, so that what was read before no longer stands.
    anew: bool,
    lines: Vec<Metrics>,
}

impl Journal {
    fn new(path: PathBuf) -> Journal {
        Journal { path, read: 0, rest: Vec::new(), is_past: true }
    }

    /// What has come since the last call. A file that is missing or cannot be read has nothing.
    fn news(&mut self) -> News {
        let mut news = News::default();
        let Ok(mut file) = File::open(&self.path) else { return news };
        let length = file.metadata().map_or(0, |about| about.len());
        if length < self.read {
            *self = Journal::new(self.path.clone());
            news.anew = true;
        }
        let mut bytes = std::mem::take(&mut self.rest);
        let before = bytes.len();
        if file.seek(SeekFrom::Start(self.read)).and_then(|_| file.read_to_end(&mut bytes)).is_err() {
            return news;
        }
        self.read += (bytes.len() - before) as u64;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        self.rest = bytes.split_off(whole);
        news.lines =
            bytes.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        if std::mem::take(&mut self.is_past) {
            thin(&mut news.lines);
        }
        news
    }
}

/// Leaves out of a long past what no curve shows, but no validation.
fn thin(lines: &mut Vec<Metrics>) {
    let every = lines.len().div_ceil(PAST).max(1);
    let last = lines.len().saturating_sub(1);
    let mut number = 0;
    lines.retain(|line| {
        let stays = number % every == 0 || number == last || line.validation.is_some();
        number += 1;
        stays
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn line(step: u64) -> String {
        format!(
            "{{\"step\":{step},\"loss\":0.5,\"images_per_second\":1.0,\"rss_mib\":1,\"loss_by_decile\":[{}null],\
             \"grad_norm\":1.0,\"learning_rate\":0.1,\"seconds\":1.0}}\n",
            "null,".repeat(9)
        )
    }

    fn steps(news: &News) -> Vec<u64> {
        news.lines.iter().map(|line| line.step).collect()
    }

    #[test]
    fn lines_come_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut journal = Journal::new(path.clone());
        assert!(journal.news().lines.is_empty());
        let mut file = File::create(&path).unwrap();
        let (first, second) = (line(1), line(2));
        file.write_all(first.as_bytes()).unwrap();
        file.write_all(&second.as_bytes()[..20]).unwrap();
        assert_eq!(steps(&journal.news()), [1]);
        assert!(journal.news().lines.is_empty());
        file.write_all(&second.as_bytes()[20..]).unwrap();
        file.write_all(b"nonsense\n").unwrap();
        assert_eq!(steps(&journal.news()), [2]);
        fs::write(&path, line(7)).unwrap();
        let news = journal.news();
        assert!(news.anew && steps(&news) == [7]);
    }

    #[test]
    fn a_long_past_is_thinned_and_keeps_its_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, (1..=10_000).map(line).collect::<String>()).unwrap();
        let mut journal = Journal::new(path);
        let steps = steps(&journal.news());
        assert!(steps.len() <= PAST + 1 && steps[0] == 1 && steps[steps.len() - 1] == 10_000);
    }
}
