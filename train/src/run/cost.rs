//! What the pieces of a run take, and how many steps fit into the time that is left.

use std::time::Duration;

/// Grids on the way may take this share of a time budget, all together; where they take more, some are left out.
const GRIDS_SHARE: f64 = 0.1;

/// A piece of work that is done many times.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) total: Duration,
    pub(super) count: u64,
}

impl Cost {
    pub(super) fn add(&mut self, time: Duration) {
        self.total += time;
        self.count += 1;
    }

    /// Its mean in seconds; `expected` before it was done once.
    pub(super) fn seconds(&self, expected: f64) -> f64 {
        if self.count == 0 { expected } else { self.total.as_secs_f64() / self.count as f64 }
    }
}

/// The pieces of a run, as measured in this session.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Costs {
    /// Steps, with what is done after each.
    pub(super) step: Cost,
    pub(super) grid: Cost,
    pub(super) save: Cost,
    pub(super) validation: Cost,
}

/// What is still to be done, how often, and in how many passes of the network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    pub(super) checkpoint_every: u64,
    /// `None` where there is no validation.
    pub(super) validate_every: Option<u64>,
    /// Grids on the way that are still to come, and the one at the end.
    pub(super) grids: u64,
    /// Passes of one picture through the network that a grid is.
    pub(super) grid_passes: f64,
    /// Such passes in a step, of which one forward and back counts as three.
    pub(super) step_passes: f64,
}

impl Costs {
    /// The seconds of one grid.
    pub(super) fn of_grid(&self, workload: &Workload) -> f64 {
        self.grid.seconds(self.step.seconds(0.0) * workload.grid_passes / workload.step_passes)
    }

    /// How many grids on the way a budget of so many seconds has room for.
    pub(super) fn affordable_grids(&self, workload: &Workload, budget: f64) -> u64 {
        (GRIDS_SHARE * budget / self.of_grid(workload).max(1e-9)) as u64
    }

    /// How many steps fit into `left` seconds beside everything else that is still to be done in them.
    pub(super) fn steps_in(&self, workload: &Workload, left: f64) -> u64 {
        let step = self.step.seconds(0.0);
        let save = self.save.seconds(0.0);
        let validation = workload
            .validate_every
            .map_or(0.0, |_| self.validation.seconds(step * 640.0 / workload.step_passes));
        let between = validation / workload.validate_every.unwrap_or(1) as f64
            + save / workload.checkpoint_every as f64;
        let at_the_end = save + validation + workload.grids as f64 * self.of_grid(workload);
        ((left - at_the_end).max(0.0) / (step + between).max(1e-9)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(seconds: f64, count: u64) -> Cost {
        Cost { total: Duration::from_secs_f64(seconds * count as f64), count }
    }

    const WORKLOAD: Workload = Workload {
        checkpoint_every: 10,
        validate_every: Some(20),
        grids: 2,
        grid_passes: 60.0,
        step_passes: 30.0,
    };

    #[test]
    fn everything_that_is_to_come_fits_into_what_is_left() {
        let costs =
            Costs { step: cost(1.0, 5), grid: cost(3.0, 1), save: cost(2.0, 1), validation: cost(4.0, 1) };
        // A step takes 1.4 seconds with its part of checkpoints and validations; at the end there are 6 + 2 + 4.
        assert_eq!(costs.steps_in(&WORKLOAD, 26.1), 10);
        assert_eq!(costs.steps_in(&WORKLOAD, 5.0), 0);
        assert_eq!(costs.affordable_grids(&WORKLOAD, 100.0), 3);
    }

    #[test]
    fn a_grid_that_was_never_painted_is_reckoned_in_steps() {
        let costs = Costs { step: cost(1.0, 5), ..Costs::default() };
        assert_eq!(costs.of_grid(&WORKLOAD), 2.0);
    }
}
