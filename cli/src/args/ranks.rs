use super::duration;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// The place of this process in a job of several. Whatever is not given comes from the launcher's variables.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Cluster (torchrun, srun and mpirun say the first three by themselves)")]
pub(crate) struct RanksArgs {
    /// This process's number in the job, from 0 on
    #[arg(long, value_name = "N")]
    pub(crate) rank: Option<usize>,
    /// How many processes the job has
    #[arg(long, value_name = "N")]
    pub(crate) world_size: Option<usize>,
    /// Where rank 0 listens until all are there
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) master: Option<String>,
    /// A file that holds the job's secret, which only its owner may read; or the variable TWEEDIE_SECRET
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// How long ranks may take to come [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) join_timeout: Option<Duration>,
    /// How long a rank may be silent; each says that it is alive once a second [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) peer_timeout: Option<Duration>,
    /// Begin with so many ranks or more, of those asked for, once --join-timeout is over
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) at_least: Option<u32>,
}
