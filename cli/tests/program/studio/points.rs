//! Points of the plane in the studio.

use super::{Studio, paint};
use crate::run::{tensor_x, tweedie};
use serde_json::{Value, json as body};

impl Studio {
    /// A model of points, with layers of 16 numbers.
    fn with_points() -> Studio {
        let studio = Studio::open();
        let small = ["--batch=8", "--set=model.hidden_size=16", "--set=model.depth=1"];
        studio.train("points", &[&["--data=moons"], &small[..]].concat());
        studio
    }
}

fn points(more: Value) -> Value {
    let mut request = paint(body!({ "model": "points", "n": 70 }));
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

/// How long so many bytes are in base64.
fn base64(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

#[test]
fn points_are_painted_as_numbers_with_the_bits_of_the_command() {
    let studio = Studio::with_points();
    let about = studio.asked("model", &body!({ "name": "points" }));
    assert_eq!((&about["shape"], &about["most"]), (&body!([2, 1, 1]), &body!(1000)));
    let lines = studio.lines("paint", &points(body!({})));
    assert_eq!(lines.len(), 5);
    for line in &lines[..4] {
        let square = &line["square"];
        assert_eq!(square["half"], 3.5);
        assert_eq!(square["density"].as_str().unwrap().len(), base64(64 * 64));
    }
    for step in &lines[1..4] {
        assert_eq!([&step["x"], &step["x0"]].map(|text| text.as_str().unwrap().len()), [base64(70 * 8); 2]);
        assert_eq!(step["power_x"], body!([]));
    }
    // It follows the noise that is left.
    assert_ne!(lines[1]["square"]["density"], lines[3]["square"]["density"]);
    let folder = studio.folder.path();
    let sample = ["sample", "shelf/points", "--n=70", "--sampler=ddim", "--steps=3", "--seed=5"];
    let said = tweedie(folder, &[&sample[..], &["--raw=x.safetensors", "--out=x.png"]].concat());
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let raw = tensor_x(folder.join("x.safetensors"));
    assert_eq!(lines[4]["digest"], tweedie_train::picture_digest(&raw));

    let between = studio.lines("paint", &points(body!({ "n": 7, "to_seed": 9 })));
    assert_eq!(between[4]["pictures"].as_str().unwrap().len(), base64(7 * 8));
}

#[test]
fn what_points_do_not_have_is_refused() {
    let studio = Studio::with_points();
    for (asked, why) in [
        (body!({ "n": 1001 }), "1001 is out of range, points: give 1 to 1000"),
        (body!({ "n": 0 }), "0 is out of range, points"),
        (
            body!({ "n": 1, "fill": { "picture": "", "mask": "" } }),
            "a point has no part to be repainted, fill",
        ),
        (body!({ "class": "1" }), "the model knows no classes"),
    ] {
        let said = studio.refused("paint", &points(asked));
        assert!(said.starts_with(why), "{said}");
    }
}

#[test]
fn a_layer_is_seen_at_work_on_all_of_the_plane() {
    let studio = Studio::with_points();
    let inside = studio.asked("inside", &body!({ "name": "points" }));
    let layers = inside["trace"]["layers"].as_array().unwrap();
    assert!(inside["tape"].as_array().unwrap().len() > layers.len());
    let is_of_time = |layer: &Value| {
        let name = layer["name"].as_str().unwrap();
        name.starts_with("time_embedding") || name.ends_with("condition")
    };
    for layer in layers {
        let request = body!({ "name": "points", "node": layer["node"], "t": 100, "seed": 0, "class": "" });
        let seen = studio.asked("activations", &request);
        assert!(seen["pictures"].is_null() && seen["looks"].is_null());
        let channels = &seen["channels"];
        let (length, of_time) = (layer["output"][0].as_u64().unwrap(), is_of_time(layer));
        let expected = if of_time { (1, body!([1, length])) } else { (length.min(36), body!([32, 32])) };
        assert_eq!((channels["count"].as_u64().unwrap(), channels["sides"].clone()), expected, "{layer}");
    }
}
