use super::duration;
use clap::{Args, ValueEnum};
use std::ops::RangeInclusive;
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
    /// What carries messages between ranks; mpi in a program that was built with it, under MPI's own launcher
    #[arg(long, value_enum, default_value_t)]
    pub(crate) engine: EngineName,
    /// A file that holds the job's secret, which only its owner may read; or the variable TWEEDIE_SECRET
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// How long ranks may take to come [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) join_timeout: Option<Duration>,
    /// How long a rank may be silent; each says that it is alive once a second [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(crate) peer_timeout: Option<Duration>,
    /// Be content with N to M ranks: begin with M, or once --join-timeout is over with N or more. M is --world-size, where
    /// nothing else says it
    #[arg(long, value_name = "N..M", value_parser = between)]
    pub(crate) elastic: Option<RangeInclusive<usize>>,
}

/// What carries messages between ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum EngineName {
    #[default]
    Tcp,
    Mpi,
}

/// Reads `2..4`.
fn between(text: &str) -> Result<RangeInclusive<usize>, String> {
    let numbers = text.split_once("..").and_then(|(least, most)| {
        Some((least.trim().parse::<usize>().ok()?, most.trim().parse::<usize>().ok()?))
    });
    match numbers {
        None => Err("write it as N..M, as 2..4".to_string()),
        Some((0, most)) => Err(format!("a job has one rank or more: write 1..{most}")),
        Some((least, most)) if most < least => {
            Err(format!("the smaller number stands first: write {most}..{least}"))
        }
        Some((least, most)) => Ok(least..=most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ranks_is_written_with_two_dots() {
        assert_eq!(between("2..4"), Ok(2..=4));
        assert_eq!(between("1..1"), Ok(1..=1));
        for (text, expected) in [
            ("4..2", "the smaller number stands first: write 2..4"),
            ("0..2", "a job has one rank or more: write 1..2"),
            ("2", "write it as N..M, as 2..4"),
            ("2:4", "write it as N..M, as 2..4"),
            ("..4", "write it as N..M, as 2..4"),
            ("-1..4", "write it as N..M, as 2..4"),
        ] {
            assert_eq!(between(text), Err(expected.to_string()), "{text}");
        }
    }
}
