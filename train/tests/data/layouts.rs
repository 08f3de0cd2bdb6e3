//! Folders as they lie on disks.

use super::folder::paint;
use super::idx::{gzip, idx};
use super::{fixture, opened, picture, refusal, train};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tweedie_train::data::{DataOptions, Split};

fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|name| paint(&folder.path().join(name), 2, 2, [9; 3]));
    folder
}

fn test(folder: &Path) -> std::sync::Arc<dyn tweedie_train::data::Source> {
    opened(folder, Split::Test, &DataOptions::default()).unwrap()
}

#[test]
fn parts_are_told_by_their_names_with_classes_below_and_without() {
    for held_out in ["test", "val", "valid", "validation", "Test", "test_set"] {
        for class in ["", "a/"] {
            let files = [
                format!("train/{class}0.png"),
                format!("train/{class}1.png"),
                format!("{held_out}/{class}0.png"),
            ];
            let folder = folder(&files.each_ref().map(String::as_str));
            let set = train(folder.path()).unwrap();
            assert_eq!((set.len(), set.classes().len()), (2, 1), "{held_out}/{class}");
            assert_eq!(test(folder.path()).len(), 1, "{held_out}/{class}");
            assert_eq!(set.notes(), [format!("train/ is the train part, {held_out}/ is not read")]);
        }
    }
}

#[test]
fn all_three_parts_are_kept_apart() {
    let folder = folder(&[
        "train/a/0.png",
        "train/b/0.png",
        "val/a/0.png",
        "val/b/0.png",
        "test/b/0.png",
        "__MACOSX/x.png",
    ]);
    assert_eq!(train(folder.path()).unwrap().len(), 2);
    let held_out = test(folder.path());
    // The class has the number that it has among those to train on.
    assert_eq!(
        (held_out.len(), held_out.classes(), picture(&*held_out, 0).1),
        (1, &["a".to_string(), "b".into()][..], 1)
    );
    assert!(held_out.notes().iter().any(|note| note == "left out 1 folder: val/ (1 picture)"
        || note == "left out 1 folder: val/ (2 pictures)"));
}

#[test]
fn pictures_to_test_on_without_classes_are_of_none_that_is_known() {
    let folder = folder(&["train/a/0.png", "train/b/0.png", "test/0.png"]);
    let held_out = test(folder.path());
    assert_eq!(
        (held_out.classes(), picture(&*held_out, 0).1),
        (&["a".into(), "b".into(), "test".into()][..], 2)
    );
}

#[test]
fn other_pictures_beside_parts_with_classes_are_named() {
    let folder =
        folder(&["train/a/0.png", "test/a/0.png", "unlabeled/0.png", "unlabeled/1.png", "sample.png"]);
    let set = train(folder.path()).unwrap();
    assert_eq!((set.len(), set.classes()), (1, &["a".to_string()][..]));
    assert_eq!(
        set.notes()[1..],
        ["left out 1 folder: unlabeled/ (2 pictures)", "left out 1 file: sample.png"]
    );
}

#[test]
fn a_wrapper_is_no_class() {
    let folder =
        folder(&["archive/data/train/a/0.png", "archive/data/train/b/0.png", "archive/data/test/a/0.png"]);
    let set = train(folder.path()).unwrap();
    assert_eq!((set.len(), set.classes()), (2, &["a".to_string(), "b".into()][..]));
    assert_eq!(set.notes()[0], "the pictures are those of archive/data/");
}

#[test]
fn what_is_not_read_is_counted_and_named() {
    let folder = folder(&["a/0.png", "b/0.png"]);
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("c/deep")).unwrap();
    for name in ["a/1.heic", "b/2.avif", "c/deep/3.jxl"] {
        fs::write(at(name), b"\0\0\0\x18ftypheic").unwrap();
    }
    fs::write(at("README.md"), "About.").unwrap();
    fs::write(at("b/labels.csv"), "0,1").unwrap();
    fs::write(at("b/.DS_Store"), "x").unwrap();
    let set = train(folder.path()).unwrap();
    assert_eq!(
        set.notes(),
        [
            "left out 3 files: a/1.heic (not a format that is read), b/2.avif (not a format that is read), \
             c/deep/3.jxl (not a format that is read)",
            "1 folder without pictures makes no class: c/"
        ]
    );
    for name in ["a/0.png", "b/0.png"] {
        fs::remove_file(at(name)).unwrap();
    }
    let message = refusal(folder.path(), Split::Train);
    assert!(message.starts_with("no pictures (left out 3 files: a/1.heic"), "{message}");
    fs::rename(at("a/1.heic"), at("a/1.jpg")).unwrap();
    assert!(refusal(folder.path(), Split::Train).contains("it is a HEIC, AVIF or film under another name"));
}

#[cfg(unix)]
#[test]
fn links_to_nothing_and_in_circles_are_no_pictures() {
    let folder = folder(&["a/0.png", "b/0.png"]);
    std::os::unix::fs::symlink("nowhere.png", folder.path().join("a/1.png")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("b/again")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("a/0.png"), folder.path().join("b/1.png")).unwrap();
    let set = train(folder.path()).unwrap();
    assert_eq!(set.len(), 3);
    assert_eq!(set.notes(), ["left out 1 file: a/1.png (a link to nothing)"]);
}

#[test]
fn only_names_that_are_all_numbers_are_sorted_as_numbers() {
    let numbers = folder(&["10/a.png", "9/a.png", "010/a.png", "2/a.png"]);
    assert_eq!(train(numbers.path()).unwrap().classes(), ["2", "9", "010", "10"]);
    let signed = folder(&["10/a.png", "-1/a.png", "2/a.png", "1.5/a.png"]);
    assert_eq!(train(signed.path()).unwrap().classes(), ["-1", "1.5", "2", "10"]);
    let words = folder(&["10/a.png", "9/a.png", "x/a.png"]);
    assert_eq!(train(words.path()).unwrap().classes(), ["10", "9", "x"]);
}

/// A set of pictures of one pixel, whose brightness is their label.
fn write_idx(folder: &Path, prefix: &str, labels: &[u8]) {
    fs::create_dir_all(folder).unwrap();
    for part in ["train", "t10k"] {
        let n = labels.len() as u32;
        fs::write(folder.join(format!("{prefix}{part}-images-idx3-ubyte")), idx(&[n, 1, 1], labels)).unwrap();
        fs::write(folder.join(format!("{prefix}{part}-labels-idx1-ubyte")), idx(&[n], labels)).unwrap();
    }
}

#[test]
fn torchvisions_folders_are_found_below_their_root() {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("MNIST/raw");
    write_idx(&raw, "", &[0, 1, 2]);
    // Torchvision keeps what it unpacked beside it.
    fs::write(raw.join("train-images-idx3-ubyte.gz"), gzip(&idx(&[3, 1, 1], &[0, 1, 2]))).unwrap();
    for place in [folder.path(), &folder.path().join("MNIST"), &raw] {
        assert_eq!(train(place).unwrap().len(), 3, "{}", place.display());
    }
    write_idx(&folder.path().join("FashionMNIST/raw"), "", &[0]);
    let message = refusal(folder.path(), Split::Train);
    assert!(
        message.starts_with("several data sets (in ") && message.contains("FashionMNIST/raw"),
        "{message}"
    );
}

#[test]
fn gaps_between_labels_are_no_classes_and_are_said() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path(), "", &[0, 1, 2, 1, 255]);
    let set = train(folder.path()).unwrap();
    assert_eq!(set.classes(), ["0", "1", "2", "255"]);
    assert_eq!(picture(&*set, 4), (vec![255], 3));
    let note = "labels from 0 to 255 with gaps: the 4 that occur are the classes (255 is that of 1 picture)";
    assert_eq!(set.notes(), [note]);
    // Of the part to test on, a class keeps its number.
    fs::write(folder.path().join("t10k-labels-idx1-ubyte"), idx(&[5], &[2, 2, 2, 7, 255])).unwrap();
    let held_out = test(folder.path());
    assert_eq!(held_out.classes(), ["0", "1", "2", "255", "7"]);
    assert_eq!([0, 3, 4].map(|index| picture(&*held_out, index).1), [2, 4, 3]);
}

#[test]
fn elements_of_every_type_are_read() {
    let numbers = [0.0, 51.0, 255.0];
    type Write = fn(f64) -> Vec<u8>;
    let kinds: [(u8, Write); 5] = [
        (0x0b, |x| (x as i16).to_be_bytes().to_vec()),
        (0x0c, |x| (x as i32).to_be_bytes().to_vec()),
        (0x0d, |x| (x as f32).to_be_bytes().to_vec()),
        (0x0d, |x| (x as f32 / 255.0).to_be_bytes().to_vec()),
        (0x0e, |x| (x / 127.5 - 1.0).to_be_bytes().to_vec()),
    ];
    for (kind, write) in kinds {
        let folder = tempfile::tempdir().unwrap();
        let file = |values: &[f64], kind: u8, write: Write, sizes: &[u32]| {
            let mut file = idx(sizes, &values.iter().flat_map(|&x| write(x)).collect::<Vec<u8>>());
            file[2] = kind;
            file
        };
        let at = |name: &str| folder.path().join(name);
        fs::write(
            at("train-images-idx3-x").with_file_name("train-images.idx3-float"),
            file(&numbers, kind, write, &[3, 1, 1]),
        )
        .unwrap();
        fs::write(
            at("train-labels-idx1-int"),
            file(&[1.0, 0.0, 1.0], 0x0c, |x| (x as i32).to_be_bytes().to_vec(), &[3]),
        )
        .unwrap();
        let set = train(folder.path()).unwrap();
        let read: Vec<(u8, usize)> =
            (0..3).map(|i| picture(&*set, i)).map(|(x, label)| (x[0], label)).collect();
        assert_eq!(read, [(0, 1), (51, 0), (255, 1)], "{kind:#x}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut signed = idx(&[1, 1, 1], &[0x80]);
    signed[2] = 9;
    fs::write(folder.path().join("train-images-idx3-byte"), signed).unwrap();
    fs::write(folder.path().join("train-labels-idx1-ubyte"), idx(&[1], &[0])).unwrap();
    assert!(refusal(folder.path(), Split::Train).contains("scale is unknown (numbers from -128 to -128)"));
}

#[test]
fn rows_of_a_single_1_are_labels_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path(), "", &[5, 6]);
    fs::write(folder.path().join("train-labels-idx1-ubyte"), idx(&[2, 3], &[0, 0, 1, 1, 0, 0])).unwrap();
    let set = train(folder.path()).unwrap();
    assert_eq!([0, 1].map(|i| set.classes()[picture(&*set, i).1].clone()), ["2", "0"]);
}

#[test]
fn pickles_are_refused_by_name_with_what_to_do() {
    for (files, set) in [(["data_batch_1", "batches.meta"], "CIFAR-10 "), (["train", "meta"], "CIFAR-100 ")] {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("py");
        fs::create_dir(&inner).unwrap();
        files.iter().for_each(|name| fs::write(inner.join(name), b"\x80\x02}q").unwrap());
        for place in [folder.path(), &inner] {
            let message = refusal(place, Split::Train);
            assert!(
                message.starts_with(&format!("{set}as Python pickles")) && message.contains("binary"),
                "{message}"
            );
        }
    }
}

#[test]
fn cifar_100_is_told_by_its_records_where_names_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = vec![7; 3074];
    (record[0], record[1]) = (4, 99);
    fs::write(folder.path().join("train.bin"), &record).unwrap();
    let set = train(folder.path()).unwrap();
    assert_eq!((picture(&*set, 0).1, &*set.classes()[99]), (99, "worm"));
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("train.bin"), [1; 100]).unwrap();
    assert!(refusal(other.path(), Split::Train).starts_with("no pictures"));
}

#[test]
fn tiffs_of_floats_are_read_by_their_scale() {
    for (name, wanted) in [
        ("floats-1.tiff", [0, 36, 73, 109, 146, 182, 219, 255]),
        ("floats-255.tiff", [0, 36, 73, 109, 146, 182, 219, 255]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(fixture("pictures").join(name), folder.path().join(name)).unwrap();
        let set = train(folder.path()).unwrap();
        assert_eq!((set.shape(), picture(&*set, 0).0), ([1, 2, 4], wanted.to_vec()), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("pictures/floats-7000.tiff"), folder.path().join("a.tiff")).unwrap();
    assert!(refusal(folder.path(), Split::Train).contains("scale is unknown (numbers from 0 to 7000), "));
}

#[test]
fn any_set_can_be_transposed() {
    let folder = tempfile::tempdir().unwrap();
    image::GrayImage::from_raw(3, 1, vec![1, 2, 3]).unwrap().save(folder.path().join("a.png")).unwrap();
    let options = DataOptions { transpose: Some(true), ..DataOptions::default() };
    assert_eq!(opened(folder.path(), Split::Train, &options).unwrap().shape(), [1, 3, 1]);
}
