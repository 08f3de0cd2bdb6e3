//! Folders of pictures, in any format that the `image` crate reads.

use super::bounds;
use super::decode::{decode, decode_read, has_color};
use super::error::DataError;
use super::index::{Index, name_below};
use super::ledger::Ledger;
use super::memory::{bytes_of, read_whole};
use super::notes;
use super::options::{DataOptions, Split};
use super::parts::parts;
use super::source::Source;
use super::tree::{self, Folder};
use image::DynamicImage;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The pictures of a folder and all below it: a class for each of its folders that has some, or one class.
///
/// # Errors
/// [`DataError::Empty`] without pictures; [`DataError::Malformed`] for pictures beside classes; whatever reading one can
/// meet.
pub(super) fn open(
    folder: &Folder,
    split: Split,
    options: &DataOptions,
) -> Result<Arc<dyn Source>, DataError> {
    let mut notes = Vec::new();
    let whole = unwrapped(folder);
    if whole.path != folder.path {
        let inner = whole.path.strip_prefix(&folder.path).unwrap_or(&whole.path);
        notes.push(format!("the pictures are those of {}/", inner.display()));
    }
    let mut known = Vec::new();
    let (chosen, left_out) = match parts(whole) {
        None => (whole, folder.all_left_out()),
        Some(parts) => {
            let (chosen, other) = parts.of(split);
            notes.push(format!(
                "{}/ is the {} part, {}/ is not read",
                chosen.name(),
                split.name(),
                other.name()
            ));
            if !parts.rest.is_empty() {
                let names: Vec<String> = parts
                    .rest
                    .iter()
                    .map(|folder| format!("{}/ ({})", folder.name(), notes::count(folder.count(), "picture")))
                    .collect();
                notes.push(format!(
                    "left out {}: {}",
                    notes::count(names.len(), "folder"),
                    notes::list(&names)
                ));
            }
            if !whole.pictures.is_empty() {
                let names: Vec<String> = whole.pictures.iter().map(|path| tree::name(path)).collect();
                notes.push(format!(
                    "left out {}: {}",
                    notes::count(names.len(), "file"),
                    notes::list(&names)
                ));
            }
            if split == Split::Test {
                // A class has the number that it has among those to train on.
                known = classes(unwrapped(parts.train)).into_iter().map(Folder::name).collect();
            }
            (unwrapped(chosen), chosen.all_left_out())
        }
    };
    let found = classes(chosen);
    if let (Some(picture), Some(class)) = (chosen.pictures.first(), found.first()) {
        let what = format!("picture beside subfolders of pictures (such as {}/)", class.name());
        return Err(DataError::malformed(picture, what, "move it into the subfolder of its class"));
    }
    notes.extend(notes::left_out(&folder.path, &left_out));
    let empty: Vec<String> = chosen
        .folders
        .iter()
        .filter(|folder| folder.count() == 0)
        .map(|folder| format!("{}/", folder.name()))
        .collect();
    if !empty.is_empty() && !found.is_empty() {
        let makes = if empty.len() == 1 { "makes no class" } else { "make no classes" };
        notes.push(format!(
            "{} without pictures {makes}: {}",
            notes::count(empty.len(), "folder"),
            notes::list(&empty)
        ));
    }
    let (mut paths, mut labels, mut names) = (Vec::new(), Vec::new(), known);
    for class in found {
        let pictures = class.all_pictures();
        let name = class.name();
        let label = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        labels.extend(vec![label; pictures.len()]);
        paths.extend(pictures);
    }
    if paths.is_empty() && !chosen.pictures.is_empty() {
        // Of no class that is known: pictures to test on may lie without classes beside others with them.
        names.push(chosen.name());
        labels = vec![names.len() - 1; chosen.pictures.len()];
        paths = chosen.pictures.clone();
    }
    if paths.is_empty() {
        return Err(DataError::Empty {
            path: folder.path.clone(),
            beside: notes::left_out(&folder.path, &left_out),
        });
    }
    of_files(&chosen.path, paths, labels, names, notes, options)
}

/// The folder within `folder` that holds all pictures and has folders of its own alone: a wrapper is no class.
fn unwrapped(mut folder: &Folder) -> &Folder {
    while folder.pictures.is_empty() {
        let mut inner = folder.folders.iter().filter(|inner| inner.count() > 0);
        match (inner.next(), inner.next()) {
            (Some(only), None) if only.pictures.is_empty() => folder = only,
            _ => break,
        }
    }
    folder
}

/// The folders that are classes, in their order: as numbers where all names are numbers, else as text.
fn classes(folder: &Folder) -> Vec<&Folder> {
    let mut found: Vec<&Folder> = folder.folders.iter().filter(|folder| folder.count() > 0).collect();
    // Of one value, as 1 and 01, the order of text decides.
    let number = |folder: &Folder| {
        let name = folder.name();
        let plain = name.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
        name.parse::<f64>().ok().filter(|_| plain).map(|value| (value, name))
    };
    if found.iter().all(|folder| number(folder).is_some()) {
        found.sort_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(Ordering::Equal));
    }
    found
}

/// The picture of one file.
pub(super) fn open_picture(path: &Path, options: &DataOptions) -> Result<Arc<dyn Source>, DataError> {
    let root = path.parent().unwrap_or(path);
    of_files(root, vec![path.to_path_buf()], vec![0], vec![tree::name(path)], Vec::new(), options)
}

/// These files, of which there is at least one; the first decides on the size, and any that has colour on colour.
fn of_files(
    root: &Path,
    paths: Vec<PathBuf>,
    labels: Vec<usize>,
    classes: Vec<String>,
    mut notes: Vec<String>,
    options: &DataOptions,
) -> Result<Arc<dyn Source>, DataError> {
    let first = decode(&paths[0], options.convention)?;
    let channels = match options.channels {
        Some(channels) => channels,
        None if first.color().has_color() => 3,
        None => match first_with_color(&paths)? {
            None => 1,
            Some(path) => {
                notes.push(format!(
                    "grey and colour pictures ({} and {}): all are read as colour",
                    tree::name(&paths[0]),
                    tree::name(path)
                ));
                3
            }
        },
    };
    let size = [first.height() as usize, first.width() as usize];
    let [height, width] = options.image_size.map_or(size, |side| [side, side]);
    let shape = [channels, height, width];
    let root = root.to_path_buf();
    let set = Arc::new(Set { root, paths, labels, classes, notes, shape, options: *options });
    Ok(Arc::new(Files { set, ledger: None }))
}

fn first_with_color(paths: &[PathBuf]) -> Result<Option<&Path>, DataError> {
    let found = paths.par_iter().find_map_first(|path| match has_color(path) {
        Ok(true) => Some(Ok(&**path)),
        Ok(false) => None,
        Err(error) => Some(Err(error)),
    });
    found.transpose()
}

/// What is known of pictures in files.
struct Set {
    root: PathBuf,
    paths: Vec<PathBuf>,
    labels: Vec<usize>,
    classes: Vec<String>,
    notes: Vec<String>,
    shape: [usize; 3],
    options: DataOptions,
}

/// Pictures that stay in their files until they are read.
struct Files {
    set: Arc<Set>,
    /// What the files held when they were first read, where that counts.
    ledger: Option<Arc<Ledger>>,
}

impl Files {
    fn decoded(&self, index: usize, path: &Path) -> Result<DynamicImage, DataError> {
        let convention = self.set.options.convention;
        let Some(ledger) = &self.ledger else { return decode(path, convention) };
        let (bytes, stamp) = bounds::read_stamped(path)?;
        let digest = || Ok(Sha256::digest(&bytes).into());
        ledger.check(index, path, stamp, digest, || name_below(&self.set.root, path))?;
        decode_read(&bytes, path, convention)
    }
}

impl Source for Files {
    fn len(&self) -> usize {
        self.set.paths.len()
    }

    fn bytes_to_hold(&self) -> u64 {
        bytes_of(self)
    }

    fn hold(&self) -> Result<Option<Arc<dyn Source>>, DataError> {
        read_whole(self).map(|held| Some(Arc::new(held) as Arc<dyn Source>))
    }

    fn list(&self, index: &mut Index<'_>) -> Result<(), DataError> {
        index.files(&self.set.root, &self.set.paths, Some(&self.set.labels))
    }

    fn watched(&self, ledger: &Arc<Ledger>) -> Result<Option<Arc<dyn Source>>, DataError> {
        let (set, ledger) = (Arc::clone(&self.set), Some(Arc::clone(ledger)));
        Ok(Some(Arc::new(Files { set, ledger })))
    }

    fn shape(&self) -> [usize; 3] {
        self.set.shape
    }

    fn classes(&self) -> &[String] {
        &self.set.classes
    }

    fn notes(&self) -> &[String] {
        &self.set.notes
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        let Some(path) = self.set.paths.get(index) else {
            return Err(DataError::Index { index, pictures: self.len() });
        };
        let DataOptions { convention, image_size, .. } = self.set.options;
        let mut picture = self.decoded(index, path)?;
        let [channels, height, width] = self.set.shape;
        if let Some(side) = image_size {
            picture = convention.square(&picture, side as u32);
        }
        let found = [picture.width() as usize, picture.height() as usize];
        if found != [width, height] {
            return Err(DataError::Sizes { path: path.clone(), found, expected: [width, height] });
        }
        convention.write_planes(&picture, channels, out);
        Ok(self.set.labels[index])
    }
}
