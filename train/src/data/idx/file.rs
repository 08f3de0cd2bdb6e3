//! The file format: two zero bytes, a byte for the type of the elements, one for the number of axes, the lengths of the
//! axes as big-endian 32-bit words, the elements, big-endian too.

use super::super::bounds;
use super::super::error::DataError;
use super::super::numbers::Range;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// What to do about a file that is not whole.
pub(super) const AGAIN: &str = "download it again";

/// No allocation is as large as a header alone claims: buffers begin at most this large, and grow with what is read.
const FIRST_ALLOCATION: usize = 1 << 26;

/// What the elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Kind {
    fn of_byte(byte: u8) -> Option<Kind> {
        Some(match byte {
            0x08 => Kind::U8,
            0x09 => Kind::I8,
            0x0b => Kind::I16,
            0x0c => Kind::I32,
            0x0d => Kind::F32,
            0x0e => Kind::F64,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Kind::U8 | Kind::I8 => 1,
            Kind::I16 => 2,
            Kind::I32 | Kind::F32 => 4,
            Kind::F64 => 8,
        }
    }
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Array {
    kind: Kind,
    /// The lengths of the axes.
    pub(super) sizes: Vec<usize>,
    bytes: Vec<u8>,
    /// Whether the name says gzip and the file is plain.
    pub(super) plain_after_all: bool,
}

/// Where the elements of a plain file of bytes lie.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) file: File,
    pub(super) sizes: Vec<usize>,
    /// Where the first element is.
    pub(super) first: u64,
}

impl Layout {
    /// The layout of the file, if it is plain, whole, of bytes, and has more elements than `most`.
    pub(super) fn of_larger_than(most: u64, path: &Path) -> Result<Option<Layout>, DataError> {
        let length = bounds::regular(path)?;
        if length <= most {
            return Ok(None);
        }
        let unreadable = |error| DataError::unreadable(path, error);
        let mut file = File::open(path).map_err(unreadable)?;
        let mut start = Vec::new();
        file.by_ref().take(4 + 4 * 255).read_to_end(&mut start).map_err(unreadable)?;
        let &[0, 0, 0x08, axes, ref words @ ..] = &start[..] else { return Ok(None) };
        let axes = usize::from(axes);
        let Some(words) = words.get(..4 * axes) else { return Ok(None) };
        let sizes: Vec<usize> = words
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]) as usize)
            .collect();
        let declared = sizes.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        let first = 4 + 4 * axes as u64;
        let is_whole = declared.is_some_and(|declared| (declared as u64).checked_add(first) == Some(length));
        Ok(is_whole.then_some(Layout { file, sizes, first }))
    }
}

impl Array {
    /// Reads a file, gzipped or not, whatever its name says, of at most `most` bytes of elements.
    pub(super) fn read(path: &Path, most: u64) -> Result<Array, DataError> {
        bounds::regular(path)?;
        let mut file = BufReader::new(File::open(path).map_err(|error| DataError::unreadable(path, error))?);
        let start = file.fill_buf().map_err(|error| DataError::unreadable(path, error))?;
        let gzipped = start.starts_with(&[0x1f, 0x8b]);
        let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        let mut array = if gzipped {
            parse(path, MultiGzDecoder::new(file), true, most)?
        } else {
            parse(path, file, false, most)?
        };
        array.plain_after_all = named && !gzipped;
        Ok(array)
    }

    /// The elements as numbers.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let kind = self.kind;
        self.bytes.chunks_exact(kind.bytes()).map(move |x| match kind {
            Kind::U8 => f64::from(x[0]),
            Kind::I8 => f64::from(x[0] as i8),
            Kind::I16 => f64::from(i16::from_be_bytes([x[0], x[1]])),
            Kind::I32 => f64::from(i32::from_be_bytes([x[0], x[1], x[2], x[3]])),
            Kind::F32 => f64::from(f32::from_be_bytes([x[0], x[1], x[2], x[3]])),
            Kind::F64 => f64::from_be_bytes([x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]]),
        })
    }

    /// The elements as bytes of pictures: whole numbers as they are, others from 0 to 1, −1 to 1 or 0 to 255.
    pub(super) fn into_bytes(self, path: &Path) -> Result<Vec<u8>, DataError> {
        if self.kind == Kind::U8 {
            return Ok(self.bytes);
        }
        let whole = !matches!(self.kind, Kind::F32 | Kind::F64);
        let range = match Range::of(self.numbers()) {
            Ok(Range::Unit) if whole => Ok(Range::Bytes),
            Ok(Range::Signed) if whole => Err("-1 among its numbers".to_string()),
            other => other,
        };
        let range = range.map_err(|found| {
            let what = format!("IDX file of pictures whose scale is unknown ({found})");
            let remedy = "bring them to 0 to 255, or numbers with a point to 0 to 1";
            DataError::malformed(path, what, remedy)
        })?;
        let mut bytes = bounds::room(self.bytes.len() / self.kind.bytes(), path)?;
        bytes.extend(self.numbers().map(|value| range.byte(value)));
        Ok(bytes)
    }
}

fn parse(path: &Path, mut from: impl Read, gzipped: bool, most: u64) -> Result<Array, DataError> {
    let broken = |error| broken(path, error, gzipped);
    let header = |from: &mut dyn Read, bytes: &mut [u8]| {
        from.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                DataError::malformed(path, "IDX file cut short in its header", AGAIN)
            }
            _ => broken(error),
        })
    };
    let mut magic = [0; 4];
    header(&mut from, &mut magic)?;
    let [zero, also_zero, kind, axes] = magic;
    let kind = (zero == 0 && also_zero == 0).then(|| Kind::of_byte(kind)).flatten();
    let Some(kind) = kind else {
        let what = format!("not an IDX file (it begins with {magic:02x?})");
        return Err(DataError::malformed(path, what, AGAIN));
    };
    let mut sizes = Vec::new();
    for _ in 0..axes {
        let mut word = [0; 4];
        header(&mut from, &mut word)?;
        sizes.push(u32::from_be_bytes(word) as usize);
    }
    let shape = sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let size = match kind.bytes() {
        1 => format!("{shape} bytes"),
        each => format!("{shape} numbers of {each} bytes"),
    };
    let Some(declared) = sizes.iter().try_fold(kind.bytes(), |n, &size| n.checked_mul(size)) else {
        let what = format!("IDX file with an impossible size ({size})");
        return Err(DataError::malformed(path, what, AGAIN));
    };
    let too_large = || {
        let what = format!("IDX file of {size}, more than the {} MiB that are held in memory", most >> 20);
        let remedy = match (gzipped, kind) {
            (true, Kind::U8) => "gunzip it: a plain file of bytes is read picture by picture",
            (true, _) => "gunzip it and write bytes of 0 to 255, which are read picture by picture",
            (false, _) => "write bytes of 0 to 255, which are read picture by picture",
        };
        DataError::malformed(path, what, remedy)
    };
    let mut bytes = bounds::room(declared.min(FIRST_ALLOCATION), path)?;
    let longest = (declared as u64).min(most).saturating_add(1);
    from.take(longest).read_to_end(&mut bytes).map_err(broken)?;
    // A header claims what it likes: what counts is what is there.
    if bytes.len() as u64 > most {
        return Err(too_large());
    }
    if bytes.len() < declared {
        let what = format!("IDX file cut short (it declares {size} and holds {})", bytes.len());
        return Err(DataError::malformed(path, what, AGAIN));
    }
    if bytes.len() > declared {
        let what = format!("IDX file with more than the {size} that it declares");
        return Err(DataError::malformed(path, what, AGAIN));
    }
    Ok(Array { kind, sizes, bytes, plain_after_all: false })
}

/// Of a plain file, a failing read is the system's doing; of a gzipped one, most likely the file's.
fn broken(path: &Path, error: io::Error, gzipped: bool) -> DataError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => DataError::malformed(path, "gzip file cut short", AGAIN),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if gzipped => {
            DataError::malformed(path, format!("damaged gzip file ({error})"), AGAIN)
        }
        _ => DataError::unreadable(path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_is_too_large_to_be_held_is_refused_with_what_can_be_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train-images-idx3-ubyte.gz");
        let plain = [&[0, 0, 8, 1, 0, 0, 0, 9][..], &[7; 9]].concat();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        std::fs::write(&path, gzip.finish().unwrap()).unwrap();
        assert_eq!(Array::read(&path, 9).unwrap().bytes, [7; 9]);
        let error = Array::read(&path, 8).unwrap_err().to_string();
        assert!(error.contains("9 bytes, more than") && error.contains("gunzip it"), "{error}");
        let mut numbers = plain;
        numbers[2] = 9;
        std::fs::write(&path, numbers).unwrap();
        let error = Array::read(&path, 8).unwrap_err().to_string();
        assert!(error.contains("write bytes of 0 to 255") && !error.contains("gunzip"), "{error}");
    }

    #[test]
    fn only_whole_files_of_bytes_stay_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train-images-idx3-ubyte");
        let whole = [&[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3][..], &[7; 6]].concat();
        let stays = |bytes: &[u8], most| {
            std::fs::write(&path, bytes).unwrap();
            Layout::of_larger_than(most, &path).unwrap().map(|layout| (layout.sizes, layout.first))
        };
        assert_eq!(stays(&whole, 17), Some((vec![2, 3], 12)));
        assert_eq!(stays(&whole, 18), None);
        assert_eq!(stays(&whole[..17], 0), None);
        assert_eq!(stays(&whole[..9], 0), None);
        let mut other = whole;
        other[2] = 9;
        assert_eq!(stays(&other, 0), None);
    }
}
