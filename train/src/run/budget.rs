//! How far a run is, and when it ends.

use super::amounts::grid_passes;
use super::cost::{Costs, Workload};
use super::journal::Due;
use crate::config::Config;
use std::time::Instant;

/// The time that a run has taken, and what its pieces take.
pub(super) struct Budget {
    /// When this session began.
    began: Instant,
    /// Seconds of earlier sessions.
    earlier: f64,
    /// The number of steps done when this session began.
    pub(super) first_step: u64,
    pub(super) costs: Costs,
    /// Whether the run validates.
    validates: bool,
}

impl Budget {
    /// The budget of a session that began at `began` after `step` steps, which took `earlier` seconds.
    pub(super) fn new(began: Instant, earlier: f64, step: u64, validates: bool) -> Budget {
        Budget { began, earlier, first_step: step, costs: Costs::default(), validates }
    }

    /// Seconds of the run so far, earlier sessions and all that is not steps included.
    pub(super) fn elapsed(&self) -> f64 {
        self.earlier + self.began.elapsed().as_secs_f64()
    }

    /// The share of the run that is done.
    pub(super) fn share(&self, config: &Config, step: u64) -> f64 {
        let share = match (config.train.steps, config.train.time_budget) {
            (Some(steps), _) => step as f64 / steps as f64,
            (None, Some(budget)) => self.elapsed() / budget,
            (None, None) => 0.0,
        };
        share.min(1.0)
    }

    /// Whether the end of the time budget has begun, over which the learning rate falls.
    pub(super) fn decay_begins(&self, config: &Config) -> bool {
        let Config { train, optimizer, .. } = config;
        optimizer.decay_start.is_none()
            && train.time_budget.is_some_and(|budget| self.elapsed() >= budget * (1.0 - train.decay_share))
    }

    /// Turns what is left of the time budget after `step` into steps, at the pace so far, when `grids_due` grids have been
    /// due. From then on the run is given by its configuration alone, and can be repeated.
    pub(super) fn plan_end(&self, config: &mut Config, step: u64, grids_due: u64) {
        let left = config.train.time_budget.map_or(0.0, |budget| budget - self.elapsed());
        let grids = config.train.grids;
        let on_the_way = grids.saturating_sub(1 + grids_due).min(self.affordable_grids(config));
        let workload = self.workload(config, on_the_way + grids.min(1));
        let last = step + self.costs.steps_in(&workload, left);
        config.optimizer.decay_start = Some(step);
        config.train.steps = Some(config.train.steps.map_or(last, |steps| steps.min(last)));
    }

    /// The grids on the way that a time budget, if there is one, still has room for.
    pub(super) fn affordable_grids(&self, config: &Config) -> u64 {
        match config.train.time_budget {
            Some(budget) => self
                .costs
                .affordable_grids(&self.workload(config, 0), budget)
                .saturating_sub(self.costs.grid.count),
            None => u64::MAX,
        }
    }

    fn workload(&self, config: &Config, grids: u64) -> Workload {
        let train = &config.train;
        Workload {
            checkpoint_every: train.checkpoint_every,
            validate_every: train.validate_every.filter(|&every| every > 0 && self.validates),
            grids,
            grid_passes: grid_passes(config),
            step_passes: 3.0 * train.batch as f64,
        }
    }
}

/// Whether the last step is done.
pub(super) fn is_done(config: &Config, step: u64) -> bool {
    config.train.steps.is_some_and(|steps| step >= steps)
}

/// Whether the line of the metrics after `step` says the validation too, apart from the run's end: the first line after
/// every so many steps.
fn is_validated_on_the_way(config: &Config, step: u64) -> bool {
    match config.train.validate_every {
        None | Some(0) => false,
        Some(every) => step % every < config.train.log_every.min(every),
    }
}

/// Whether the line of the metrics after `step` says the validation too: on the way, and the last.
pub(super) fn is_validated(config: &Config, step: u64) -> bool {
    let is_last = config.train.validate_every.is_some_and(|every| every > 0) && is_done(config, step);
    is_validated_on_the_way(config, step) || is_last
}

/// The line of the metrics after `step`, if one is due: after every so many steps, and the last.
pub(super) fn due_line(config: &Config, step: u64) -> Option<Due> {
    let on_the_way = step.is_multiple_of(config.train.log_every);
    let due = Due {
        line_only_ends: !on_the_way,
        validation_only_ends: is_validated(config, step) && !is_validated_on_the_way(config, step),
    };
    (on_the_way || is_done(config, step)).then_some(due)
}

/// How many grids have been due when this share of the run is done: they stand at even shares.
pub(super) fn grids_due(config: &Config, share: f64) -> u64 {
    (share * config.train.grids as f64) as u64
}
