use super::timestep::Timestep;
use super::transition::Transition;

/// One reverse step: the time at which the model is asked, the time that the step reaches, and the transition that it
/// undoes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The noisier time.
    pub from: Timestep,
    /// The time that the step reaches.
    pub to: Timestep,
    /// The forward step between the two.
    pub transition: Transition,
}

impl Step {
    /// The step between two times, its transition that of their levels ([`Transition::between`]).
    pub fn between(from: Timestep, to: Timestep) -> Step {
        Step { from, to, transition: Transition::between(from.level(), to.level()) }
    }
}
