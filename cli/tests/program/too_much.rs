//! What does not fit is refused at once, and what is said to fit does.

use crate::bad_input::refused;
use crate::run::{Said, files, json, train_tiny, tweedie, workshop};
use std::path::Path;
use std::process::Command;

/// Runs the program with so many MiB of address space, and holds it to one line and status 1.
fn refused_within(mib: u64, folder: &Path, arguments: &[&str]) -> String {
    let before = files(folder);
    let said = within(mib, folder, arguments);
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(said.status, Some(1), "{arguments:?}: {}", said.stderr);
    assert!(lines.last().is_some_and(|line| line.starts_with("error: ")), "{}", said.stderr);
    assert!(
        !said.stderr.contains("panicked") && !said.stderr.contains("fault of tweedie"),
        "{}",
        said.stderr
    );
    assert_eq!((said.stdout, files(folder)), (String::new(), before), "{arguments:?}");
    lines.last().unwrap_or(&"").to_string()
}

fn within(mib: u64, folder: &Path, arguments: &[&str]) -> Said {
    let output = Command::new("bash")
        .args(["-c", "ulimit -v $(( $0 << 10 )) && exec \"$@\"", &mib.to_string()])
        .arg(env!("CARGO_BIN_EXE_tweedie"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The number behind `option` in a message.
fn offered(message: &str, option: &str) -> usize {
    let (_, rest) = message.rsplit_once(option).unwrap();
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn runs_that_would_not_fit_are_refused_before_the_first_step() {
    let place = tempfile::tempdir().unwrap();
    for arguments in [
        &["train", "--image-size=4096", "--steps=1", "--out=r", "--threads=2"][..],
        &["train", "--image-size=512", "--batch=32", "--steps=1", "--out=r", "--threads=2"],
        &["train", "--batch=50000", "--steps=1", "--out=r", "--threads=2"],
        &["train", "--preset=small", "--data=shapes", "--batch=1000", "--steps=1", "--out=r", "--threads=2"],
    ] {
        let line = refused_within(2048, place.path(), arguments);
        assert!(
            line.starts_with("error: needs about ") && line.contains(" that this process may use, --batch "),
            "{line}"
        );
        assert!(line.contains("or less"), "{line}");
    }
    let line = refused_within(
        2048,
        place.path(),
        &["bench", "step", "--model=small", "--batch=65536", "--threads=2"],
    );
    assert!(line.contains("give --batch "), "{line}");
}

#[test]
fn a_batch_within_what_is_offered_trains() {
    let place = tempfile::tempdir().unwrap();
    let run = |more: &[&'static str]| {
        train_tiny(&[&["--image-size=32", "--steps=1", "--out=r", "--threads=2"][..], more].concat())
    };
    let line = refused_within(700, place.path(), &run(&["--batch=8000"]));
    let batch = offered(&line, "--batch ");
    // The message has the number that was asked for in front of the one that is offered.
    assert!((100..8000).contains(&batch), "{line}");
    // The allocator maps room for threads as they come, a little more or less by the time that the memory is looked at.
    let batch = format!("--batch={}", batch * 2 / 3);
    let mut arguments = run(&[]);
    arguments.push(&batch);
    let said = within(700, place.path(), &arguments);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
}

#[test]
fn more_pictures_than_memory_are_refused() {
    let place = workshop();
    let model = ["--threads=2", "--steps=1"];
    for command in [
        &["sample", "model", "--n=4000000000"][..],
        &["eval", "frechet", "model", "--n=4000000000"],
        &["eval", "classes", "model", "--n=4000000000"],
    ] {
        let line = refused_within(2048, place, &[command, &model].concat());
        assert!(line.contains("--n 4000000000: give --n "), "{line}");
    }
    let line = refused_within(2048, place, &["eval", "captions", "model", "--n=4000000000", "--threads=2"]);
    assert!(line.contains("--n 4000000000: give --n "), "{line}");
    refused(place, &["sample", "model", "--n=40000000000000"], &["--n 40000000000000: give --n "]);
}

#[test]
fn larger_pictures_than_memory_are_not_looked_at() {
    let place = tempfile::tempdir().unwrap();
    for command in [
        &["inspect", "data", "glyphs", "--n=100"][..],
        &["inspect", "spectrum", "--data=glyphs"],
        &["inspect", "forward", "--data=glyphs", "--n=64"],
    ] {
        let line =
            refused_within(2048, place.path(), &[command, &["--image-size=4096", "--threads=2"]].concat());
        assert!(line.starts_with("error: needs about ") && line.contains("this process may use, "), "{line}");
    }
}

#[test]
fn many_more_threads_than_cores_are_refused() {
    let place = tempfile::tempdir().unwrap();
    if std::thread::available_parallelism().is_ok_and(|cores| cores.get() < 256) {
        refused(place.path(), &["verify", "--threads=1024"], &["1024 threads", "--threads: give "]);
    }
}

#[test]
fn an_endless_configuration_is_not_read_to_its_end() {
    let place = tempfile::tempdir().unwrap();
    refused(
        place.path(),
        &["train", "--config=/dev/zero", "--out=r"],
        &["--config /dev/zero", "longer than 16 MiB"],
    );
}

#[test]
fn where_memory_ends_all_the_same_the_program_says_so() {
    let place = tempfile::tempdir().unwrap();
    let line = refused_within(240, place.path(), &["bench", "gemm", "--threads=1"]);
    assert!(line.starts_with("error: out of memory, "), "{line}");
}

#[test]
fn a_plan_says_what_a_run_needs_and_writes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let arguments: Vec<&str> =
        std::iter::once("plan").chain(train_tiny(&["--time-budget=1h"]).split_off(1)).collect();
    let plan = json(place.path(), &arguments);
    let number = |key: &str| plan[key].as_f64().unwrap_or_else(|| panic!("{key}: {plan}"));
    assert!(number("parameters") > 1000.0 && number("flops_per_step") > 1e6 && number("batch") == 8.0);
    assert!((number("steps") * number("step_ms") / 3.6e6 - 1.0).abs() < 0.01, "{plan}");
    assert!((number("images_per_second") * number("step_ms") / 8e3 - 1.0).abs() < 1e-9);
    let memory = &plan["memory"];
    let parts = ["weights", "gradients", "moments", "average", "activations", "data", "workspace"];
    let sum: u64 = parts.iter().map(|part| memory[*part].as_u64().unwrap()).sum();
    assert_eq!(memory["total"], sum);
    assert_eq!(plan["fits"], memory["limit"].as_u64().is_none_or(|limit| sum <= limit));
    assert!(files(place.path()).is_empty());
    let said = tweedie(place.path(), &[&arguments[..], &["--no-measure"]].concat());
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    for word in ["parameters", "GFLOP a step", "activations", "memory"] {
        assert!(said.stdout.contains(word), "{word} is not in {}", said.stdout);
    }
}

#[test]
fn a_plan_of_what_does_not_fit_says_what_would() {
    let place = tempfile::tempdir().unwrap();
    let said = within(2048, place.path(), &["plan", "--batch=50000", "--threads=2"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("does not fit") && said.stdout.contains("give --batch "), "{}", said.stdout);
}
