#![cfg(unix)]
//! Signals by which a system asks a run to save or to end.

use crate::run::{json, program, train_tiny};
use serde_json::Value;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) fn send(signal: &str, to: &Child) {
    assert!(Command::new("kill").args([signal, &to.id().to_string()]).status().unwrap().success());
}

/// A run of many steps that has begun to train.
fn begun(folder: &Path, arguments: &[&str]) -> Child {
    let child = program(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| fs::metadata(folder.join("run/metrics.jsonl")).is_ok_and(|file| file.len() > 0));
    child
}

pub(crate) fn wait_for(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "what was waited for does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The lines of a run's metrics without what depends on clocks.
pub(crate) fn lines(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let timeless = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        for key in ["images_per_second", "data_wait", "rss_mib", "seconds"] {
            assert!(line.as_object_mut().unwrap().remove(key).is_some());
        }
        line
    };
    text.lines().map(timeless).collect()
}

const ENDLESS: [&str; 4] =
    ["--steps=100000000", "--out=run", "--checkpoint-every=100000000", "--set=train.grids=0"];

#[test]
fn every_signal_to_end_saves_first() {
    for signal in ["-TERM", "-INT", "-HUP", "-XCPU"] {
        let folder = tempfile::tempdir().unwrap();
        let child = begun(folder.path(), &train_tiny(&ENDLESS));
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal}: {}", said(&output));
        assert!(said(&output).contains("saved after step "), "{signal}: {}", said(&output));
        assert_eq!(fs::read_dir(folder.path().join("run/checkpoints")).unwrap().count(), 1, "{signal}");
    }
}

#[test]
fn a_signal_to_save_saves_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let steps = ["--steps=150", "--checkpoint-every=1000", "--set=train.grids=2", "--json"];
    let whole = json(folder.path(), &train_tiny(&[&steps[..3], &["--out=whole"]].concat()));
    let mut child = begun(folder.path(), &train_tiny(&[&steps[..], &["--out=run"]].concat()));
    for _ in 0..10 {
        send("-USR1", &child);
    }
    let checkpoints = folder.path().join("run/checkpoints");
    wait_for(|| fs::read_dir(&checkpoints).unwrap().count() > 0 || child.try_wait().unwrap().is_some());
    // As long as it is there; it may be gone between two of these.
    while child.try_wait().unwrap().is_none() {
        let _ = Command::new("kill").args(["-USR1", &child.id().to_string()]).stderr(Stdio::null()).status();
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("saving a checkpoint after this step"), "{}", said(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in ["weights_digest", "loss", "steps"] {
        assert_eq!(summary[key], whole[key], "{key}");
    }
    assert_eq!(lines(&folder.path().join("run")), lines(&folder.path().join("whole")));
}

#[test]
fn a_signal_to_save_before_the_first_step_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = train_tiny(&["--steps=2", "--out=run"]);
    let mut child = program(folder.path(), &arguments).stderr(Stdio::piped()).spawn().unwrap();
    // From the lock on, which is the first that it does with the directory.
    wait_for(|| folder.path().join("run/run.lock").exists());
    if child.try_wait().unwrap().is_none() {
        send("-USR1", &child);
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn signals_that_a_system_sends_again_and_again_end_nothing_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let child = begun(folder.path(), &train_tiny(&ENDLESS));
    send("-STOP", &child);
    for _ in 0..3 {
        send("-XCPU", &child);
        send("-HUP", &child);
    }
    send("-CONT", &child);
    let output = child.wait_with_output().unwrap();
    assert!(said(&output).contains("saved after step "), "{}", said(&output));
    assert_eq!((output.status.code(), output.status.signal()), (Some(130), None));
}

#[test]
fn a_second_signal_that_a_person_sends_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let child = begun(folder.path(), &train_tiny(&[&ENDLESS[..], &["--batch=256"]].concat()));
    // Both wait for the process to go on.
    ["-STOP", "-TERM", "-INT", "-CONT"].iter().for_each(|signal| send(signal, &child));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(!said(&output).contains("saved after step "), "{}", said(&output));
    assert_eq!(fs::read_dir(folder.path().join("run/checkpoints")).unwrap().count(), 0);
}

#[test]
fn a_signal_to_end_waits_for_no_more_than_the_step_and_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let child = begun(folder.path(), &train_tiny(&ENDLESS));
    send("-STOP", &child);
    let last = lines(&folder.path().join("run")).last().unwrap()["step"].as_u64().unwrap();
    send("-TERM", &child);
    send("-CONT", &child);
    let output = child.wait_with_output().unwrap();
    let saved = said(&output);
    let saved = saved.split("saved after step ").nth(1).and_then(|rest| rest.split(':').next());
    let saved: u64 = saved.unwrap_or_default().parse().unwrap();
    // A line every two steps; the thread that hears signals may come late on a busy machine.
    assert!((last..last + 100).contains(&saved), "step {last}, {}", said(&output));
}

#[test]
fn a_stopped_process_uses_no_time_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let child = begun(folder.path(), &train_tiny(&ENDLESS));
    send("-STOP", &child);
    std::thread::sleep(Duration::from_millis(100));
    let metrics = folder.path().join("run/metrics.jsonl");
    let length = || fs::metadata(&metrics).unwrap().len();
    let before = length();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(length(), before);
    send("-CONT", &child);
    wait_for(|| length() > before);
    send("-TERM", &child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
}

#[test]
fn under_nohup_the_end_of_the_terminal_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let binary = program(folder.path(), &[]).get_program().to_owned();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(binary).args(train_tiny(&ENDLESS));
    let child =
        command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| fs::metadata(folder.path().join("run/metrics.jsonl")).is_ok_and(|file| file.len() > 0));
    let length = || fs::metadata(folder.path().join("run/metrics.jsonl")).unwrap().len();
    send("-HUP", &child);
    let before = length();
    wait_for(|| length() > before + 1000);
    send("-TERM", &child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
}

#[test]
fn a_save_that_takes_longer_than_the_grace_time_is_noted_once() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--steps=6", "--checkpoint-every=2", "--out=run", "--grace=1ms"];
    let child = program(folder.path(), &train_tiny(&arguments)).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(said(&output).matches("longer than the grace time of 0.0 s").count(), 1, "{}", said(&output));
    let enough = ["--steps=6", "--checkpoint-every=2", "--out=other", "--grace=1h"];
    let child = program(folder.path(), &train_tiny(&enough)).stderr(Stdio::piped()).spawn().unwrap();
    assert!(!said(&child.wait_with_output().unwrap()).contains("grace"));
}
