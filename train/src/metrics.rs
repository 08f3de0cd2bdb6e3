//! The record of a run: one JSON object a line.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// How well and how fast a run learns, and in how much memory: the same numbers in the metrics, in the terminal, in the
/// report and in the summary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The mean loss of the steps since the line before.
    pub loss: f64,
    /// Pictures a second in those steps.
    pub images_per_second: f64,
    /// Resident memory, MiB; 0 where the system does not tell.
    pub rss_mib: u64,
}

/// One logged step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Steps done.
    pub step: u64,
    /// Loss, pace and memory.
    #[serde(flatten)]
    pub measured: Measured,
    /// The mean unweighted squared error of the samples whose t lies in each tenth of 1..T; null where none did.
    pub loss_by_decile: [Option<f64>; 10],
    /// The global norm of the last step's gradient, before clipping.
    pub grad_norm: f64,
    /// The last step's learning rate.
    pub learning_rate: f64,
    /// Seconds of training so far, all sessions together.
    pub seconds: f64,
    /// The loss on held-out pictures with the averaged weights, where this line measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
    /// The mean unweighted squared error on them in each tenth of 1..T, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_by_decile: Option<[Option<f64>; 10]>,
}

/// `metrics.jsonl` of a run, open for more lines.
pub(crate) struct MetricsFile {
    file: File,
    path: PathBuf,
    /// The last line.
    last: Option<Measured>,
}

impl MetricsFile {
    /// Opens the file, keeping the lines up to `step`: what a run wrote after its last checkpoint is written
    /// again when it resumes.
    pub(crate) fn open(path: &Path, step: u64) -> Result<MetricsFile> {
        let kept: Vec<Metrics> = read_metrics(path)?.into_iter().filter(|line| line.step <= step).collect();
        let text: String = kept.iter().map(line_of).collect();
        crate::files::write_whole(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(Error::io("open", path))?;
        let last = kept.last().map(|line| line.measured);
        Ok(MetricsFile { file, path: path.to_path_buf(), last })
    }

    /// What the last line says.
    pub(crate) fn last(&self) -> Option<Measured> {
        self.last
    }

    pub(crate) fn write(&mut self, metrics: &Metrics) -> Result<()> {
        self.last = Some(metrics.measured);
        self.file.write_all(line_of(metrics).as_bytes()).map_err(Error::io("write", &self.path))
    }
}

fn line_of(metrics: &Metrics) -> String {
    // Plain numbers under plain names: serialisation has nothing to fail on.
    serde_json::to_string(metrics).map(|line| line + "\n").unwrap_or_default()
}

/// The lines of a `metrics.jsonl`; none if there is no such file. A last line cut short by a crash is left out.
///
/// # Errors
/// A file that cannot be read.
pub fn read_metrics(path: &Path) -> Result<Vec<Metrics>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

/// What has been measured since the last line.
#[derive(Default)]
pub(crate) struct Window {
    loss: f64,
    steps: u64,
    deciles: [(f64, u64); 10],
}

impl Window {
    /// Adds a step: its loss, and each sample's squared error and time as a share of T.
    pub(crate) fn add(&mut self, loss: f64, errors: &[f64], shares: impl Iterator<Item = f64>) {
        self.loss += loss;
        self.steps += 1;
        for (error, share) in errors.iter().zip(shares) {
            let (sum, count) = &mut self.deciles[((share * 10.0) as usize).min(9)];
            *sum += error;
            *count += 1;
        }
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    pub(crate) fn loss(&self) -> f64 {
        self.loss / self.steps.max(1) as f64
    }

    pub(crate) fn deciles(&self) -> [Option<f64>; 10] {
        self.deciles.map(|(sum, count)| (count > 0).then(|| sum / count as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: u64) -> Metrics {
        Metrics {
            step,
            measured: Measured { loss: 0.5, images_per_second: 10.0, rss_mib: 1 },
            loss_by_decile: [None; 10],
            grad_norm: 1.0,
            learning_rate: 1e-3,
            seconds: 2.0,
            validation: (step == 20).then_some(0.6),
            validation_by_decile: None,
        }
    }

    #[test]
    fn a_resumed_run_writes_its_lines_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut file = MetricsFile::open(&path, 0).unwrap();
        for step in [10, 20, 30] {
            file.write(&line(step)).unwrap();
        }
        file.file.write_all(b"{\"step\": 40, \"lo").unwrap();
        let mut file = MetricsFile::open(&path, 20).unwrap();
        file.write(&line(30)).unwrap();
        let lines = read_metrics(&path).unwrap();
        assert_eq!(lines.iter().map(|line| line.step).collect::<Vec<_>>(), [10, 20, 30]);
        assert_eq!(lines[1], line(20));
        let keys = line_of(&line(10));
        assert!(keys.contains("\"loss\":0.5") && !keys.contains("validation"), "{keys}");
    }

    #[test]
    fn errors_go_to_the_tenth_of_their_time() {
        let mut window = Window::default();
        window.add(1.0, &[2.0, 4.0, 6.0], [0.0, 0.05, 1.0].into_iter());
        let deciles = window.deciles();
        assert_eq!((deciles[0], deciles[1], deciles[9]), (Some(3.0), None, Some(6.0)));
    }
}
