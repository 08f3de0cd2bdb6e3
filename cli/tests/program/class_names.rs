//! Classes by name, wherever the program asks for one.

use super::run::{TINY, files, json, tweedie};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Models of folders of classes, trained for no more than their files to be there.
fn models() -> &'static Path {
    static MODELS: OnceLock<TempDir> = OnceLock::new();
    let folder = MODELS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for name in ["folders-0-11", "comma"] {
            let data = format!("--data={}", case(name).display());
            let out = format!("--out={name}");
            json(folder.path(), &[&["train"], TINY, &[&data, &out, "--batch=4", "--steps=1"]].concat());
        }
        folder
    });
    folder.path()
}

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/cases").join(name)
}

#[test]
fn folders_that_are_numbers_sort_as_numbers_and_are_asked_for_by_name() {
    for k in ["2", "10", "7"] {
        let painted = json(models(), &["sample", "folders-0-11", "--class", k, "--n=1", "--steps=1"]);
        assert_eq!(painted["classes"], serde_json::json!([k.parse::<usize>().unwrap()]));
    }
    let config = std::fs::read_to_string(models().join("folders-0-11/config.toml")).unwrap();
    assert!(config.replace(['\n', ' '], "").contains(r#""9","10","11""#), "{config}");
    let said = tweedie(models(), &["sample", "folders-0-11", "--class=12", "--n=1"]);
    assert_eq!(said.status, Some(1));
    assert!(
        said.stderr.contains("no class \"12\", --class: the model's classes are 0, 1, 2"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_name_with_a_comma_is_one_class_in_every_command() {
    let place = models();
    let bright =
        json(place, &["sample", "comma", "--class=red, bright,blue", "--steps=1", "--raw=x.safetensors"]);
    assert_eq!(bright["classes"], serde_json::json!([1, 0]));
    let predict = ["predict", "comma", "--noise=x.safetensors", "--timesteps=3", "--class=red, bright"];
    json(place, &predict);
    assert_eq!(tweedie(place, &[&predict[..4], &["--class=red"]].concat()).status, Some(1));
    json(place, &["sample", "comma", "--n=2", "--steps=1", "--out=pictures/"]);
    let picture = files(&place.join("pictures")).into_iter().find(|name| name.ends_with(".png")).unwrap();
    let image = format!("--image=pictures/{picture}");
    let vary = ["edit", "vary", "comma", &image, "--class=red, bright", "--n=1", "--steps=2", "--out=v.png"];
    assert_eq!(json(place, &vary)["classes"], serde_json::json!([1]));
}
