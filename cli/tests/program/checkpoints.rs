//! Checkpoints that are damaged, files beside them that are none, and directories that go away.

use super::run::{copy, json, train_tiny, tweedie};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;
use tweedie_nn::weights::{WeightFile, write_checked};
use tweedie_tensor::Tensor;
use tweedie_train::RunLock;

/// A run of six steps with checkpoints after 2, 4 and 6.
fn model() -> &'static Path {
    static MODEL: OnceLock<TempDir> = OnceLock::new();
    let folder = MODEL.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let keep = "--set=train.keep=9";
        json(folder.path(), &train_tiny(&["--steps=6", "--checkpoint-every=2", keep, "--out=run"]));
        folder
    });
    folder.path()
}

/// A copy of the run, to be damaged.
pub(crate) fn copied() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&model().join("run"), &folder.path().join("run"));
    folder
}

pub(crate) fn checkpoint(folder: &TempDir, step: u32) -> PathBuf {
    folder.path().join(format!("run/checkpoints/step-{step:08}.safetensors"))
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

pub(crate) fn digest_of_eight_steps() -> &'static Value {
    static DIGEST: OnceLock<Value> = OnceLock::new();
    DIGEST.get_or_init(|| {
        let folder = copied();
        json(folder.path(), &["train", "--out=run", "--resume", "--steps=8"])["weights_digest"].clone()
    })
}

/// What happens to a file.
type Damage = fn(&Path);

#[test]
fn a_run_goes_on_from_the_newest_checkpoint_that_is_whole_and_says_so() {
    let damages: [(&str, Damage); 4] = [
        ("is cut short", |path| {
            let whole = fs::read(path).unwrap();
            fs::write(path, &whole[..whole.len() - 5000]).unwrap();
        }),
        ("is not a whole safetensors file", |path| fs::write(path, "").unwrap()),
        ("is damaged: tensor '", |path| flip(path, fs::metadata(path).unwrap().len() as usize - 7)),
        ("is not what its name says: it is of step 4", |path| {
            fs::copy(path.with_file_name("step-00000004.safetensors"), path).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let folder = copied();
        damage(&checkpoint(&folder, 6));
        let said = tweedie(folder.path(), &["train", "--out=run", "--resume", "--steps=8", "--json"]);
        assert_eq!(said.status, Some(0), "{what}: {}", said.stderr);
        let note =
            said.stderr.lines().find(|line| line.starts_with("note: step-00000006")).unwrap_or_default();
        assert!(
            note.contains(what) && note.ends_with(": step-00000004 is used; remove it"),
            "{}",
            said.stderr
        );
        assert!(said.stderr.contains("continuing after step 4"), "{}", said.stderr);
        let summary: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(&summary["weights_digest"], digest_of_eight_steps(), "{what}");
    }
}

#[test]
fn painting_takes_the_newest_whole_one_and_a_damaged_one_by_name_is_refused() {
    let folder = copied();
    let (newest, length) = (checkpoint(&folder, 6), fs::metadata(checkpoint(&folder, 6)).unwrap().len());
    fs::OpenOptions::new().write(true).open(&newest).unwrap().set_len(length / 2).unwrap();
    let paint = |model: &str| tweedie(folder.path(), &["sample", model, "--n=1", "--steps=1", "--out=a.png"]);
    let said = paint("run");
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("note: step-00000006.safetensors is"), "{}", said.stderr);
    assert!(said.stderr.contains("step-00000004 is used"), "{}", said.stderr);
    let said = paint("run/checkpoints/step-00000006.safetensors");
    assert_eq!((said.status, said.stderr.lines().count()), (Some(1), 1), "{}", said.stderr);
    assert!(
        said.stderr.contains("take step-00000004.safetensors beside it, which is whole"),
        "{}",
        said.stderr
    );
    for step in [2, 4, 6] {
        fs::write(checkpoint(&folder, step), "").unwrap();
    }
    for arguments in [&["sample", "run"][..], &["train", "--out=run", "--resume", "--steps=8"]] {
        let said = tweedie(folder.path(), arguments);
        assert_eq!((said.status, said.stderr.lines().count()), (Some(1), 1), "{}", said.stderr);
        assert!(said.stderr.contains("no checkpoint is whole: step-00000006"), "{}", said.stderr);
    }
}

#[test]
fn names_that_the_program_does_not_give_are_no_checkpoints_and_later_ones_end_no_run() {
    let folder = copied();
    let checkpoints = folder.path().join("run/checkpoints");
    fs::write(checkpoints.join("step-99999999.safetensors"), "stray").unwrap();
    fs::copy(checkpoint(&folder, 4), checkpoints.join("step-7.safetensors")).unwrap();
    fs::create_dir(checkpoints.join("step-00000001.safetensors")).unwrap();
    let said = tweedie(
        folder.path(),
        &["train", "--out=run", "--resume", "--steps=8", "--set=train.keep=1", "--json"],
    );
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let summary: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(&summary["weights_digest"], digest_of_eight_steps());
    assert!(checkpoint(&folder, 8).exists() && checkpoint(&folder, 99_999_999).exists());
    assert!(said.stderr.contains("note: cannot remove"), "{}", said.stderr);
}

#[test]
fn the_checkpoint_holds_the_configuration() {
    for damage in ["", "train = 7\n[[[", "missing"] {
        let folder = copied();
        let config = folder.path().join("run/config.toml");
        match damage {
            "missing" => fs::remove_file(&config).unwrap(),
            text => fs::write(&config, text).unwrap(),
        }
        let summary = json(folder.path(), &["train", "--out=run", "--resume", "--steps=8"]);
        assert_eq!(&summary["weights_digest"], digest_of_eight_steps(), "{damage}");
        assert!(fs::read_to_string(&config).unwrap().contains("steps = 8"), "{damage}");
    }
}

#[test]
fn a_configuration_that_cannot_be_written_ends_no_run() {
    let folder = copied();
    let config = folder.path().join("run/config.toml");
    fs::remove_file(&config).unwrap();
    fs::create_dir_all(config.join("a")).unwrap();
    let said = tweedie(folder.path(), &["train", "--out=run", "--resume", "--steps=8", "--json"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("note: the next checkpoint holds the configuration: "), "{}", said.stderr);
    let summary: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(&summary["weights_digest"], digest_of_eight_steps());
}

#[test]
fn half_files_of_dead_processes_are_swept() {
    let folder = copied();
    let half =
        [".step-00000007.safetensors.4294967295.partial", ".step-00000007.safetensors.4294967295.part"];
    let paths = half.map(|name| folder.path().join("run/checkpoints").join(name));
    paths.iter().for_each(|path| fs::write(path, "half").unwrap());
    let said = tweedie(folder.path(), &["inspect", "run", "run"]);
    assert!(said.stdout.contains("4294967295.partial"), "{}", said.stdout);
    json(folder.path(), &["train", "--out=run", "--resume", "--steps=8"]);
    assert!(paths.iter().all(|path| !path.exists()));
}

#[test]
fn what_a_header_holds_does_not_steer_the_terminal() {
    let folder = copied();
    let file = WeightFile::read(&checkpoint(&folder, 6)).unwrap();
    let tensors: Vec<(&String, Tensor<f32>)> =
        file.entries().keys().map(|name| (name, file.tensor(name).unwrap())).collect();
    let tensors: Vec<(&str, &Tensor<f32>)> = tensors.iter().map(|(name, x)| (name.as_str(), x)).collect();
    let whole = &file.metadata()["run"];
    let change = r#""changes":[{"step":1,"key":"\u001b[2J","from":"1","to":"2"}]"#;
    for (old, new) in [("\"warmup\"", "\"\\u001b[2J\""), ("\"changes\":[]", change)] {
        let mut metadata = file.metadata().clone();
        assert!(whole.contains(old), "{whole}");
        metadata.insert("run".into(), whole.replace(old, new));
        write_checked(&checkpoint(&folder, 6), &tensors, &metadata).unwrap();
        for arguments in [&["inspect", "run", "run"][..], &["sample", "run", "--n=1", "--steps=1"]] {
            let said = tweedie(folder.path(), arguments);
            assert_eq!(said.status, Some(0), "{}", said.stderr);
            let steers = |c: char| c.is_control() && c != '\n';
            assert!(!said.stdout.contains(steers) && !said.stderr.contains(steers), "{said:?}");
        }
        let said = tweedie(folder.path(), &["inspect", "run", "run"]);
        assert!(said.stdout.contains("\\u{1b}[2J"), "{}", said.stdout);
    }
}

#[test]
fn inspection_finds_the_damaged_ones() {
    let folder = copied();
    flip(&checkpoint(&folder, 6), 5000);
    let inspected = json(folder.path(), &["inspect", "run", "run"]);
    assert_eq!(inspected["newest_whole"], 4);
    let list = inspected["checkpoints"].as_array().unwrap();
    assert_eq!(list.len(), 3);
    assert!(list[2]["problem"].is_string() && list[1]["problem"].is_null(), "{inspected}");
    assert!(list[2]["weights_digest"].is_null() && list[1]["weights_digest"].is_string(), "{inspected}");
    for step in [2, 4] {
        fs::write(checkpoint(&folder, step), "").unwrap();
    }
    let said = tweedie(folder.path(), &["inspect", "run", "run"]);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.contains("error: no checkpoint is whole, run: "), "{}", said.stderr);
}

#[test]
fn the_best_checkpoint_by_validation_stays_beside_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let often = ["--checkpoint-every=2", "--set=train.keep=1", "--set=train.validate_every=2"];
    let learns = ["--steps=14", "--set=optimizer.learning_rate=0.01", "--out=run"];
    json(folder.path(), &train_tiny(&[&often[..], &learns].concat()));
    // So high a rate that it forgets what it has learnt.
    json(
        folder.path(),
        &["train", "--out=run", "--resume", "--steps=20", "--set=optimizer.learning_rate=10.0"],
    );
    let metrics = fs::read_to_string(folder.path().join("run/metrics.jsonl")).unwrap();
    let lines: Vec<Value> = metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lowest = |key: &str| {
        let by = |line: &&Value| line[key].as_f64().unwrap();
        lines.iter().min_by(|a, b| by(a).total_cmp(&by(b))).unwrap()
    };
    let best = lowest("validation");
    let step = best["step"].as_u64().unwrap();
    assert!(step < 20 && lowest("loss")["step"] != step, "the test shows nothing: {metrics}");
    let inspected = json(folder.path(), &["inspect", "run", "run"]);
    let list = inspected["checkpoints"].as_array().unwrap();
    let steps: Vec<&Value> = list.iter().map(|condition| &condition["step"]).collect();
    assert_eq!(steps, [step, 20]);
    assert_eq!((&inspected["best"], &list[0]["validation"]), (&best["step"], &best["validation"]));
}

#[test]
fn inspection_tells_what_was_changed_and_who_trains() {
    let folder = copied();
    json(folder.path(), &["train", "--out=run", "--resume", "--steps=8", "--set=optimizer.warmup=7"]);
    let inspected = json(folder.path(), &["inspect", "run", "run"]);
    let expected = json!({"step": 6, "key": "optimizer.warmup", "from": "100", "to": "7"});
    let changes = inspected["changes"].as_array().unwrap();
    assert!(changes.contains(&expected) && inspected["held_by"].is_null(), "{inspected}");
    let lock = RunLock::take(&folder.path().join("run")).unwrap();
    let said = tweedie(folder.path(), &["inspect", "run", "run"]);
    assert!(said.stdout.contains("\noptimizer.warmup is 7 after step 6, and was 100\n"), "{}", said.stdout);
    let named = format!("\nprocess {} on ", std::process::id());
    assert!(said.stdout.contains(&named) && said.stdout.contains(" trains there"), "{}", said.stdout);
    let inspected = json(folder.path(), &["inspect", "run", "run"]);
    assert_eq!(inspected["held_by"]["pid"], std::process::id());
    drop(lock);
}

#[test]
fn a_run_that_was_killed_while_its_directory_was_made_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    // The configuration stands before any folder does.
    fs::create_dir(&run).unwrap();
    fs::write(run.join("checkpoints"), "").unwrap();
    let said = tweedie(folder.path(), &train_tiny(&["--steps=1", "--out=run"]));
    assert_eq!(said.status, Some(1), "{}", said.stderr);
    assert!(run.join("config.toml").exists());
    fs::remove_file(run.join("checkpoints")).unwrap();
    let resumed = json(folder.path(), &["train", "--out=run", "--resume"]);
    assert_eq!(resumed["steps"], 1);
    // Folders alone are no run.
    let bare = folder.path().join("bare/checkpoints");
    fs::create_dir_all(&bare).unwrap();
    let said = tweedie(folder.path(), &["train", "--out=bare", "--resume"]);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.starts_with("error: no run to resume, --out bare: "), "{}", said.stderr);
    assert_eq!(json(folder.path(), &train_tiny(&["--steps=1", "--out=bare"]))["steps"], 1);
}
