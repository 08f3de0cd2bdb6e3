//! Data sets as they lie on disks, looked at by the program.

use crate::bad_input::refused;
use crate::run::{files, json, train_tiny, tweedie};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn case(name: &str) -> String {
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/cases").join(name);
    place.display().to_string()
}

fn classes(shown: &Value) -> Vec<(&str, u64)> {
    let classes = shown["classes"].as_array().unwrap();
    classes.iter().map(|class| (class["name"].as_str().unwrap(), class["count"].as_u64().unwrap())).collect()
}

#[test]
fn every_layout_is_counted_right() {
    let place = tempfile::tempdir().unwrap();
    let ten: Vec<(String, u64)> = (0..10).map(|digit| (digit.to_string(), 4)).collect();
    let letters: Vec<(String, u64)> = (1..27).map(|letter| (letter.to_string(), 2)).collect();
    let twelve: Vec<(String, u64)> = (0..12).map(|folder| (folder.to_string(), 3)).collect();
    let named = |pairs: &[(&str, u64)]| pairs.iter().map(|(name, n)| (name.to_string(), *n)).collect();
    let table = [
        ("folders-0-11", [3, 16, 16], twelve),
        ("comma", [3, 16, 16], named(&[("blue", 3), ("red, bright", 3)])),
        ("nested", [3, 16, 16], named(&[("cats", 6), ("dogs", 1)])),
        ("emnist-letters", [1, 28, 28], letters),
        ("kaggle-mnist", [1, 8, 8], ten.clone()),
        ("qmnist", [1, 8, 8], ten.clone()),
        ("gz-name-plain", [1, 8, 8], ten),
        ("mac-zip-flat", [3, 16, 16], named(&[("train", 4)])),
    ];
    for (name, shape, wanted) in table {
        let shown = json(place.path(), &["inspect", "data", &case(name)]);
        let found: Vec<(String, u64)> =
            classes(&shown).into_iter().map(|(name, n)| (name.to_string(), n)).collect();
        assert_eq!((found, &shown["shape"]), (wanted, &serde_json::json!(shape)), "{name}");
    }
    let cifar = json(place.path(), &["inspect", "data", &case("cifar-100-binary")]);
    assert_eq!((&cifar["pictures"], cifar["classes"].as_array().unwrap().len()), (&50.into(), 100));
    let coarse =
        json(place.path(), &["inspect", "data", &case("cifar-100-binary"), "--set", "data.coarse=true"]);
    assert_eq!(classes(&coarse).len(), 20);
}

#[test]
fn a_cut_picture_is_named_by_every_command() {
    let place = tempfile::tempdir().unwrap();
    let cut = case("p-trunc");
    for line in [
        vec!["inspect", "data", &cut],
        vec!["inspect", "spectrum", "--data", &cut],
        vec!["train", "--data", &cut, "--steps=1"],
    ] {
        refused(place.path(), &line, &["does not decode whole", "a.jpg", "mend or remove it"]);
    }
}

#[test]
fn what_was_decided_and_left_out_is_said() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("mixed");
    fs::create_dir(&data).unwrap();
    for entry in fs::read_dir(case("first-grey")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, data.join(from.file_name().unwrap())).unwrap();
    }
    fs::write(data.join("999.heic"), b"\0\0\0\x18ftypheic").unwrap();
    let notes = [
        "note: left out 1 file: 999.heic (not a format that is read)",
        "note: grey and colour pictures (000.png and 001.png): all are read as colour",
    ];
    let looked = tweedie(place.path(), &["inspect", "data", "mixed"]);
    let trained = tweedie(place.path(), &train_tiny(&["--data=mixed", "--steps=1", "--out=run"]));
    for said in [&looked, &trained] {
        assert_eq!(said.status, Some(0), "{}", said.stderr);
        for note in notes {
            assert!(said.stderr.contains(note), "{}", said.stderr);
        }
    }
    let told = format!("{}{}", looked.stdout, looked.stderr);
    assert!(told.contains("9 pictures of 3 × 16 × 16"), "{told}");
}

#[test]
fn emnist_is_turned_and_the_config_says_how_to_leave_it() {
    let place = tempfile::tempdir().unwrap();
    let emnist = case("emnist-letters");
    let said = tweedie(place.path(), &["inspect", "data", &emnist]);
    assert!(said.stderr.contains("note: EMNIST's files hold pictures transposed"), "{}", said.stderr);
    let run = ["--steps=1", "--out=run", "--set=data.transpose=false", "--data", &emnist];
    let trained = json(place.path(), &train_tiny(&run));
    assert_eq!(trained["steps"], 1);
    let config = fs::read_to_string(place.path().join("run/config.toml")).unwrap();
    assert!(config.contains("transpose = false") && config.contains("convention = \"tweedie\""), "{config}");
    let painted = json(place.path(), &["sample", "run", "--n=5", "--steps=1", "--out=em.png"]);
    assert!(painted["classes"].is_array(), "{painted}");
}

#[test]
fn some_of_a_set_are_drawn_by_the_seed_and_of_every_class() {
    let place = tempfile::tempdir().unwrap();
    let shown = json(place.path(), &["inspect", "data", "glyphs", "--n=400"]);
    let counts = classes(&shown);
    assert!(counts.len() == 10 && counts.iter().all(|(_, n)| (15..=70).contains(n)), "{counts:?}");
    let again = json(place.path(), &["inspect", "data", "glyphs", "--n=400", "--seed=1"]);
    assert_ne!(shown["mean"], again["mean"]);
    let of = |line: &[&str]| json(place.path(), line)["alpha"].as_f64().unwrap();
    let spectrum = |seed: &str| of(&["inspect", "spectrum", "--data=glyphs", "--n=400", seed]);
    // Of all digits, and not of one.
    assert!((spectrum("--seed=0") - shown["alpha"].as_f64().unwrap()).abs() < 0.02);
    assert_ne!(spectrum("--seed=0"), spectrum("--seed=1"));
}

#[test]
fn a_folder_gets_a_file_for_each_picture() {
    let place = tempfile::tempdir().unwrap();
    let line = ["inspect", "data", "--data", &case("first-grey"), "--out=some/", "--n=3"];
    let shown = json(place.path(), &line);
    assert_eq!(shown["n"], 3);
    assert_eq!(files(place.path()), ["some", "some/0000.png", "some/0001.png", "some/0002.png"]);
    let all = json(place.path(), &["inspect", "data", &case("comma"), "--out", "sorted/"]);
    assert_eq!(all["n"], 6);
    let picture = image::open(place.path().join("sorted/blue/0000.png")).unwrap();
    let original = image::open(Path::new(&case("comma")).join("blue/0.png")).unwrap();
    assert_eq!(picture.to_rgb8(), original.to_rgb8());
    json(place.path(), &["inspect", "forward", "--image=some/0002.png"]);
    // What was written is the same set: its classes with their pictures.
    let read = json(place.path(), &["inspect", "data", "sorted"]);
    for same in ["n", "classes", "mean", "variance", "alpha"] {
        assert_eq!(read[same], all[same], "{same}");
    }
    refused(
        place.path(),
        &["inspect", "data", "glyphs", "--n=1", "--out=some/0000.png/"],
        &["--out some/0000.png"],
    );
}

#[test]
fn data_is_named_once() {
    let place = tempfile::tempdir().unwrap();
    for line in ["inspect data", "inspect data glyphs --data glyphs"] {
        let said = tweedie(place.path(), &line.split(' ').collect::<Vec<_>>());
        assert_eq!(said.status, Some(2), "{line}");
    }
    for set in ["data.flips=true", "train.batch=3", "data.convention=magic", "data.transpose"] {
        refused(place.path(), &["inspect", "data", "glyphs", "--n=1", "--set", set], &[set]);
    }
}

#[test]
fn torchvisions_grey_is_there_for_comparison() {
    let place = tempfile::tempdir().unwrap();
    image::RgbImage::from_pixel(4, 2, image::Rgb([255, 0, 0])).save(place.path().join("a.png")).unwrap();
    let line = ["inspect", "data", ".", "--image-size=2", "--set=data.convention=torchvision"];
    assert_eq!(json(place.path(), &line)["shape"], serde_json::json!([3, 2, 2]));
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_and_large_pictures_end_in_one_line() {
    let place = tempfile::tempdir().unwrap();
    let pipe = place.path().join("a.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let said = tweedie(place.path(), &["inspect", "spectrum", "--image=a.png"]);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.starts_with("error: a pipe or a device, no file, a.png: "), "{}", said.stderr);
    // A header is enough.
    let mut bmp = b"BM".to_vec();
    bmp.extend([200u32, 0, 54, 40, 12_000, 12_000].iter().flat_map(|word| word.to_le_bytes()));
    bmp.extend([1, 0, 24, 0].iter().chain(&[0; 24]));
    let large = tempfile::tempdir().unwrap();
    fs::write(large.path().join("b.bmp"), bmp).unwrap();
    refused(large.path(), &["inspect", "data", "."], &["12000x12000", "100 million", "b.bmp"]);
}
