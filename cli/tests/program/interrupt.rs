#![cfg(unix)]
use crate::run::{json, program, train_tiny};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn an_interrupted_run_is_saved_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = train_tiny(&["--time-budget=10m", "--out=run", "--checkpoint-every=1000000"]);
    let child =
        program(folder.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let metrics = folder.path().join("run/metrics.jsonl");
    let began = Instant::now();
    while std::fs::metadata(&metrics).map_or(0, |file| file.len()) == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "the run does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("tweedie train --out run --resume"), "{stderr}");

    let saved: u64 = stderr
        .split("saved after step ")
        .nth(1)
        .and_then(|rest| rest.split(':').next())
        .unwrap()
        .parse()
        .unwrap();
    let steps = format!("--steps={}", saved + 2);
    assert_eq!(json(folder.path(), &["train", "--out=run", "--resume", &steps])["steps"], saved + 2);
}
