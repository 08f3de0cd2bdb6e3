//! Data sets in every format, as they should be and as they should not.

mod cases;
mod cifar;
mod convention;
mod corruption;
mod cut;
mod folder;
mod idx;
mod layouts;
mod real;
mod streamed;
mod too_much;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use tweedie_train::data::{DataError, DataOptions, Source, Split, hold, open};

/// The set in `folder`, every picture of it read.
fn opened(folder: &Path, split: Split, options: &DataOptions) -> Result<Arc<dyn Source>, DataError> {
    hold(open(folder.to_str().expect("temporary folders have plain names"), split, options)?)
}

/// A folder of the repository's fixtures.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}

fn train(folder: &Path) -> Result<Arc<dyn Source>, DataError> {
    opened(folder, Split::Train, &DataOptions::default())
}

/// The message of the error that opening `folder` must end in.
fn refusal(folder: &Path, split: Split) -> String {
    let message = opened(folder, split, &DataOptions::default()).err().expect("must be refused").to_string();
    assert!(is_one_line(&message), "{message}");
    message
}

/// WHAT, WHERE: WHAT TO DO, on one line.
fn is_one_line(message: &str) -> bool {
    !message.contains('\n') && message.contains(", ") && message.contains(": ")
}

fn picture(source: &dyn Source, index: usize) -> (Vec<u8>, usize) {
    let mut out = vec![0; source.shape().iter().product()];
    let label = source.read(index, &mut out).expect("a picture of the set");
    (out, label)
}

#[test]
fn what_does_not_exist_is_named() {
    let message = refusal(Path::new("no/such/folder"), Split::Train);
    assert_eq!(
        message,
        "no such data, no/such/folder: give `glyphs`, `shapes`, `scenes`, `moons`, `swissroll`, `dino`, `checkerboard`, a \
         folder of pictures, IDX files or CIFAR-10 batches, or a file of two columns of numbers"
    );
}

#[test]
fn a_file_is_not_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data.zip");
    std::fs::write(&file, b"PK\x03\x04\xff").unwrap();
    assert!(refusal(&file, Split::Train).contains("data.zip: give the folder"));
}

#[test]
fn options_are_checked() {
    for (options, name) in [
        (DataOptions { image_size: Some(0), channels: None, ..DataOptions::default() }, "image size, 0"),
        (
            DataOptions { image_size: Some(1 << 40), channels: None, ..DataOptions::default() },
            "image size, 1099511627776",
        ),
        (
            DataOptions { image_size: None, channels: Some(4), ..DataOptions::default() },
            "number of channels, 4",
        ),
    ] {
        let message = open("glyphs", Split::Train, &options).err().unwrap().to_string();
        assert!(message.contains(name) && is_one_line(&message), "{message}");
    }
}

#[test]
fn drawn_sets_come_in_any_size_and_in_colour() {
    let options = DataOptions { image_size: Some(16), channels: Some(3), ..DataOptions::default() };
    let glyphs = open("glyphs", Split::Test, &options).unwrap();
    assert_eq!(glyphs.shape(), [3, 16, 16]);
    let (bytes, label) = picture(&*glyphs, 4);
    assert_eq!(label, 4);
    assert_eq!(bytes[..256], bytes[256..512]);
    let shapes = open(
        "shapes",
        Split::Train,
        &DataOptions { image_size: None, channels: Some(1), ..DataOptions::default() },
    )
    .unwrap();
    assert_eq!(shapes.shape(), [1, 32, 32]);
    assert_eq!(shapes.classes()[0], "circle");
}
