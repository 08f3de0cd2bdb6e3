//! A run from when the program takes it up to when it leaves it.

use super::budget::{Budget, due_line, grids_due, is_done, is_validated};
use super::directory::{Directory, Left, SoFar};
use super::divergence::Divergence;
use super::grace::Grace;
use super::journal::{Due, Journal};
use super::journal_state::{JournalState, LastStep};
use super::lock::RunLock;
use super::metrics::Measured;
use super::observer::{Event, Observer, Progress, Summary, Task, Watched};
use super::team::{self, Wishes};
use super::trainable::Trainable;
use super::trainer::Trainer;
use super::validation::Validation;
use crate::checkpoint::LastValidation;
use crate::cluster::Collective;
use crate::config::{Change, Config, OnDivergence};
use crate::data::{Batch, Loader};
use crate::{Error, Result, memory};
use std::time::{Duration, Instant};
use tweedie_nn::Builder;
use tweedie_tensor::Tensor;

/// Paints a grid with a network, unless it is stopped; the captions are those of a network that reads some.
pub(super) type Painter<N> =
    fn(&Trainer<N>, Option<&[Vec<usize>]>, &mut dyn FnMut() -> bool) -> Result<Option<(Tensor<f32>, usize)>>;

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
    pub(super) lock: Option<RunLock>,
    /// The parameters that a checkpoint must have.
    pub(super) builder: Builder,
    /// What sessions changed of the configuration.
    pub(super) changes: Vec<Change>,
    /// The configuration that the session began with.
    pub(super) started_with: Config,
    pub(super) journal: Journal,
    pub(super) last_validation: Option<LastValidation>,
    pub(super) budget: Budget,
    /// How long steps, but for the first of the session, have waited for their pictures.
    pub(super) waited: Duration,
    pub(super) watched: Watched<'a>,
    /// Grids on the way that have been due, painted or not.
    pub(super) grids_due: u64,
    /// Whether grids that are there from an earlier session would come out the same.
    pub(super) keeps_grids: bool,
    /// The batch of the last step that was taken in this session, and the time of its first sample.
    pub(super) last_batch: Option<(Batch, usize)>,
    /// What the run has to end in.
    pub(super) grace: Option<Grace>,
    /// Whether the ranks have agreed to stop; one alone need not ask.
    pub(super) agreed_to_stop: bool,
    /// Bytes sent to other ranks so far.
    pub(super) sent: u64,
}

impl<N: Trainable> Session<'_, N> {
    /// Whether the last step is done.
    pub(super) fn is_done(&self) -> bool {
        is_done(self.trainer.config(), self.trainer.steps())
    }

    /// Whether the observer, or that of another rank, has asked for the end before the last step.
    pub(super) fn is_stopped(&self) -> bool {
        let is_alone = self.trainer.team.size() == 1;
        let is_asked = if is_alone { self.watched.is_stopped } else { self.agreed_to_stop };
        is_asked && !self.is_done()
    }

    /// The share of the run that is done.
    pub(super) fn share(&self) -> f64 {
        self.budget.share(self.trainer.config(), self.trainer.steps())
    }

    /// A step, and what is due after it.
    pub(super) fn advance(&mut self, loader: &mut Loader) -> Result<()> {
        self.step(loader)?;
        self.agree()?;
        if self.is_done() {
            // While it can still go back: what is saved at the end is finite.
            return self.check_finite();
        }
        if !self.is_stopped() {
            self.save_if_due()?;
        }
        if !self.is_stopped() {
            self.paint_if_due()?;
        }
        Ok(())
    }

    /// Has all ranks wish the same after a step, and tells them the end that rank 0 has planned.
    fn agree(&mut self) -> Result<()> {
        let team = &mut self.trainer.team;
        if team.size() == 1 {
            return Ok(());
        }
        let Config { train, optimizer, .. } = &self.trainer.config;
        let end = optimizer.decay_start.zip(train.steps);
        let (stop, save) = (self.watched.is_stopped, self.watched.wants_checkpoint);
        // The waits of this very exchange count in the next step.
        let (waited, sent) = (team.take_wait().as_secs_f64(), team.traffic());
        let (wishes, waits) = team::agree(team, Wishes { stop, save, end, waited })?;
        self.journal.together.add(&waits, sent - self.sent);
        self.sent = sent;
        self.agreed_to_stop = wishes.stop;
        self.watched.wants_checkpoint = wishes.save;
        if let Some((decay_start, steps)) = wishes.end {
            let config = &mut self.trainer.config;
            (config.optimizer.decay_start, config.train.steps) = (Some(decay_start), Some(steps));
        }
        Ok(())
    }

    /// Refuses what must not be saved: steps of this session have led to numbers that are not finite, on this rank or another.
    fn check_finite(&mut self) -> Result<()> {
        let checked =
            self.last_batch.as_ref().map_or(Ok(()), |(batch, t)| self.trainer.check_finite(batch, *t));
        match checked {
            Ok(()) => team::first_divergence(&mut self.trainer.team, None),
            Err(Error::Diverged(found)) => team::first_divergence(&mut self.trainer.team, Some(found)),
            Err(error) => Err(error),
        }
    }

    /// A step on the next batch; a line of the metrics if one is due.
    fn step(&mut self, loader: &mut Loader) -> Result<()> {
        let (began, validations) = (Instant::now(), self.budget.costs.validation.total);
        let batch = loader.next()?;
        let stepped = self.trainer.step(&batch);
        let time = began.elapsed();
        match stepped {
            Err(Error::Diverged(found)) => self.skip(*found)?,
            stepped => {
                let report = stepped?;
                self.journal.add(&report, self.trainer.config().diffusion.timesteps, time);
                self.last_batch = report.times.first().map(|&t| (batch, t));
            }
        }
        let step = self.trainer.steps();
        // Before the first step there is nothing that pictures could be read beside.
        let waited = loader.take_wait();
        if step > self.budget.first_step + 1 {
            self.waited += waited;
            self.journal.add_wait(waited);
        }
        self.budget.costs.step.add(time);
        if self.trainer.team.rank() == 0 && self.budget.decay_begins(self.trainer.config()) {
            self.budget.plan_end(&mut self.trainer.config, step, self.grids_due);
            let written =
                self.directory.as_ref().map(|directory| directory.write_config(self.trainer.config()));
            if let Some(Err(error)) = written {
                self.watched
                    .report(Event::Note(&format!("the next checkpoint holds the planned end: {error}")));
            }
        }
        if let Some(due) = due_line(self.trainer.config(), step) {
            self.write_line(due)?;
        }
        let progress = self.progress();
        self.watched.report(Event::Step(progress));
        // Lines, bars and reports between steps are part of what a step takes.
        let others = time + (self.budget.costs.validation.total - validations);
        self.budget.costs.step.total += began.elapsed().saturating_sub(others);
        if let Some(grace) = &mut self.grace {
            grace.stepped_in(time);
        }
        Ok(())
    }

    /// Leaves the next step out, which has diverged, if the configuration says so.
    fn skip(&mut self, found: Divergence) -> Result<()> {
        let train = &self.trainer.config().train;
        if train.on_divergence != OnDivergence::Skip
            || !found.can_be_skipped()
            || self.journal.skipped_in_a_row() >= train.skip_limit
        {
            return Err(Error::Diverged(Box::new(found)));
        }
        self.trainer.skip_step();
        self.journal.skip();
        self.watched.report(Event::Note(&format!("step {} is left out: {found}", found.step)));
        Ok(())
    }

    /// Goes back to the last checkpoint, or to the beginning, and on from there at a lower learning rate, if the configuration
    /// says so.
    ///
    /// # Errors
    /// [`Error::Diverged`] if it does not, or has gone back often enough; errors of reading the checkpoint.
    pub(super) fn roll_back(&mut self, found: Divergence) -> Result<()> {
        let mut config = self.trainer.config().clone();
        let times = self.journal.rolled_back();
        if config.train.on_divergence != OnDivergence::RollBack || times >= config.train.roll_back_limit {
            return Err(Error::Diverged(Box::new(found)));
        }
        let rate = config.optimizer.learning_rate * config.train.roll_back_factor;
        config.optimizer.learning_rate = rate;
        let own = match &mut self.directory {
            _ if self.trainer.team.rank() > 0 => None,
            Some(directory) if !directory.is_without_checkpoint()? => {
                Some(directory.resume(&mut config, self.trainer.schedule(), &self.builder)?)
            }
            _ => {
                let mut left = Left::fresh(&config, &self.builder)?;
                left.so_far.changes = config.changes_since(&self.started_with, 0)?;
                Some(left)
            }
        };
        let schedule = self.trainer.schedule().clone();
        let left = team::share_left(&mut self.trainer.team, own, &mut config, &schedule, &self.builder)?;
        let step = left.state.step;
        self.watched.report(Event::Note(&format!(
            "step {}: {found}; back to step {step}, and on at a learning rate of {rate:?}",
            found.step
        )));
        let SoFar { validation, journal, changes, .. } = left.so_far;
        (self.trainer.config, self.trainer.state) = (config, left.state);
        (self.changes, self.last_validation) = (changes, validation);
        let journal = JournalState { rolled_back: times + 1, ..journal };
        left.notes.iter().for_each(|note| self.watched.report(Event::Note(note)));
        let metrics = self.directory.as_ref().map(Directory::metrics);
        self.journal = Journal::open(metrics.as_deref(), step, journal, true)?;
        self.grids_due = grids_due(self.trainer.config(), self.share());
        self.keeps_grids = false;
        Ok(())
    }

    /// Does what a session that was stopped has left to do after its last step.
    pub(super) fn take_up(&mut self) -> Result<()> {
        let step = self.trainer.steps();
        if self.journal.owes_line(step) {
            let due = due_line(self.trainer.config(), step);
            self.write_line(due.unwrap_or(Due { line_only_ends: false, validation_only_ends: false }))?;
        }
        self.grids_due = grids_due(self.trainer.config(), self.share());
        // Where the end is a step, the grids before this one were painted before it was saved.
        if step > 0 && self.trainer.config().train.steps.is_some() && !self.is_stopped() {
            let before = self.budget.share(self.trainer.config(), step - 1);
            self.grids_due = grids_due(self.trainer.config(), before);
            self.paint_if_due()?;
        }
        Ok(())
    }

    /// A checkpoint, if one is due on the way, or asked for. Where it cannot be written, the next one makes up for it.
    ///
    /// # Errors
    /// Another process that has taken the directory.
    pub(super) fn save_if_due(&mut self) -> Result<()> {
        if self.is_done() || !(self.checkpoint_is_due() || self.watched.wants_checkpoint) {
            return Ok(());
        }
        match self.save() {
            Ok(()) => {}
            Err(error @ (Error::User(_) | Error::Cluster(_) | Error::Diverged(_))) => return Err(error),
            Err(error) => {
                let step = self.trainer.steps();
                let note = format!("no checkpoint after step {step}, the next one is tried as ever: {error}");
                self.watched.report(Event::Note(&note));
            }
        }
        Ok(())
    }

    fn checkpoint_is_due(&self) -> bool {
        self.trainer.steps().is_multiple_of(self.trainer.config().train.checkpoint_every)
    }

    /// A grid, if one is due on the way and can be afforded.
    pub(super) fn paint_if_due(&mut self) -> Result<()> {
        let due = grids_due(self.trainer.config(), self.share());
        if std::mem::take(&mut self.watched.wants_grid) && self.trainer.team.size() == 1 && !self.is_done() {
            return self.paint(Task::Painting).map(drop);
        }
        if due <= self.grids_due || self.is_done() {
            return Ok(());
        }
        self.grids_due = due;
        match self.budget.affordable_grids(self.trainer.config()) {
            0 => Ok(()),
            _ => self.paint(Task::Painting).map(drop),
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
        if team::told(&mut self.trainer.team, unsaved)? {
            self.save()?;
        }
        self.journal.finish()?;
        let is_painted =
            is_stopped || self.trainer.config().train.grids == 0 || self.paint(Task::PaintingLast)?;
        let Measured { loss, images_per_second, rss_mib } = self.measured();
        Ok(Summary {
            run: self.directory.as_ref().map(|directory| directory.path().to_path_buf()),
            steps: self.trainer.steps(),
            loss,
            images_per_second,
            peak_rss_mib: memory::peak_rss_mib(),
            rss_mib,
            data_wait: self.waited.as_secs_f64() / self.budget.costs.step.total.as_secs_f64().max(1e-9),
            waited: self.waited.as_secs_f64(),
            weights_digest: self.trainer.digest(),
            interrupted: is_stopped || !is_painted || self.journal.owes_line(self.trainer.steps()),
        })
    }

    fn measured(&self) -> Measured {
        self.journal.measured(self.trainer.config().train.batch)
    }

    /// Writes a line of the metrics, with the validation if one is due. A run that is stopped meanwhile owes the line.
    fn write_line(&mut self, due: Due) -> Result<()> {
        let step = self.trainer.steps();
        let measured = self.journal.measured_now(self.trainer.config().train.batch);
        let validated = match &self.validation {
            Some(validation) if is_validated(self.trainer.config(), step) => {
                let began = Instant::now();
                let validated =
                    validation.measure(&self.trainer, &mut self.watched.while_busy(Task::Validating))?;
                let Some(validated) = validated else {
                    self.journal.owe_line();
                    return Ok(());
                };
                self.budget.costs.validation.add(began.elapsed());
                self.last_validation = Some(LastValidation { step, loss: validated.loss });
                Some(validated)
            }
            _ => None,
        };
        if let Some(note) = self.journal.write(step, measured, self.budget.elapsed(), validated, due) {
            self.watched.report(Event::Note(&note));
        }
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        let is_due = self.checkpoint_is_due();
        if self.directory.is_none() && self.trainer.team.size() == 1 {
            return Ok(());
        }
        self.watched.report(Event::Busy(Task::Saving));
        let began = Instant::now();
        self.watched.wants_checkpoint = false;
        self.check_finite()?;
        team::check_weights(&self.trainer)?;
        if let Some(lock) = &mut self.lock {
            lock.renew()?;
        }
        let Some(directory) = &mut self.directory else { return Ok(()) };
        let loss = self.journal.loss_since_checkpoint(is_due);
        let so_far = SoFar {
            seconds: self.budget.elapsed(),
            loss,
            validation: self.last_validation,
            journal: self.journal.state(),
            changes: self.changes.clone(),
        };
        let saved = directory.save(&self.trainer, so_far)?;
        saved.notes.iter().for_each(|note| self.watched.report(Event::Note(note)));
        self.watched.report(Event::Saved { step: self.trainer.steps(), path: &saved.path });
        self.budget.costs.save.add(began.elapsed());
        if let Some(note) = self.grace.as_mut().and_then(|grace| grace.saved_in(began.elapsed())) {
            self.watched.report(Event::Note(&note));
        }
        Ok(())
    }

    /// Paints a grid, unless an earlier session has; returns whether it is there.
    fn paint(&mut self, task: Task) -> Result<bool> {
        let (Some(painter), step) = (self.painter, self.trainer.steps()) else { return Ok(true) };
        if self.keeps_grids && self.watched.has_grid(step, task == Task::PaintingLast) {
            return Ok(true);
        }
        let began = Instant::now();
        let painted = painter(&self.trainer, self.captions.as_deref(), &mut self.watched.while_busy(task))?;
        let Some((pictures, columns)) = painted else { return Ok(false) };
        self.watched.report(Event::Sampled { step, pictures: &pictures, columns });
        self.budget.costs.grid.add(began.elapsed());
        Ok(true)
    }

    fn progress(&self) -> Progress {
        let LastStep { grad_norm, learning_rate } = self.journal.last_step();
        let (elapsed, share) = (self.budget.elapsed(), self.share());
        Progress {
            step: self.trainer.steps(),
            total: self.trainer.config().train.steps,
            share,
            measured: self.measured(),
            ranks: self.journal.together.latest(),
            grad_norm,
            learning_rate,
            elapsed: Duration::from_secs_f64(elapsed),
            remaining: Duration::from_secs_f64(elapsed * (1.0 - share) / share.max(1e-9)),
        }
    }
}
