use super::{opened, picture, refusal, train};
use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tweedie_train::data::{DataOptions, Split};

/// Writes a picture of one colour; its ending decides the format.
pub(crate) fn paint(path: &Path, width: u32, height: u32, colour: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(width, height, Rgb(colour)).save(path).unwrap();
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn subfolders_are_classes_in_alphabetical_order() {
    let folder = folder();
    for (name, red) in [("pear/b.png", 30), ("apple/x.bmp", 10), ("pear/a.qoi", 20), ("apple/y.tga", 11)] {
        paint(&folder.path().join(name), 3, 2, [red, 0, 1]);
    }
    fs::write(folder.path().join("README.md"), "Fruit.").unwrap();
    fs::write(folder.path().join("apple/labels.csv"), "x,1").unwrap();
    fs::write(folder.path().join("pear/.DS_Store"), "x").unwrap();
    fs::create_dir(folder.path().join("notes")).unwrap();
    let set = train(folder.path()).unwrap();
    assert_eq!(set.classes(), ["apple", "pear"]);
    assert_eq!((set.len(), set.shape()), (4, [3, 2, 3]));
    for (index, (red, label)) in [(10, 0), (11, 0), (20, 1), (30, 1)].into_iter().enumerate() {
        assert_eq!(picture(&*set, index), ([[red; 6], [0; 6], [1; 6]].concat(), label));
    }
}

#[test]
fn loose_pictures_are_one_class_whatever_they_are_called() {
    let folder = folder();
    paint(&folder.path().join("one.png"), 2, 2, [5, 6, 7]);
    fs::copy(folder.path().join("one.png"), folder.path().join("three.jpg")).unwrap();
    fs::rename(folder.path().join("one.png"), folder.path().join("one")).unwrap();
    let set = train(folder.path()).unwrap();
    assert_eq!((set.len(), set.classes().len()), (2, 1));
    assert_eq!(picture(&*set, 1).0, [5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7]);
}

#[test]
fn the_split_chooses_between_train_and_test() {
    let folder = folder();
    for name in ["train/a/0.png", "train/b/0.png", "test/a/0.png"] {
        paint(&folder.path().join(name), 2, 2, [0; 3]);
    }
    let of = |split| opened(folder.path(), split, &DataOptions::default()).unwrap();
    assert_eq!(of(Split::Train).len(), 2);
    assert_eq!(of(Split::Test).len(), 1);
    // Beside other classes, trains and tests are what the pictures show.
    paint(&folder.path().join("bus/0.png"), 2, 2, [0; 3]);
    paint(&folder.path().join("train/0.png"), 2, 2, [0; 3]);
    paint(&folder.path().join("test/0.png"), 2, 2, [0; 3]);
    assert_eq!(of(Split::Test).classes(), ["bus", "test", "train"]);
}

#[test]
fn mixed_sizes_need_a_size() {
    let folder = folder();
    paint(&folder.path().join("a.png"), 8, 8, [0; 3]);
    paint(&folder.path().join("b.png"), 40, 9, [9; 3]);
    let message = refusal(folder.path(), Split::Train);
    assert!(message.starts_with("picture of 40x9 among pictures of 8x8, "), "{message}");
    assert!(message.contains("b.png: give --image-size"), "{message}");
    let options = DataOptions { image_size: Some(4), channels: None, ..DataOptions::default() };
    let set = opened(folder.path(), Split::Train, &options).unwrap();
    assert_eq!(set.shape(), [3, 4, 4]);
    assert_eq!(picture(&*set, 1).0, [9; 48]);
}

#[test]
fn any_picture_in_colour_makes_the_set_colour() {
    let folder = folder();
    GrayImage::from_pixel(2, 2, Luma([50])).save(folder.path().join("a.png")).unwrap();
    paint(&folder.path().join("b.png"), 2, 2, [100; 3]);
    let set = train(folder.path()).unwrap();
    assert_eq!(set.shape(), [3, 2, 2]);
    assert_eq!(picture(&*set, 0).0, [50; 12]);
    assert_eq!(set.notes(), ["grey and colour pictures (a.png and b.png): all are read as colour"]);
    let options = DataOptions { channels: Some(1), ..DataOptions::default() };
    let grey = opened(folder.path(), Split::Train, &options).unwrap();
    assert_eq!((grey.shape(), picture(&*grey, 1).0), ([1, 2, 2], vec![100; 4]));
    fs::remove_file(folder.path().join("b.png")).unwrap();
    let alone = train(folder.path()).unwrap();
    assert_eq!((alone.shape(), alone.notes().len()), ([1, 2, 2], 0));
}

#[test]
fn transparent_pictures_lie_on_white_and_deep_ones_are_rounded() {
    let folder = folder();
    RgbaImage::from_pixel(1, 1, Rgba([255, 0, 0, 51])).save(folder.path().join("a.png")).unwrap();
    let deep = image::ImageBuffer::from_pixel(1, 1, Rgb([65535u16, 257 * 7, 0]));
    DynamicImage::ImageRgb16(deep).save(folder.path().join("b.png")).unwrap();
    let set = train(folder.path()).unwrap();
    assert_eq!(picture(&*set, 0).0, [255, 204, 204]);
    assert_eq!(picture(&*set, 1).0, [255, 7, 0]);
}

#[test]
fn nothing_to_learn_from() {
    let folder = folder();
    assert!(refusal(folder.path(), Split::Train).starts_with("no pictures, "));
    fs::write(folder.path().join("weights.bin"), [0; 100]).unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert!(refusal(folder.path(), Split::Train).starts_with("no pictures (left out 1 file: weights.bin ("));
}

#[test]
fn pictures_that_do_not_decode_are_named() {
    let folder = folder();
    paint(&folder.path().join("a/0.png"), 8, 8, [1; 3]);
    let whole = fs::read(folder.path().join("a/0.png")).unwrap();
    // A header that claims a hundred thousand pixels a side, with its checksum made right.
    let mut lying = whole.clone();
    lying[16..20].copy_from_slice(&100_000u32.to_be_bytes());
    lying[20..24].copy_from_slice(&100_000u32.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&lying[12..29]);
    lying[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    for bytes in [&whole[..40], b"", b"not a picture"] {
        fs::write(folder.path().join("a/1.png"), bytes).unwrap();
        let message = refusal(folder.path(), Split::Train);
        assert!(message.starts_with("picture that does not decode ("), "{message}");
        assert!(message.contains("1.png: mend or remove it"), "{message}");
    }
    fs::write(folder.path().join("a/1.png"), lying).unwrap();
    let message = refusal(folder.path(), Split::Train);
    assert!(
        message.starts_with("picture of 100000x100000 pixels, which take 28610 MiB (at most 100 million"),
        "{message}"
    );
    assert!(message.contains("1.png: scale it down"), "{message}");
}

#[test]
fn pictures_beside_classes_are_ambiguous() {
    let folder = folder();
    paint(&folder.path().join("a/0.png"), 2, 2, [0; 3]);
    paint(&folder.path().join("stray.png"), 2, 2, [0; 3]);
    assert!(refusal(folder.path(), Split::Train).contains("stray.png: move it"));
}
