//! Data sets: IDX files, CIFAR batches, pictures.

use super::scratch::{Scratch, check_error};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use tweedie_train::data::{DataOptions, Split, hold, open};

/// The set in the folder is refused in one line that names a file in it, or every picture of it has the shape that the
/// set says, and a label that it has.
fn survives(folder: &Scratch, split: Split, options: &DataOptions) {
    let place = folder.path().to_str().expect("plain names");
    let opened = open(place, split, options).and_then(|set| {
        // What is read from files one by one is held as a whole as well, where it is small.
        let held = hold(set.clone())?;
        Ok((set, held))
    });
    let (set, held) = match opened {
        Ok(both) => both,
        Err(error) => return check_error(&error.to_string(), place),
    };
    let [channels, height, width] = set.shape();
    assert!(matches!(channels, 1 | 3) && height > 0 && width > 0, "{:?}", set.shape());
    assert!(!set.is_empty() && !set.classes().is_empty());
    let (mut one, mut other) = (vec![0; channels * height * width], vec![0; channels * height * width]);
    for index in (0..set.len()).take(3).chain([set.len() - 1]) {
        let label = set.read(index, &mut one).expect("what was held can be read");
        assert!(label < set.classes().len(), "label {label} of {} classes", set.classes().len());
        assert_eq!(held.read(index, &mut other).expect("it is held"), label);
        assert!(one == other, "picture {index} is another one when it is held");
    }
    set.notes().iter().for_each(|note| assert!(!note.contains(char::is_control), "{note:?}"));
}

/// The parts of an input: its first byte, and the rest cut in two at the place that the next two say.
fn cut(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[how, high, low], rest) = input.split_first_chunk()?;
    let (first, second) = rest.split_at(usize::from(u16::from_be_bytes([high, low])).min(rest.len()));
    Some((how, first, second))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes all that is written")
}

/// Pictures and labels. Bit 0 of the first byte: both are gzipped here; bit 1: they are named as if they were; bit 2: they
/// are those to test on; bit 3: the same labels are those to train on.
pub fn idx(input: &[u8]) {
    let Some((how, images, labels)) = cut(input) else { return };
    let folder = Scratch::new();
    let ending = if how & 2 == 0 { "" } else { ".gz" };
    let part = if how & 4 == 0 { "train" } else { "t10k" };
    for (kind, bytes) in [("images-idx3", images), ("labels-idx1", labels)] {
        let bytes = if how & 1 == 0 { bytes.to_vec() } else { gzip(bytes) };
        folder.put(&format!("{part}-{kind}-ubyte{ending}"), &bytes);
    }
    if how & 8 != 0 {
        folder.put("train-labels-idx1-ubyte", labels);
    }
    let split = if how & 4 == 0 { Split::Train } else { Split::Test };
    survives(&folder, split, &DataOptions { transpose: Some(how & 16 != 0), ..DataOptions::default() });
}

/// A batch and the names of the classes. Bit 0 of the first byte: CIFAR-100; bit 1: its coarse classes; bit 2: the batch
/// is filled up to a whole number of records.
pub fn cifar(input: &[u8]) {
    let Some((how, names, batch)) = cut(input) else { return };
    let folder = Scratch::new();
    let hundred = how & 1 != 0;
    let record = if hundred { 3074 } else { 3073 };
    let mut batch = batch.to_vec();
    if how & 4 != 0 {
        batch.resize(batch.len().next_multiple_of(record), 0);
    }
    folder.put(if hundred { "train.bin" } else { "data_batch_1.bin" }, &batch);
    if !names.is_empty() {
        let of_10 = "batches.meta.txt";
        let of_100 = if how & 2 == 0 { "fine_label_names.txt" } else { "coarse_label_names.txt" };
        folder.put(if hundred { of_100 } else { of_10 }, names);
    }
    survives(&folder, Split::Train, &DataOptions { coarse: how & 2 != 0, ..DataOptions::default() });
}

/// One picture: what begins as a format does is read as it, all else as TGA, whose files begin in no way of their own.
pub fn picture(input: &[u8]) {
    let folder = Scratch::new();
    folder.put("a.tga", input);
    survives(&folder, Split::Train, &DataOptions::default());
}
