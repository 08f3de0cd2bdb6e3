//! How many threads the program computes with.

use crate::error::{Failure, Result};
use std::thread::available_parallelism;

/// Threads for each core that only take turns, and a stack each.
const MOST_PER_CORE: usize = 4;

/// As many threads are always allowed, so that a command that runs on one machine runs on a smaller one.
const ALWAYS: usize = 16;

/// The number that was given; if none was, all cores that this process may use, shared among the `local_ranks` ranks of a job
/// on this machine.
///
/// # Errors
/// Many more than there are cores.
pub(crate) fn chosen(asked: Option<u16>, local_ranks: usize) -> Result<usize> {
    if let (None, 2..) = (asked, local_ranks) {
        return Ok(share(available_parallelism().map_or(1, usize::from), online(), local_ranks));
    }
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

/// The threads of one of several ranks that may each use `own` of a machine's cores. Where the launcher has given each its own,
/// these are not shared.
fn share(own: usize, online: usize, ranks: usize) -> usize {
    if own * ranks <= online { own } else { (own / ranks).max(1) }
}

/// The cores of the machine, whether this process may use them or not.
fn online() -> usize {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?)? + 1)
    };
    text.trim().split(',').filter_map(range).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_threads_for_each_core_are_enough() {
        assert_eq!(chosen(None, 1).ok(), Some(0));
        assert_eq!(chosen(Some(16), 4).ok(), Some(16));
        let cores = available_parallelism().map_or(1, usize::from);
        if cores < 256 {
            let text = chosen(Some(1024), 1).map_err(|failure| failure.to_string());
            assert!(text.is_err_and(|text| text.starts_with("error: 1024 threads on the ")));
        }
    }

    #[test]
    fn ranks_of_one_machine_share_its_cores_unless_they_have_their_own() {
        // Of 16 cores: all may use all, each has four, three have four each, more ranks than cores.
        assert_eq!([share(16, 16, 4), share(4, 16, 4), share(4, 16, 3), share(16, 16, 32)], [4, 4, 4, 1]);
        // Eight ranks in a container of four of these.
        assert_eq!(share(4, 16, 8), 1);
    }
}
