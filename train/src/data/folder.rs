//! Folders of pictures, in any format that the `image` crate reads.

use super::decode::{decode, has_color};
use super::error::DataError;
use super::memory::Memory;
use super::notes;
use super::options::{DataOptions, Split};
use super::parts::parts;
use super::source::Source;
use super::tree::{self, Folder};
use crate::memory::memory_limit;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sets up to this many bytes are decoded at once, and then held in memory.
const HELD: u64 = 4 << 30;

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
    of_files(paths, labels, names, notes, options)
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
    of_files(vec![path.to_path_buf()], vec![0], vec![tree::name(path)], Vec::new(), options)
}

/// These files, of which there is at least one; the first decides on the size, and any that has colour on colour.
fn of_files(
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
    let files = Files { paths, labels, classes, notes, shape, options: *options };
    Ok(Arc::new(files))
}

fn first_with_color(paths: &[PathBuf]) -> Result<Option<&Path>, DataError> {
    let found = paths.par_iter().find_map_first(|path| match has_color(path) {
        Ok(true) => Some(Ok(&**path)),
        Ok(false) => None,
        Err(error) => Some(Err(error)),
    });
    found.transpose()
}

/// Pictures that stay in their files until they are read.
struct Files {
    paths: Vec<PathBuf>,
    labels: Vec<usize>,
    classes: Vec<String>,
    notes: Vec<String>,
    shape: [usize; 3],
    options: DataOptions,
}

impl Source for Files {
    fn len(&self) -> usize {
        self.paths.len()
    }

    fn bytes_to_hold(&self) -> u64 {
        let each = self.shape.iter().map(|&side| side as u64).product::<u64>();
        let total = each.saturating_mul(self.paths.len() as u64);
        // Half of what there is, since a network is to be trained beside it.
        let fits = total <= HELD && memory_limit().is_none_or(|limit| total <= limit / 2);
        if fits { total } else { 0 }
    }

    fn hold(&self) -> Result<Option<Arc<dyn Source>>, DataError> {
        let total = self.bytes_to_hold() as usize;
        if total == 0 {
            return Ok(None);
        }
        let mut bytes = vec![0; total];
        let read: Vec<Result<usize, DataError>> = bytes
            .par_chunks_mut(total / self.paths.len())
            .enumerate()
            .map(|(index, out)| self.read(index, out))
            .collect();
        read.into_iter().collect::<Result<Vec<_>, _>>()?;
        let (labels, classes) = (self.labels.clone(), self.classes.clone());
        let held = Memory::new(self.shape, bytes, labels, classes).with_notes(self.notes.clone());
        Ok(Some(Arc::new(held)))
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        let Some(path) = self.paths.get(index) else {
            return Err(DataError::Index { index, pictures: self.len() });
        };
        let DataOptions { convention, image_size, .. } = self.options;
        let mut picture = decode(path, convention)?;
        let [channels, height, width] = self.shape;
        if let Some(side) = image_size {
            picture = convention.square(&picture, side as u32);
        }
        let found = [picture.width() as usize, picture.height() as usize];
        if found != [width, height] {
            return Err(DataError::Sizes { path: path.clone(), found, expected: [width, height] });
        }
        convention.write_planes(&picture, channels, out);
        Ok(self.labels[index])
    }
}
