use super::table::Schedule;
use crate::Timestep;
use crate::time::interpolation::{at_clock, at_sigma};

/// Times between the indices of a schedule, for samplers that do not keep to them.
impl Schedule {
    /// The time at a clock value from 0 to T − 1 (values beyond are taken as the ends): at an index its level, between
    /// two the one whose σ = noise / signal is linear in the clock.
    pub fn at_clock(&self, clock: f64) -> Timestep {
        at_clock(self.levels(), clock)
    }

    /// The time at a noise level σ = noise / signal; its clock value is where ln σ, linear between indices, reaches it,
    /// and beyond the ends of the schedule that of the end.
    pub fn at_sigma(&self, sigma: f64) -> Timestep {
        at_sigma(self.levels(), sigma)
    }
}
