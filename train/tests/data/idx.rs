use super::{picture, refusal, train};
use flate2::{Compression, write::GzEncoder};
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;
use tweedie_train::data::Split;

/// An IDX file of unsigned bytes.
pub(crate) fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(bytes);
    file
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).unwrap();
}

/// Three pictures of 2x2, gzipped, with the labels 1, 0, 2.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..12).collect();
    write(folder.path(), "train-images-idx3-ubyte.gz", &gzip(&idx(&[3, 2, 2], &pixels)));
    write(folder.path(), "train-labels-idx1-ubyte.gz", &gzip(&idx(&[3], &[1, 0, 2])));
    folder
}

#[test]
fn gzipped_pictures_and_labels() {
    let folder = folder();
    let set = train(folder.path()).unwrap();
    assert_eq!((set.len(), set.shape()), (3, [1, 2, 2]));
    assert_eq!(set.classes(), ["0", "1", "2"]);
    assert_eq!(picture(&*set, 0), (vec![0, 1, 2, 3], 1));
    assert_eq!(picture(&*set, 2), (vec![8, 9, 10, 11], 2));
    let error = set.read(3, &mut [0; 4]).unwrap_err().to_string();
    assert_eq!(error, "no picture 3, a data set of 3: pictures are counted from 0");
}

#[test]
fn every_spelling_of_the_names() {
    for (split, images, labels) in [
        (Split::Train, "train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        (Split::Test, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        (Split::Test, "test-images-idx3-ubyte", "test-labels-idx1-ubyte.gz"),
        (Split::Test, "emnist-digits-test-images-idx3-ubyte", "emnist-digits-test-labels-idx1-ubyte"),
    ] {
        let folder = folder();
        let name = |file: &str| folder.path().join(file);
        let _ = fs::remove_file(name("train-images-idx3-ubyte.gz"));
        let _ = fs::remove_file(name("train-labels-idx1-ubyte.gz"));
        let marks = idx(&[1], &[7]);
        write(folder.path(), images, &idx(&[1, 1, 2], &[5, 6]));
        write(folder.path(), labels, &if labels.ends_with("gz") { gzip(&marks) } else { marks });
        let set = super::opened(folder.path(), split, &Default::default()).unwrap();
        assert_eq!(picture(&*set, 0).0, [5, 6], "{images}");
        // A class has the number that it has among those to train on, of which there is none here.
        assert_eq!(set.classes(), ["7"]);
    }
}

#[test]
fn colour_in_either_order_of_axes() {
    for (sizes, pixels) in [([1, 1, 2, 3], [1, 2, 3, 4, 5, 6]), ([1, 3, 1, 2], [1, 4, 2, 5, 3, 6])] {
        let folder = folder();
        let images = gzip(&idx(&sizes, &pixels));
        write(folder.path(), "train-images-idx3-ubyte.gz", &images);
        write(folder.path(), "train-labels-idx1-ubyte.gz", &gzip(&idx(&[1], &[0])));
        let set = train(folder.path()).unwrap();
        assert_eq!(set.shape(), [3, 1, 2]);
        assert_eq!(picture(&*set, 0).0, [1, 4, 2, 5, 3, 6]);
    }
}

#[test]
fn the_other_split_may_be_missing() {
    let message = refusal(folder().path(), Split::Test);
    assert!(message.starts_with("no IDX file of test images, "), "{message}");
    assert!(message.contains("t10k-images-idx3-ubyte"), "{message}");
}

#[test]
fn malformed_files_are_named_with_what_is_wrong() {
    let images = "train-images-idx3-ubyte.gz";
    let labels = "train-labels-idx1-ubyte.gz";
    let whole = gzip(&idx(&[3, 2, 2], &[7; 12]));
    let mut damaged = whole.clone();
    let last = damaged.len() - 5;
    damaged[last] ^= 0xff;
    let mut words = idx(&[3, 2, 2], &[0; 48]);
    words[2] = 0x0a;
    let cases: [(&str, Vec<u8>, &str); 14] = [
        (images, whole[..whole.len() - 9].to_vec(), "gzip file cut short"),
        (images, vec![], "cut short"),
        (images, damaged, "damaged gzip file"),
        (images, b"<html>not found</html>".to_vec(), "not an IDX file (it begins with [3c, 68"),
        (images, gzip(b"<html>"), "not an IDX file (it begins with [3c, 68, 74, 6d])"),
        (images, gzip(&[0, 0, 8, 3, 0]), "cut short in its header"),
        (images, gzip(&words), "not an IDX file (it begins with [00, 00, 0a, 03])"),
        (images, gzip(&idx(&[3, 2, 2], &[7; 11])), "it declares 3x2x2 bytes and holds 11"),
        (images, gzip(&idx(&[3, 2, 2], &[7; 13])), "more than the 3x2x2 bytes"),
        (images, gzip(&idx(&[u32::MAX, u32::MAX, u32::MAX], &[7])), "impossible size"),
        (images, gzip(&idx(&[u32::MAX, u32::MAX], &[7])), "cut short (it declares 4294967295x4294967295"),
        (images, gzip(&idx(&[0, u32::MAX, u32::MAX, 3], &[])), "without pictures"),
        (images, gzip(&idx(&[3, 2], &[7; 6])), "shape [3, 2] where pictures were expected"),
        (labels, gzip(&idx(&[2], &[0, 1])), "2 labels beside one of 3 pictures"),
    ];
    for (name, bytes, what) in cases {
        let folder = folder();
        write(folder.path(), name, &bytes);
        let message = refusal(folder.path(), Split::Train);
        assert!(message.contains(what) && message.contains(name), "{what}: {message}");
    }
}

#[test]
fn two_sets_in_one_folder_are_ambiguous() {
    let folder = folder();
    write(folder.path(), "kmnist-train-images-idx3-ubyte", &idx(&[1, 1, 1], &[0]));
    assert!(refusal(folder.path(), Split::Train).contains("keep one data set in a folder"));
}
