#![cfg(target_os = "linux")]
//! Ranks on four hosts: network namespaces of this machine, each with an address of its own, joined by a bridge.
//!
//! Making them takes root and the tool `ip`; where either is missing, the tests say that they skip.

mod hosts;
#[path = "../program/tiny.rs"]
mod tiny;

use hosts::Hosts;
use std::path::Path;
use std::process::{Child, Output};
use std::time::{Duration, Instant};
use tiny::TINY;

const SIZE: usize = 4;

/// `train` of the tiny network on all hosts.
fn start(hosts: &Hosts, folder: &Path, more: &[&str]) -> Vec<Child> {
    let master = format!("--master={}:29400", Hosts::address(0));
    let size = format!("--world-size={SIZE}");
    let rank = |rank: usize| {
        let number = format!("--rank={rank}");
        let place = [&number, &size, &master, "--threads=1", "--shards=8", "--json"];
        let arguments = [&["train"], TINY, &place, more].concat();
        hosts.start(rank, folder, &arguments)
    };
    (0..SIZE).map(rank).collect()
}

/// Status, result and error lines of each rank.
fn ends(job: Vec<Child>) -> Vec<(Option<i32>, String, String)> {
    let end = |child: Child| {
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&stderr).into_owned();
        let errors = text.lines().filter(|line| line.contains("error: ")).collect::<Vec<_>>().join("\n");
        (status.code(), String::from_utf8_lossy(&stdout).into_owned(), errors)
    };
    job.into_iter().map(end).collect()
}

fn digest(result: &str) -> String {
    let result: serde_json::Value = serde_json::from_str(result).unwrap();
    result["weights_digest"].as_str().unwrap().to_string()
}

fn alone(folder: &Path, more: &[&str]) -> String {
    let arguments = [&["train"], TINY, &["--shards=8", "--json"], more].concat();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tweedie"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    digest(&String::from_utf8_lossy(&output.stdout))
}

fn wait_for(path: &Path) {
    let began = Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

const LONG: [&str; 5] =
    ["--steps=100000000", "--out=run", "--checkpoint-every=20", "--set=train.grids=0", "--peer-timeout=4s"];

#[test]
fn four_hosts_train_the_weights_of_one_and_survive_what_networks_do() {
    let Some(hosts) = Hosts::new(SIZE) else {
        eprintln!("skipped: no network namespaces can be made here");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("run/checkpoints/step-00000020.safetensors");

    // Undisturbed, and with a stranger at the door, who gets 32 bytes at most.
    let expected = alone(folder.path(), &["--steps=8", "--out=alone"]);
    let job = start(&hosts, folder.path(), &["--steps=8", "--out=clean"]);
    let heard = knock(&hosts);
    let ended = ends(job);
    assert!(ended.iter().all(|(status, _, errors)| *status == Some(0) && errors.is_empty()), "{ended:?}");
    assert_eq!(digest(&ended[0].1), expected);
    assert!(heard.is_none_or(|heard| heard <= 32), "{heard:?}");

    // A rank is killed.
    let mut job = start(&hosts, folder.path(), &LONG);
    wait_for(&checkpoint);
    let began = Instant::now();
    job[2].kill().unwrap();
    for (rank, (status, _, errors)) in ends(job).into_iter().enumerate().filter(|(rank, _)| *rank != 2) {
        assert_eq!(status, Some(75), "{errors}");
        assert!(errors.starts_with(&format!("rank {rank}: error: rank 2 is lost: ")), "{errors}");
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());

    // A host loses its network.
    std::fs::remove_dir_all(folder.path().join("run")).unwrap();
    let job = start(&hosts, folder.path(), &LONG);
    wait_for(&checkpoint);
    let began = Instant::now();
    hosts.cut(3);
    let ended = ends(job);
    hosts.mend(3);
    for (rank, (status, _, errors)) in ended.iter().enumerate() {
        assert_eq!(*status, Some(75), "{errors}");
        assert!(rank == 3 || errors.contains("rank 3 is lost: "), "{errors}");
    }
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());

    // What was saved goes on, with the bits of a run that nothing happened to.
    let last = newest(&folder.path().join("run/checkpoints"));
    let steps = format!("--steps={}", last + 5);
    let ended = ends(start(&hosts, folder.path(), &[&steps, "--out=run", "--resume", "--set=train.grids=0"]));
    let expected =
        alone(folder.path(), &[&steps, "--out=again", "--set=train.grids=0", "--set=train.validate_every=0"]);
    assert_eq!(digest(&ended[0].1), expected, "{ended:?}");
}

/// Knocks at rank 0's door like a browser, until it is open; how many bytes came back.
fn knock(hosts: &Hosts) -> Option<usize> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        if let Some(heard) = hosts.knock(1, &Hosts::address(0), 29400) {
            return Some(heard.len());
        }
    }
    None
}

fn newest(checkpoints: &Path) -> u64 {
    let entries = std::fs::read_dir(checkpoints).unwrap();
    let step = |name: String| name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok();
    entries.filter_map(|entry| step(entry.unwrap().file_name().into_string().unwrap())).max().unwrap()
}
