//! Which of several ranks speaks.

use std::sync::OnceLock;

/// This process's rank, once it is known that there are several.
static RANK: OnceLock<usize> = OnceLock::new();

/// Says that this process is one of several.
pub(crate) fn is_rank(rank: usize) {
    RANK.get_or_init(|| rank);
}

/// What every line of this rank begins with that is an error; nothing where there is one process only.
pub(crate) fn prefix() -> String {
    RANK.get().map_or_else(String::new, |rank| format!("rank {rank}: "))
}

/// Whether this is the rank that speaks for all.
pub(crate) fn speaks() -> bool {
    RANK.get().is_none_or(|rank| *rank == 0)
}
