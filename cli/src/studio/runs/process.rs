use super::super::shelf::Shelf;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tweedie_train::RunLock;

/// Lines of a process that are kept for the page.
const KEPT_LINES: usize = 40;
/// How long a process is given to save and end when the studio ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a process that is to end is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The processes that train for the studio, by the names of their runs.
#[derive(Default)]
pub(in super::super) struct Runs {
    processes: Mutex<BTreeMap<String, Process>>,
}

/// A process that trains, or has trained.
struct Process {
    child: Child,
    /// What it has said last.
    said: Arc<Mutex<VecDeque<String>>>,
}

/// How a process that the studio started is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Standing {
    /// Its status, where it has ended.
    pub(super) ended: Option<i32>,
    pub(super) said: Vec<String>,
}

/// A run to begin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Begin {
    name: String,
    data: String,
    #[serde(default)]
    preset: Option<String>,
    /// As the command line takes it: 3m, 90s.
    #[serde(default)]
    time_budget: Option<String>,
    #[serde(default)]
    steps: Option<u64>,
    #[serde(default)]
    batch: Option<u32>,
    #[serde(default)]
    image_size: Option<u32>,
    #[serde(default)]
    seed: Option<u64>,
}

/// A run to go on with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Resume {
    name: String,
    #[serde(default)]
    time_budget: Option<String>,
    #[serde(default)]
    steps: Option<u64>,
}

/// The options that say how far a run goes.
fn end_options(time_budget: Option<&String>, steps: Option<u64>) -> Vec<String> {
    let time = time_budget.map(|time| format!("--time-budget={time}"));
    time.into_iter().chain(steps.map(|steps| format!("--steps={steps}"))).collect()
}

impl Runs {
    /// Begins a run; returns its name.
    ///
    /// # Errors
    /// A name that is taken or leads elsewhere; a process that does not start.
    pub(in super::super) fn begin(&self, shelf: &Shelf, asked: &Begin) -> Result<String> {
        let path = shelf.new_run(&asked.name)?;
        if path.exists() {
            return Err(Failure::user(
                "there is a run of this name already",
                &asked.name,
                "give another, or resume that one",
            ));
        }
        let mut options = vec![format!("--data={}", asked.data)];
        options.extend(asked.preset.as_ref().map(|name| format!("--preset={name}")));
        options.extend(end_options(asked.time_budget.as_ref(), asked.steps));
        options.extend(asked.batch.map(|n| format!("--batch={n}")));
        options.extend(asked.image_size.map(|n| format!("--image-size={n}")));
        options.extend(asked.seed.map(|n| format!("--seed={n}")));
        self.start(&asked.name, &path, &options)
    }

    /// Goes on with a run; returns its name.
    ///
    /// # Errors
    /// No such run, or one that is trained at this moment; a process that does not start.
    pub(in super::super) fn resume(&self, shelf: &Shelf, asked: &Resume) -> Result<String> {
        let path = shelf.path(&asked.name)?;
        let mut options = vec!["--resume".to_string()];
        options.extend(end_options(asked.time_budget.as_ref(), asked.steps));
        self.start(&asked.name, &path, &options)
    }

    fn start(&self, name: &str, path: &Path, options: &[String]) -> Result<String> {
        let cannot = |error: std::io::Error| {
            Failure::user(format!("training does not start ({error})"), name, "close other programs")
        };
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_alive = |process: &mut Process| matches!(process.child.try_wait(), Ok(None));
        if processes.get_mut(name).is_some_and(is_alive) || RunLock::owner(path).is_some() {
            return Err(Failure::user("the run is being trained", name, "stop it first"));
        }
        let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
        command.arg("train").arg("--out").arg(path).args(options);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // Ctrl-C in the terminal is for the studio, which passes it on.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(cannot)?;
        let said = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(stderr) = child.stderr.take() {
            let said = Arc::clone(&said);
            // Without a reader, the process would wait once the pipe is full.
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(std::io::Result::ok) {
                    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                    said.push_back(line);
                    let more = said.len().saturating_sub(KEPT_LINES);
                    said.drain(..more);
                }
            });
        }
        processes.insert(name.to_string(), Process { child, said });
        Ok(name.to_string())
    }

    /// Asks whoever trains in the run to save and end.
    ///
    /// # Errors
    /// Nobody does, or somebody on another machine.
    pub(in super::super) fn stop(&self, shelf: &Shelf, name: &str) -> Result<()> {
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = processes.get_mut(name)
            && matches!(process.child.try_wait(), Ok(None))
        {
            return ask_to_end(process.child.id(), name);
        }
        let Some(owner) = RunLock::owner(&shelf.path(name)?) else {
            return Err(Failure::user("nobody trains it", name, "look again"));
        };
        match owner.is_here() {
            true => ask_to_end(owner.pid, name),
            false => {
                let what = format!(
                    "process {} on {} trains it, which is out of reach from here",
                    owner.pid, owner.host
                );
                Err(Failure::user(what, name, "stop it there"))
            }
        }
    }

    /// How the process is that the studio started for the run, if it did.
    pub(super) fn standing(&self, name: &str) -> Option<Standing> {
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        let process = processes.get_mut(name)?;
        let ended = process.child.try_wait().ok().flatten().map(|status| status.code().unwrap_or(-1));
        let said = process.said.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Standing { ended, said: said.iter().cloned().collect() })
    }

    /// Has every process save and end, and waits for it.
    pub(in super::super) fn end_all(&self, console: Console) {
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left: Vec<_> = processes.iter_mut().collect();
        left.retain_mut(|(name, process)| {
            let alive = matches!(process.child.try_wait(), Ok(None));
            if alive {
                console.say(format!("{name} is asked to save and stop"));
                if let Err(failure) = ask_to_end(process.child.id(), name) {
                    console.say(failure.to_string());
                }
            }
            alive
        });
        let began = Instant::now();
        while !left.is_empty() && began.elapsed() < PATIENCE {
            std::thread::sleep(LOOK);
            left.retain_mut(|(_, process)| matches!(process.child.try_wait(), Ok(None)));
        }
        for (name, process) in left {
            console.say(format!("{name} is still being saved, by process {}", process.child.id()));
        }
    }
}

/// Asks the process that trains in run `name` to save and end.
fn ask_to_end(process: u32, name: &str) -> Result<()> {
    let cannot = |why: String| {
        let what = format!("process {process} cannot be asked to stop ({why})");
        Err(Failure::user(what, name, "stop it yourself"))
    };
    match interrupt::ask_to_end(process) {
        Some(Ok(true)) => Ok(()),
        Some(Ok(false)) => cannot("it has ended, or belongs to somebody else".to_string()),
        Some(Err(error)) => cannot(error.to_string()),
        None => cannot("this system has no such signal".to_string()),
    }
}
