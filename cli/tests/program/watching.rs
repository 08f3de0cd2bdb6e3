//! What a run says of itself, and what it decides by itself.

use crate::run::{copy, json, train_tiny, tweedie};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn lines(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn digest(folder: &Path, arguments: &[&str]) -> String {
    json(folder, arguments)["weights_digest"].as_str().unwrap().to_string()
}

/// Six small pictures of one size in `pictures/`.
fn six_pictures(folder: &Path) {
    let pictures = folder.join("pictures");
    fs::create_dir(&pictures).unwrap();
    for i in 0..6u8 {
        // A portable grey map: as plain as a picture can be.
        let bytes = [b"P5 8 8 255\n".to_vec(), (0..64).map(|j| (j * 4) ^ i).collect()].concat();
        fs::write(pictures.join(format!("{i}.pgm")), bytes).unwrap();
    }
}

#[test]
fn terminal_metrics_report_and_summary_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let said = tweedie(folder.path(), &train_tiny(&["--steps=6", "--out=run", "--json"]));
    let summary: Value = serde_json::from_str(&said.stdout).unwrap();
    let lines = lines(&folder.path().join("run"));
    let last = lines.last().unwrap();
    let report = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    for key in ["loss", "images_per_second"] {
        assert_eq!(summary[key], last[key], "{key}");
    }
    let number = |key: &str| last[key].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&number("data_wait")), "{last}");
    let loss = format!("{:.4}", number("loss"));
    let pace = format!("{:.0}", number("images_per_second"));
    let memory = number("rss_mib");
    let line = format!("loss {loss}, {pace} pictures a second, {memory:.0} MiB, at most ");
    assert!(said.stderr.contains(&line), "{line}: {}", said.stderr);
    for fact in [loss, pace, format!("{memory:.0} MiB")] {
        assert!(report.contains(&format!("<b>{fact}</b>")), "{fact}");
    }
}

/// A report without what depends on clocks and on memory.
fn timeless(report: &str) -> Vec<&str> {
    let measured = ["pictures a second", "of training", "of memory", "memory, MiB"];
    let parts = report.split_inclusive("</div>").flat_map(|part| part.split_inclusive("</figure>"));
    let of_bits = parts.filter(|part| !measured.iter().any(|name| part.contains(name)));
    of_bits.collect()
}

#[test]
fn report_and_summary_of_a_run_that_was_resumed_are_those_of_one_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let [alone, parts] = ["alone", "parts"].map(|name| folder.path().join(name));
    fs::create_dir(&alone).unwrap();
    let often = ["--out=run", "--set=train.validate_every=3", "--set=train.grids=3", "--checkpoint-every=4"];
    let whole = json(&alone, &train_tiny(&[&often[..], &["--steps=9", "--set=train.keep=9"]].concat()));
    // As if it had ended between steps 4 and 8.
    copy(&alone, &parts);
    for gone in
        ["report.html", "checkpoints/step-00000008.safetensors", "checkpoints/step-00000009.safetensors"]
    {
        fs::remove_file(parts.join("run").join(gone)).unwrap();
    }
    for grid in ["samples/step-000006.png", "samples/step-000009.png", "samples/final.png"] {
        fs::remove_file(parts.join("run").join(grid)).unwrap();
    }
    let resumed = json(&parts, &["train", "--out=run", "--resume"]);
    let same = |key: &&String| !["images_per_second", "peak_rss_mib", "data_wait"].contains(&&key[..]);
    let keys: Vec<&String> = whole.as_object().unwrap().keys().filter(same).collect();
    assert_eq!(keys, ["run", "steps", "loss", "weights_digest"]);
    for key in keys {
        assert_eq!(whole[key], resumed[key], "{key}");
    }
    let report = |place: &Path| fs::read_to_string(place.join("run/report.html")).unwrap();
    let (whole, resumed) = (report(&alone), report(&parts));
    assert_eq!(timeless(&whole), timeless(&resumed));
    assert!(timeless(&whole).iter().any(|part| part.contains("held out, at last")));
    assert_eq!(timeless(&whole).iter().filter(|part| part.contains("data:image/png")).count(), 3);
}

#[test]
fn a_run_says_its_shape_and_what_it_does_after_the_last_step() {
    let folder = tempfile::tempdir().unwrap();
    let said = tweedie(folder.path(), &train_tiny(&["--steps=2", "--out=run"]));
    let shape = "glyphs: 60,000 pictures of 1 x 8 x 8, 10 classes; a network of ";
    for part in [shape, "\nsaving\n", "\npainting the last grid\n"] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    assert_eq!(said.stderr.matches("painting the last grid").count(), 1, "{}", said.stderr);
    let report = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(!report.contains(['[', ']']) && !report.contains("http-equiv"));
}

#[test]
fn validation_stands_beside_training_and_changes_no_bit_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let with =
        digest(folder.path(), &train_tiny(&["--steps=6", "--out=with", "--set=train.validate_every=4"]));
    let without =
        digest(folder.path(), &train_tiny(&["--steps=6", "--out=without", "--set=train.validate_every=0"]));
    assert_eq!(with, without);
    let measured = |run: &str| lines(&folder.path().join(run));
    let steps: Vec<u64> = measured("with")
        .iter()
        .filter(|line| line["validation"].is_number() && line["validation_by_decile"][9].is_number())
        .map(|line| line["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [4, 6]);
    assert!(measured("without").iter().all(|line| line.get("validation").is_none()));
    let report = |run: &str| fs::read_to_string(folder.path().join(run).join("report.html")).unwrap();
    assert!(report("with").contains("held out") && !report("without").contains("held out"));

    // The same pictures, times and noise after a stop, and in a run of another seed.
    digest(folder.path(), &train_tiny(&["--steps=4", "--out=parts", "--set=train.validate_every=4"]));
    assert_eq!(digest(folder.path(), &["train", "--out=parts", "--resume", "--steps=6"]), with);
    let key = |run: &str, line: usize| measured(run)[line]["validation"].clone();
    assert_eq!((key("parts", 1), key("parts", 2)), (key("with", 1), key("with", 2)));
}

#[test]
fn data_without_a_test_part_lose_no_picture_unless_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    six_pictures(folder.path());
    let small = ["--data=pictures", "--steps=2", "--batch=2", "--set=train.validate_every=1"];
    let said = tweedie(folder.path(), &train_tiny(&[&small[..], &["--out=all"]].concat()));
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains(": 6 pictures of 1 x 8 x 8, 1 class;") && !said.stderr.contains("held out"));
    assert!(lines(&folder.path().join("all")).iter().all(|line| line.get("validation").is_none()));
    assert!(!fs::read_to_string(folder.path().join("all/report.html")).unwrap().contains("held out"));

    let asked = [&small[..], &["--out=some", "--set=data.hold_out=0.34"]].concat();
    let said = tweedie(folder.path(), &train_tiny(&asked));
    assert!(said.stderr.contains(": 4 pictures of"), "{}", said.stderr);
    assert!(said.stderr.contains("validation on 2 of 2 pictures held out"), "{}", said.stderr);
    assert!(lines(&folder.path().join("some"))[0]["validation"].is_number());

    let said =
        tweedie(folder.path(), &train_tiny(&[&small[..], &["--out=no", "--set=data.hold_out=1"]].concat()));
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.contains("data.hold_out"), "{}", said.stderr);
}

#[test]
fn a_batch_that_was_not_asked_for_shrinks_to_a_small_set() {
    let folder = tempfile::tempdir().unwrap();
    six_pictures(folder.path());
    let tiny: Vec<&str> = train_tiny(&["--data=pictures", "--steps=2"])
        .into_iter()
        .filter(|argument| !argument.starts_with("--batch"))
        .collect();
    let said = tweedie(folder.path(), &[&tiny[..], &["--out=run"]].concat());
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("batches of 4: "), "{}", said.stderr);
    assert!(fs::read_to_string(folder.path().join("run/config.toml")).unwrap().contains("\nbatch = 4\n"));
    let digest_of = |more: &[&str]| digest(folder.path(), more);
    assert_eq!(
        digest_of(&["train", "--config=run/config.toml", "--out=again"]),
        digest_of(&[&tiny[..], &["--batch=4", "--out=asked"]].concat())
    );
    for asked in ["--batch=64", "--set=train.batch=64"] {
        let said = tweedie(folder.path(), &[&tiny[..], &[asked, "--out=no"]].concat());
        assert_eq!(said.status, Some(1), "{asked}");
        assert!(
            said.stderr.contains("a batch of 64 of 6 pictures, train.batch: give --batch 6 or less"),
            "{}",
            said.stderr
        );
    }
}

#[test]
fn what_the_pace_decides_is_written_and_repeats() {
    let folder = tempfile::tempdir().unwrap();
    let config = |run: &str| fs::read_to_string(folder.path().join(run).join("config.toml")).unwrap();
    // No machine takes a thousand steps in this time.
    let paced = digest(folder.path(), &train_tiny(&["--time-budget=300ms", "--out=paced"]));
    assert!(!config("paced").contains("warmup = 100\n"), "{}", config("paced"));
    assert_eq!(digest(folder.path(), &["train", "--config=paced/config.toml", "--out=again"]), paced);
    assert_eq!(config("again"), config("paced"));
    for (out, limit) in [("steps", "--steps=2"), ("asked", "--set=optimizer.warmup=100")] {
        let out_of = format!("--out={out}");
        let budget = if out == "steps" { "--quiet" } else { "--time-budget=300ms" };
        digest(folder.path(), &train_tiny(&[limit, budget, &out_of]));
        assert!(config(out).contains("warmup = 100\n"), "{out}");
    }
}

#[test]
fn a_machine_that_is_too_slow_for_the_default_network_takes_a_smaller_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = |run: &str| fs::read_to_string(folder.path().join(run).join("config.toml")).unwrap();
    // For half a second, every machine is.
    let short = ["train", "--image-size=16", "--time-budget=500ms", "--set=train.grids=0"];
    let said = tweedie(folder.path(), &[&short[..], &["--out=run"]].concat());
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("a network of 16 and 32 channels in batches of 16: "), "{}", said.stderr);
    let small = |config: String| {
        config.contains("batch = 16\n") && config.replace(['\n', ' '], "").contains("[16,32")
    };
    assert!(small(config("run")), "{}", config("run"));
    let resumed = tweedie(folder.path(), &["train", "--out=run", "--resume", "--time-budget=4s"]);
    for note in [
        "note: this run keeps its network of 16 and 32 channels, ",
        "note: the whole run now has 4 seconds, ",
    ] {
        assert!(resumed.stderr.contains(note), "{}", resumed.stderr);
    }
    assert!(!resumed.stderr.contains("unset"), "{}", resumed.stderr);
    digest(folder.path(), &[&short[..], &["--preset=digits", "--out=preset"]].concat());
    assert!(!small(config("preset")));
    assert_eq!(config("preset").matches("batch = 64\n").count(), 1);
}
