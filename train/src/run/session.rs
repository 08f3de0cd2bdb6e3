//! A run from when the program takes it up to when it leaves it.

use super::budget::{Budget, grids_due, is_done, is_validated};
use super::directory::Directory;
use super::journal::Journal;
use super::metrics::Measured;
use super::observer::{Event, Progress, Summary, Task, Watched};
use super::trainable::Trainable;
use super::trainer::{StepReport, Trainer};
use super::validation::Validation;
use crate::data::Loader;
use crate::{Result, memory};
use std::time::{Duration, Instant};
use tweedie_tensor::Tensor;

/// Paints a grid with a network; the captions are those of a network that reads some.
pub(super) type Painter<N> = fn(&Trainer<N>, Option<&[Vec<usize>]>) -> Result<(Tensor<f32>, usize)>;

/// The steps of a run and all that is done between them.
pub(super) struct Session<'a, N> {
    pub(super) trainer: Trainer<N>,
    /// What paints the grids; without it, there are none.
    pub(super) painter: Option<Painter<N>>,
    pub(super) validation: Option<Validation>,
    /// The captions of the sample grids, for a network that reads some.
    pub(super) captions: Option<Vec<Vec<usize>>>,
    /// Where the run leaves files, if anywhere.
    pub(super) directory: Option<Directory>,
    pub(super) journal: Journal,
    pub(super) budget: Budget,
    pub(super) watched: Watched<'a>,
    /// Grids on the way that have been due, painted or not.
    pub(super) grids_due: u64,
}

impl<N: Trainable> Session<'_, N> {
    /// Whether the last step is done.
    pub(super) fn is_done(&self) -> bool {
        is_done(self.trainer.config(), self.trainer.steps())
    }

    /// Whether the observer has asked for the end before the last step.
    pub(super) fn is_stopped(&self) -> bool {
        self.watched.is_stopped && !self.is_done()
    }

    /// The share of the run that is done.
    pub(super) fn share(&self) -> f64 {
        self.budget.share(self.trainer.config(), self.trainer.steps())
    }

    /// A step on the next batch; a line of the metrics if one is due.
    pub(super) fn step(&mut self, loader: &mut Loader) -> Result<()> {
        let (began, validations) = (Instant::now(), self.budget.costs.validation.total);
        let report = self.trainer.step(&loader.next()?)?;
        let time = began.elapsed();
        let step = self.trainer.steps();
        self.journal.add(&report, self.trainer.config().diffusion.timesteps, time);
        self.budget.costs.step.add(time);
        if self.budget.decay_begins(self.trainer.config()) {
            self.budget.plan_end(&mut self.trainer.config, step, self.grids_due);
            if let Some(directory) = &self.directory {
                directory.write_config(self.trainer.config())?;
            }
        }
        if step.is_multiple_of(self.trainer.config().train.log_every) || self.is_done() {
            self.write_line(&report)?;
        }
        let progress = self.progress(&report);
        self.watched.report(Event::Step(progress));
        // Lines, bars and reports between steps are part of what a step takes.
        let others = time + (self.budget.costs.validation.total - validations);
        self.budget.costs.step.total += began.elapsed().saturating_sub(others);
        Ok(())
    }

    /// A checkpoint, if one is due on the way.
    pub(super) fn save_if_due(&mut self) -> Result<()> {
        let every = self.trainer.config().train.checkpoint_every;
        match self.trainer.steps().is_multiple_of(every) && !self.is_done() {
            true => self.save(),
            false => Ok(()),
        }
    }

    /// A grid, if one is due on the way and can be afforded.
    pub(super) fn paint_if_due(&mut self) -> Result<()> {
        let due = grids_due(self.trainer.config(), self.share());
        if due <= self.grids_due || self.is_done() {
            return Ok(());
        }
        self.grids_due = due;
        match self.budget.affordable_grids(self.trainer.config()) {
            0 => Ok(()),
            _ => self.paint(Task::Painting),
        }
    }

    /// The last checkpoint and the last grid.
    pub(super) fn finish(&mut self) -> Result<Summary> {
        let is_stopped = self.is_stopped();
        let unsaved = match &self.directory {
            Some(directory) => {
                self.trainer.steps() > self.budget.first_step || directory.is_without_checkpoint()?
            }
            None => false,
        };
        if unsaved {
            self.save()?;
        }
        if !is_stopped && self.trainer.config().train.grids > 0 {
            self.paint(Task::PaintingLast)?;
        }
        let Measured { loss, images_per_second, rss_mib } = self.measured();
        Ok(Summary {
            run: self.directory.as_ref().map(|directory| directory.path().to_path_buf()),
            steps: self.trainer.steps(),
            loss,
            images_per_second,
            peak_rss_mib: memory::peak_rss_mib(),
            rss_mib,
            weights_digest: self.trainer.digest(),
            interrupted: is_stopped,
        })
    }

    fn measured(&self) -> Measured {
        self.journal.measured(self.trainer.config().train.batch)
    }

    /// Writes a line of the metrics, with the validation if one is due.
    fn write_line(&mut self, report: &StepReport) -> Result<()> {
        let step = self.trainer.steps();
        let measured = self.journal.measured_now(self.trainer.config().train.batch);
        let validated = match &self.validation {
            Some(validation) if is_validated(self.trainer.config(), step) => {
                self.watched.report(Event::Busy(Task::Validating));
                let began = Instant::now();
                let validated = validation.measure(&self.trainer)?;
                self.budget.costs.validation.add(began.elapsed());
                Some(validated)
            }
            _ => None,
        };
        self.journal.write(step, measured, report, self.budget.elapsed(), validated)
    }

    fn save(&mut self) -> Result<()> {
        let Some(directory) = &mut self.directory else { return Ok(()) };
        self.watched.report(Event::Busy(Task::Saving));
        let began = Instant::now();
        let loss = self.journal.take_loss_since_checkpoint();
        let path = directory.save(&self.trainer, self.budget.elapsed(), loss)?;
        self.watched.report(Event::Saved { step: self.trainer.steps(), path: &path });
        self.budget.costs.save.add(began.elapsed());
        Ok(())
    }

    fn paint(&mut self, task: Task) -> Result<()> {
        let Some(painter) = self.painter else { return Ok(()) };
        self.watched.report(Event::Busy(task));
        let began = Instant::now();
        let (pictures, columns) = painter(&self.trainer, self.captions.as_deref())?;
        let step = self.trainer.steps();
        self.watched.report(Event::Sampled { step, pictures: &pictures, columns });
        self.budget.costs.grid.add(began.elapsed());
        Ok(())
    }

    fn progress(&self, report: &StepReport) -> Progress {
        let (elapsed, share) = (self.budget.elapsed(), self.share());
        Progress {
            step: self.trainer.steps(),
            total: self.trainer.config().train.steps,
            share,
            measured: self.measured(),
            grad_norm: report.grad_norm,
            learning_rate: report.learning_rate,
            elapsed: Duration::from_secs_f64(elapsed),
            remaining: Duration::from_secs_f64(elapsed * (1.0 - share) / share.max(1e-9)),
        }
    }
}
