//! How far a run is, and when it ends.

use super::Session;
use super::cost::Habits;
use crate::{Config, Result};

impl Session<'_> {
    /// Seconds of the run so far, earlier sessions and all that is not steps included.
    pub(super) fn elapsed(&self) -> f64 {
        self.run.earlier + self.opened.elapsed().as_secs_f64()
    }

    pub(super) fn is_done(&self) -> bool {
        self.run.config.train.steps.is_some_and(|steps| self.run.step >= steps)
    }

    /// The share of the run that is done.
    pub(super) fn share(&self) -> f64 {
        let train = &self.run.config.train;
        let share = match (train.steps, train.time_budget) {
            (Some(steps), _) => self.run.step as f64 / steps as f64,
            (None, Some(budget)) => self.elapsed() / budget,
            (None, None) => 0.0,
        };
        share.min(1.0)
    }

    /// Whether this line of the metrics says the validation too: the first one after every so many steps, and the last.
    pub(super) fn validation_is_due(&self) -> bool {
        let train = &self.run.config.train;
        match train.validate_every {
            None | Some(0) => false,
            Some(every) => self.run.step % every < train.log_every.min(every) || self.is_done(),
        }
    }

    /// Whether the end of the time budget has begun, over which the learning rate falls.
    pub(super) fn decay_begins(&self) -> bool {
        let Config { train, optimizer, .. } = &self.run.config;
        optimizer.decay_start.is_none()
            && train.time_budget.is_some_and(|budget| self.elapsed() >= budget * (1.0 - train.decay_share))
    }

    /// Turns what is left of the time budget into steps, at the pace so far. From here on the run is given by
    /// its configuration alone, and can be repeated.
    pub(super) fn plan_the_end(&mut self) -> Result<()> {
        let left = self.run.config.train.time_budget.map_or(0.0, |budget| budget - self.elapsed());
        let last = self.run.step + self.costs.steps_in(&self.habits(), left);
        let config = &mut self.run.config;
        config.optimizer.decay_start = Some(self.run.step);
        config.train.steps = Some(config.train.steps.map_or(last, |steps| steps.min(last)));
        self.run.write_config(self.out)
    }

    pub(super) fn grids_due_at(&self, share: f64) -> u64 {
        (share * self.run.config.train.grids as f64) as u64
    }

    /// The grids on the way that a time budget, if there is one, still has room for.
    pub(super) fn grids_left_to_pay(&self) -> u64 {
        match self.run.config.train.time_budget {
            Some(budget) => self
                .costs
                .affordable_grids(&self.habits_with(0), budget)
                .saturating_sub(self.costs.grid.count),
            None => u64::MAX,
        }
    }

    fn habits(&self) -> Habits {
        let grids = self.run.config.train.grids;
        let on_the_way = grids.saturating_sub(1 + self.grids_due).min(self.grids_left_to_pay());
        self.habits_with(on_the_way + grids.min(1))
    }

    fn habits_with(&self, grids: u64) -> Habits {
        let train = &self.run.config.train;
        Habits {
            checkpoint_every: train.checkpoint_every,
            validate_every: train.validate_every.filter(|&every| every > 0 && self.validation.is_some()),
            grids,
            grid_passes: self.run.grid_passes(),
            step_passes: 3.0 * train.batch as f64,
        }
    }
}
