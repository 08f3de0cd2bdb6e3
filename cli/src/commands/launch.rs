//! `tweedie launch`: several ranks on this machine.

use crate::args::{Everywhere, LaunchArgs};
use crate::console::Console;
use crate::error::{Failure, LOST, Result};
use crate::interrupt::{Interrupt, ask_to_end};
use crate::ranks::SECRET;
use std::ffi::OsString;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tweedie_train::cluster::Secret;

/// Between two looks at the ranks.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the others may take to end by themselves once one has failed.
const PATIENCE: Duration = Duration::from_secs(40);

/// Starts the ranks, and waits for them.
///
/// # Errors
/// What the first rank that failed ended with.
pub(crate) fn launch(args: &LaunchArgs, everywhere: &Everywhere, console: Console) -> Result<()> {
    let interrupt = Interrupt::listen(console, "waiting for the ranks to end");
    let mut command = args.command.clone();
    command.extend(everywhere.given().into_iter().map(OsString::from));
    for again in 0..=args.restarts {
        let status = job(args, &command, &interrupt)?;
        match status {
            0 => return Ok(()),
            LOST if again < args.restarts && !interrupt.asked() => {
                console.say(format!("a rank was lost: starting again, {} of {}", again + 1, args.restarts));
                let trains = command.first().is_some_and(|word| word == "train");
                if trains && !command.iter().any(|word| word == "--resume") {
                    command.push("--resume".into());
                }
            }
            status => return Err(Failure::Ended(status)),
        }
    }
    Ok(())
}

/// One start of all ranks; the status of the first that failed.
fn job(args: &LaunchArgs, command: &[OsString], interrupt: &Interrupt) -> Result<u8> {
    let cannot = |error: std::io::Error| {
        Failure::user(format!("cannot start a rank ({error})"), "launch", "check the system's limits")
    };
    let program = std::env::current_exe().map_err(cannot)?;
    let secret = Secret::random().map_err(cannot)?;
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(cannot)?.port();
    let size = args.ranks.to_string();
    let mut ranks: Vec<Option<Child>> = Vec::new();
    for rank in 0..args.ranks {
        let mut child = Command::new(&program);
        child.args(command).env("RANK", rank.to_string()).env("LOCAL_RANK", rank.to_string());
        child.env("WORLD_SIZE", &size).env("LOCAL_WORLD_SIZE", &size);
        child.env("MASTER_ADDR", "127.0.0.1").env("MASTER_PORT", port.to_string()).env(SECRET, &secret);
        for theirs in ["SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "TORCHELASTIC_USE_AGENT_STORE"] {
            child.env_remove(theirs);
        }
        if rank > 0 {
            child.stdin(Stdio::null()).stdout(Stdio::null());
        }
        // A terminal's own signal would come to the ranks beside the one that is passed on, and two mean: at once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut child, 0);
        match child.spawn() {
            Ok(child) => ranks.push(Some(child)),
            Err(error) => {
                for mut child in ranks.into_iter().flatten() {
                    let _ = child.kill().and_then(|()| child.wait());
                }
                return Err(cannot(error));
            }
        }
    }
    let (mut failed, mut since, mut has_asked) = (0, None, false);
    loop {
        for rank in &mut ranks {
            let Some(Some(status)) = rank.as_mut().map(|child| child.try_wait().ok().flatten()) else {
                continue;
            };
            *rank = None;
            // A rank that a signal ended is lost to the others.
            let status = status.code().map_or(LOST, |code| u8::try_from(code).unwrap_or(1));
            if failed == 0 && status != 0 {
                (failed, since) = (status, Some(Instant::now()));
            }
        }
        if ranks.iter().all(Option::is_none) {
            return Ok(failed);
        }
        let late = since.is_some_and(|since: Instant| since.elapsed() > PATIENCE);
        for child in ranks.iter_mut().flatten().filter(|_| late) {
            // One that hangs is past asking.
            let _ = child.kill();
        }
        if interrupt.asked() && !std::mem::replace(&mut has_asked, true) {
            // The wish to end reaches the launcher alone, which passes it on.
            for child in ranks.iter().flatten() {
                let _ = ask_to_end(child.id());
            }
        }
        thread::sleep(PAUSE);
    }
}
