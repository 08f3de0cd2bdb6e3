use crate::{Error, Result, Step, Times};

/// Refuses times over which noise / signal rises: a step that adds noise cannot end above where it starts. What is equal
/// in f32 does not rise.
pub(super) fn check_falling(what: &'static str, times: &Times) -> Result<()> {
    let rises = |step: &&Step| step.to.level().sigma() > step.from.level().sigma() * (1.0 + 1e-6);
    match times.steps().iter().find(rises) {
        Some(step) => {
            let why = "a step with noise cannot end above where it starts";
            Err(Error::parameter(what, "noise / signal", step.to.level().sigma(), why))
        }
        None => Ok(()),
    }
}

/// Refuses times of which two neighbours but the last have the same noise / signal: a multistep method extrapolates from
/// one to the other.
pub(super) fn check_changing(what: &'static str, times: &Times) -> Result<()> {
    let stays = |step: &&Step| step.to.level().sigma() == step.from.level().sigma();
    let inner = &times.steps()[..times.steps().len() - 1];
    match inner.iter().find(stays) {
        Some(step) => {
            let why = "two times have the same level, and a step between them no length; take fewer steps";
            Err(Error::parameter(what, "noise / signal", step.to.level().sigma(), why))
        }
        None => Ok(()),
    }
}
