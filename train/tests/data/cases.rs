//! Layouts that people really have, in small.

use super::{fixture, opened, picture, refusal, train};
use tweedie_train::data::{DataOptions, Source, Split};

/// How many pictures each class has.
fn counts(set: &dyn Source) -> Vec<usize> {
    let mut counts = vec![0; set.classes().len()];
    (0..set.len()).for_each(|index| counts[picture(set, index).1] += 1);
    counts
}

fn case(name: &str) -> std::path::PathBuf {
    fixture("cases").join(name)
}

#[test]
fn folders_that_are_numbers_are_classes_in_the_order_of_numbers() {
    let set = train(&case("folders-0-11")).unwrap();
    let names: Vec<String> = (0..12).map(|k| k.to_string()).collect();
    assert_eq!(set.classes(), names);
    for index in 0..set.len() {
        let (bytes, label) = picture(&*set, index);
        assert_eq!(
            (usize::from(bytes[0]), usize::from(*bytes.last().unwrap())),
            (20 * label, 255 - 20 * label)
        );
    }
}

#[test]
fn a_folder_may_have_a_comma_in_its_name() {
    assert_eq!(train(&case("comma")).unwrap().classes(), ["blue", "red, bright"]);
}

#[test]
fn a_third_of_a_jpeg_is_an_error_that_names_it() {
    let message = refusal(&case("p-trunc"), Split::Train);
    assert!(
        message.starts_with(
            "picture that does not decode whole (a scan of the JPEG stops before its last block), "
        ),
        "{message}"
    );
    assert!(message.contains("a.jpg: mend or remove it"), "{message}");
}

#[test]
fn a_grey_picture_before_coloured_ones_takes_no_colour_away() {
    let set = train(&case("first-grey")).unwrap();
    assert_eq!((set.len(), set.shape()), (9, [3, 16, 16]));
    let red = picture(&*set, 1).0;
    assert!(red[0] != red[256], "{red:?}");
}

#[test]
fn what_is_held_out_is_no_class() {
    let folder = case("mac-zip-flat");
    for split in [Split::Train, Split::Test] {
        let set = opened(&folder, split, &DataOptions::default()).unwrap();
        assert_eq!((set.len(), set.classes().len()), (4, 1), "{split:?}");
    }
}

#[test]
fn pictures_in_deeper_folders_belong_to_the_class_above_them() {
    let set = train(&case("nested")).unwrap();
    assert_eq!((set.classes(), counts(&*set)), (&["cats".to_string(), "dogs".to_string()][..], vec![6, 1]));
}

#[test]
fn labels_from_1_to_26_are_26_classes_and_emnist_is_turned_upright() {
    let folder = case("emnist-letters");
    let set = train(&folder).unwrap();
    assert_eq!((set.len(), set.shape(), counts(&*set)), (52, [1, 28, 28], vec![2; 26]));
    assert_eq!((&*set.classes()[0], &*set.classes()[25]), ("1", "26"));
    assert!(set.notes().iter().any(|note| note.contains("transposed") && note.contains("upright")));
    let left = DataOptions { transpose: Some(false), ..DataOptions::default() };
    let left = opened(&folder, Split::Train, &left).unwrap();
    let (turned, stored) = (picture(&*set, 0).0, picture(&*left, 0).0);
    assert_ne!(turned, stored);
    assert!((0..784).all(|i| turned[i] == stored[i % 28 * 28 + i / 28]));
    assert_eq!(counts(&*opened(&folder, Split::Test, &DataOptions::default()).unwrap()).len(), 26);
}

#[test]
fn a_folder_named_like_its_file_is_no_second_file() {
    let set = train(&case("kaggle-mnist")).unwrap();
    assert_eq!((set.len(), set.shape(), counts(&*set)), (40, [1, 8, 8], vec![4; 10]));
}

#[test]
fn the_first_column_of_qmnist_is_the_class() {
    for split in [Split::Train, Split::Test] {
        let set = opened(&case("qmnist"), split, &DataOptions::default()).unwrap();
        assert_eq!((set.len(), counts(&*set)), (40, vec![4; 10]));
        assert_eq!(set.notes(), ["rows of 8 numbers: the first is the label"]);
    }
}

#[test]
fn cifar_100_has_fine_classes_and_coarse_ones_if_asked() {
    let folder = case("cifar-100-binary");
    let set = train(&folder).unwrap();
    assert_eq!((set.len(), set.shape(), set.classes().len()), (50, [3, 32, 32], 100));
    assert_eq!(set.classes()[99], "fine99");
    let coarse = DataOptions { coarse: true, ..DataOptions::default() };
    let coarse = opened(&folder, Split::Test, &coarse).unwrap();
    assert_eq!((coarse.len(), coarse.classes().len(), &*coarse.classes()[19]), (20, 20, "c19"));
}

#[test]
fn plain_files_named_gz_are_read_as_they_are() {
    let set = train(&case("gz-name-plain")).unwrap();
    assert_eq!((set.len(), counts(&*set)), (40, vec![4; 10]));
    assert!(set.notes()[0].contains("train-images-idx3-ubyte.gz is not gzipped"), "{:?}", set.notes());
}
