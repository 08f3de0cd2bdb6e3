//! The training loop.

mod begin;
mod cost;
mod held_out;
mod pace;
mod paint;
mod save;
mod step;
mod time;
mod validation;

pub use pace::{Freedom, decide};
pub(crate) use paint::grid_pictures;
pub(crate) use validation::bytes as validation_bytes;

use crate::data::{self, Loader, Source};
use crate::metrics::{Measured, Metrics, MetricsFile, Window};
use crate::observer::{Control, Event, Observer, Progress, Summary, Task};
use crate::{Config, Result, memory};
use cost::Costs;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use step::StepReport;
use tweedie_diffusion::{Schedule, TimestepSampler};
use tweedie_nn::optim::Optimizer;
use tweedie_nn::{Ema, Network, Params};
use validation::{Parts, Validation};

/// How a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At step 0, as its configuration says, but for what it may decide by itself.
    New(Freedom),
    /// From its newest checkpoint.
    Resumed,
}

/// Trains as `config` says, in the run directory `out`.
///
/// # Errors
/// A configuration, data or a directory that cannot be used; a loss that is no longer finite.
pub fn train(config: Config, out: &Path, begin: Begin, observer: &mut dyn Observer) -> Result<Summary> {
    // The time budget is for all that follows, from opening the data to the last picture.
    let opened = Instant::now();
    config.check()?;
    let options = config.data.options();
    let source = data::open(&config.data.source, config.data.split, &options)?;
    // Before anything else is held: the pace is measured with the whole network, and pictures are held out.
    if matches!(begin, Begin::New(Freedom { batch: false, .. })) {
        begin::check_batch(&config, &*source)?;
    }
    begin::check(&config.clone().resolved(&*source), &*source)?;
    let source = data::hold(source)?;
    let mut notes = source.notes().to_vec();
    let Parts { learnt: source, held_out, note } = Parts::of(&config, source, &options)?;
    notes.extend(note);
    let config = match begin {
        Begin::New(freedom) => pace::decide(config, freedom, &source, observer, &mut notes)?,
        Begin::Resumed => config,
    };
    let config = config.resolved(&*source);
    let validation = match held_out {
        Some(held_out) => Validation::new(&*held_out, source.classes())?,
        None => None,
    };
    let run = match begin {
        Begin::New(_) => Run::new(config, out, &*source)?,
        Begin::Resumed => Run::resumed(config, out, &*source)?,
    };
    observer.observe(Event::Started {
        config: &run.config,
        parameters: run.params.numel(),
        pictures: source.len(),
        shape: source.shape(),
        held_out: validation.as_ref().map(|validation| (validation.len(), validation.of)),
        notes: &notes,
        resumed_at: (begin == Begin::Resumed).then_some(run.step),
    })?;
    let session = Session::new(run, validation, out, opened)?;
    session.go(source, observer)
}

/// A run between two steps: everything that a checkpoint holds.
struct Run {
    config: Config,
    network: Network,
    schedule: Schedule,
    params: Params<f32>,
    ema: Ema,
    optimizer: Optimizer,
    times: TimestepSampler,
    /// The captions of the sample grids, for a network that reads some.
    captions: Option<Vec<Vec<usize>>>,
    step: u64,
    /// Seconds of training in earlier sessions.
    earlier: f64,
    best: Option<(u64, f64)>,
}

/// A run from when the program takes it up to when it lays it down.
struct Session<'a> {
    run: Run,
    validation: Option<Validation>,
    out: &'a Path,
    opened: Instant,
    first_step: u64,
    metrics: MetricsFile,
    costs: Costs,
    /// What was measured since the last line of the metrics, and since the last checkpoint.
    window: Window,
    since_save: Window,
    /// The time of the steps since the last line of the metrics.
    window_time: Duration,
    /// Grids on the way that have been due, painted or not.
    grids_due: u64,
}

impl<'a> Session<'a> {
    fn new(run: Run, validation: Option<Validation>, out: &'a Path, opened: Instant) -> Result<Session<'a>> {
        let metrics = MetricsFile::open(&out.join("metrics.jsonl"), run.step)?;
        Ok(Session {
            first_step: run.step,
            run,
            validation,
            out,
            opened,
            metrics,
            costs: Costs::default(),
            window: Window::default(),
            since_save: Window::default(),
            window_time: Duration::ZERO,
            grids_due: 0,
        })
    }

    fn go(mut self, source: Arc<dyn Source>, observer: &mut dyn Observer) -> Result<Summary> {
        let Config { train, data, .. } = self.run.config.clone();
        let mut loader = Loader::new(source, train.seed, train.batch, self.run.step, data.flips)?;
        self.grids_due = self.grids_due_at(self.share());
        let mut interrupted = false;
        while !self.is_done() {
            let (began, validations) = (Instant::now(), self.costs.validation.total);
            let batch = loader.next()?;
            let report = self.run.train_step(&batch)?;
            let step_time = began.elapsed();
            self.run.step += 1;
            self.window.add(report.loss, &report.errors, self.run.shares(&report.times));
            self.since_save.add(report.loss, &[], std::iter::empty());
            self.window_time += step_time;
            self.costs.step.add(step_time);
            if self.decay_begins() {
                self.plan_the_end()?;
            }
            if self.run.step.is_multiple_of(train.log_every) || self.is_done() {
                self.log(&report, observer)?;
            }
            interrupted =
                observer.observe(Event::Step(self.progress(&report)))? == Control::Stop && !self.is_done();
            // Lines, bars and reports between steps are part of what a step takes.
            let others = step_time + (self.costs.validation.total - validations);
            self.costs.step.total += began.elapsed().saturating_sub(others);
            if interrupted {
                break;
            }
            if self.run.step.is_multiple_of(train.checkpoint_every) && !self.is_done() {
                self.save(observer)?;
            }
            self.paint_if_due(observer)?;
        }
        drop(loader);
        if self.run.step > self.first_step || crate::checkpoint::steps(self.out)?.is_empty() {
            self.save(observer)?;
        }
        if !interrupted && train.grids > 0 {
            self.paint(Task::PaintingLast, observer)?;
        }
        let Measured { loss, images_per_second, rss_mib } = self.measured();
        Ok(Summary {
            run: self.out.to_path_buf(),
            steps: self.run.step,
            loss,
            images_per_second,
            peak_rss_mib: memory::peak_rss_mib(),
            rss_mib,
            weights_digest: digest(&self.run.params),
            interrupted,
        })
    }

    /// Loss, pace and memory: of the last line of the metrics, or before there is one, since the beginning.
    fn measured(&self) -> Measured {
        self.metrics.last().unwrap_or_else(|| self.now())
    }

    /// Loss and pace since the last line of the metrics, and the memory now.
    fn now(&self) -> Measured {
        let pictures = self.window.steps() as usize * self.run.config.train.batch;
        let images_per_second = pictures as f64 / self.window_time.as_secs_f64().max(1e-9);
        Measured { loss: self.window.loss(), images_per_second, rss_mib: memory::rss_mib() }
    }

    /// Writes a line of the metrics, with the validation if one is due.
    fn log(&mut self, report: &StepReport, observer: &mut dyn Observer) -> Result<()> {
        let measured = self.now();
        let validated = match &self.validation {
            Some(validation) if self.validation_is_due() => {
                observer.observe(Event::Busy(Task::Validating))?;
                let began = Instant::now();
                let validated = validation.measure(&self.run)?;
                self.costs.validation.add(began.elapsed());
                Some(validated)
            }
            _ => None,
        };
        self.metrics.write(&Metrics {
            step: self.run.step,
            measured,
            loss_by_decile: self.window.deciles(),
            grad_norm: report.grad_norm,
            learning_rate: report.learning_rate,
            seconds: self.elapsed(),
            validation: validated.map(|validated| validated.loss),
            validation_by_decile: validated.map(|validated| validated.by_decile),
        })?;
        (self.window, self.window_time) = (Window::default(), Duration::ZERO);
        Ok(())
    }

    fn save(&mut self, observer: &mut dyn Observer) -> Result<()> {
        observer.observe(Event::Busy(Task::Saving))?;
        let began = Instant::now();
        let (seconds, loss) = (self.elapsed(), self.since_save.loss());
        self.run.save(self.out, seconds, loss, observer)?;
        self.since_save = Window::default();
        self.costs.save.add(began.elapsed());
        Ok(())
    }

    fn progress(&self, report: &StepReport) -> Progress {
        let (elapsed, share) = (self.elapsed(), self.share());
        Progress {
            step: self.run.step,
            total: self.run.config.train.steps,
            share,
            measured: self.measured(),
            grad_norm: report.grad_norm,
            learning_rate: report.learning_rate,
            elapsed: Duration::from_secs_f64(elapsed),
            remaining: Duration::from_secs_f64(elapsed * (1.0 - share) / share.max(1e-9)),
        }
    }

    /// The grids stand at even shares of the run; the last one is painted at its end.
    fn paint_if_due(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let due = self.grids_due_at(self.share());
        if due <= self.grids_due || self.is_done() {
            return Ok(());
        }
        self.grids_due = due;
        match self.grids_left_to_pay() {
            0 => Ok(()),
            _ => self.paint(Task::Painting, observer),
        }
    }

    fn paint(&mut self, task: Task, observer: &mut dyn Observer) -> Result<()> {
        observer.observe(Event::Busy(task))?;
        let began = Instant::now();
        self.run.paint(observer)?;
        self.costs.grid.add(began.elapsed());
        Ok(())
    }
}

/// SHA-256 over every parameter's name, shape and little-endian bits, in order.
pub(crate) fn digest(params: &Params<f32>) -> String {
    let mut hash = Sha256::new();
    for (name, value) in params.iter() {
        hash.update(format!("{name}{}", value.shape()));
        for number in value.as_slice() {
            hash.update(number.to_le_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
