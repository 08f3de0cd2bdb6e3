//! IDX files, the format of MNIST and its kin (LeCun, Cortes and Burges): two zero bytes, a byte for the type of
//! the elements, one for the number of axes, the lengths of the axes as big-endian 32-bit words, the elements.

use super::{DataError, Memory, Split};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

const AGAIN: &str = "download it again";
const UNSIGNED_BYTE: u8 = 8;
/// No allocation rests on a header's word alone: buffers begin at most this large, and grow with what is read.
const FIRST_ALLOCATION: usize = 1 << 26;

/// The set of `split`, if `files` (all files of `folder`) are IDX files.
pub(super) fn open(folder: &Path, files: &[PathBuf], split: Split) -> Result<Option<Memory>, DataError> {
    let any = |kind| files.iter().any(|path| stem(path).is_some_and(|name| name.contains(kind)));
    if !any("images") && !any("labels") {
        return Ok(None);
    }
    let images = find(folder, files, split, "images")?;
    let labels = find(folder, files, split, "labels")?;
    read_pair(&images, &labels).map(Some)
}

/// The name without `.gz`, of a file that is named as IDX files are.
fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    (name.contains("idx") && name.ends_with("ubyte")).then(|| name.to_string())
}

fn find(folder: &Path, files: &[PathBuf], split: Split, kind: &str) -> Result<PathBuf, DataError> {
    let of_split = |name: &str| match split {
        Split::Train => name.contains("train"),
        Split::Test => name.contains("t10k") || name.contains("test"),
    };
    let mut found: Vec<(String, &PathBuf)> = files
        .iter()
        .filter_map(|path| stem(path).map(|name| (name, path)))
        .filter(|(name, _)| name.contains(kind) && of_split(name))
        .collect();
    // The same file gzipped and not, side by side: the plain one, which sorts first, will do.
    found.sort();
    found.dedup_by(|later, earlier| later.0 == earlier.0);
    match found.as_slice() {
        [(_, path)] => Ok(path.to_path_buf()),
        [] => {
            let what = format!("no IDX file of {} {kind}", split.name());
            let remedy = "put all four of train-images-idx3-ubyte, train-labels-idx1-ubyte, \
                          t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte there, gzipped or not";
            Err(DataError::malformed(folder, what, remedy))
        }
        [(a, _), (b, _), ..] => {
            let what = format!("two IDX files of {} {kind} ({a} and {b})", split.name());
            Err(DataError::malformed(folder, what, "keep one data set in a folder"))
        }
    }
}

fn read_pair(images: &Path, labels: &Path) -> Result<Memory, DataError> {
    let (sizes, mut bytes) = read(images)?;
    if bytes.is_empty() {
        let what = format!("IDX file without pictures (its shape is {sizes:?})");
        return Err(DataError::malformed(images, what, AGAIN));
    }
    let (pictures, shape) = match *sizes.as_slice() {
        [n, h, w] => (n, [1, h, w]),
        [n, h, w, c @ (1 | 3)] => {
            bytes = channels_first(&bytes, h * w, c);
            (n, [c, h, w])
        }
        [n, c @ (1 | 3), h, w] => (n, [c, h, w]),
        _ => {
            let what = format!("IDX file of shape {sizes:?} where pictures were expected");
            let remedy = "give pictures x height x width, with 1 or 3 channels as a fourth axis if any";
            return Err(DataError::malformed(images, what, remedy));
        }
    };
    let (sizes, marks) = read(labels)?;
    if sizes.len() != 1 {
        let what = format!("IDX file of shape {sizes:?} where labels were expected");
        return Err(DataError::malformed(labels, what, "give one label a picture"));
    }
    if marks.len() != pictures {
        let what = format!("IDX file of {} labels beside one of {pictures} pictures", marks.len());
        return Err(DataError::malformed(labels, what, "download both files again"));
    }
    let marks: Vec<usize> = marks.into_iter().map(usize::from).collect();
    let classes = marks.iter().max().map_or(0, |most| most + 1);
    Ok(Memory::new(shape, bytes, marks, (0..classes).map(|label| label.to_string()).collect()))
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

/// The lengths of the axes and the elements of an IDX file of unsigned bytes.
fn read(path: &Path) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let file = File::open(path).map_err(|error| DataError::unreadable(path, error))?;
    let gzipped = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    if gzipped { parse(path, MultiGzDecoder::new(BufReader::new(file))) } else { parse(path, file) }
}

fn parse(path: &Path, mut from: impl Read) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let mut magic = [0; 4];
    header(path, &mut from, &mut magic)?;
    let [zero, also_zero, kind, axes] = magic;
    if zero != 0 || also_zero != 0 || !(8..=14).contains(&kind) {
        let what = format!("not an IDX file (it begins with {magic:02x?})");
        return Err(DataError::malformed(path, what, AGAIN));
    }
    if kind != UNSIGNED_BYTE {
        let what = format!("IDX file of element type {kind:#04x}");
        return Err(DataError::malformed(path, what, "give one of unsigned bytes (type 0x08)"));
    }
    let mut sizes = Vec::new();
    for _ in 0..axes {
        let mut word = [0; 4];
        header(path, &mut from, &mut word)?;
        sizes.push(u32::from_be_bytes(word) as usize);
    }
    let shown = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let Some(declared) = sizes.iter().try_fold(1usize, |n, &size| n.checked_mul(size)) else {
        let what = format!("IDX file with an impossible size ({shown})");
        return Err(DataError::malformed(path, what, AGAIN));
    };
    let mut bytes = Vec::with_capacity(declared.min(FIRST_ALLOCATION));
    let longest = (declared as u64).saturating_add(1);
    from.take(longest).read_to_end(&mut bytes).map_err(|error| broken(path, error))?;
    if bytes.len() < declared {
        let what = format!("IDX file cut short (it declares {shown} bytes and holds {})", bytes.len());
        return Err(DataError::malformed(path, what, AGAIN));
    }
    if bytes.len() > declared {
        let what = format!("IDX file with more than the {shown} bytes that it declares");
        return Err(DataError::malformed(path, what, AGAIN));
    }
    Ok((sizes, bytes))
}

fn header(path: &Path, from: &mut impl Read, bytes: &mut [u8]) -> Result<(), DataError> {
    from.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => DataError::malformed(path, "IDX file cut short in its header", AGAIN),
        _ => broken(path, error),
    })
}

/// Of a plain file, a failing read is the system's doing; of a gzipped one, most likely the file's.
fn broken(path: &Path, error: io::Error) -> DataError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => DataError::malformed(path, "gzip file cut short", AGAIN),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            DataError::malformed(path, format!("damaged gzip file ({error})"), AGAIN)
        }
        _ => DataError::unreadable(path, error),
    }
}
