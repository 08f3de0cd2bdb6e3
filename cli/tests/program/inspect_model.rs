use crate::run::{files, json, train_tiny, tweedie, workshop};
use serde_json::Value;

fn sum(list: &Value, key: &str) -> u64 {
    list.as_array().unwrap().iter().map(|item| item[key].as_u64().unwrap()).sum()
}

#[test]
fn a_model_is_shown_layer_by_layer() {
    let (folder, out) = (workshop(), tempfile::tempdir().unwrap());
    let to = |name: &str| format!("--out={}", out.path().join(name).display());
    let shown = json(folder, &["inspect", "model", "model", &to("net.svg")]);
    let keys: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["model", "picture", "layers", "blocks", "parameters", "unused", "flops", "saved_bytes"]
    );
    assert_eq!(shown["picture"], serde_json::json!([1, 8, 8]));
    for of in ["parameters", "flops", "saved_bytes"] {
        let whole = shown[of].as_u64().unwrap();
        assert_eq!((sum(&shown["layers"], of), sum(&shown["blocks"], of)), (whole, whole), "{of}");
    }
    let svg = std::fs::read_to_string(out.path().join("net.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("conv_in") && !svg.contains("NaN"));

    let said = tweedie(folder, &["inspect", "model", "model", &to("net.html")]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stdout.lines().any(|line| line.starts_with("conv_in ") && line.contains("conv2d 3×3")));
    let html = std::fs::read_to_string(out.path().join("net.html")).unwrap();
    assert!(
        html.contains("<svg") && html.contains("mid_block.resnets.0.conv1") && html.ends_with("</html>\n")
    );
    let blocks = tweedie(folder, &["inspect", "model", "model", "--blocks"]).stdout;
    assert!(blocks.lines().count() < said.stdout.lines().count() && !blocks.contains("conv2d"));
}

#[test]
fn a_run_is_shown_with_its_curves_and_digests() {
    let place = tempfile::tempdir().unwrap();
    let often = ["--steps=12", "--out=run", "--set=train.validate_every=4"];
    let summary = json(place.path(), &train_tiny(&often));
    let shown = json(place.path(), &["inspect", "run", "run", "--out=curves.svg"]);
    let last = shown["checkpoints"].as_array().unwrap().last().unwrap();
    assert_eq!(last["weights_digest"], summary["weights_digest"]);
    let lines = shown["metrics"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[5]["loss"]), (6, &summary["loss"]));
    assert_eq!(shown["seconds"], lines[5]["seconds"]);
    let svg = std::fs::read_to_string(place.path().join("curves.svg")).unwrap();
    assert!(svg.contains("gradient norm") && svg.matches("<polyline").count() >= 8 && !svg.contains("NaN"));
    let said = tweedie(place.path(), &["inspect", "run", "run", "--out=curves.html"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    for curve in ["loss ", "validation ", "gradient norm ", "learning rate ", "pictures a second "] {
        let line = said.stdout.lines().find(|line| line.starts_with(curve)).unwrap_or_default();
        assert!(line.contains(['▁', '▅', '█']), "{curve}: {}", said.stdout);
    }
    let digest = summary["weights_digest"].as_str().unwrap();
    assert!(said.stdout.contains(&digest[..12]) && said.stdout.contains("  least"), "{}", said.stdout);
    assert!(std::fs::read_to_string(place.path().join("curves.html")).unwrap().contains("<svg"));
    // A run whose metrics are gone is inspected all the same.
    std::fs::remove_file(place.path().join("run/metrics.jsonl")).unwrap();
    let said = tweedie(place.path(), &["inspect", "run", "run", "--out=none.svg"]);
    assert!(said.status == Some(0) && said.stdout.contains("no metrics"), "{}", said.stdout);
}

#[test]
fn a_network_is_shown_before_there_is_a_run() {
    let place = tempfile::tempdir().unwrap();
    let planned = json(place.path(), &["plan", "--preset=small", "--no-measure"]);
    let shown = json(place.path(), &["inspect", "model", "--preset=small"]);
    assert_eq!(shown["parameters"], planned["parameters"]);
    let larger = json(place.path(), &["inspect", "model", "--preset=small", "--image-size=56"]);
    assert_eq!(larger["picture"], serde_json::json!([1, 56, 56]));
    // Four times the pixels; attention alone takes more than that.
    assert!(larger["flops"].as_u64().unwrap() > 4 * shown["flops"].as_u64().unwrap() - 4_000_000);
    assert_eq!(larger["parameters"], shown["parameters"]);
    let deeper =
        json(place.path(), &["inspect", "model", "--preset=small", "--set=model.layers_per_block=3"]);
    assert!(deeper["parameters"].as_u64() > shown["parameters"].as_u64());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/ddpm");
    let diffusers = json(place.path(), &["inspect", "model", folder]);
    assert_eq!(sum(&diffusers["layers"], "parameters"), diffusers["parameters"].as_u64().unwrap());
    assert!(files(place.path()).is_empty());

    for (line, status, named) in [
        ("inspect model", 2, "MODEL"),
        ("inspect model m --preset small", 2, "--preset"),
        ("inspect model --preset small --out a.png", 2, "FILE.svg"),
        ("inspect model nowhere", 1, "nowhere"),
        ("inspect model --preset huge", 1, "huge"),
        ("inspect model --preset small --set model.colour=3", 1, "colour"),
        ("inspect model --preset small --image-size 27", 1, "27"),
    ] {
        let said = tweedie(place.path(), &line.split(' ').collect::<Vec<_>>());
        assert_eq!((said.status, said.stdout.as_str()), (Some(status), ""), "{line}: {}", said.stderr);
        assert!(said.stderr.contains(named), "{line}: {}", said.stderr);
    }
}
