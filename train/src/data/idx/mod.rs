//! IDX files, the format of MNIST and its kin (LeCun, Cortes and Burges): a file of pictures and one of labels for each
//! part of a set.

mod file;
mod labels;

use super::error::DataError;
use super::files::Whole;
use super::memory::Memory;
use super::offsets::{Arrange, Offsets, Piece};
use super::options::{DataOptions, Split};
use super::source::Source;
use super::tree;
use file::{AGAIN, Array, Layout};
use labels::Labels;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The set of `split`, if `files` (all files of `folder`) are IDX files.
pub(super) fn open(
    folder: &Path,
    files: &[PathBuf],
    split: Split,
    options: &DataOptions,
) -> Result<Option<Arc<dyn Source>>, DataError> {
    let found = found(files)?;
    if found.is_empty() {
        return Ok(None);
    }
    let images = find(folder, &found, split, "images")?;
    let labels = find(folder, &found, split, "labels")?;
    let known = match split {
        Split::Train => None,
        // A class has the number that it has among those to train on.
        Split::Test => find(folder, &found, Split::Train, "labels").ok(),
    };
    let known = known.filter(|&path| path != labels);
    let paths = [images, labels].into_iter().chain(known).map(Path::to_path_buf).collect();
    let files = Whole { root: folder.to_path_buf(), paths };
    read_pair([images, labels], known, files, options).map(Some)
}

/// Whether `files` hold IDX files of pictures or labels.
pub(super) fn are(files: &[PathBuf]) -> Result<bool, DataError> {
    Ok(!found(files)?.is_empty())
}

/// A file of pictures or labels.
struct Found {
    /// Its name as sets spell it in one way or another: in small letters, with hyphens, without `.gz`.
    name: String,
    path: PathBuf,
}

/// The files that are named as IDX files are, also those that lie in a folder of such a name.
fn found(files: &[PathBuf]) -> Result<Vec<Found>, DataError> {
    let mut found = Vec::new();
    for path in files {
        let Some(name) = stem(path) else { continue };
        if path.is_dir() {
            let inner = tree::entries(path)?;
            let inner = inner.into_iter().filter(|path| path.is_file());
            found.extend(inner.filter_map(|path| stem(&path).map(|name| Found { name, path })));
        } else if path.is_file() {
            found.push(Found { name, path: path.clone() });
        }
    }
    found.retain(|found| found.name.contains("images") || found.name.contains("labels"));
    // Of the same file twice, gzipped and not, or in a folder and not, the first will do: the plain one, not in a folder.
    found.sort_by(|a, b| {
        let depth = |found: &Found| found.path.components().count();
        a.name.cmp(&b.name).then(depth(a).cmp(&depth(b))).then(a.path.cmp(&b.path))
    });
    found.dedup_by(|later, earlier| later.name == earlier.name);
    Ok(found)
}

/// The name of [`Found`], of a file that is named as IDX files are: `…idx3-ubyte` and its like.
fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.to_lowercase().replace('.', "-");
    let name = name.strip_suffix("-gz").unwrap_or(&name);
    let rest = &name[name.rfind("idx")? + 3..];
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('-');
    let kinds = ["", "ubyte", "byte", "short", "int", "float", "double"];
    kinds.contains(&rest).then(|| name.to_string())
}

fn find<'a>(folder: &Path, found: &'a [Found], split: Split, kind: &str) -> Result<&'a Path, DataError> {
    let of_split = |name: &str| match split {
        Split::Train => name.contains("train"),
        Split::Test => name.contains("t10k") || name.contains("test"),
    };
    let fits = |found: &&Found| found.name.contains(kind) && of_split(&found.name);
    let fitting: Vec<&Found> = found.iter().filter(fits).collect();
    match fitting.as_slice() {
        [one] => Ok(&one.path),
        [] => {
            let what = format!("no IDX file of {} {kind}", split.name());
            let remedy = "put all four of train-images-idx3-ubyte, train-labels-idx1-ubyte, \
                          t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte there, gzipped or not";
            Err(DataError::malformed(folder, what, remedy))
        }
        [a, b, ..] => {
            let (a, b) = (tree::name(&a.path), tree::name(&b.path));
            let what = format!("two IDX files of {} {kind} ({a} and {b})", split.name());
            Err(DataError::malformed(folder, what, "keep one data set in a folder"))
        }
    }
}

/// The most bytes of labels that are read: more than there are pictures in any set.
const LABELS: u64 = 1 << 30;

fn read_pair(
    [images, labels]: [&Path; 2],
    known: Option<&Path>,
    files: Whole,
    options: &DataOptions,
) -> Result<Arc<dyn Source>, DataError> {
    let mut notes = Vec::new();
    let mut read = |path: &Path, most: u64| -> Result<Array, DataError> {
        let array = Array::read(path, most)?;
        if array.plain_after_all {
            notes
                .push(format!("{} is not gzipped, whatever its name: it is read as it is", tree::name(path)));
        }
        Ok(array)
    };
    let most = options.most_at_once();
    let pictures = match Layout::of_larger_than(most, images)? {
        Some(layout) => Pictures::OnDisk(layout),
        // What cannot stay on the disk is read whole, if the memory allows.
        None => {
            let array = read(images, DataOptions::default().most_at_once())?;
            let sizes = array.sizes.clone();
            Pictures::Held { bytes: array.into_bytes(images)?, sizes }
        }
    };
    let marks = read(labels, LABELS)?;
    let form = Form::of(pictures.sizes(), images)?;
    let (marks, note) = Labels::of(&marks, labels)?;
    notes.extend(note);
    if marks.len() != form.pictures {
        let what = format!("IDX file of {} labels beside one of {} pictures", marks.len(), form.pictures);
        return Err(DataError::malformed(labels, what, "download both files again"));
    }
    let known = match known {
        Some(path) => Some(Labels::of(&Array::read(path, LABELS)?, path)?.0),
        None => None,
    };
    let (labels, classes, note) = marks.classes(known.as_ref());
    notes.extend(note);
    let of_emnist = tree::name(images).to_lowercase().contains("emnist");
    let transposes = options.transpose.unwrap_or(of_emnist);
    if transposes && options.transpose.is_none() {
        let note = "EMNIST's files hold pictures transposed: they are turned upright (data.transpose = false leaves them)";
        notes.push(note.to_string());
    } else if of_emnist && !transposes {
        notes.push("EMNIST's files hold pictures transposed, and they are left so".to_string());
    }
    let Form { pictures: count, shape: upright, channels_last } = form;
    let arrange = move |mut bytes: Vec<u8>| {
        if channels_last {
            bytes = channels_first(&bytes, upright[1] * upright[2], upright[0]);
        }
        if transposes { transposed(&bytes, upright) } else { bytes }
    };
    let [c, h, w] = upright;
    let shape = if transposes { [c, w, h] } else { upright };
    Ok(match pictures {
        Pictures::Held { bytes, .. } => {
            Arc::new(Memory::new(shape, arrange(bytes), labels, classes).with_notes(notes).with_files(files))
        }
        Pictures::OnDisk(Layout { file, first, .. }) => {
            let each = (c * h * w) as u64;
            notes.push(format!(
                "{} takes {} MiB: its pictures are read from the disk one by one",
                tree::name(images),
                (each * count as u64) >> 20
            ));
            let piece = Piece { path: images.to_path_buf(), file, first, stride: each, pictures: count };
            let arrange: Option<Arrange> =
                (channels_last || transposes).then(|| Box::new(arrange) as Arrange);
            Arc::new(Offsets { pieces: vec![piece], shape, arrange, labels, classes, notes, files })
        }
    })
}

/// The pictures of a file.
enum Pictures {
    Held { bytes: Vec<u8>, sizes: Vec<usize> },
    OnDisk(Layout),
}

impl Pictures {
    fn sizes(&self) -> &[usize] {
        match self {
            Pictures::Held { sizes, .. } => sizes,
            Pictures::OnDisk(layout) => &layout.sizes,
        }
    }
}

/// What the axes of a file mean.
struct Form {
    pictures: usize,
    /// Channels, height and width.
    shape: [usize; 3],
    /// Whether the channels of a pixel lie together.
    channels_last: bool,
}

impl Form {
    fn of(sizes: &[usize], images: &Path) -> Result<Form, DataError> {
        if sizes.contains(&0) {
            let what = format!("IDX file without pictures (its shape is {sizes:?})");
            return Err(DataError::malformed(images, what, AGAIN));
        }
        let (pictures, shape, channels_last) = match *sizes {
            [n, h, w] => (n, [1, h, w], false),
            [n, h, w, c @ (1 | 3)] => (n, [c, h, w], true),
            [n, c @ (1 | 3), h, w] => (n, [c, h, w], false),
            _ => {
                let what = format!("IDX file of shape {sizes:?} where pictures were expected");
                let remedy = "give pictures x height x width, with 1 or 3 channels as a fourth axis if any";
                return Err(DataError::malformed(images, what, remedy));
            }
        };
        Ok(Form { pictures, shape, channels_last })
    }
}

fn channels_first(bytes: &[u8], area: usize, channels: usize) -> Vec<u8> {
    let mut planes = vec![0; bytes.len()];
    for (to, from) in planes.chunks_mut(area * channels).zip(bytes.chunks(area * channels)) {
        for (i, &byte) in from.iter().enumerate() {
            to[i % channels * area + i / channels] = byte;
        }
    }
    planes
}

/// Each plane of `height` rows of `width` with its rows as columns.
pub(super) fn transposed(bytes: &[u8], [_, height, width]: [usize; 3]) -> Vec<u8> {
    let mut turned = vec![0; bytes.len()];
    for (to, from) in turned.chunks_mut(height * width).zip(bytes.chunks(height * width)) {
        for (i, &byte) in from.iter().enumerate() {
            to[i % width * height + i / width] = byte;
        }
    }
    turned
}
