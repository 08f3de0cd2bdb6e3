//! Measurements that take long: with progress, until they are done or interrupted.

use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::progress::{Progress, duration};
use std::time::Instant;
use tweedie_train::measure::Pass;

/// The passes of a measurement, and what its batches come to; `what` it measures, for the progress. Its errors are those of the
/// measurement, and [`Failure::Interrupted`] on Ctrl-C.
pub(crate) fn watched<'a, T>(
    measurement: impl Iterator<Item = tweedie_train::Result<Pass<T>>> + 'a,
    what: &'a str,
    interrupt: &'a Interrupt,
    console: Console,
) -> impl Iterator<Item = Result<Option<T>>> + 'a {
    let mut progress = Progress::new(console);
    let began = Instant::now();
    measurement.map(move |pass| {
        let Pass { share, done } = pass?;
        progress.update(share, || {
            let left = began.elapsed().mul_f64((1.0 - share) / share.max(1e-9));
            format!("{what}, {} left", duration(left))
        });
        match interrupt.asked() {
            true => Err(Failure::Interrupted("nothing was measured to its end".to_string())),
            false => Ok(done),
        }
    })
}

/// Runs a measurement, which yields the share of it that is done, to its end.
///
/// # Errors
/// As [`watched`].
pub(crate) fn run(
    measurement: &mut impl Iterator<Item = tweedie_train::Result<f64>>,
    what: &str,
    interrupt: &Interrupt,
    console: Console,
) -> Result<()> {
    let passes = measurement.map(|share| Ok(Pass { share: share?, done: None::<()> }));
    watched(passes, what, interrupt, console).try_for_each(|pass| pass.map(|_| ()))
}
