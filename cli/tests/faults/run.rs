//! A run left alone, and the same run under faults.

use crate::faults::{Fault, Filled, checkpoints, pause, signal};
use crate::tiny::TINY;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tweedie_tensor::random::{Purpose, Stream};

/// What differs between two runs of the same bits: clocks and memory.
const MEASURED: [&str; 6] = ["images_per_second", "rss_mib", "peak_rss_mib", "seconds", "data_wait", "run"];

/// Streams that say when and where a fault happens.
const MOMENTS: Purpose = Purpose::new(200);

/// The command of a program: itself, or an emulator and the program.
pub(crate) type Program = Vec<PathBuf>;

/// The program for this machine.
pub(crate) fn native() -> Program {
    vec![env!("CARGO_BIN_EXE_tweedie").into()]
}

/// The program for 64-bit Arm, where there is one and an emulator for it.
pub(crate) fn emulated() -> Option<Program> {
    let program = std::env::var_os("TWEEDIE_AARCH64")?;
    let emulator = "qemu-aarch64";
    let is_there = Command::new(emulator).arg("--version").output().is_ok_and(|said| said.status.success());
    is_there.then(|| vec![emulator.into(), program.into()])
}

/// A run that is repeated under faults.
pub(crate) struct Run {
    arguments: Vec<String>,
    /// Whether every second session is on 64-bit Arm, where an emulator of it is there.
    on_arm_too: bool,
}

/// The part of the time of a run left alone within which a fault happens.
const SOON: u32 = 4;

impl Run {
    /// A tiny network on digits that the program draws.
    pub(crate) fn tiny(steps: u64) -> Run {
        let more = ["--set=train.log_every=5", "--set=train.validate_every=10", "--set=train.grids=2"];
        Run::with([TINY, &more, &["--checkpoint-every=4"]].concat(), steps)
    }

    /// A preset's own network, in small batches; of the largest a narrower one.
    pub(crate) fn of_preset(preset: &str) -> Run {
        let data = match preset {
            "captions" => "scenes",
            "pictures" | "cifar" => "shapes",
            _ => "glyphs",
        };
        // A quarter of its channels: a checkpoint of all of them has half a gigabyte.
        let size: &[&str] = match preset {
            "cifar" => &["--set=model.block_out_channels=[32, 64, 64, 64]"],
            _ => &[],
        };
        let [preset, data] =
            [("preset", preset), ("data", data)].map(|(key, value)| format!("--{key}={value}"));
        let more =
            ["--batch=2", "--set=train.log_every=3", "--set=train.validate_every=0", "--set=train.grids=0"];
        Run::with([&[&preset[..], &data][..], size, &more, &["--checkpoint-every=2"]].concat(), 24)
    }

    /// The same, with every second session on 64-bit Arm.
    pub(crate) fn on_arm_too(mut self) -> Run {
        self.on_arm_too = true;
        self
    }

    fn with(arguments: Vec<&str>, steps: u64) -> Run {
        let steps = format!("--steps={steps}");
        let arguments =
            arguments.into_iter().chain([&steps[..], "--set=train.keep=3"]).map(String::from).collect();
        Run { arguments, on_arm_too: false }
    }

    /// The same on other data.
    pub(crate) fn on(mut self, data: &str) -> Run {
        self.arguments.push(format!("--data={data}"));
        self
    }

    /// The digest of the weights that a program trains.
    pub(crate) fn digest_of(&self, program: &Program) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let said = self.command(program, folder.path(), false, 2).output().unwrap();
        summary(&said)["weights_digest"].clone()
    }

    /// Meets `faults` in turn until `strikes` have happened, resumes after each, and ends as if left alone: weights,
    /// summary and metrics.
    pub(crate) fn survives(&self, faults: &[Fault], strikes: usize, seed: u64) {
        let began = Instant::now();
        let alone = Finished::of(self.left_alone());
        let soon = (began.elapsed() / SOON).as_millis() as u64 + 1;
        let folder = tempfile::tempdir().unwrap();
        let mut random = Stream::new(seed, MOMENTS, 0, 0);
        let mut happened = 0;
        for attempt in 0.. {
            let fault = faults[happened % faults.len()];
            let mut child = self.begin(folder.path(), attempt, &mut random);
            if happened < strikes && attempt <= 10 * strikes {
                pause(&mut random, soon);
                if child.try_wait().unwrap().is_none() {
                    let has_struck = fault.strike(&mut child, &folder.path().join("run"), &mut random);
                    happened += usize::from(has_struck);
                }
            }
            let said = child.wait_with_output().unwrap();
            match said.status.code() {
                Some(0) if happened >= strikes || attempt > 10 * strikes => {
                    let ended = Finished::of((folder, summary(&said)));
                    assert_eq!(ended, alone, "after {happened} faults of {faults:?}, seed {seed}");
                    eprintln!("{happened} faults in {} sessions", attempt + 1);
                    return;
                }
                // Faster than the fault: the run begins again from an earlier checkpoint.
                Some(0) => back(&folder.path().join("run"), &mut random),
                None | Some(130) => {}
                other => panic!("{fault:?}, seed {seed}: status {other:?}: {}", text(&said.stderr)),
            }
        }
    }

    /// Meets a fault that takes files away while it runs, and ends as if left alone but for pictures: weights, summary and
    /// metrics.
    pub(crate) fn keeps_its_work(&self, fault: Fault, seed: u64) {
        let alone = Finished::of(self.left_alone());
        let folder = tempfile::tempdir().unwrap();
        let mut random = Stream::new(seed, MOMENTS, 1, 0);
        let run = folder.path().join("run");
        let mut child = self.begin(folder.path(), 0, &mut random);
        while checkpoints(&run).is_empty() && child.try_wait().unwrap().is_none() {
            pause(&mut random, 5);
        }
        fault.strike(&mut child, &run, &mut random);
        let said = child.wait_with_output().unwrap();
        assert_eq!(said.status.code(), Some(0), "{fault:?}: {}", text(&said.stderr));
        assert!(!checkpoints(&run).is_empty() && run.join("config.toml").exists(), "{fault:?}");
        let ended = Finished::of((folder, summary(&said)));
        // Grids that are gone are not painted again.
        assert_eq!((ended.summary, ended.metrics), (alone.summary, alone.metrics), "{fault:?}");
    }

    /// Trains on a disk that is full until a moment before the end.
    pub(crate) fn fills(&self, disk: &Filled) {
        let (_alone, expected) = self.left_alone();
        let mut random = Stream::new(0, MOMENTS, 2, 0);
        let stuffing = disk.path().join("stuffing");
        let child = self.begin(disk.path(), 0, &mut random);
        while checkpoints(&disk.path().join("run")).is_empty() {
            pause(&mut random, 5);
        }
        // Until the disk is full.
        let _ = fs::write(&stuffing, vec![1; 8 << 20]);
        std::thread::sleep(std::time::Duration::from_millis(300));
        fs::remove_file(&stuffing).unwrap();
        let said = child.wait_with_output().unwrap();
        assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
        assert_eq!(summary(&said)["weights_digest"], expected["weights_digest"]);
    }

    /// Is asked to save again and again until it ends, and ends as if left alone.
    pub(crate) fn saves_on_request(&self, every: Duration) {
        let alone = Finished::of(self.left_alone());
        let folder = tempfile::tempdir().unwrap();
        let mut child = self.begin(folder.path(), 0, &mut Stream::new(0, MOMENTS, 3, 0));
        // Before its first checkpoint a process may not listen to signals yet.
        while checkpoints(&folder.path().join("run")).is_empty() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut asked = 0;
        while child.try_wait().unwrap().is_none() {
            signal(&child, "USR1");
            asked += 1;
            std::thread::sleep(every);
        }
        let said = child.wait_with_output().unwrap();
        assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
        assert_eq!(Finished::of((folder, summary(&said))), alone, "after {asked} requests");
        assert!(asked > 0);
        eprintln!("asked to save {asked} times");
    }

    fn left_alone(&self) -> (TempDir, Value) {
        let folder = tempfile::tempdir().unwrap();
        let said = self.command(&native(), folder.path(), false, 1).output().unwrap();
        let summary = summary(&said);
        (folder, summary)
    }

    /// Begins the run, or goes on with it, under a number of threads and an instruction set drawn at random.
    fn begin(&self, folder: &Path, attempt: usize, random: &mut Stream) -> Child {
        let program = emulated().filter(|_| self.on_arm_too && attempt % 2 == 1).unwrap_or_else(native);
        let is_there = folder.join("run/config.toml").exists() || folder.join("run/checkpoints").exists();
        let threads = 1 + random.next_u64() % 3;
        let mut command = self.command(&program, folder, is_there, threads);
        let native = program.len() == 1;
        let sets: &[&str] = if native { &["avx512", "avx2", "portable"] } else { &["neon", "portable"] };
        command.env("TWEEDIE_SIMD", sets[random.next_u64() as usize % sets.len()]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn command(&self, program: &Program, folder: &Path, resume: bool, threads: u64) -> Command {
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).arg("train").args(&self.arguments).current_dir(folder);
        command.args(["--out=run", "--json", "--quiet", "--threads", &threads.to_string()]);
        if resume {
            command.arg("--resume");
        }
        command
    }
}

/// Removes the newest checkpoint, so that a run has something left to do.
fn back(run: &Path, random: &mut Stream) {
    let mut there = checkpoints(run);
    for _ in 0..=random.next_u64() % 2 {
        if there.len() > 1
            && let Some(newest) = there.pop()
        {
            fs::remove_file(newest).unwrap();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn summary(said: &Output) -> Value {
    serde_json::from_slice(&said.stdout).unwrap_or_else(|_| panic!("no summary: {}", text(&said.stderr)))
}

/// All that two runs of the same bits have in common.
#[derive(Debug, PartialEq)]
struct Finished {
    summary: Value,
    metrics: Vec<Value>,
    grids: Vec<String>,
}

impl Finished {
    fn of((folder, summary): (TempDir, Value)) -> Finished {
        let run = folder.path().join("run");
        let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        let lines = metrics.lines().map(|line| without_clocks(serde_json::from_str(line).unwrap()));
        let mut grids: Vec<String> = fs::read_dir(run.join("samples"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        grids.sort();
        Finished { summary: without_clocks(summary), metrics: lines.collect(), grids }
    }
}

fn without_clocks(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|key, _| !MEASURED.contains(&&key[..]));
    }
    value
}
