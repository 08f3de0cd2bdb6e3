//! How many threads the program computes with.

use crate::error::{Failure, Result};
use std::thread::available_parallelism;

/// Threads for each core that only take turns, and a stack each.
const MOST_PER_CORE: usize = 4;

/// As many threads are always allowed, so that a command that runs on one machine runs on a smaller one.
const ALWAYS: usize = 16;

/// The number that was given; 0, which is all cores, if none was.
///
/// # Errors
/// Many more than there are cores.
pub(crate) fn chosen(asked: Option<u16>) -> Result<usize> {
    let asked = asked.map_or(0, usize::from);
    let cores = available_parallelism().map_or(1, usize::from);
    let most = (MOST_PER_CORE * cores).max(ALWAYS);
    if asked <= most {
        return Ok(asked);
    }
    let cores = if cores == 1 { "1 core".to_string() } else { format!("{cores} cores") };
    Err(Failure::user(
        format!("{asked} threads on the {cores} that this process may use"),
        "--threads",
        format!("give {most} or fewer"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_threads_for_each_core_are_enough() {
        assert_eq!(chosen(None).ok(), Some(0));
        assert_eq!(chosen(Some(16)).ok(), Some(16));
        let cores = available_parallelism().map_or(1, usize::from);
        if cores < 256 {
            let text = chosen(Some(1024)).map_err(|failure| failure.to_string());
            assert!(text.is_err_and(|text| text.starts_with("error: 1024 threads on the ")));
        }
    }
}
