//! What layers make of a picture, and where attention looks.

use super::Studio;
use serde_json::{Value, json as body};

impl Studio {
    /// What the first layer of this name or kind makes of a picture.
    fn seen(&self, model: &str, which: &str, more: &Value) -> Value {
        let inside = self.asked("inside", &body!({ "name": model }));
        let layers = inside["trace"]["layers"].as_array().unwrap();
        let layer = layers.iter().find(|layer| layer["name"] == which || layer["kind"] == which).unwrap();
        let mut request = body!({ "name": model, "node": layer["node"], "t": 400, "seed": 1, "class": "" });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.asked("activations", &request)
    }
}

#[test]
fn layers_and_times_differ_and_the_picture_stays() {
    let studio = Studio::open();
    let seen = |kind: &str, t: usize| studio.seen("model", kind, &body!({ "t": t, "class": "2" }));
    let (attention, first) = (seen("attention", 1), seen("conv2d", 1000));
    assert!(attention["looks"]["of"] == "places" && first["looks"].is_null());
    assert_eq!(attention["looks"]["maps"]["count"], 9);
    assert_eq!(first["pictures"][0], attention["pictures"][0]);
    assert_ne!(seen("attention", 900)["channels"], attention["channels"]);
    for (node, t, why) in [(99_999, 1, "no such operation, 99999"), (0, 0, "0 is outside the schedule, t")] {
        let request = body!({ "name": "model", "node": node, "t": t, "seed": 1, "class": "" });
        let said = studio.refused("activations", &request);
        assert!(said.starts_with(why), "{said}");
    }
}

#[test]
fn patches_of_a_transformer_look_at_patches() {
    let studio = Studio::open();
    let tiny = ["--preset=transformer", "--batch=8", "--image-size=16", "--set=model.hidden_size=16"];
    let small = ["--set=model.num_heads=2", "--set=model.depth=1"];
    studio.train("dit", &[&tiny[..], &small[..]].concat());
    let seen = studio.seen("dit", "token_attention", &body!({}));
    // Patches of 4 by 4 pixels; tokens of 16 numbers.
    let planes = |of: &Value| (of["count"].as_u64(), of["sides"].clone());
    assert_eq!(planes(&seen["channels"]), (Some(16), body!([4, 4])));
    assert_eq!(
        (&seen["looks"]["of"], planes(&seen["looks"]["maps"])),
        (&body!("places"), (Some(9), body!([4, 4])))
    );
}

#[test]
fn words_are_looked_for() {
    let studio = Studio::open();
    studio.train("captions", &[&["--preset=captions"], crate::run::TINY].concat());
    let seen = |which: &str, caption: &str| studio.seen("captions", which, &body!({ "caption": caption }));
    let cross = "down_blocks.1.cross_attentions.0";
    let (some, none) = (seen(cross, "red circle"), seen(cross, ""));
    assert_eq!((&some["looks"]["of"], &some["looks"]["maps"]["count"]), (&body!("words"), &body!(2)));
    assert!(none["looks"].is_null() && none["pictures"][0] != some["pictures"][0]);
    assert_eq!(seen("down_blocks.1.attentions.0", "red circle")["looks"]["of"], "places");
    // Words that look at words are no picture.
    assert!(seen("token_attention", "red circle")["looks"].is_null());
}
