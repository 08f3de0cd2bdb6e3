//! Several machines at once: the ranks of a job, and what they do together.
//!
//! In training, every rank takes the same steps with the same weights, each on its own shards of the batch; the shards'
//! gradients are summed over all ranks in one canonical tree, so that the weights have the same bits on any number of ranks.
//! Work on pictures that do not depend on one another is cut into parts, which the ranks do in [`Turn`].

mod collective;
mod engine;
mod error;
mod handshake;
mod identity;
mod link;
mod mesh;
mod messages;
#[cfg(feature = "mpi")]
mod mpi;
mod nodes;
mod ranks;
mod rounding;
mod secret;
mod sum;
mod team;
mod timely;
pub(crate) mod tree;
mod turn;
mod wording;
mod worker;

pub use collective::Collective;
pub use error::ClusterError;
pub use identity::{Flags, Identity, is_batch_script_without_srun};
pub use ranks::{Joined, Ranks, by_mpi};
pub use secret::Secret;
pub use sum::Bucket;
pub use team::Team;
pub use turn::Turn;
pub(crate) use wording::named_with;
