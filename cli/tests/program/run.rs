//! Running the program, and a small model to run it on.

pub(crate) use crate::tiny::TINY;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;
use tweedie_nn::weights::{WeightFile, write_safetensors};
use tweedie_tensor::Tensor;

/// What a run of the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program with these arguments, to be run in `folder`.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tweedie"));
    command.args(arguments).current_dir(folder);
    command
}

/// Runs the program in `folder`.
pub(crate) fn tweedie(folder: &Path, arguments: &[&str]) -> Said {
    let Output { status, stdout, stderr } = program(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// Runs the program with `--json`, and reads what it prints.
pub(crate) fn json(folder: &Path, arguments: &[&str]) -> Value {
    let said = tweedie(folder, &[arguments, &["--json"]].concat());
    assert_eq!(said.status, Some(0), "{arguments:?}: {}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

/// `train` of the tiny network, with more arguments.
pub(crate) fn train_tiny<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["train"], TINY, more].concat()
}

/// A folder with a class-conditional model of digits in `model`, trained for no more than its files to be there.
pub(crate) fn workshop() -> &'static Path {
    static WORKSHOP: OnceLock<TempDir> = OnceLock::new();
    let folder = WORKSHOP.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        json(folder.path(), &train_tiny(&["--steps=4", "--out=model"]));
        folder
    });
    folder.path()
}

/// Tensor `x` of a file.
pub(crate) fn tensor_x(path: PathBuf) -> Tensor<f32> {
    WeightFile::read(&path).unwrap().tensor("x").unwrap()
}

/// Writes tensor `x` into a file.
pub(crate) fn write_x(path: PathBuf, x: &Tensor<f32>) {
    write_safetensors(&path, &[("x", x)], &Default::default()).unwrap();
}

/// Copies a folder, and what is below it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// Everything in a folder, below it too, as paths relative to it.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path.clone());
            }
            found.push(path.strip_prefix(folder).unwrap().display().to_string());
        }
    }
    found.sort();
    found
}
