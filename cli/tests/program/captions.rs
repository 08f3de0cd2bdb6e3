use crate::run::{files, json, train_tiny, tweedie};
use std::path::Path;

#[test]
fn a_model_that_reads_captions_paints_them_and_shows_where_it_looks() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    json(place, &train_tiny(&["--preset=captions", "--steps=2", "--out=model"]));
    let caption = "--caption=red circle above blue square";
    let said = json(
        place,
        &["sample", "model", "--n=2", "--steps=1", caption, "--out=a.png", "--attention=words.png"],
    );
    assert_eq!(said["captions"], serde_json::json!(["red circle above blue square"]));
    assert!(files(place).contains(&"a.png".to_string()));
    // Two rows: the picture and five words, of 8 pixels magnified twelvefold, gutters of twelve between and around.
    let grid = image::open(place.join("words.png")).unwrap();
    assert_eq!((grid.width(), grid.height()), (6 * 108 + 12, 2 * 108 + 12));

    let said = json(place, &["eval", "captions", "model", "--n=2", "--guidance=4", "--steps=1"]);
    assert_eq!(said["n"], 2);
    assert_eq!(
        json(place, &["sample", "model", "--steps=1", "--caption=red moon", "--caption=blue star"])["n"],
        2
    );

    json(place, &["sample", "model", "--n=1", "--steps=1", caption, "--out=one/"]);
    let one = format!("--image={}", image_in(&place.join("one")));
    for words in [["vary", "model"], ["invert", "model"]] {
        let said = json(place, &[&["edit"], &words[..], &[&one, "--steps=2", caption]].concat());
        assert_eq!(said["captions"], serde_json::json!(["red circle above blue square"]));
        let said = json(place, &[&["edit"], &words[..], &[&one, "--steps=2"]].concat());
        assert!(said["captions"].is_null());
    }

    let error = tweedie(place, &["sample", "model", "--caption=crimson circle"]);
    assert_eq!(error.status, Some(1));
    assert!(error.stderr.contains("the word \"crimson\", --caption: it knows red, "), "{}", error.stderr);
    let error =
        tweedie(place, &train_tiny(&["--preset=captions", "--data=shapes", "--steps=2", "--out=other"]));
    assert!(error.stderr.contains("the pictures have none, data.source: "), "{}", error.stderr);
}

/// The path of the only file in a folder.
fn image_in(folder: &Path) -> String {
    let [name] = &files(folder)[..] else { panic!("one file in {}", folder.display()) };
    folder.join(name).display().to_string()
}

#[test]
fn a_transformer_trains_paints_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let train = |more: &[&str]| {
        let tiny = ["--preset=transformer", "--batch=8", "--image-size=8", "--set=model.hidden_size=16"];
        let small = ["--set=model.num_heads=2", "--set=model.depth=1", "--set=train.grids=0"];
        json(place, &[&["train"], &tiny[..], &small[..], more].concat())["weights_digest"].clone()
    };
    let whole = train(&["--steps=4", "--out=whole"]);
    train(&["--steps=2", "--out=parts"]);
    assert_eq!(json(place, &["train", "--out=parts", "--resume", "--steps=4"])["weights_digest"], whole);
    json(place, &["sample", "whole", "--n=2", "--steps=2", "--class=7", "--out=a.png"]);
    let config = std::fs::read_to_string(place.join("whole/config.toml")).unwrap();
    assert!(config.contains("architecture = \"transformer\""), "{config}");
}
