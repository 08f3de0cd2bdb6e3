//! One run of the program, held to the bounds of a run on a file that is damaged.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The most address space, in MiB: more than what is resident.
const MEMORY: u64 = 256;
/// The most time of the processor. A run without optimization, beside other tests, is only kept from going on for ever.
const TIME: Duration = if cfg!(debug_assertions) { Duration::from_secs(20) } else { Duration::from_secs(1) };
/// What a run that waits for something may wait, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// Ticks a second of the times that the system tells.
const TICKS: u64 = 100;

/// What a run took, and whether the file was taken.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Took {
    pub(super) accepted: bool,
    /// Of the processor, in its ticks of 10 ms.
    pub(super) time: Duration,
    /// The most that was resident, in KiB, as it was seen every millisecond.
    pub(super) resident: u64,
}

/// Runs the program in `folder`, where its words go too.
///
/// # Errors
/// What it should not have done.
pub(super) fn run(folder: &Path, arguments: &[&str]) -> Result<Took, String> {
    let words = |name: &str| File::create(folder.join(name)).unwrap();
    let mut child = Command::new("bash")
        .args(["-c", "ulimit -v $(( $0 << 10 )) && exec \"$@\"", &MEMORY.to_string()])
        .arg(env!("CARGO_BIN_EXE_tweedie"))
        .args(arguments)
        .args(["--quiet", "--threads=1"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(words("stdout"))
        .stderr(words("stderr"))
        .spawn()
        .unwrap();
    let (began, mut took) = (Instant::now(), Took::default());
    let process = Path::new("/proc").join(child.id().to_string());
    // One that has ended stays in the system's list until it is waited for.
    loop {
        let stat = fs::read_to_string(process.join("stat")).unwrap();
        // What is in front may have spaces in it.
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        took.time = Duration::from_millis(1000 / TICKS * ticks);
        if fields[0] == "Z" {
            break;
        }
        took.resident = took.resident.max(resident(&process));
        if took.time > TIME || began.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(format!("not done after {:?}", took.time));
        }
        sleep(Duration::from_millis(1));
    }
    let status = child.wait().unwrap();
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    took.accepted = is_right(status.code(), &read("stdout"), &read("stderr"))
        .map_err(|why| format!("{why}, {status}: {:?}", String::from_utf8_lossy(&read("stderr"))))?;
    Ok(took)
}

/// The most that a process has held so far, in KiB.
fn resident(process: &Path) -> u64 {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// Whether the file was taken; it was either taken or refused in one line.
fn is_right(status: Option<i32>, stdout: &[u8], stderr: &[u8]) -> Result<bool, &'static str> {
    let Ok(stderr) = std::str::from_utf8(stderr) else { return Err("no text") };
    match status {
        Some(0) if !stderr.is_empty() => Err("done, with words on stderr"),
        Some(0) if serde_json::from_slice::<serde_json::Value>(stdout).is_err() => Err("no JSON"),
        Some(0) => Ok(true),
        Some(1) => {
            let line = stderr.strip_prefix("error: ").and_then(|text| text.strip_suffix('\n'));
            match line {
                None => Err("no error"),
                Some(line) if line.contains(char::is_control) => Err("more than one plain line"),
                Some(line) if line.contains("a fault of tweedie") => Err("a fault"),
                Some(line) if line.starts_with("out of memory") => Err("more memory than there is"),
                Some(line) if !line.contains(": ") => Err("it does not say what to do"),
                Some(_) => Ok(false),
            }
        }
        _ => Err("neither done nor refused"),
    }
}
