//! What a run writes down of its steps: one JSON object a line.

use super::metrics::{Measured, Metrics, read_metrics};
use super::trainer::StepReport;
use super::validation::Validated;
use super::window::Window;
use crate::{Error, Result, files, memory};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What has been measured and not yet written or saved, and where lines go.
pub(super) struct Journal {
    file: Option<MetricsFile>,
    /// What the last line says, written or not.
    last: Option<Measured>,
    since_line: Window,
    /// The time of the steps since the last line.
    time: Duration,
    since_checkpoint: Window,
}

impl Journal {
    /// A journal whose lines go to `metrics`, if anywhere. Of the lines there, those up to `step` are kept: what a run
    /// wrote after its last checkpoint is written again when it resumes.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(super) fn open(metrics: Option<&Path>, step: u64) -> Result<Journal> {
        let opened = metrics.map(|path| MetricsFile::open(path, step)).transpose()?;
        let (file, last) = opened.map_or((None, None), |(file, last)| (Some(file), last));
        let (since_line, since_checkpoint) = (Window::default(), Window::default());
        Ok(Journal { file, last, since_line, time: Duration::ZERO, since_checkpoint })
    }

    /// Adds a step of a run of `timesteps` noise levels, which took `time`.
    pub(super) fn add(&mut self, report: &StepReport, timesteps: usize, time: Duration) {
        let shares = report.times.iter().map(|&t| t as f64 / timesteps as f64);
        self.since_line.add(report.loss, &report.squared_errors, shares);
        self.since_checkpoint.add(report.loss, &[], std::iter::empty());
        self.time += time;
    }

    /// Loss, pace and memory: of the last line, or before there is one, since the beginning.
    pub(super) fn measured(&self, batch: usize) -> Measured {
        self.last.unwrap_or_else(|| self.measured_now(batch))
    }

    /// Loss and pace since the last line, and the memory now.
    pub(super) fn measured_now(&self, batch: usize) -> Measured {
        let pictures = self.since_line.steps() as usize * batch;
        let images_per_second = pictures as f64 / self.time.as_secs_f64().max(1e-9);
        Measured { loss: self.since_line.loss(), images_per_second, rss_mib: memory::rss_mib() }
    }

    /// Writes a line after `step`, and begins to measure the next one.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn write(
        &mut self,
        step: u64,
        measured: Measured,
        report: &StepReport,
        seconds: f64,
        validated: Option<Validated>,
    ) -> Result<()> {
        let metrics = Metrics {
            step,
            measured,
            loss_by_decile: self.since_line.deciles(),
            grad_norm: report.grad_norm,
            learning_rate: report.learning_rate,
            seconds,
            validation: validated.map(|validated| validated.loss),
            validation_by_decile: validated.map(|validated| validated.by_decile),
        };
        if let Some(file) = &mut self.file {
            file.write(&metrics)?;
        }
        self.last = Some(measured);
        (self.since_line, self.time) = (Window::default(), Duration::ZERO);
        Ok(())
    }

    /// The mean loss since the last checkpoint; begins to measure that of the next one.
    pub(super) fn take_loss_since_checkpoint(&mut self) -> f64 {
        std::mem::take(&mut self.since_checkpoint).loss()
    }
}

/// A `metrics.jsonl`, open for more lines.
struct MetricsFile {
    file: File,
    path: PathBuf,
}

impl MetricsFile {
    /// Opens the file, keeping the lines up to `step`; returns what the last of these says, too.
    fn open(path: &Path, step: u64) -> Result<(MetricsFile, Option<Measured>)> {
        let kept: Vec<Metrics> = read_metrics(path)?.into_iter().filter(|line| line.step <= step).collect();
        let text: String = kept.iter().map(line_of).collect();
        files::write_whole(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(Error::io("open", path))?;
        let last = kept.last().map(|line| line.measured);
        Ok((MetricsFile { file, path: path.to_path_buf() }, last))
    }

    fn write(&mut self, metrics: &Metrics) -> Result<()> {
        self.file.write_all(line_of(metrics).as_bytes()).map_err(Error::io("write", &self.path))
    }
}

fn line_of(metrics: &Metrics) -> String {
    // Plain numbers under plain names: serialisation has nothing to fail on.
    serde_json::to_string(metrics).map(|line| line + "\n").unwrap_or_default()
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
        let (mut file, _) = MetricsFile::open(&path, 0).unwrap();
        for step in [10, 20, 30] {
            file.write(&line(step)).unwrap();
        }
        file.file.write_all(b"{\"step\": 40, \"lo").unwrap();
        let (mut file, last) = MetricsFile::open(&path, 20).unwrap();
        assert_eq!(last, Some(line(20).measured));
        file.write(&line(30)).unwrap();
        let lines = read_metrics(&path).unwrap();
        assert_eq!(lines.iter().map(|line| line.step).collect::<Vec<_>>(), [10, 20, 30]);
        assert_eq!(lines[1], line(20));
        let keys = line_of(&line(10));
        assert!(keys.contains("\"loss\":0.5") && !keys.contains("validation"), "{keys}");
    }
}
