//! How a run is watched and stopped.

use super::metrics::{Measured, RankMetrics};
use crate::config::Config;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tweedie_tensor::Tensor;

/// Whoever watches a run: a progress bar, a report, a test. `()` is an observer that does not look, and a closure of
/// this form is one.
///
/// ```
/// use tweedie_train::{Control, Event, Observer};
/// // Stops after ten steps.
/// let mut ten = |event: Event<'_>| match event {
///     Event::Step(progress) if progress.step >= 10 => Control::Stop,
///     _ => Control::Continue,
/// };
/// assert_eq!(ten.observe(Event::Busy(tweedie_train::Task::Saving)), Control::Continue);
/// ```
pub trait Observer {
    /// Called at every event. What is returned says whether the run continues; once it was [`Control::Stop`], the run
    /// ends after the step that it is at or, between steps, at once.
    fn observe(&mut self, event: Event<'_>) -> Control;

    /// Whether the grid after `step` is still there from an earlier session, and need not be painted again. `is_last` is
    /// that of the run's end.
    fn has_grid(&self, step: u64, is_last: bool) -> bool {
        let _ = (step, is_last);
        false
    }
}

impl Observer for () {
    fn observe(&mut self, _: Event<'_>) -> Control {
        Control::Continue
    }
}

impl<F: FnMut(Event<'_>) -> Control> Observer for F {
    fn observe(&mut self, event: Event<'_>) -> Control {
        self(event)
    }
}

/// An observer, and whether it has asked for the end.
pub(super) struct Watched<'a> {
    observer: &'a mut dyn Observer,
    pub(super) is_stopped: bool,
    /// Whether it has asked for a checkpoint that is not written yet.
    pub(super) wants_checkpoint: bool,
    /// Whether it has asked for a grid that is not painted yet.
    pub(super) wants_grid: bool,
}

impl<'a> Watched<'a> {
    pub(super) fn by(observer: &'a mut dyn Observer) -> Watched<'a> {
        Watched { observer, is_stopped: false, wants_checkpoint: false, wants_grid: false }
    }

    pub(super) fn report(&mut self, event: Event<'_>) {
        match self.observer.observe(event) {
            Control::Continue => {}
            Control::Save => self.wants_checkpoint = true,
            Control::Paint => self.wants_grid = true,
            Control::Stop => self.is_stopped = true,
        }
    }

    /// Reports, each time it is called, that `task` goes on; returns whether it is to be left.
    pub(super) fn while_busy(&mut self, task: Task) -> impl FnMut() -> bool {
        move || {
            self.report(Event::Busy(task));
            self.is_stopped
        }
    }
}

impl Observer for Watched<'_> {
    fn observe(&mut self, event: Event<'_>) -> Control {
        self.report(event);
        if self.is_stopped { Control::Stop } else { Control::Continue }
    }

    fn has_grid(&self, step: u64, is_last: bool) -> bool {
        self.observer.has_grid(step, is_last)
    }
}

/// Whether a run continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// It does.
    Continue,
    /// It saves a checkpoint after the step that it is at, and goes on.
    Save,
    /// It paints a grid after the step that it is at, and goes on; a job of several ranks goes on without.
    Paint,
    /// It saves a checkpoint and ends.
    Stop,
}

/// What happens in a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// Something begins, or goes on, that takes a while and is no step.
    Busy(Task),
    /// Something that the user should know, in one line.
    Note(&'a str),
    /// The data are open and the network is built.
    Started {
        /// The configuration, with what follows from the data.
        config: &'a Config,
        /// The network's parameters.
        parameters: usize,
        /// Pictures to learn from.
        pictures: usize,
        /// Their channels, height and width.
        shape: [usize; 3],
        /// How many pictures validation looks at, and of how many that are held out.
        held_out: Option<(usize, usize)>,
        /// What the data's reader has to say, and what was decided for this run: a line each.
        notes: &'a [String],
        /// The step that a resumed run continues from.
        resumed_at: Option<u64>,
    },
    /// A step is done.
    Step(Progress),
    /// Pictures were painted, from the same noise each time.
    Sampled {
        /// After which step.
        step: u64,
        /// The pictures \[n, c, h, w\], values in \[−1, 1\].
        pictures: &'a Tensor<f32>,
        /// How many stand in a row.
        columns: usize,
    },
    /// A checkpoint was written.
    Saved {
        /// After which step.
        step: u64,
        /// Where.
        path: &'a Path,
    },
}

/// What a run does beside its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// A few steps that do not count, to know this machine's pace.
    MeasuringPace,
    /// The loss on held-out pictures.
    Validating,
    /// A checkpoint.
    Saving,
    /// A grid on the way.
    Painting,
    /// The grid at the end.
    PaintingLast,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// The last step, once it is known.
    pub total: Option<u64>,
    /// The share of the run that is done, 0 to 1.
    pub share: f64,
    /// Loss, pace and memory as the last line of the metrics has them; before the first, as it would have them now.
    pub measured: Measured,
    /// How the ranks go together, likewise; none for one process.
    pub ranks: Option<RankMetrics>,
    /// The global norm of the gradient, before clipping.
    pub grad_norm: f64,
    /// The learning rate.
    pub learning_rate: f64,
    /// Time spent training, earlier sessions of the run included.
    pub elapsed: Duration,
    /// Time until the end, by the pace so far.
    pub remaining: Duration,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The run directory; `None` for a run that leaves nothing on the disk.
    pub run: Option<PathBuf>,
    /// Steps done, all sessions together.
    pub steps: u64,
    /// The loss in the last line of the metrics.
    pub loss: f64,
    /// Pictures a second, likewise.
    pub images_per_second: f64,
    /// The most memory that the process has held, MiB; 0 where the system does not tell.
    pub peak_rss_mib: u64,
    /// The memory that it holds, MiB, likewise.
    #[serde(skip)]
    pub rss_mib: u64,
    /// The share of the time of this session's steps, but for the first one, that went into waiting for pictures.
    pub data_wait: f64,
    /// How long that was, in seconds.
    #[serde(skip)]
    pub waited: f64,
    /// SHA-256 of the weights' names, shapes and bits.
    pub weights_digest: String,
    /// Whether the observer stopped it before all was done.
    #[serde(skip)]
    pub interrupted: bool,
}
