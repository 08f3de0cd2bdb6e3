//! Pictures cut short: never taken for whole, in any format.

use super::{fixture, picture, train};
use image::{DynamicImage, ImageFormat, RgbImage};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

/// Files of every format and of what its encoders do differently.
const PICTURES: [&str; 31] = [
    "alpha.webp",
    "animated.gif",
    "animated.webp",
    "baseline.jpg",
    "baseline.png",
    "bits.png",
    "cmyk.jpg",
    "floats-1.tiff",
    "grey-progressive.jpg",
    "grey.jpg",
    "grey.tiff",
    "interlaced.gif",
    "interlaced.png",
    "lossless.webp",
    "lossy.webp",
    "metadata.webp",
    "packbits.tiff",
    "palette.bmp",
    "palette.gif",
    "palette.png",
    "plain.pgm",
    "progressive.jpg",
    "raw.tiff",
    "restarts.jpg",
    "run-lengths.bmp",
    "run-lengths.tga",
    "subsampled-progressive-restarts.jpg",
    "text.pgm",
    "thumbnail.jpg",
    "tiff_adobe_deflate.tiff",
    "tiff_lzw.tiff",
];

/// The pixels of a file of these bytes, if it is taken for a picture.
fn pixels(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    train(folder.path()).ok().map(|set| picture(&*set, 0).0)
}

fn whole(name: &str) -> Vec<u8> {
    fs::read(fixture("pictures").join(name)).unwrap()
}

#[test]
fn whole_pictures_are_read() {
    for name in PICTURES.iter().chain(&["trailing.jpg"]) {
        assert!(pixels(name, &whole(name)).is_some(), "{name}");
    }
    assert_eq!(pixels("trailing.jpg", &whole("trailing.jpg")), pixels("a.jpg", &whole("baseline.jpg")));
}

#[test]
fn no_cut_makes_another_picture() {
    for name in PICTURES {
        let bytes = whole(name);
        let right = pixels(name, &bytes).unwrap();
        // Every length near the ends, and some between.
        let step = (bytes.len() / 60).max(1);
        let lengths = (0..bytes.len()).filter(|&n| n % step == 0 || n < 40 || bytes.len() - n < 40);
        for length in lengths {
            if let Some(found) = pixels(name, &bytes[..length]) {
                assert!(found == right, "{name}, {length} of {} bytes, is another picture", bytes.len());
            }
        }
    }
}

#[test]
fn a_jpeg_that_lacks_its_end_is_refused_and_one_with_more_after_it_is_not() {
    for name in PICTURES.iter().filter(|name| name.ends_with("jpg")) {
        let bytes = whole(name);
        assert!(pixels(name, &bytes[..bytes.len() - 1]).is_none(), "{name}");
        let more = [&bytes[..], &[0, 0xff, 0xd8, 7]].concat();
        assert_eq!(pixels(name, &more), pixels(name, &bytes), "{name}");
    }
}

#[test]
fn an_end_that_comes_too_early_ends_no_whole_jpeg() {
    for name in ["baseline.jpg", "restarts.jpg", "grey.jpg", "cmyk.jpg", "thumbnail.jpg"] {
        let bytes = whole(name);
        let end = bytes.len() - 2;
        for length in [end - 40, end - 200, end - 400] {
            let early = [&bytes[..length], &[0, 0xff, 0xd9]].concat();
            assert!(pixels(name, &early).is_none(), "{name}, {length} of {} bytes", bytes.len());
        }
    }
}

fn encoded(picture: &RgbImage, path: &Path) -> Vec<u8> {
    DynamicImage::from(picture.clone()).save(path).unwrap();
    fs::read(path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_picture_cut_anywhere_is_whole_or_an_error(
        (width, height) in (1u32..40, 1u32..40),
        noise in prop::collection::vec(any::<u8>(), 3 * 39 * 39),
        cut: prop::sample::Index,
        format in prop::sample::select(vec!["png", "jpg", "gif", "bmp", "webp", "tiff", "ppm", "tga", "qoi"]),
    ) {
        let folder = tempfile::tempdir()?;
        let name = format!("a.{format}");
        let pixels_wanted = noise[..(3 * width * height) as usize].to_vec();
        let drawn = RgbImage::from_raw(width, height, pixels_wanted).unwrap();
        let bytes = encoded(&drawn, &folder.path().join(&name));
        prop_assert!(ImageFormat::from_extension(format).is_some());
        let right = pixels(&name, &bytes);
        prop_assert!(right.is_some());
        if let Some(found) = pixels(&name, &bytes[..cut.index(bytes.len())]) {
            prop_assert_eq!(Some(found), right);
        }
    }
}
