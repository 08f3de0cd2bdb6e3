//! One process trains in a run directory.

use crate::run::{files, program, train_tiny, tweedie};
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

fn spawn(folder: &std::path::Path, arguments: &[&str]) -> Child {
    program(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn of_two_that_begin_at_once_one_trains_and_the_other_names_it() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..6 {
        let out = format!("--out=run{round}");
        let arguments = train_tiny(&["--steps=3", "--set=train.grids=0", "--threads=1", &out]);
        let pair = [(); 2].map(|()| spawn(folder.path(), &arguments));
        let ids = pair.each_ref().map(Child::id);
        let ends = pair.map(|child| child.wait_with_output().unwrap());
        let trained: Vec<usize> = (0..2).filter(|&i| ends[i].status.success()).collect();
        assert_eq!(trained.len(), 1, "{ends:?}");
        let (winner, loser) = (trained[0], 1 - trained[0]);
        assert_eq!(ends[loser].status.code(), Some(1));
        let said = String::from_utf8_lossy(&ends[loser].stderr);
        let named = format!("process {} on ", ids[winner]);
        // Whoever comes when the other has ended meets its run.
        assert!(said.contains(&named) || said.contains("a run is there already"), "{said}");
        assert!(said.starts_with("error: ") && said.trim_end().lines().count() == 1, "{said}");
        let metrics = fs::read_to_string(folder.path().join(format!("run{round}/metrics.jsonl"))).unwrap();
        assert_eq!(metrics.lines().count(), 2, "{metrics}");
    }
}

#[test]
fn a_run_that_is_killed_leaves_its_directory_to_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = train_tiny(&["--steps=1000000", "--checkpoint-every=2", "--out=run"]);
    let mut child = spawn(folder.path(), &arguments);
    let checkpoints = folder.path().join("run/checkpoints");
    let began = Instant::now();
    while fs::read_dir(&checkpoints).map_or(0, |entries| entries.count()) < 2 {
        assert!(began.elapsed() < Duration::from_secs(60), "the run does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    let before = files(&folder.path().join("run"));
    for more in [&["train", "--out=run", "--resume"][..], &train_tiny(&["--steps=1", "--out=run"])] {
        let said = tweedie(folder.path(), more);
        assert_eq!(said.status, Some(1), "{}", said.stderr);
    }
    let said = tweedie(folder.path(), &["train", "--out=run", "--resume", "--steps=4"]);
    assert!(said.stderr.contains(&format!("process {} on ", child.id())), "{}", said.stderr);
    assert!(before.iter().any(|name| name == "run.lock"), "{before:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    let said =
        tweedie(folder.path(), &["train", "--out=run", "--resume", "--steps=1000", "--time-budget=1s"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
}

#[test]
fn what_is_refused_before_the_first_step_leaves_no_directory() {
    let folder = tempfile::tempdir().unwrap();
    let said = tweedie(folder.path(), &train_tiny(&["--steps=1", "--set=optimizer.clip=0"]));
    assert_eq!(said.status, Some(1), "{}", said.stderr);
    assert_eq!(files(folder.path()), Vec::<String>::new());
}
