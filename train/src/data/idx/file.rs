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
/// The most bytes that the elements of a file may take.
const LARGEST: usize = 8 << 30;

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

impl Array {
    /// Reads a file, gzipped or not, whatever its name says.
    pub(super) fn read(path: &Path) -> Result<Array, DataError> {
        bounds::regular(path)?;
        let mut file = BufReader::new(File::open(path).map_err(|error| DataError::unreadable(path, error))?);
        let start = file.fill_buf().map_err(|error| DataError::unreadable(path, error))?;
        let gzipped = start.starts_with(&[0x1f, 0x8b]);
        let named = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        let mut array =
            if gzipped { parse(path, MultiGzDecoder::new(file), true)? } else { parse(path, file, false)? };
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

fn parse(path: &Path, mut from: impl Read, gzipped: bool) -> Result<Array, DataError> {
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
    let mut bytes = bounds::room(declared.min(FIRST_ALLOCATION), path)?;
    let longest = (declared.min(LARGEST) as u64).saturating_add(1);
    from.take(longest).read_to_end(&mut bytes).map_err(broken)?;
    if bytes.len() > LARGEST {
        let what = format!("IDX file of more than {} GiB", LARGEST >> 30);
        return Err(DataError::malformed(path, what, "cut it into smaller sets"));
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
