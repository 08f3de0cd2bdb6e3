//! The ranks of a job, as the command line and the launcher's variables say them, and how they begin and end together.

use crate::args::{EngineName, RanksArgs};
use crate::asked::asked;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::speaker;
use std::path::Path;
use std::time::Duration;
use tweedie_train::cluster::{
    Collective, Flags, Identity, Ranks, Secret, Team, by_mpi, is_batch_script_without_srun,
};
use tweedie_train::data::{Fingerprint, Source};
use tweedie_train::{Model, UserError, check_asked, told};

const JOIN_TIMEOUT: Duration = Duration::from_secs(60);
const PEER_TIMEOUT: Duration = Duration::from_secs(30);

/// The variables of the job's secret.
pub(crate) const SECRET: &str = "TWEEDIE_SECRET";
const SECRET_FILE: &str = "TWEEDIE_SECRET_FILE";

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The place of this process among several; none for one that is alone.
///
/// # Errors
/// A place that is only half given, launchers that disagree.
pub(crate) fn identity(args: &RanksArgs) -> Result<Option<Identity>> {
    let flags = Flags {
        rank: args.rank,
        world_size: args.world_size,
        elastic: args.elastic.clone(),
        // MPI finds the others by itself.
        master: args
            .master
            .clone()
            .or_else(|| (args.engine == EngineName::Mpi).then(|| "localhost:1".to_string())),
    };
    #[cfg(unix)]
    let parent = Some(std::os::unix::process::parent_id());
    #[cfg(not(unix))]
    let parent = None;
    let identity = Identity::of(&flags, &variable, parent).map_err(tweedie_train::Error::from)?;
    if let Some(Identity { rank, .. }) = &identity {
        speaker::is_rank(*rank);
    }
    Ok(identity)
}

/// How many ranks were asked for, whether all have come or not.
///
/// # Errors
/// As [`identity`].
pub(crate) fn asked_for(args: &RanksArgs) -> Result<usize> {
    Ok(identity(args)?.map_or(1, |identity| identity.size))
}

/// Finds the others, where there are any.
///
/// # Errors
/// As [`identity`]; a secret that cannot be used; as [`Ranks::join`].
pub(crate) fn team(args: &RanksArgs, console: Console) -> Result<Team> {
    let Some(identity) = identity(args)? else {
        if args.engine == EngineName::Mpi {
            return Err(Failure::user(
                "nothing says which rank this process is",
                "--engine mpi",
                "start it with mpirun or srun, or leave --engine out",
            ));
        }
        if is_batch_script_without_srun(&variable) {
            console.say("note: this is a batch script of several tasks, and one process of it: put srun before the command for all");
        }
        return Ok(Team::default());
    };
    let peer_timeout = args.peer_timeout.unwrap_or(PEER_TIMEOUT);
    if args.engine == EngineName::Mpi {
        let team = by_mpi(identity.rank, identity.size, peer_timeout);
        return Ok(team.map_err(tweedie_train::Error::from)?);
    }
    let secret = secret(args)?;
    if secret.is_empty() && !identity.is_on_loopback() {
        return Err(Failure::user(
            "a job on several machines needs a secret",
            format!("--master {}", identity.master),
            format!("set {SECRET} to the same random text for all ranks, or {SECRET_FILE} to a file of it"),
        ));
    }
    if secret.is_empty() && identity.rank == 0 {
        console.say(format!("note: without {SECRET}, any process of this machine may pass for a rank"));
    }
    let Identity { rank: asked_rank, size: asked_size, enough, master, .. } = identity;
    let ranks = Ranks {
        rank: asked_rank,
        size: asked_size,
        enough,
        master,
        secret,
        join_timeout: args.join_timeout.unwrap_or(JOIN_TIMEOUT),
        peer_timeout,
    };
    let joined = ranks.join().map_err(tweedie_train::Error::from)?;
    let (rank, size) = (joined.rank(), joined.size());
    speaker::is_rank(rank);
    if rank == 0 && size < asked_size {
        console.say(format!("note: {size} of {asked_size} ranks have come, and go on together"));
    }
    if rank != asked_rank {
        console.say(format!("note: rank {asked_rank} is rank {rank} of {size} from now on"));
    }
    match size {
        1 => Ok(Team::default()),
        _ => Ok(joined.start().map_err(tweedie_train::Error::from)?),
    }
}

/// Does `work`, which is not training, together with the other ranks, where there are any. Only rank 0 speaks.
///
/// # Errors
/// As [`team`]; those of the work.
pub(crate) fn together(
    args: &RanksArgs,
    console: Console,
    work: impl FnOnce(&mut Team, Console) -> Result<()>,
) -> Result<()> {
    let mut team = team(args, console)?;
    let is_first = team.rank() == 0;
    let done = work(&mut team, Console { quiet: console.quiet || !is_first, ..console });
    match done {
        Ok(()) => match team.end() {
            // Its results are there.
            Err(_) if is_first => Ok(()),
            ended => Ok(ended.map_err(tweedie_train::Error::from)?),
        },
        Err(Failure::User(error)) => {
            team.fail(&error.to_string());
            Err(Failure::User(error))
        }
        Err(Failure::Lost(UserError { what, place, .. })) => {
            Err(Failure::Lost(UserError::new(what, place, "start all ranks again")))
        }
        // All have come to this; none leaves before the others have.
        Err(Failure::Interrupted(what)) => {
            let _ = team.end();
            Err(Failure::Interrupted(what))
        }
        done => done,
    }
}

/// What every rank needs for the work, which `prepare` makes. Ranks with other options, or with another `model`, are refused.
///
/// # Errors
/// Those of `prepare`; ranks that do not fit together.
pub(crate) fn prepared<T>(
    team: &mut Team,
    prepare: impl FnOnce() -> Result<T>,
    model: impl FnOnce(&T) -> Option<&Model>,
) -> Result<T> {
    let prepared = rank_0_first(team, prepare)?;
    if team.size() == 1 {
        return Ok(prepared);
    }
    let mut asked = asked();
    asked.extend(model(&prepared).map(|model| ("MODEL".to_string(), model.digest())));
    check_asked(team, asked)?;
    Ok(prepared)
}

/// Does on every rank what it may have to refuse: on rank 0 first, so that what is wrong everywhere is said once.
///
/// # Errors
/// Those of `check`; a rank that is lost or has failed.
pub(crate) fn rank_0_first<T>(team: &mut Team, check: impl FnOnce() -> Result<T>) -> Result<T> {
    if team.rank() > 0 {
        told(team, ())?;
        return check();
    }
    let checked = check()?;
    told(team, ())?;
    Ok(checked)
}

/// Refuses ranks that do not have the same pictures; the option `place` gave them.
///
/// # Errors
/// As [`prepared`]; pictures that cannot be read.
pub(crate) fn check_data(team: &mut Team, source: &dyn Source, place: &str) -> Result<()> {
    if team.size() == 1 {
        return Ok(());
    }
    Ok(tweedie_train::check_data(team, Fingerprint::of(source)?, place)?)
}

/// The job's secret: the variable's, or that of a file.
///
/// # Errors
/// A file that cannot be read, or that others may read too.
fn secret(args: &RanksArgs) -> Result<Secret> {
    let from_variable = variable(SECRET_FILE).filter(|path| !path.is_empty());
    let (path, place) = match (&args.secret_file, variable(SECRET), from_variable) {
        (Some(path), _, _) => (path.clone(), format!("--secret-file {}", path.display())),
        (None, Some(secret), _) => return Ok(Secret::new(secret.as_bytes())),
        (None, None, Some(path)) => (path.clone().into(), format!("{SECRET_FILE}={path}")),
        (None, None, None) => return Ok(Secret::new(b"")),
    };
    only_for_its_owner(&path, &place)?;
    let text = tweedie_train::files::read_text(&path).map_err(|error| {
        Failure::user(format!("cannot read the secret ({error})"), &*place, "give a file of text")
    })?;
    let secret = Secret::new(text.as_bytes());
    match secret.is_empty() {
        true => Err(Failure::user("an empty secret", place, "write random text into the file")),
        false => Ok(secret),
    }
}

#[cfg(unix)]
fn only_for_its_owner(path: &Path, place: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // A file that is not there is reported when it is read.
    let mode = std::fs::metadata(path).map_or(0, |about| about.permissions().mode());
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let mode = mode & 0o777;
    Err(Failure::user(format!("a secret that others may read (mode {mode:o})"), place, "chmod 600 it"))
}

#[cfg(not(unix))]
fn only_for_its_owner(_: &Path, _: &str) -> Result<()> {
    Ok(())
}
