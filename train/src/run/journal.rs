//! What a run writes down of its steps: one JSON object a line.

use super::journal_state::{JournalState, LastStep};
use super::metrics::{Measured, Metrics};
use super::metrics_file::{Kept, MetricsFile};
use super::together::Together;
use super::trainer::StepReport;
use super::validation::Validated;
use super::window::Window;
use crate::{Result, memory};
use std::path::Path;
use std::time::Duration;

/// What has been measured and not yet written or saved, and where lines go.
pub(super) struct Journal {
    file: Option<MetricsFile>,
    /// What the last line says, written or not, and after which step.
    last: Option<(u64, Measured)>,
    state: JournalState,
    /// The time of this session's steps since the last line, and their number.
    time: Duration,
    timed: u64,
    /// How long these waited for their pictures.
    waited: Duration,
    /// How the ranks have gone together since the last line.
    pub(super) together: Together,
    /// Whether the last line could not be written.
    is_troubled: bool,
}

/// A line that is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    /// Whether it is only because the run ends here.
    pub(super) line_only_ends: bool,
    /// Whether its validation is.
    pub(super) validation_only_ends: bool,
}

impl Journal {
    /// A journal that goes on from `state`, after `step`. Its lines go to `metrics`, if anywhere. Of the lines there, those
    /// up to `step` are kept: what a run wrote after its last checkpoint is written again when it resumes. If the run
    /// `goes_on`, so are not those which stand there only because it was to end at this step.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(super) fn open(
        metrics: Option<&Path>,
        step: u64,
        state: JournalState,
        goes_on: bool,
    ) -> Result<Journal> {
        let kept = Kept {
            up_to: if goes_on && state.line_only_ends { step.saturating_sub(1) } else { step },
            without_validation: goes_on && state.validation_only_ends,
        };
        let opened = metrics.map(|path| MetricsFile::open(path, kept)).transpose()?;
        let (file, last) = opened.map_or((None, None), |(file, last)| (Some(file), last));
        let last = last.map(|line| (line.step, line.measured));
        Ok(Journal {
            file,
            last,
            state,
            time: Duration::ZERO,
            timed: 0,
            waited: Duration::ZERO,
            together: Together::new(),
            is_troubled: false,
        })
    }

    /// Adds a step of a run of `timesteps` noise levels, which took `time`.
    pub(super) fn add(&mut self, report: &StepReport, timesteps: usize, time: Duration) {
        let shares = report.times.iter().map(|&t| t as f64 / timesteps as f64);
        let state = &mut self.state;
        state.since_line.add(report.loss, &report.squared_errors, shares);
        state.since_checkpoint.add(report.loss, &[], std::iter::empty());
        let StepReport { grad_norm, learning_rate, .. } = *report;
        state.last_step = Some(LastStep { grad_norm, learning_rate });
        state.skipped_in_a_row = 0;
        (state.line_only_ends, state.validation_only_ends) = (false, false);
        self.time += time;
        self.timed += 1;
    }

    /// Adds that the step before waited for its pictures.
    pub(super) fn add_wait(&mut self, waited: Duration) {
        self.waited += waited;
    }

    /// Adds a step whose update was left out.
    pub(super) fn skip(&mut self) {
        let state = &mut self.state;
        state.skipped += 1;
        state.skipped_since_line += 1;
        state.skipped_in_a_row += 1;
        (state.line_only_ends, state.validation_only_ends) = (false, false);
    }

    /// How many steps up to this one were left out without one in between that was not.
    pub(super) fn skipped_in_a_row(&self) -> u64 {
        self.state.skipped_in_a_row
    }

    /// How often the run went back to a checkpoint.
    pub(super) fn rolled_back(&self) -> u64 {
        self.state.rolled_back
    }

    /// What the last step measured; zeros before there was one.
    pub(super) fn last_step(&self) -> LastStep {
        self.state.last_step.unwrap_or(LastStep { grad_norm: 0.0, learning_rate: 0.0 })
    }

    /// Loss, pace and memory: of the last line, or before there is one, since the beginning.
    pub(super) fn measured(&self, batch: usize) -> Measured {
        self.last.map_or_else(|| self.measured_now(batch), |(_, measured)| measured)
    }

    /// Loss and pace since the last line, and the memory now.
    pub(super) fn measured_now(&self, batch: usize) -> Measured {
        let pictures = self.timed as usize * batch;
        let images_per_second = pictures as f64 / self.time.as_secs_f64().max(1e-9);
        let loss = match (self.state.since_line.steps(), self.last) {
            // All steps since the last line were left out.
            (0, Some((_, last))) => last.loss,
            _ => self.state.since_line.loss(),
        };
        Measured { loss, images_per_second, rss_mib: memory::rss_mib() }
    }

    /// Writes a line after `step`, and begins to measure the next one. Returns what the user should know, if the line
    /// waits until there is room for it.
    pub(super) fn write(
        &mut self,
        step: u64,
        measured: Measured,
        seconds: f64,
        validated: Option<Validated>,
        due: Due,
    ) -> Option<String> {
        let LastStep { grad_norm, learning_rate } = self.last_step();
        let state = &mut self.state;
        let metrics = Metrics {
            step,
            measured,
            data_wait: (self.waited.as_secs_f64() / self.time.as_secs_f64().max(1e-9)).min(1.0),
            loss_by_decile: state.since_line.deciles(),
            grad_norm,
            learning_rate,
            seconds,
            skipped: Some(state.skipped_since_line).filter(|&skipped| skipped > 0),
            ranks: self.together.take(),
            validation: validated.map(|validated| validated.loss),
            validation_by_decile: validated.map(|validated| validated.by_decile),
        };
        self.last = Some((step, measured));
        state.owes_line = false;
        state.line_only_ends = due.line_only_ends;
        state.validation_only_ends = due.validation_only_ends;
        // A run that goes on after all has its next line where it would have had it.
        if !due.line_only_ends {
            (state.since_line, state.skipped_since_line) = (Window::default(), 0);
        }
        (self.time, self.timed, self.waited) = (Duration::ZERO, 0, Duration::ZERO);
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write(&metrics));
        let was_troubled = std::mem::replace(&mut self.is_troubled, written.is_err());
        let error = written.err().filter(|_| !was_troubled)?.user_error();
        Some(format!("a line of the metrics waits for the next one: {} ({})", error.what, error.place))
    }

    /// Leaves the line after the last step to the session that goes on.
    pub(super) fn owe_line(&mut self) {
        self.state.owes_line = true;
    }

    /// Whether the line after `step`, which is the last one done, is still to be written.
    pub(super) fn owes_line(&self, step: u64) -> bool {
        self.state.owes_line && self.last.is_none_or(|(last, _)| last < step)
    }

    /// The mean loss since the last checkpoint that was due by the configuration. If this one `is_due`, begins to measure
    /// that of the next one: checkpoints that somebody asks for change no figure of the others.
    pub(super) fn loss_since_checkpoint(&mut self, is_due: bool) -> f64 {
        let loss = self.state.since_checkpoint.loss();
        if is_due {
            self.state.since_checkpoint = Window::default();
        }
        loss
    }

    /// What a checkpoint keeps of it; all lines so far are on the disk then.
    pub(super) fn state(&self) -> JournalState {
        if let Some(file) = &self.file {
            file.sync();
        }
        self.state.clone()
    }

    /// Writes the lines that there was no room for.
    ///
    /// # Errors
    /// Those that there is still none for.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.file.as_mut().map_or(Ok(()), MetricsFile::flush)
    }
}
