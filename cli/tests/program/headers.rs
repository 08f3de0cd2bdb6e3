//! Checkpoints that are whole by their digests, and say something else than the program would have said.

use super::checkpoints::{checkpoint, copied, digest_of_eight_steps};
use super::run::{json, tweedie};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tweedie_nn::weights::{WeightFile, write_checked, write_safetensors};
use tweedie_tensor::Tensor;

/// What a checkpoint holds beside its digests.
struct Held {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, Tensor<f32>>,
}

impl Held {
    fn of(path: &Path) -> Held {
        let file = WeightFile::read(path).unwrap();
        let tensors = file.entries().keys().map(|name| (name.clone(), file.tensor(name).unwrap()));
        Held { metadata: file.metadata().clone(), tensors: tensors.collect() }
    }

    fn run(&self) -> Value {
        serde_json::from_str(&self.metadata["run"]).unwrap()
    }

    fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        let mut run = self.run();
        edit(&mut run);
        self.metadata.insert("run".into(), run.to_string());
    }

    fn listed(&self) -> Vec<(&str, &Tensor<f32>)> {
        self.tensors.iter().map(|(name, tensor)| (&name[..], tensor)).collect()
    }
}

/// A copy of the run with its last checkpoint alone, edited, and with digests of what it says then.
fn edited(edit: impl FnOnce(&mut Held)) -> TempDir {
    let folder = copied();
    [2, 4].iter().for_each(|&step| fs::remove_file(checkpoint(&folder, step)).unwrap());
    let path = checkpoint(&folder, 6);
    let mut held = Held::of(&path);
    edit(&mut held);
    write_checked(&path, &held.listed(), &held.metadata).unwrap();
    folder
}

const RESUME: [&str; 4] = ["train", "--out=run", "--resume", "--steps=8"];

#[test]
fn digests_that_are_computed_again_are_taken() {
    let folder = edited(|_| {});
    assert_eq!(&json(folder.path(), &RESUME)["weights_digest"], digest_of_eight_steps());
}

#[test]
fn what_is_edited_by_hand_is_refused_in_one_line() {
    type Edit = fn(&mut Held);
    let edits: [(&str, Edit); 7] = [
        ("it is of step 18", |held| held.edit(|run| run["step"] = json!(18))),
        ("unknown field `history`", |held| {
            held.edit(|run| {
                let journal = run.as_object_mut().unwrap().remove("journal").unwrap();
                run["history"] = journal;
            });
        }),
        ("missing field `journal`", |held| {
            held.edit(|run| drop(run.as_object_mut().unwrap().remove("journal")));
        }),
        ("unknown field `left_out`", |held| held.edit(|run| run["journal"]["left_out"] = json!(1))),
        ("it has no 'run'", |held| drop(held.metadata.remove("run"))),
        ("tensor 'ema.", |held| {
            let name = held.tensors.keys().find(|name| name.starts_with("ema.")).unwrap().clone();
            held.tensors.remove(&name);
        }),
        ("is missing", |held| {
            let (name, tensor) = held.tensors.pop_last().unwrap();
            held.tensors.insert(format!("{name}s"), tensor);
        }),
    ];
    for (what, edit) in edits {
        let folder = edited(edit);
        for arguments in [
            &RESUME[..],
            &["sample", "run", "--n=1", "--steps=1"],
            &["sample", "run/checkpoints/step-00000006.safetensors", "--n=1", "--steps=1"],
        ] {
            let said = tweedie(folder.path(), arguments);
            assert_eq!((said.status, said.stderr.lines().count()), (Some(1), 1), "{what}: {}", said.stderr);
            assert!(said.stderr.starts_with("error: ") && said.stderr.contains(what), "{}", said.stderr);
        }
    }
}

#[test]
fn a_network_or_a_schedule_that_cannot_be_is_refused_naming_the_file() {
    for (key, value, what) in
        [("/model/out_channels", 0, "out_channels = 0"), ("/diffusion/timesteps", 0, "timesteps")]
    {
        let folder = edited(|held| {
            held.edit(|run| {
                let place = run["config"].pointer_mut(key).unwrap_or_else(|| panic!("no {key}"));
                *place = json!(value);
            });
        });
        for model in ["run", "run/checkpoints/step-00000006.safetensors"] {
            let said = tweedie(folder.path(), &["sample", model, "--n=1", "--steps=1"]);
            assert_eq!((said.status, said.stderr.lines().count()), (Some(1), 1), "{}", said.stderr);
            assert!(said.stderr.contains(what) && said.stderr.contains("step-00000006"), "{}", said.stderr);
        }
    }
}

#[test]
fn a_newer_format_is_named_as_such_and_no_earlier_checkpoint_taken_in_its_stead() {
    let folder = copied();
    let path = checkpoint(&folder, 6);
    let mut held = Held::of(&path);
    held.metadata.insert("format".into(), "tweedie-checkpoint-9".into());
    write_checked(&path, &held.listed(), &held.metadata).unwrap();
    for arguments in [&RESUME[..], &["sample", "run", "--n=1", "--steps=1"]] {
        let said = tweedie(folder.path(), arguments);
        assert_eq!((said.status, said.stderr.lines().count()), (Some(1), 1), "{}", said.stderr);
        let named = "written by a newer tweedie, in the format 'tweedie-checkpoint-9'";
        assert!(said.stderr.contains(named) && !said.stderr.contains("damaged"), "{}", said.stderr);
    }
    assert!(path.exists() && !checkpoint(&folder, 8).exists());
}

#[test]
fn the_format_before_is_read() {
    let folder = copied();
    for step in [2, 4, 6] {
        let path = checkpoint(&folder, step);
        let held = Held::of(&path);
        let run = held.run();
        let config = fs::read_to_string(folder.path().join("run/config.toml")).unwrap();
        let number = |key: &str| run[key].as_f64().unwrap().to_string();
        let texts = [
            ("format", "tweedie-checkpoint-1".to_string()),
            ("config", config),
            ("step", step.to_string()),
            ("seconds", number("seconds")),
            ("loss", number("loss")),
        ];
        let metadata = texts.map(|(key, text)| (key.to_string(), text)).into();
        write_safetensors(&path, &held.listed(), &metadata).unwrap();
    }
    let inspected = tweedie(folder.path(), &["inspect", "run", "run"]);
    assert_eq!(
        inspected.stdout.matches("whole in form, without checksums").count(),
        3,
        "{}",
        inspected.stdout
    );
    json(folder.path(), &["sample", "run", "--n=1", "--steps=1", "--out=a.png"]);
    let said = tweedie(folder.path(), &[&RESUME[..], &["--json"]].concat());
    assert!(said.stderr.contains("does not say which data it has learnt from"), "{}", said.stderr);
    let summary: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(&summary["weights_digest"], digest_of_eight_steps());
}
