//! The grids of samples of a run, the older ones too.

use super::{Studio, followed};
use serde_json::json as body;
use std::fs;

#[test]
fn older_grids_are_shown_as_long_as_they_are_there() {
    let studio = Studio::open();
    let samples = studio.folder.path().join("shelf/model/samples");
    let mut lines = followed(&studio, "model");
    let mut listed = || lines.find(|line| line["line"] == "grids").unwrap()["steps"].clone();
    let grid = |step: u64| body!({ "name": "model", "step": step });
    let file = |step: u64| samples.join(format!("step-{step:06}.png"));
    assert_eq!(listed(), body!([4]));
    fs::copy(file(4), file(2)).unwrap();
    assert_eq!(listed(), body!([2, 4]));
    let png = studio.asked("run/grid", &grid(2))["png"].clone();
    assert!(
        png.as_str().unwrap().starts_with("iVBORw0KGgo") && png == studio.asked("run/grid", &grid(4))["png"]
    );
    fs::remove_file(file(2)).unwrap();
    let why = studio.refused("run/grid", &grid(2));
    assert!(why.starts_with("the samples after step 2 are gone, model"), "{why}");
    assert_eq!(listed(), body!([4]));
    let why = studio.refused("run/grid", &body!({ "name": "../model", "step": 4 }));
    assert!(why.starts_with("there is no such run"), "{why}");
}
