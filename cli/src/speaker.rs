//! Which of several ranks speaks.

use std::sync::{PoisonError, RwLock};

/// This process's rank, once it is known that there are several.
static RANK: RwLock<Option<usize>> = RwLock::new(None);

/// Says that this process is one of several. Where not all of them come, its number changes.
pub(crate) fn is_rank(rank: usize) {
    *RANK.write().unwrap_or_else(PoisonError::into_inner) = Some(rank);
}

fn rank() -> Option<usize> {
    *RANK.read().unwrap_or_else(PoisonError::into_inner)
}

/// What every line of this rank begins with that is an error; nothing where there is one process only.
pub(crate) fn prefix() -> String {
    rank().map_or_else(String::new, |rank| format!("rank {rank}: "))
}

/// Whether this is the rank that speaks for all.
pub(crate) fn speaks() -> bool {
    rank().is_none_or(|rank| rank == 0)
}
