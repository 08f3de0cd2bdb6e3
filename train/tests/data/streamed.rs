//! Files that are not held in memory give the same pictures.

use super::idx::{gzip, idx};
use super::{opened, picture};
use std::fs;
use std::path::Path;
use tweedie_train::data::{DataOptions, Fingerprint, Split, keep, open};

/// Every picture of the set in `folder` with its label, held and read from the disk.
#[track_caller]
fn reads_the_same_from_the_disk(folder: &Path, options: &DataOptions) {
    let held = opened(folder, Split::Train, options).unwrap();
    let streamed = opened(folder, Split::Train, &DataOptions { cache: Some(0), ..*options }).unwrap();
    assert!(held.held() > 0 && streamed.held() == 0);
    assert!(streamed.notes().iter().any(|note| note.contains("from the disk")), "{:?}", streamed.notes());
    assert_eq!(
        (held.len(), held.shape(), held.classes()),
        (streamed.len(), streamed.shape(), streamed.classes())
    );
    for index in 0..held.len() {
        assert_eq!(picture(&*held, index), picture(&*streamed, index), "picture {index}");
    }
    assert!(streamed.read(held.len(), &mut vec![0; held.shape().iter().product()]).is_err());
    // A run may go on where there is more memory, or less.
    assert_eq!(Fingerprint::of(&*held).unwrap(), Fingerprint::of(&*streamed).unwrap());
}

#[test]
fn idx_files_of_every_form_are_read_from_the_disk() {
    let labels = idx(&[4], &[3, 0, 1, 3]);
    let turned = DataOptions { transpose: Some(true), ..DataOptions::default() };
    for (sizes, prefix) in
        [(&[4, 2, 3][..], ""), (&[4, 2, 3, 3], ""), (&[4, 3, 2, 3], ""), (&[4, 2, 3], "emnist-letters-")]
    {
        let folder = tempfile::tempdir().unwrap();
        let pixels: Vec<u8> = (0..sizes.iter().product::<u32>()).map(|i| (7 * i) as u8).collect();
        fs::write(folder.path().join(format!("{prefix}train-images-idx3-ubyte")), idx(sizes, &pixels))
            .unwrap();
        fs::write(folder.path().join(format!("{prefix}train-labels-idx1-ubyte")), &labels).unwrap();
        reads_the_same_from_the_disk(folder.path(), &DataOptions::default());
        reads_the_same_from_the_disk(folder.path(), &turned);
    }
}

#[test]
fn cifar_batches_are_read_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    for batch in 1..=2u8 {
        let record = |label: u8| {
            [vec![label], (0..3072).map(|i| (i * 3 + usize::from(label)) as u8).collect()].concat()
        };
        let records = [record(batch), record(batch + 3), record(9)].concat();
        fs::write(folder.path().join(format!("data_batch_{batch}.bin")), records).unwrap();
    }
    reads_the_same_from_the_disk(folder.path(), &DataOptions::default());
}

#[test]
fn gzipped_files_are_held_however_small_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train-images-idx3-ubyte.gz"), gzip(&idx(&[2, 1, 1], &[5, 6]))).unwrap();
    fs::write(folder.path().join("train-labels-idx1-ubyte.gz"), gzip(&idx(&[2], &[0, 1]))).unwrap();
    let set = opened(folder.path(), Split::Train, &DataOptions { cache: Some(0), ..DataOptions::default() })
        .unwrap();
    assert_eq!(picture(&*set, 1), (vec![6], 1));
}

#[test]
fn pictures_are_the_same_with_no_cache_a_small_one_and_all_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..9u8 {
        let class = folder.path().join(["a", "b"][usize::from(i % 2)]);
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join(format!("{i}.pgm")), [b"P5 2 2 255\n".as_slice(), &[i, 2 * i, 3, 4]].concat())
            .unwrap();
    }
    let open = || open(folder.path().to_str().unwrap(), Split::Train, &DataOptions::default()).unwrap();
    let plain = open();
    let expected: Vec<_> = (0..9).map(|index| picture(&*plain, index)).collect();
    for (most, is_said) in [(0, true), (35, true), (36, false), (1 << 20, false)] {
        let (kept, note) = keep(open(), most).unwrap();
        assert_eq!(note.is_some(), is_said, "{most} bytes: {note:?}");
        for _ in 0..2 {
            let found: Vec<_> = (0..9).map(|index| picture(&*kept, index)).collect();
            assert_eq!(found, expected, "{most} bytes");
        }
    }
}
