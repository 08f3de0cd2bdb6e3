//! What a cluster run can fail of.

use crate::user_error::UserError;
use std::fmt;

/// Why ranks cannot train together, or cannot any longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterError {
    /// Something that this rank was given, or found, and that its user can mend.
    Own(UserError),
    /// Ranks that do not fit together. All of them know; rank 0 says it for all.
    Refused(UserError),
    /// A rank that ended, hangs, or cannot be reached any more: the run starts again from its newest checkpoint.
    Lost {
        /// Its number.
        rank: usize,
        /// How this was noticed.
        how: String,
    },
    /// A rank that stopped with an error of its own.
    Failed {
        /// Its number.
        rank: usize,
        /// What it said.
        error: String,
    },
}

impl ClusterError {
    pub(crate) fn own(
        what: impl Into<String>,
        place: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ClusterError {
        ClusterError::Own(UserError::new(what, place, remedy))
    }

    /// What to tell a person.
    pub fn user_error(&self) -> UserError {
        match self {
            ClusterError::Own(error) | ClusterError::Refused(error) => error.clone(),
            ClusterError::Lost { rank, how } => UserError::new(
                format!("rank {rank} is lost: {how}"),
                "the cluster run",
                "start all ranks again with --resume: what is lost are the steps since the last checkpoint",
            ),
            ClusterError::Failed { rank, error } => UserError::new(
                format!("rank {rank} ended: {error}"),
                "the cluster run",
                "mend that, and start all ranks again",
            ),
        }
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.user_error().fmt(f)
    }
}

impl std::error::Error for ClusterError {}

/// The result of what ranks do together.
pub(crate) type Result<T, E = ClusterError> = std::result::Result<T, E>;
