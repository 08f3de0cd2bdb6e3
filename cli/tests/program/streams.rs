//! What goes to stdout and what to stderr.

use super::run::{program, tweedie, workshop};
use std::fs::OpenOptions;
use std::process::Stdio;

/// Commands whose answer is a table or a figure, and a piece of that answer.
const ANSWERS: [(&[&str], &str); 7] = [
    (&["verify", "--timesteps=100"], "expected"),
    (&["inspect", "data", "glyphs", "--n=20"], "alpha"),
    (&["inspect", "forward", "--data=glyphs"], "without the root"),
    (&["inspect", "spectrum", "--data=glyphs", "--n=20"], "cycles a pixel"),
    (&["inspect", "schedule", "--timesteps=100"], "linear, T = 100"),
    (&["eval", "bpd", "model", "--n=2", "--timesteps-per-picture=2"], "bits per dimension"),
    (&["bench", "step", "--model=model", "--batch=1", "--runs=1"], "a training step"),
];

#[test]
fn answers_go_to_stdout_also_when_nothing_else_is_said() {
    for (arguments, piece) in ANSWERS {
        for more in [&[][..], &["--quiet"]] {
            let said = tweedie(workshop(), &[arguments, more].concat());
            assert_eq!(said.status, Some(0), "{arguments:?}: {}", said.stderr);
            assert!(said.stdout.contains(piece), "{arguments:?}: {}", said.stdout);
            assert!(!said.stderr.contains(piece), "{arguments:?}: {}", said.stderr);
        }
    }
}

#[test]
fn with_json_there_is_nothing_else_on_stdout() {
    for (arguments, piece) in ANSWERS {
        let said = tweedie(workshop(), &[arguments, &["--json"]].concat());
        assert_eq!(said.stdout.lines().count(), 1, "{}", said.stdout);
        assert!(serde_json::from_str::<serde_json::Value>(&said.stdout).is_ok(), "{}", said.stdout);
        assert!(said.stderr.contains(piece), "{arguments:?}: {}", said.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let help = [&["--help"][..], &["--version"], &["sample", "--help"]];
    for arguments in ANSWERS.iter().map(|(arguments, _)| *arguments).chain(help) {
        for more in [&[][..], &["--json"]] {
            let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
            let mut command = program(workshop(), &[arguments, more].concat());
            let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            let last = stderr.lines().last().unwrap_or_default();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
            assert!(last.starts_with("error: the result cannot be written ("), "{stderr}");
            assert!(last.contains("), stdout: "), "{stderr}");
        }
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_no_fault() {
    let mut child = program(workshop(), &["inspect", "schedule"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(141), &b""[..]));
}

#[test]
fn shells_and_man_are_told_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, piece) in
        [("bash", "_tweedie()"), ("zsh", "#compdef tweedie"), ("fish", "complete -c tweedie")]
    {
        let said = tweedie(folder.path(), &["completions", shell]);
        assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""), "{shell}");
        assert!(said.stdout.contains(piece) && said.stdout.contains("guidance-rescale"), "{shell}");
    }
    let page = tweedie(folder.path(), &["man"]).stdout;
    assert!(page.contains(".TH tweedie 1") && page.contains("Exit status"), "{page}");
    assert_eq!(tweedie(folder.path(), &["man", "--out=pages"]).status, Some(0));
    for (name, piece) in
        [("tweedie-train", "time\\-budget"), ("tweedie-inspect-data", "tweedie inspect data")]
    {
        let text = std::fs::read_to_string(folder.path().join("pages").join(format!("{name}.1"))).unwrap();
        assert!(text.contains(piece), "{name}: {text}");
    }
}

#[test]
fn an_instruction_set_that_does_not_exist_is_refused() {
    let output = program(workshop(), &["verify"]).env("TWEEDIE_SIMD", "nonsense").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr,
        "error: no instruction set named nonsense, TWEEDIE_SIMD: set it to avx512, avx2, neon or portable, or unset it\n"
    );
}

#[test]
fn a_method_that_does_not_exist_is_refused() {
    let output = program(workshop(), &["verify"]).env("TWEEDIE_BF16", "nonsense").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: no method named nonsense, TWEEDIE_BF16: set it to dot or madd, or unset it\n"
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_weights_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.path().join("x")).status().unwrap().success());
    let model = workshop().join("model");
    let said = tweedie(folder.path(), &["predict", model.to_str().unwrap(), "--noise=x", "--timesteps=7"]);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.contains("is a pipe or a device, no file"), "{}", said.stderr);
}
