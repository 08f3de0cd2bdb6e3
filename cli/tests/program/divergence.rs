//! Runs whose numbers stop being finite.

use crate::run::{files, json, train_tiny, tweedie};
use std::fs;
use std::path::Path;

fn checkpoints(run: &Path) -> Vec<String> {
    files(run).into_iter().filter(|name| name.ends_with(".safetensors")).collect()
}

const ENDLESS: &str = "--set=optimizer.learning_rate=1e39";

#[test]
fn weights_that_are_not_finite_are_never_saved_and_a_lower_rate_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let said = tweedie(folder.path(), &train_tiny(&[ENDLESS, "--steps=1", "--out=run"]));
    assert_eq!(said.status, Some(1), "{}", said.stderr);
    let error = said.stderr.lines().last().unwrap();
    for part in
        ["output is no longer finite", " of layer ", " at t = ", ", step 1: ", "optimizer.learning_rate="]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(checkpoints(&folder.path().join("run")), Vec::<String>::new());
    // What the error says to do.
    let rate = error.split("--set optimizer.learning_rate=").nth(1).unwrap().split(',').next().unwrap();
    let set = format!("--set=optimizer.learning_rate={rate}");
    assert_eq!(set, "--set=optimizer.learning_rate=1e38");
    let again =
        json(folder.path(), &["train", "--out=run", "--resume", "--set=optimizer.learning_rate=1e-3"]);
    let whole = json(folder.path(), &train_tiny(&["--steps=1", "--out=whole"]));
    assert_eq!(again["weights_digest"], whole["weights_digest"]);
}

#[test]
fn a_run_that_diverges_later_keeps_its_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let whole = json(folder.path(), &train_tiny(&["--steps=6", "--out=whole"]));
    json(folder.path(), &train_tiny(&["--steps=4", "--out=run"]));
    let resume = ["train", "--out=run", "--resume", "--steps=6"];
    let said = tweedie(folder.path(), &[&resume[..], &[ENDLESS]].concat());
    assert_eq!(said.status, Some(1), "{}", said.stderr);
    let note = "note: optimizer.learning_rate is 1e39 after step 4, and was 0.001";
    assert!(said.stderr.contains(note), "{}", said.stderr);
    let left = checkpoints(&folder.path().join("run"));
    assert!(left.len() == 1 && left[0].contains("00000004"), "{left:?}");
    let end = json(folder.path(), &[&resume[..], &["--set=optimizer.learning_rate=1e-3"]].concat());
    assert_eq!(end["weights_digest"], whole["weights_digest"]);
}

#[test]
fn a_run_goes_back_and_on_at_a_lower_rate_if_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let whole = json(
        folder.path(),
        &train_tiny(&["--steps=5", "--out=whole", "--set=optimizer.learning_rate=0.0009765625"]),
    );
    // 2¹²⁰ times 2⁻¹³⁰.
    let high = [
        "--steps=5",
        "--set=optimizer.learning_rate=1.329227995784916e36",
        "--set=train.on_divergence=roll_back",
        "--set=train.roll_back_factor=7.346839692639297e-40",
    ];
    let arguments = train_tiny(&[&high[..], &["--out=run", "--json"]].concat());
    let said = tweedie(folder.path(), &arguments);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(
        said.stderr.contains("back to step 0, and on at a learning rate of 0.0009765625"),
        "{}",
        said.stderr
    );
    let summary: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(summary["weights_digest"], whole["weights_digest"]);
    assert_eq!(summary["loss"], whole["loss"]);

    let limited = train_tiny(&[&high[..], &["--out=no", "--set=train.roll_back_limit=0"]].concat());
    assert_eq!(tweedie(folder.path(), &limited).status, Some(1));
}

#[test]
fn going_back_to_a_checkpoint_is_resuming_from_it_at_that_rate() {
    let folder = tempfile::tempdir().unwrap();
    // High enough to diverge after a while: 2¹³, and 2⁻¹⁰ after going back.
    let arguments = ["--steps=24", "--checkpoint-every=4", "--set=optimizer.learning_rate=8192.0"];
    let back = ["--set=train.on_divergence=roll_back", "--set=train.roll_back_factor=1.1920928955078125e-7"];
    let said = tweedie(
        folder.path(),
        &train_tiny(&[&arguments[..], &back, &["--set=train.keep=9", "--out=run", "--json"]].concat()),
    );
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let step = said.stderr.split("; back to step ").nth(1).and_then(|rest| rest.split(',').next());
    let step: u64 = step.unwrap_or_default().parse().unwrap_or_default();
    assert!(step > 0, "{}", said.stderr);
    assert_eq!(said.stderr.matches("; back to step").count(), 1, "{}", said.stderr);
    let summary: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();

    let said = tweedie(folder.path(), &train_tiny(&[&arguments[..], &["--out=stops"]].concat()));
    assert_eq!(said.status, Some(1), "{}", said.stderr);
    let resume = ["train", "--out=stops", "--resume", "--set=optimizer.learning_rate=0.0009765625", "--json"];
    let said = tweedie(folder.path(), &resume);
    assert!(said.stderr.contains(&format!("continuing after step {step}")), "{}", said.stderr);
    let resumed: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    for key in ["weights_digest", "loss", "steps"] {
        assert_eq!(summary[key], resumed[key], "{key}");
    }
}

#[test]
fn steps_are_left_out_up_to_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = train_tiny(&[
        "--steps=20",
        "--out=run",
        "--set=optimizer.learning_rate=1e36",
        "--set=train.on_divergence=skip",
        "--set=train.skip_limit=3",
    ]);
    let said = tweedie(folder.path(), &arguments);
    assert_eq!(said.status, Some(1), "{}", said.stderr);
    assert_eq!(said.stderr.matches(" is left out: ").count(), 3, "{}", said.stderr);
    let metrics = fs::read_to_string(folder.path().join("run/metrics.jsonl")).unwrap();
    assert!(metrics.contains("\"skipped\":"), "{metrics}");
}

#[test]
fn what_a_resumed_run_may_change_is_noted_and_recorded_and_the_rest_refused() {
    let folder = tempfile::tempdir().unwrap();
    json(folder.path(), &train_tiny(&["--steps=2", "--out=run"]));
    for (set, note) in [
        ("--set=optimizer.warmup=7", "note: optimizer.warmup is 7 after step 2, and was 100"),
        ("--set=optimizer.clip=0.5", "note: optimizer.clip is 0.5 after step 2, and was 1.0"),
        ("--set=train.keep=5", "note: train.keep is 5 after step 2, and was 2"),
    ] {
        let said = tweedie(folder.path(), &["train", "--out=run", "--resume", set]);
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        assert!(said.stderr.contains(note), "{note}: {}", said.stderr);
    }
    for set in ["--set=train.ema_decay=0.5", "--set=diffusion.timesteps=5", "--seed=3"] {
        let said = tweedie(folder.path(), &["train", "--out=run", "--resume", "--steps=3", set]);
        assert_eq!(said.status, Some(1), "{set}");
        assert!(said.stderr.contains("the run to resume was made with "), "{}", said.stderr);
    }
}
