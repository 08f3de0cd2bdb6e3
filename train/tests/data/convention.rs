//! Where programs differ: this program's choices, and torchvision's.

use super::{fixture, opened, picture};
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use serde_json::Value;
use std::fs;
use tweedie_train::data::{Convention, DataOptions, Split};

fn torchvision() -> DataOptions {
    DataOptions { convention: Convention::Torchvision, ..DataOptions::default() }
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn grey_of_pure_red_is_54_here_and_76_there() {
    let folder = tempfile::tempdir().unwrap();
    RgbImage::from_pixel(2, 2, Rgb([255, 0, 0])).save(folder.path().join("a.png")).unwrap();
    for (options, grey) in [(DataOptions::default(), 54), (torchvision(), 76)] {
        let options = DataOptions { channels: Some(1), ..options };
        let set = opened(folder.path(), Split::Train, &options).unwrap();
        assert_eq!(picture(&*set, 0).0, [grey; 4]);
    }
}

#[test]
fn transparency_is_dropped_there() {
    let folder = tempfile::tempdir().unwrap();
    RgbaImage::from_pixel(1, 1, Rgba([255, 0, 0, 51])).save(folder.path().join("a.png")).unwrap();
    let set = opened(folder.path(), Split::Train, &torchvision()).unwrap();
    assert_eq!(picture(&*set, 0).0, [255, 0, 0]);
}

#[test]
fn cameras_turn_pictures_here_and_not_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("pictures/thumbnail.jpg"), folder.path().join("a.jpg")).unwrap();
    let of = |options: &DataOptions| opened(folder.path(), Split::Train, options).unwrap().shape();
    assert_eq!((of(&DataOptions::default()), of(&torchvision())), ([3, 40, 24], [3, 24, 40]));
}

#[test]
fn resizing_is_pillows_to_the_bit() {
    let made: Value =
        serde_json::from_str(&fs::read_to_string(fixture("pictures/torchvision.json")).unwrap()).unwrap();
    for made in made.as_array().unwrap() {
        let (name, side) = (made["picture"].as_str().unwrap(), made["side"].as_u64().unwrap() as usize);
        let folder = tempfile::tempdir().unwrap();
        fs::copy(fixture("pictures").join(name), folder.path().join(name)).unwrap();
        let rgb = bytes(&made["rgb"]);
        let area = side * side;
        let planes: Vec<u8> = (0..3 * area).map(|i| rgb[i % area * 3 + i / area]).collect();
        for (channels, wanted) in [(3, planes), (1, bytes(&made["grey"]))] {
            let options = DataOptions { image_size: Some(side), channels: Some(channels), ..torchvision() };
            let set = opened(folder.path(), Split::Train, &options).unwrap();
            assert!(picture(&*set, 0).0 == wanted, "{name} at {side}, {channels} channels");
        }
    }
}
