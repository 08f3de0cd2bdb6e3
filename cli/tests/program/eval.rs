use crate::run::{files, json, tweedie, workshop};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tweedie_nn::weights::write_safetensors;

/// A network of the user's that takes the means of squares: files `net.safetensors` and `net.json` in `folder`.
pub(crate) fn four_means(folder: &Path) -> [String; 2] {
    let [weights, description] = ["net.safetensors", "net.json"].map(|name| folder.join(name));
    write_safetensors(&weights, &[], &Default::default()).unwrap();
    fs::write(&description, r#"[{"layer": "avg_pool", "kernel": 4}, {"layer": "flatten"}]"#).unwrap();
    [format!("--features={}", weights.display()), format!("--description={}", description.display())]
}

#[test]
fn a_model_is_measured_as_the_pictures_that_it_paints() {
    let (folder, out) = (workshop(), tempfile::tempdir().unwrap());
    let [weights, description] = four_means(out.path());
    let pictures = out.path().join("pictures").display().to_string();
    json(folder, &["sample", "model", "--n=70", "--steps=2", "--seed=5", "--out", &pictures]);
    let judged = |model: &str, more: &[&str]| {
        json(folder, &[&["eval", "frechet", model, &weights, &description, "--seed=5"], more].concat())
    };
    let painted = judged("model", &["--n=70", "--steps=2", "--threads=1"]);
    let found = judged(&pictures, &["--data=glyphs", "--image-size=8"]);
    for key in ["n", "frechet", "kernel", "kernel_std_error", "precision", "recall", "baseline", "real"] {
        assert!(painted[key].is_number(), "{key}");
        assert_eq!(painted[key], found[key], "{key}");
    }
    let number = |key: &str| painted[key].as_f64().unwrap();
    assert!(number("frechet") > 10.0 * number("baseline"), "{painted}");
    assert_eq!(
        (&painted["n"], &painted["dimensions"], &painted["real"]),
        (&70.into(), &4.into(), &9930.into())
    );
    assert_eq!(painted["classifier_accuracy"], Value::Null);
    // The same pictures against those of one class are farther from them, and fewer are there.
    let sevens = judged(&pictures, &["--data=glyphs", "--image-size=8", "--class=7"]);
    assert_eq!(sevens["real"], 930);
    assert_ne!(sevens["frechet"], found["frechet"]);
    assert_eq!(files(&folder.join("model")).iter().filter(|name| name.contains("classifier")).count(), 0);
}

#[test]
fn a_classifier_is_trained_once_and_judges_what_is_asked_for() {
    let (folder, out) = (workshop(), tempfile::tempdir().unwrap());
    let classifier = format!("--classifier={}", out.path().join("new/judge.safetensors").display());
    let said = json(folder, &["eval", "classes", "model", "--n=3", "--steps=1", &classifier]);
    // Of 8 × 8 pixels, digits are not always to be told apart.
    assert!(said["classifier_accuracy"].as_f64().unwrap() > 0.8, "{said}");
    let (lines, classes) = (said["confusion"].as_array().unwrap(), said["per_class"].as_array().unwrap());
    let mut right = 0;
    for (class, line) in lines.iter().enumerate() {
        let line: Vec<u64> = line.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        assert_eq!((line.len(), line.iter().sum::<u64>()), (10, 3));
        assert_eq!(classes[class]["accuracy"].as_f64().unwrap(), line[class] as f64 / 3.0);
        right += line[class];
    }
    assert_eq!(said["accuracy"].as_f64().unwrap(), right as f64 / 30.0);

    let path = out.path().join("new/judge.safetensors");
    let written = fs::read(&path).unwrap();
    let two = json(folder, &["eval", "classes", "model", "--n=2", "--steps=1", "--class=7,3", &classifier]);
    let names: Vec<&Value> =
        two["per_class"].as_array().unwrap().iter().map(|class| &class["name"]).collect();
    assert_eq!((names, &two["n"]), (vec![&"7".into(), &"3".into()], &4.into()));
    let near = json(folder, &["eval", "frechet", "model", "--n=65", "--steps=1", &classifier]);
    assert_eq!((&near["features"], &near["dimensions"]), (&"classifier".into(), &64.into()));
    assert_eq!(near["classifier_accuracy"], said["classifier_accuracy"]);
    assert_eq!(fs::read(&path).unwrap(), written);

    // It does not judge by what it never saw.
    let other = tweedie(
        folder,
        &["eval", "frechet", "model", "--data=shapes", "--image-size=8", "--n=65", &classifier],
    );
    assert_eq!(other.status, Some(1));
    let colour = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/class");
    let other =
        tweedie(folder, &["eval", "classes", colour, "--data=glyphs", "--image-size=12", &classifier]);
    assert!(other.stderr.contains("a classifier of other pictures than glyphs"), "{}", other.stderr);
}

#[test]
fn what_cannot_be_measured_is_said_before_any_work() {
    let (folder, out) = (workshop(), tempfile::tempdir().unwrap());
    let [weights, description] = four_means(out.path());
    let unconditional = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/plain");
    let class = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/class");
    let few = out.path().join("few");
    fs::create_dir(&few).unwrap();
    image::GrayImage::new(8, 8).save(few.join("a.png")).unwrap();
    let few = few.display().to_string();
    let before = files(folder);
    for (arguments, named) in [
        (vec!["frechet", "model", "--n=19", &weights, &description], "19 pictures, --n: too few"),
        (
            vec!["frechet", "model", "--data", &few, "--n=20", &weights, &description],
            "0 real pictures to spare",
        ),
        (
            vec!["frechet", &few, "--data=glyphs", "--image-size=8", "--n=2"],
            "2 pictures of 1, --n: give at most 1",
        ),
        (vec!["frechet", &few, &weights, &description], "which pictures are real, --data"),
        (vec!["frechet", unconditional, "--n=20"], "which pictures are real, --data"),
        (vec!["frechet", "model", "--data=glyphs", "--image-size=12"], "give --image-size 8"),
        (
            vec!["frechet", "model", "--data=shapes"],
            "real pictures of 3 × 8 × 8 beside painted ones of 1 × 8 × 8",
        ),
        (vec!["frechet", "model", "--class=10", &weights, &description], "no class \"10\""),
        (vec!["frechet", "model", "--eta=2", &weights, &description], "--eta"),
        (vec!["frechet", "nowhere", "--data=glyphs"], "nowhere"),
        (vec!["frechet", "model", "--n=20", &weights, "--description=none.json"], "none.json"),
        (vec!["classes", unconditional, "--data=shapes", "--image-size=8"], "knows no classes"),
        (vec!["classes", "model", "--class=ten"], "no class \"ten\""),
        (vec!["classes", class, "--class=0"], "which pictures are real, --data"),
    ] {
        let said = tweedie(folder, &[&["eval"], &arguments[..]].concat());
        assert_eq!((said.status, said.stdout.as_str()), (Some(1), ""), "{arguments:?}: {}", said.stderr);
        let last = said.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: ") && last.contains(named), "{arguments:?}: {last}");
    }
    assert_eq!(files(folder), before);
    for line in [
        &["eval"][..],
        &["eval", "frechet", "model", &weights],
        &["eval", "frechet", "model", &weights, &description, "--classifier=c"],
        &["eval", "classes", "model", "--n=0"],
    ] {
        assert_eq!(tweedie(folder, line).status, Some(2), "{line:?}");
    }
}
