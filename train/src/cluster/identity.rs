//! Which rank of which job a process is, as its launcher says.

use super::error::{ClusterError, Result};
use super::nodes::first_host;
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;

/// What the command line says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--rank`.
    pub rank: Option<usize>,
    /// `--world-size`.
    pub world_size: Option<usize>,
    /// `--elastic`: with how many ranks the job is content, and how many it has at most.
    pub elastic: Option<RangeInclusive<usize>>,
    /// `--master`, `host:port`.
    pub master: Option<String>,
}

/// A place in a job of several ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// From 0 on.
    pub rank: usize,
    /// Ranks of the job, 2 at least.
    pub size: usize,
    /// With how many it is content, where not all come.
    pub enough: usize,
    /// Ranks on this machine, where the launcher tells.
    pub local_size: Option<usize>,
    /// Where rank 0 listens, `host:port`.
    pub master: String,
}

/// What one launcher says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    by: &'static str,
    rank: usize,
    size: usize,
    local_size: Option<usize>,
}

/// The variables that tell rank and size, by launcher, in the order in which they are asked.
const LAUNCHERS: [(&str, &str, &[&str], &[&str]); 4] = [
    ("RANK and WORLD_SIZE", "RANK", &["WORLD_SIZE"], &["LOCAL_WORLD_SIZE"]),
    ("SLURM_PROCID and SLURM_NTASKS", "SLURM_PROCID", &["SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"], &[]),
    (
        "OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_RANK",
        &["OMPI_COMM_WORLD_SIZE"],
        &["OMPI_COMM_WORLD_LOCAL_SIZE"],
    ),
    ("PMI_RANK and PMI_SIZE", "PMI_RANK", &["PMI_SIZE"], &["MPI_LOCALNRANKS"]),
];

/// The ports that are derived from a job's name: below those that systems give to clients.
const PORTS: std::ops::Range<u64> = 20_000..30_000;

impl Identity {
    /// The place that flags, or else the variables of a launcher, give this process; none for a process that is alone.
    ///
    /// # Errors
    /// Half of what is needed, numbers that are none, launchers that disagree, a rank that is not below the size, a size that
    /// is not within `--elastic`.
    pub fn of(
        flags: &Flags,
        variable: &dyn Fn(&str) -> Option<String>,
        parent: Option<u32>,
    ) -> Result<Option<Identity>> {
        let told = launchers(variable)?;
        let most = flags.elastic.as_ref().map(|range| *range.end());
        let (rank, size, local_size) = match (flags.rank, flags.world_size.or(flags.rank.and(most))) {
            (Some(rank), Some(size)) => (rank, size, None),
            (None, None) => match &told[..] {
                [] if most.is_some() => return Err(half("--elastic", "--rank")),
                [] => return Ok(None),
                [first, others @ ..] => {
                    if let Some(other) =
                        others.iter().find(|other| (other.rank, other.size) != (first.rank, first.size))
                    {
                        return Err(disagreement(first, other));
                    }
                    (first.rank, first.size, told.iter().find_map(|told| told.local_size))
                }
            },
            (rank, _) => {
                return Err(match rank {
                    Some(_) => half("--rank", "--world-size"),
                    None => half("--world-size", "--rank"),
                });
            }
        };
        let elastic = flags.elastic.clone().unwrap_or(size..=size);
        let (least, most) = (*elastic.start(), *elastic.end());
        if !elastic.contains(&size) {
            return Err(ClusterError::own(
                format!("a world size of {size} beside --elastic {least}..{most}"),
                "the place in the job",
                format!("give one from {least} to {most}"),
            ));
        }
        if size == 0 || rank >= size {
            return Err(ClusterError::own(
                format!("rank {rank} of {size}"),
                "the place in the job",
                "number the ranks from 0 to the world size - 1",
            ));
        }
        if size == 1 {
            return Ok(None);
        }
        let master = match &flags.master {
            Some(master) => with_port(master)?,
            None => master(variable, size, local_size, parent)?,
        };
        Ok(Some(Identity { rank, size, enough: least, local_size, master }))
    }

    /// Whether rank 0 listens on this machine alone.
    pub fn is_on_loopback(&self) -> bool {
        let host = self.master.rsplit_once(':').map_or(&*self.master, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// A place that is only half given.
fn half(given: &str, missing: &str) -> ClusterError {
    ClusterError::own(format!("{given} without {missing}"), "the place in the job", "give both")
}

/// What each launcher says whose variables are set.
fn launchers(variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Told>> {
    let mut told = Vec::new();
    for (by, rank_name, size_names, local_names) in LAUNCHERS {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let Some(rank) = set(rank_name) else { continue };
        // A batch script itself has the variables of rank 0, but is no step of the job: nobody else will come.
        if rank_name == "SLURM_PROCID" && set("SLURM_STEP_ID").is_none() {
            continue;
        }
        let size_name = size_names.iter().find(|name| set(name).is_some());
        let Some(size_name) = size_name else {
            // Other programs call things so, too.
            if rank_name == "RANK" && told.is_empty() && set("MASTER_ADDR").is_none() {
                continue;
            }
            return Err(ClusterError::own(
                format!("{rank_name} without {}", size_names[0]),
                "the environment",
                "set both, or neither",
            ));
        };
        let number = |name: &str, value: String| {
            value.trim().parse::<usize>().map_err(|_| {
                ClusterError::own(
                    format!("{name} = {value} is no number"),
                    "the environment",
                    "correct or unset it",
                )
            })
        };
        let local_size = local_names.iter().find_map(|name| set(name)?.trim().parse().ok());
        let size = number(size_name, set(size_name).unwrap_or_default())?;
        told.push(Told { by, rank: number(rank_name, rank)?, size, local_size });
    }
    Ok(told)
}

fn disagreement(one: &Told, other: &Told) -> ClusterError {
    ClusterError::own(
        format!(
            "{} say rank {} of {}, {} rank {} of {}",
            one.by, one.rank, one.size, other.by, other.rank, other.size
        ),
        "the environment",
        "unset those of the launcher that did not start this process, or give --rank and --world-size",
    )
}

/// Whether this process was started by a batch script of several tasks without `srun`, which makes it run alone.
pub fn is_batch_script_without_srun(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    let tasks = variable("SLURM_NTASKS").and_then(|tasks| tasks.parse::<usize>().ok());
    variable("SLURM_PROCID").is_some()
        && variable("SLURM_STEP_ID").is_none()
        && tasks.is_some_and(|tasks| tasks > 1)
}

/// Where rank 0 listens, as the launcher's variables let every rank know.
fn master(
    variable: &dyn Fn(&str) -> Option<String>,
    size: usize,
    local_size: Option<usize>,
    parent: Option<u32>,
) -> Result<String> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(host) = set("MASTER_ADDR") {
        let port = match (set("MASTER_PORT"), set("TORCHELASTIC_USE_AGENT_STORE")) {
            // Its own agent listens there already.
            (Some(port), Some(agent)) if agent == "True" => {
                derived(&["torchrun", &port, &set("TORCHELASTIC_RESTART_COUNT").unwrap_or_default()])
            }
            (Some(port), _) => port.parse().map_err(|_| {
                ClusterError::own(format!("MASTER_PORT = {port} is no port"), "the environment", "correct it")
            })?,
            (None, _) => return with_port(&host),
        };
        return Ok(joined(&host, port));
    }
    if let (Some(job), Some(step)) = (set("SLURM_JOB_ID"), set("SLURM_STEP_ID")) {
        let restart = set("SLURM_RESTART_COUNT").unwrap_or_default();
        let port = derived(&["slurm", &job, &step, &restart]);
        let list = set("SLURM_STEP_NODELIST").or(set("SLURM_JOB_NODELIST")).unwrap_or_default();
        let nodes = set("SLURM_STEP_NUM_NODES").or(set("SLURM_JOB_NUM_NODES")).or(set("SLURM_NNODES"));
        if nodes.as_deref() == Some("1") {
            return Ok(joined("127.0.0.1", port));
        }
        return match first_host(&list) {
            Some(host) => Ok(joined(&host, port)),
            None => Err(no_master(&format!("SLURM_STEP_NODELIST = {list} names no host"))),
        };
    }
    match local_size {
        Some(local) if local == size => {
            // All ranks of one machine know the job by its name, or have the launcher's process for a parent.
            let name = set("PMIX_NAMESPACE").or(set("PMI_KVS")).or(parent.map(|parent| parent.to_string()));
            Ok(joined("127.0.0.1", derived(&["mpi", &name.unwrap_or_default()])))
        }
        _ => Err(no_master("nothing says where rank 0 is")),
    }
}

fn no_master(what: &str) -> ClusterError {
    ClusterError::own(
        what,
        "the cluster run",
        "give every rank --master with the address of rank 0, as 10.0.0.1:29400",
    )
}

fn with_port(master: &str) -> Result<String> {
    let port = master
        .rsplit_once(':')
        .and_then(|(host, port)| (!host.is_empty()).then_some(port)?.parse::<u16>().ok());
    match port {
        Some(1..) => Ok(master.to_string()),
        _ => Err(ClusterError::own(
            "an address without a port",
            format!("--master {master}"),
            "give host:port, as 10.0.0.1:29400 or [fd00::1]:29400",
        )),
    }
}

fn joined(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// A port that all who know these names agree on.
fn derived(names: &[&str]) -> u16 {
    let digest = Sha256::digest(names.join("\n").as_bytes());
    let number = digest[..8].iter().fold(0, |number: u64, &byte| number << 8 | u64::from(byte));
    (PORTS.start + number % (PORTS.end - PORTS.start)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(flags: &Flags, variables: &[(&str, &str)]) -> Result<Option<Identity>> {
        let variable = |name: &str| {
            variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_string())
        };
        Identity::of(flags, &variable, Some(4711))
    }

    fn from(variables: &[(&str, &str)]) -> Identity {
        of(&Flags::default(), variables).unwrap().unwrap()
    }

    fn error(variables: &[(&str, &str)]) -> String {
        of(&Flags::default(), variables).unwrap_err().to_string()
    }

    const TORCHRUN: [(&str, &str); 6] = [
        ("RANK", "3"),
        ("WORLD_SIZE", "8"),
        ("LOCAL_RANK", "1"),
        ("LOCAL_WORLD_SIZE", "2"),
        ("MASTER_ADDR", "node7"),
        ("MASTER_PORT", "29500"),
    ];
    const SLURM: [(&str, &str); 7] = [
        ("SLURM_PROCID", "3"),
        ("SLURM_NTASKS", "8"),
        ("SLURM_STEP_NUM_TASKS", "8"),
        ("SLURM_STEP_ID", "0"),
        ("SLURM_JOB_ID", "99"),
        ("SLURM_STEP_NODELIST", "n[8-011],gpu1"),
        ("SLURM_STEP_NUM_NODES", "5"),
    ];

    #[test]
    fn every_launcher_says_who_a_rank_is() {
        let torchrun = from(&TORCHRUN);
        assert_eq!((torchrun.rank, torchrun.size, torchrun.local_size), (3, 8, Some(2)));
        assert_eq!(torchrun.master, "node7:29500");
        let slurm = from(&SLURM);
        assert_eq!((slurm.rank, slurm.size, slurm.local_size), (3, 8, None));
        assert!(slurm.master.starts_with("n8:2"), "{}", slurm.master);
        for variables in [
            [
                ("OMPI_COMM_WORLD_RANK", "1"),
                ("OMPI_COMM_WORLD_SIZE", "2"),
                ("OMPI_COMM_WORLD_LOCAL_SIZE", "2"),
            ],
            [("PMI_RANK", "1"), ("PMI_SIZE", "2"), ("MPI_LOCALNRANKS", "2")],
        ] {
            let mpi = from(&variables);
            assert_eq!((mpi.rank, mpi.size), (1, 2));
            assert!(mpi.is_on_loopback() && mpi.master.starts_with("127.0.0.1:2"), "{}", mpi.master);
        }
    }

    #[test]
    fn alone_is_no_job() {
        let alone: [&[(&str, &str)]; 4] = [
            &[],
            &[("RANK", "1")],
            &[("RANK", "0"), ("WORLD_SIZE", "1")],
            // A batch script without srun.
            &[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "2"), ("SLURM_JOB_ID", "1")],
        ];
        for variables in alone {
            assert_eq!(of(&Flags::default(), variables), Ok(None), "{variables:?}");
        }
    }

    #[test]
    fn the_port_that_torchruns_agent_holds_is_not_taken() {
        let agent = [&TORCHRUN[..], &[("TORCHELASTIC_USE_AGENT_STORE", "True")]].concat();
        let first = from(&agent).master;
        assert!(first.starts_with("node7:2") && first != "node7:29500", "{first}");
        let again = from(&[&agent[..], &[("TORCHELASTIC_RESTART_COUNT", "1")]].concat()).master;
        assert_ne!(first, again);
    }

    #[test]
    fn flags_come_first_and_disagreements_are_said() {
        let master = Some("10.0.0.1:29400".to_string());
        let flags = Flags { rank: Some(1), world_size: Some(4), master, ..Flags::default() };
        let identity = of(&flags, &TORCHRUN).unwrap().unwrap();
        assert_eq!((identity.rank, identity.size, &*identity.master), (1, 4, "10.0.0.1:29400"));
        let both =
            [&TORCHRUN[..], &[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "2"), ("SLURM_STEP_ID", "0")]].concat();
        let text = error(&both);
        assert!(text.starts_with("RANK and WORLD_SIZE say rank 3 of 8, SLURM_PROCID and"), "{text}");
        let same = [&TORCHRUN[..], &SLURM[..]].concat();
        assert_eq!(from(&same).master, "node7:29500");
    }

    #[test]
    fn an_elastic_job_has_a_size_within_its_range() {
        let flags = |rank, world_size| Flags {
            rank,
            world_size,
            elastic: Some(2..=4),
            master: Some("10.0.0.1:29400".to_string()),
        };
        let place = |flags: &Flags, variables: &[(&str, &str)]| -> Result<(usize, usize, usize)> {
            let Identity { rank, size, enough, .. } = of(flags, variables)?.unwrap();
            Ok((rank, size, enough))
        };
        assert_eq!(place(&flags(Some(3), None), &[]), Ok((3, 4, 2)));
        assert_eq!(place(&flags(Some(1), Some(3)), &[]), Ok((1, 3, 2)));
        assert_eq!(place(&flags(None, None), &[("RANK", "2"), ("WORLD_SIZE", "3")]), Ok((2, 3, 2)));
        let without = Flags { elastic: None, ..flags(Some(1), Some(3)) };
        assert_eq!(place(&without, &[]), Ok((1, 3, 3)));
        type Refused<'a> = (Flags, &'a [(&'a str, &'a str)], &'a str);
        let cases: [Refused<'_>; 6] = [
            (flags(Some(0), Some(8)), &[], "a world size of 8 beside --elastic 2..4, the place in the job: "),
            (flags(Some(0), Some(1)), &[], "a world size of 1 beside --elastic 2..4, "),
            (flags(None, None), &TORCHRUN, "a world size of 8 beside --elastic 2..4, "),
            (flags(Some(4), None), &[], "rank 4 of 4, "),
            (flags(None, Some(4)), &[], "--world-size without --rank, "),
            (flags(None, None), &[], "--elastic without --rank, "),
        ];
        for (flags, variables, expected) in cases {
            let text = of(&flags, variables).unwrap_err().to_string();
            assert!(text.starts_with(expected), "{text}");
        }
    }

    #[test]
    fn half_a_place_is_refused() {
        let flags = |rank, world_size| Flags { rank, world_size, ..Flags::default() };
        for (flags, expected) in [
            (flags(Some(1), None), "--rank without --world-size, "),
            (flags(None, Some(2)), "--world-size without --rank, "),
            (flags(Some(2), Some(2)), "rank 2 of 2, "),
            (flags(Some(0), Some(0)), "rank 0 of 0, "),
            (flags(Some(0), Some(2)), "nothing says where rank 0 is, "),
        ] {
            let text = of(&flags, &[]).unwrap_err().to_string();
            assert!(text.starts_with(expected), "{text}");
        }
        for master in ["10.0.0.1", ":29400", "host:0", "host:x", "host:99999"] {
            let flags = Flags { master: Some(master.to_string()), ..flags(Some(0), Some(2)) };
            let text = of(&flags, &[]).unwrap_err().to_string();
            assert!(text.starts_with("an address without a port, "), "{text}");
        }
        assert!(error(&[("OMPI_COMM_WORLD_RANK", "1")]).starts_with("OMPI_COMM_WORLD_RANK without "));
        assert!(error(&[("RANK", "x"), ("WORLD_SIZE", "2")]).starts_with("RANK = x is no number, "));
    }
}
