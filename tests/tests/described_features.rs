//! Networks given as weights and a description, against what torch makes of the same pictures; and descriptions that
//! do not fit, refused by layer and key.

use std::fs;
use std::path::{Path, PathBuf};
use tweedie_nn::described::FeatureNetwork;
use tweedie_nn::weights::WeightFile;
use tweedie_tensor::Tensor;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/features").join(name)
}

#[test]
fn features_are_those_of_torch() {
    for (name, shape, width) in [("flat", [3, 9, 7], 5), ("average", [1, 8, 8], 6)] {
        let weights = fixture(&format!("{name}.safetensors"));
        let network = FeatureNetwork::open(&weights, &fixture(&format!("{name}.json")), shape).unwrap();
        assert_eq!(network.width(), width);
        let expected = WeightFile::read(&fixture(&format!("{name}.expected.safetensors"))).unwrap();
        let (x, y): (Tensor<f32>, Tensor<f32>) =
            (expected.tensor("x").unwrap(), expected.tensor("y").unwrap());
        let found = network.features(&x).unwrap();
        assert_eq!(found.shape(), y.shape());
        for (found, expected) in found.as_slice().iter().zip(y.as_slice()) {
            assert!((found - expected).abs() < 1e-6, "{name}: {found} is not {expected}");
        }
        assert!(network.features(&Tensor::zeros([1, 2, 4, 4])).is_err());
    }
}

#[test]
fn what_does_not_fit_is_said_by_layer_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("net.json");
    let whole = fs::read_to_string(fixture("flat.json")).unwrap();
    let error = |text: &str, weights: &str, shape| {
        fs::write(&json, text).unwrap();
        FeatureNetwork::open(&fixture(weights), &json, shape).err().map(|e| e.to_string()).unwrap_or_default()
    };
    let flat = |text: &str| error(text, "flat.safetensors", [3, 9, 7]);
    let changed = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        flat(&whole.replacen(from, to, 1))
    };
    assert_eq!(flat(&whole), "");
    for (message, named) in [
        (flat("{}"), "no JSON list"),
        (flat("[1]"), "layer 0 (?)"),
        (changed("relu", "softplus"), "layer 4 (softplus): unknown variant"),
        (changed("\"stride\": 2, ", "\"strides\": 2, "), "layer 2 (conv2d): unknown field `strides`"),
        (changed("\"kernel\": 3, ", ""), "layer 5 (max_pool): missing field `kernel`"),
        (changed("\"stride\": 2, \"padding\": 1}", "\"stride\": 0}"), "layer 2 (conv2d): conv2d: stride = 0"),
        (changed("\"name\": \"bn1\"", "\"name\": \"bn2\""), "layer 3 (batch_norm): bn2.weight is missing"),
        (
            changed("\"name\": \"bn1\"", "\"name\": \"fc1\""),
            "layer 3 (batch_norm): fc1.weight has shape [7, 16], not [6]",
        ),
        (changed("\"groups\": 2", "\"groups\": 3"), "layer 7 (group_norm): group_norm: groups = 3"),
        (changed("\"name\": \"fc1\"", "\"name\": \"fc2\""), "layer 11 (linear)"),
        (
            changed("{\"layer\": \"flatten\"},", ""),
            "layer 10 (linear): fc1.weight [7, 16] on [1, 4, 2, 2]: flatten first",
        ),
        (changed("\"std\": [0.5, 0.7, 0.9]", "\"std\": [0.5, 0.0, 0.9]"), "layer 0 (normalise): std = 0"),
        (changed("\"mean\": [0.1, -0.2, 0.3]", "\"mean\": [0.1, -0.2]"), "mean has 2 numbers"),
        (changed("\"eps\": 0.001", "\"eps\": -1"), "eps = -1"),
        (changed("\"bias\": false, ", ""), "block.conv.bias is missing"),
        (
            changed(
                "\"padding\": 1},\n  {\"layer\": \"group",
                "\"padding\": 1, \"bias\": 3},\n  {\"layer\": \"group",
            ),
            "layer 6",
        ),
        (
            flat(&whole.replace(",\n  {\"layer\": \"linear\", \"name\": \"fc2\", \"bias\": false}", "")),
            "fc2.weight is of no layer",
        ),
        (flat("[]"), "the last layer leaves [1, 3, 9, 7]"),
        (error(&whole, "flat.safetensors", [1, 9, 7]), "layer 0 (normalise)"),
        (error(&whole, "nothing.safetensors", [3, 9, 7]), "nothing.safetensors: cannot be read"),
    ] {
        assert!(message.contains(named), "{named} is not in: {message}");
    }
    let missing = FeatureNetwork::open(&fixture("flat.safetensors"), &folder.path().join("none"), [3, 9, 7]);
    assert!(missing.unwrap_err().to_string().contains("none: cannot be read"));
}
