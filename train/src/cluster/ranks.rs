//! A rank of a job, from what its launcher told it to its connections.

use super::collective::{Collective, Member};
use super::engine::Engine;
use super::error::{ClusterError, Result};
use super::mesh::{Meeting, Mesh};
use super::secret::Secret;
use super::team::Team;
use super::timely::TimelyBuilder;
use super::wording::named_with;
use crate::UserError;
use crate::user_error::reason;
use std::time::Duration;

/// Which rank of which job this process is, and how it finds the others.
#[derive(Debug, Clone)]
pub struct Ranks {
    /// This rank's number, from 0 on.
    pub rank: usize,
    /// How many there are.
    pub size: usize,
    /// With how many the job is content, where not all come in time.
    pub enough: usize,
    /// Where rank 0 listens until all are there: `host:port`.
    pub master: String,
    /// What every rank must prove that it has.
    pub secret: Secret,
    /// How long the others may take to come.
    pub join_timeout: Duration,
    /// How long a rank may be silent. Each says that it is alive once a second, whatever it is at.
    pub peer_timeout: Duration,
}

/// A rank that has found the others.
#[derive(Debug)]
pub struct Joined {
    mesh: Mesh,
    peer_timeout: Duration,
}

impl Ranks {
    /// Finds the others.
    ///
    /// # Errors
    /// [`ClusterError::Own`] for what this rank's user can mend, [`ClusterError::Refused`] where rank 0 has found that the ranks
    /// do not fit together, [`ClusterError::Lost`] for a connection that broke.
    pub fn join(self) -> Result<Joined> {
        let Ranks { rank, size, enough, master, secret, join_timeout, peer_timeout } = self;
        let meeting = Meeting {
            rank,
            size,
            enough,
            master,
            secret,
            patience: join_timeout,
            limit: peer_timeout,
            version: env!("CARGO_PKG_VERSION").to_string(),
        };
        Ok(Joined { mesh: meeting.hold()?, peer_timeout })
    }
}

impl Joined {
    /// The number of this rank among those that came.
    pub fn rank(&self) -> usize {
        self.mesh.rank
    }

    /// How many came.
    pub fn size(&self) -> usize {
        self.mesh.sockets.len()
    }

    /// Starts the threads that serve this rank.
    ///
    /// # Errors
    /// Threads that the system does not give.
    pub fn start(self) -> Result<Team> {
        let (rank, size) = (self.rank(), self.size());
        let failed = |error| without_threads(size, &error);
        let builder = TimelyBuilder::start(rank, self.mesh.sockets).map_err(failed)?;
        let member = Member::start(rank, size, self.peer_timeout, move || {
            Ok(Box::new(builder.build()) as Box<dyn Engine>)
        })
        .map_err(failed)?;
        Ok(Team::of(Box::new(member)))
    }
}

fn without_threads(size: usize, error: &std::io::Error) -> ClusterError {
    ClusterError::own(
        format!("the threads for {size} ranks cannot be started ({})", reason(error)),
        "the cluster run",
        "raise the system's limit of threads and files",
    )
}

/// The team of the rank `rank` of `size`, over MPI. Every rank must be started by MPI's own launcher.
///
/// # Errors
/// [`ClusterError::Own`] for a program without MPI, an MPI that cannot be started, or another launcher's ranks;
/// [`ClusterError::Refused`] for ranks of several versions of this program.
pub fn by_mpi(rank: usize, size: usize, peer_timeout: Duration) -> Result<Team> {
    let mut team = Team::of(Box::new(mpi_member(rank, size, peer_timeout)?));
    let own = env!("CARGO_PKG_VERSION");
    let versions = team.gather(own.as_bytes().to_vec())?;
    let differ: Vec<usize> = (0..size).filter(|&rank| versions[rank] != versions[0]).collect();
    if differ.is_empty() {
        return Ok(team);
    }
    Err(team.refuse(UserError::new(
        format!("{} another version of tweedie than rank 0", named_with(&differ, "is", "are")),
        "--engine mpi",
        "start the same program on every machine",
    )))
}

#[cfg(feature = "mpi")]
fn mpi_member(rank: usize, size: usize, peer_timeout: Duration) -> Result<Member> {
    let build = move || Ok(Box::new(super::mpi::Mpi::start(rank, size)?) as Box<dyn Engine>);
    Member::start(rank, size, peer_timeout, build).map_err(|error| without_threads(size, &error))
}

#[cfg(not(feature = "mpi"))]
fn mpi_member(_: usize, _: usize, _: Duration) -> Result<Member> {
    let remedy =
        "leave it out, or build the program with: cargo build --release -p tweedie-cli --features mpi";
    Err(ClusterError::own("this program was built without MPI", "--engine mpi", remedy))
}

#[cfg(test)]
mod tests;
