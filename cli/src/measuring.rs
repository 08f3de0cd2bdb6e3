//! Measurements that take long: with progress, until they are done or interrupted.

use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::progress::{Progress, duration};
use std::time::Instant;

/// Runs a measurement, which yields the share of it that is done, to its end; `what` it measures, for the progress.
///
/// # Errors
/// An error of the measurement; [`Failure::Interrupted`] on Ctrl-C.
pub(crate) fn run(
    measurement: &mut impl Iterator<Item = tweedie_train::Result<f64>>,
    what: &str,
    interrupt: &Interrupt,
    console: Console,
) -> Result<()> {
    let mut progress = Progress::new(console);
    let began = Instant::now();
    for share in measurement {
        let share = share?;
        progress.update(share, || {
            let left = began.elapsed().mul_f64((1.0 - share) / share.max(1e-9));
            format!("{what}, {} left", duration(left))
        });
        if interrupt.asked() {
            return Err(Failure::Interrupted("nothing was measured to its end".to_string()));
        }
    }
    Ok(())
}
