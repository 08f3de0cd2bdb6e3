//! CIFAR-10 and CIFAR-100 in their binary versions (Krizhevsky 2009): records of one label byte, or a coarse and a fine
//! one, and 32x32 pixels as a red, a green and a blue plane; the names of the classes in files of text.

use super::error::DataError;
use super::files::Whole;
use super::memory::Memory;
use super::offsets::{Offsets, Piece};
use super::options::{DataOptions, Split};
use super::source::Source;
use super::{bounds, tree};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SHAPE: [usize; 3] = [3, 32, 32];
const PIXELS: usize = 3 * 32 * 32;

/// One of the two sets.
struct Set {
    name: &'static str,
    /// Label bytes of a record, and which of them counts.
    labels: usize,
    label: usize,
    /// The file of class names, and the names where it is missing.
    names_in: &'static str,
    names: Vec<String>,
    /// What the files of either split are called.
    files: [Vec<PathBuf>; 2],
    lacking: &'static str,
}

/// The set of `split`, if `files` (all files of `folder`) are CIFAR batches.
pub(super) fn open(
    folder: &Path,
    files: &[PathBuf],
    split: Split,
    options: &DataOptions,
) -> Result<Option<Arc<dyn Source>>, DataError> {
    match set(files, options) {
        Some(set) => set.read(folder, split, options).map(Some),
        None => refuse_pickles(folder, files).map(|()| None),
    }
}

/// Whether `files` hold CIFAR batches, in whichever version.
pub(super) fn are(folder: &Path, files: &[PathBuf]) -> bool {
    set(files, &DataOptions::default()).is_some() || refuse_pickles(folder, files).is_err()
}

fn set(files: &[PathBuf], options: &DataOptions) -> Option<Set> {
    let named = |fits: &dyn Fn(&str) -> bool| -> Vec<PathBuf> {
        files.iter().filter(|path| fits(&tree::name(path)) && path.is_file()).cloned().collect()
    };
    let of_10 = ["data_batch", "test_batch"]
        .map(|prefix| named(&|name: &str| name.starts_with(prefix) && name.ends_with(".bin")));
    if of_10.iter().any(|files| !files.is_empty()) {
        return Some(Set {
            name: "CIFAR-10",
            labels: 1,
            label: 0,
            names_in: "batches.meta.txt",
            names: NAMES_10.split(' ').map(String::from).collect(),
            files: of_10,
            lacking: "put data_batch_1.bin to data_batch_5.bin and test_batch.bin there",
        });
    }
    let of_100 = ["train.bin", "test.bin"].map(|wanted| named(&|name: &str| name == wanted));
    // Other sets have files of these names; the class names or the records' length tell.
    let is_100 = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|about| about.len() > 0 && about.len() % (2 + PIXELS) as u64 == 0)
    };
    let has_names = !named(&|name: &str| name == "fine_label_names.txt").is_empty();
    if !of_100.iter().flatten().any(|path| has_names || is_100(path)) {
        return None;
    }
    let (label, names_in, names) = match options.coarse {
        true => (0, "coarse_label_names.txt", COARSE_100),
        false => (1, "fine_label_names.txt", FINE_100),
    };
    Some(Set {
        name: "CIFAR-100",
        labels: 2,
        label,
        names_in,
        names: names.split(' ').map(String::from).collect(),
        files: of_100,
        lacking: "put train.bin and test.bin there",
    })
}

impl Set {
    fn read(&self, folder: &Path, split: Split, options: &DataOptions) -> Result<Arc<dyn Source>, DataError> {
        let Set { name, labels: label_bytes, label, .. } = *self;
        let batches = &self.files[usize::from(split == Split::Test)];
        if batches.is_empty() {
            let what = format!("no {name} batch of the {} split", split.name());
            return Err(DataError::malformed(folder, what, self.lacking));
        }
        let record = label_bytes + PIXELS;
        let classes = self.class_names(folder)?;
        let mut total = 0;
        for path in batches {
            let length = bounds::regular(path)?;
            if length == 0 || length % record as u64 != 0 {
                let what = format!("{name} batch of {length} bytes, not a multiple of the record's {record}");
                return Err(DataError::malformed(path, what, "download it again"));
            }
            total += length;
        }
        let on_disk = total > options.most_at_once();
        let (mut bytes, mut labels, mut pieces) = (Vec::new(), Vec::new(), Vec::new());
        for path in batches {
            let unreadable = |error| DataError::unreadable(path, error);
            let file = File::open(path).map_err(unreadable)?;
            let before = labels.len();
            let mut records = BufReader::with_capacity(1 << 18, &file).take(total);
            let mut one = vec![0; record];
            // A batch ends with a whole record: its length says so.
            while !records.fill_buf().map_err(unreadable)?.is_empty() {
                records.read_exact(&mut one).map_err(unreadable)?;
                let label = usize::from(one[label]);
                if label >= classes.len() {
                    let i = labels.len() - before;
                    let what =
                        format!("label {label} in record {i}, where there are {} classes", classes.len());
                    return Err(DataError::malformed(path, what, "download it again"));
                }
                labels.push(label);
                if !on_disk {
                    bytes.extend_from_slice(&one[label_bytes..]);
                }
            }
            let (first, stride, pictures) = (label_bytes as u64, record as u64, labels.len() - before);
            pieces.push(Piece { path: path.clone(), file, first, stride, pictures });
        }
        let mut paths = batches.clone();
        paths.extend(Some(folder.join(self.names_in)).filter(|path| path.is_file()));
        let files = Whole { root: folder.to_path_buf(), paths };
        if !on_disk {
            return Ok(Arc::new(Memory::new(SHAPE, bytes, labels, classes).with_files(files)));
        }
        let notes = vec![format!(
            "the batches take {} MiB: their pictures are read from the disk one by one",
            total >> 20
        )];
        Ok(Arc::new(Offsets { pieces, shape: SHAPE, arrange: None, labels, classes, notes, files }))
    }

    fn class_names(&self, folder: &Path) -> Result<Vec<String>, DataError> {
        let path = folder.join(self.names_in);
        if !path.is_file() {
            return Ok(self.names.clone());
        }
        let text = crate::files::read_text(&path).map_err(|error| DataError::unreadable(&path, error))?;
        let names: Vec<String> =
            text.lines().map(str::trim).filter(|l| !l.is_empty()).map(String::from).collect();
        if names.is_empty() {
            return Err(DataError::malformed(
                &path,
                "no class names",
                "write one a line, or remove the file",
            ));
        }
        Ok(names)
    }
}

/// The Python version holds pickles, which can run anything when they are read.
fn refuse_pickles(folder: &Path, files: &[PathBuf]) -> Result<(), DataError> {
    let there = |name: &str| files.iter().any(|path| tree::name(path) == name && path.is_file());
    if there("data_batch_1") || there("test_batch") && there("batches.meta") {
        let remedy = "download the binary version, cifar-10-binary.tar.gz, or write each picture into a folder of its \
                      class: for i, (p, c) in enumerate(torchvision.datasets.CIFAR10('.')): \
                      os.makedirs(f'cifar/{c}', exist_ok=True); p.save(f'cifar/{c}/{i}.png')";
        return Err(DataError::malformed(folder, "CIFAR-10 as Python pickles, which are not read", remedy));
    }
    if there("meta") && (there("train") || there("test")) {
        let remedy = "download the binary version, cifar-100-binary.tar.gz, or write each picture into a folder of its \
                      class: for i, (p, c) in enumerate(torchvision.datasets.CIFAR100('.')): \
                      os.makedirs(f'cifar/{c}', exist_ok=True); p.save(f'cifar/{c}/{i}.png')";
        return Err(DataError::malformed(folder, "CIFAR-100 as Python pickles, which are not read", remedy));
    }
    Ok(())
}

const NAMES_10: &str = "airplane automobile bird cat deer dog frog horse ship truck";

const COARSE_100: &str = "aquatic_mammals fish flowers food_containers fruit_and_vegetables \
household_electrical_devices household_furniture insects large_carnivores large_man-made_outdoor_things \
large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles \
small_mammals trees vehicles_1 vehicles_2";

const FINE_100: &str = "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus \
butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur \
dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster \
man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree \
plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail \
snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip \
turtle wardrobe whale willow_tree wolf woman worm";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_names_as_classes() {
        assert_eq!([NAMES_10, COARSE_100, FINE_100].map(|names| names.split(' ').count()), [10, 20, 100]);
    }
}
