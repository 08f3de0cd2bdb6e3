use crate::bad_input::refused;
use crate::run::{files, json, tensor_x, tweedie, workshop};
use image::{GrayImage, Luma, RgbImage};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A folder with pictures of the model's size and of others, and the model's place.
fn desk() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    GrayImage::from_fn(8, 8, |x, y| Luma([(x * 30 + y) as u8])).save(at("a.png")).unwrap();
    GrayImage::from_fn(8, 8, |x, y| Luma([(255 - y * 30 - x) as u8])).save(at("b.bmp")).unwrap();
    GrayImage::from_fn(8, 8, |x, _| Luma([if x < 4 { 0 } else { 255 }])).save(at("mask.png")).unwrap();
    GrayImage::new(8, 8).save(at("black.png")).unwrap();
    RgbImage::from_fn(30, 20, |x, y| image::Rgb([x as u8, y as u8, 99])).save(at("wide.png")).unwrap();
    GrayImage::from_pixel(16, 16, Luma([255])).save(at("large.png")).unwrap();
    fs::write(at("text.png"), "no picture").unwrap();
    fs::create_dir(at("folder")).unwrap();
    (folder, workshop().join("model").display().to_string())
}

/// The pixels of picture `i` of a grid of 8×8 pictures, which are magnified twelvefold.
fn cell(grid: &GrayImage, row: u32, column: u32) -> Vec<u8> {
    let place = |i: u32, pixel: u32| 12 + i * (8 * 12 + 12) + pixel * 12;
    (0..64).map(|i| grid.get_pixel(place(column, i % 8), place(row, i / 8)).0[0]).collect()
}

fn grid(folder: &Path, name: &str) -> GrayImage {
    image::open(folder.join(name)).unwrap().to_luma8()
}

#[test]
fn what_is_black_in_the_mask_stays_and_what_is_white_does_not() {
    let (folder, model) = desk();
    let line = ["edit", "inpaint", &model, "--image=a.png", "--mask=mask.png", "--n=2", "--class=3"];
    let more = ["--steps=6", "--jump=2", "--resamplings=2", "--sampler=ddpm"];
    let said = json(folder.path(), &[&line[..], &more].concat());
    assert_eq!((&said["n"], &said["painted_pixels"], &said["steps"]), (&2.into(), &32.into(), &6.into()));
    assert_eq!((&said["out"], &said["classes"]), (&"edit.png".into(), &serde_json::json!([3, 3])));

    let drawn = grid(folder.path(), "edit.png");
    let original = cell(&drawn, 0, 0);
    assert_eq!(original, image::open(folder.path().join("a.png")).unwrap().to_luma8().into_raw());
    let (masked, results) = (cell(&drawn, 0, 1), [cell(&drawn, 0, 2), cell(&drawn, 0, 3)]);
    for i in 0..64 {
        if i % 8 < 4 {
            assert!([&masked, &results[0], &results[1]].iter().all(|picture| picture[i] == original[i]));
        } else {
            assert_eq!(masked[i], 128);
        }
    }
    assert!(results[0] != results[1] && results[0] != original);
    // The seed decides, and how many threads do not.
    let again = |options: &[&str]| {
        json(folder.path(), &[&line[..], &more, &["--out=again.png"], options].concat());
        grid(folder.path(), "again.png")
    };
    assert!(again(&["--threads=1"]) == drawn && again(&["--seed=1"]) != drawn);
}

#[test]
fn a_row_of_variations_for_each_strength() {
    let (folder, model) = desk();
    let line = ["edit", "vary", &model, "--image=wide.png", "--resize", "--strength=0,1", "--n=3"];
    let said = json(folder.path(), &[&line[..], &["--steps=3", "--out=new/v.png"]].concat());
    assert_eq!((&said["strength"], &said["classes"]), (&serde_json::json!([0.0, 1.0]), &().into()));
    let drawn = grid(folder.path(), "new/v.png");
    assert_eq!(drawn.dimensions(), (4 * 108 + 12, 2 * 108 + 12));
    let original = cell(&drawn, 0, 0);
    assert!((1..4).all(|i| cell(&drawn, 0, i) == original), "no strength changes nothing");
    assert_eq!(cell(&drawn, 1, 0), original);
    assert!((1..4).all(|i| cell(&drawn, 1, i) != original));
}

#[test]
fn a_strip_from_one_picture_to_the_other() {
    let (folder, model) = desk();
    for way in ["spherical", "linear"] {
        let line = ["edit", "interpolate", &model, "--image=a.png", "--image=b.bmp", "--n=4", "--steps=4"];
        let said = json(folder.path(), &[&line[..], &["--way", way]].concat());
        assert_eq!((&said["n"], &said["iterations"]), (&4.into(), &5.into()));
        let drawn = grid(folder.path(), "edit.png");
        assert_eq!(drawn.dimensions(), (6 * 108 + 12, 108 + 12));
        for (end, name) in [(0, "a.png"), (5, "b.bmp")] {
            let picture = image::open(folder.path().join(name)).unwrap().to_luma8();
            assert_eq!(cell(&drawn, 0, end), picture.into_raw());
        }
    }
}

#[test]
fn the_noise_of_a_picture_paints_it_again() {
    let (folder, model) = desk();
    let invert = |iterations: &str| {
        let line = ["edit", "invert", &model, "--image=a.png", "--steps=10", "--raw=x", "--iterations"];
        json(folder.path(), &[&line[..], &[iterations]].concat())
    };
    let error = |said: &serde_json::Value| said["rms_error"].as_f64().unwrap();
    let (once, exact) = (invert("1"), invert("60"));
    assert!(error(&exact) < 1e-3 && error(&exact) < 0.1 * error(&once), "{exact} after {once}");
    assert_eq!(tensor_x(folder.path().join("x")).dims(), [1, 1, 8, 8]);
    assert_eq!(grid(folder.path(), "edit.png").dimensions(), (4 * 108 + 12, 108 + 12));
    assert!(files(folder.path()).iter().all(|name| !name.contains("partial")));
}

#[test]
fn what_cannot_be_edited_is_refused_by_name() {
    let (folder, model) = desk();
    let table: &[(&str, &[&str])] = &[
        ("inpaint M --image=wide.png --mask=mask.png", &["wide.png", "30x20", "8x8", "--resize"]),
        ("inpaint M --image=a.png --mask=large.png", &["large.png", "16x16", "8x8", "--resize"]),
        ("inpaint M --image=a.png --mask=black.png", &["--mask black.png", "white"]),
        ("inpaint M --image=text.png --mask=mask.png", &["text.png"]),
        ("inpaint M --image=nowhere.png --mask=mask.png", &["nowhere.png"]),
        ("inpaint M --image=folder --mask=mask.png", &["folder"]),
        (
            "inpaint M --image=a.png --mask=mask.png --class=10",
            &["--class", "the model's classes are 0, 1, 2"],
        ),
        ("inpaint M --image=a.png --mask=mask.png --out=a.png/b.png", &["--out a.png/b.png"]),
        ("inpaint nowhere --image=a.png --mask=mask.png", &["nowhere"]),
        ("vary M --image=a.png --strength=1.5", &["--strength", "1.5"]),
        ("vary M --image=a.png --strength=nan", &["--strength"]),
        ("vary M --image=a.png --caption=red", &["--caption", "no captions"]),
        ("vary M --image=a.png --steps=100000", &["100000", "1000"]),
        ("vary M --image=wide.png", &["wide.png", "30x20", "8x8"]),
        ("interpolate M --image=a.png", &["--image", "twice"]),
        ("interpolate M --image=a.png --image=wide.png", &["wide.png", "30x20"]),
        ("invert M --image=a.png --raw=folder", &["--raw folder"]),
        ("invert M --image=a.png --class=cat", &["--class", "\"cat\""]),
    ];
    for (line, named) in table {
        let words = line.split(' ').map(|word| if word == "M" { model.as_str() } else { word });
        refused(folder.path(), &["edit"].into_iter().chain(words).collect::<Vec<_>>(), named);
    }
    for line in
        ["edit", "edit vary m", "edit vary m --image=a.png --out=b.jpg", "edit invert m --image=a --steps=0"]
    {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(tweedie(folder.path(), &words).status, Some(2), "{line}");
    }
}
