use super::digest::{self, Digests};
use super::half::from_f16;
use crate::files::{NotPlain, plain_length};
use crate::{Error, Result};
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tweedie_tensor::{Element, Shape, Tensor, bf16};

/// What the bytes of a file come from: a file of the system, or a [`Cursor`](std::io::Cursor) over memory.
pub trait Readable: Read + Seek + Send + Debug {}

impl<R: Read + Seek + Send + Debug> Readable for R {}

/// A safetensors file, open, its header read and checked: every tensor's bytes are where it says. They are read when they
/// are asked for, and held against their digest where the file has one
/// ([`write_checked`](super::write_checked)).
#[derive(Debug)]
pub struct WeightFile {
    path: PathBuf,
    file: Mutex<Box<dyn Readable>>,
    /// Where the bytes of tensors begin.
    start: u64,
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
    digests: Digests,
}

/// One tensor of a file.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its element type, as safetensors spells it.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
    kind: Dtype,
    place: (usize, usize),
}

impl WeightFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read, is cut short, is not safetensors, has a header that is not the one that was
    /// written, or is a pointer of Git LFS to a file that was not fetched.
    pub fn read(path: &Path) -> Result<WeightFile> {
        let file = WeightFile::open(path)?;
        file.check_header()?;
        Ok(file)
    }

    /// As [`WeightFile::read`], without [`WeightFile::check_header`].
    ///
    /// # Errors
    /// As [`WeightFile::read`], but for another header.
    pub fn open(path: &Path) -> Result<WeightFile> {
        let refuse = |why: String| Error::File { path: path.to_path_buf(), why };
        WeightFile::described(path, Box::new(plain_file(path).map_err(refuse)?))
    }

    /// As [`WeightFile::read`], of bytes that lie wherever `from` has them; errors call them `name`.
    ///
    /// # Errors
    /// As [`WeightFile::read`].
    pub fn from_reader(name: &Path, from: impl Readable + 'static) -> Result<WeightFile> {
        let file = WeightFile::described(name, Box::new(from))?;
        file.check_header()?;
        Ok(file)
    }

    fn described(path: &Path, mut file: Box<dyn Readable>) -> Result<WeightFile> {
        let refuse = |why: String| Error::File { path: path.to_path_buf(), why };
        let (start, described) = header_of(&mut *file).map_err(refuse)?;
        let entries = described.tensors().into_iter().map(|(name, info)| {
            let dtype = format!("{:?}", info.dtype);
            let entry =
                Entry { dtype, shape: info.shape.clone(), kind: info.dtype, place: info.data_offsets };
            (name, entry)
        });
        let entries = entries.collect();
        let mut metadata = described.metadata().clone().unwrap_or_default().into_iter().collect();
        let digests = Digests::take(&mut metadata);
        Ok(WeightFile { path: path.to_path_buf(), file: Mutex::new(file), start, entries, metadata, digests })
    }

    /// Holds the header against its digest, if the file has one.
    ///
    /// # Errors
    /// [`Error::File`] for a header that is not the one that was written.
    pub fn check_header(&self) -> Result<()> {
        let Some(digest) = &self.digests.header else { return Ok(()) };
        let listed = self.entries.iter().map(|(name, entry)| (&name[..], &entry.dtype[..], &entry.shape[..]));
        let is_whole = *digest == digest::of_header(&self.metadata, listed, &self.digests.tensors);
        if is_whole && self.entries.keys().all(|name| self.digests.tensors.contains_key(name)) {
            return Ok(());
        }
        let why = "is damaged: its header is not the one that was written".to_string();
        Err(Error::File { path: self.path.clone(), why })
    }

    /// Whether it has digests, so that damage to it is noticed.
    pub fn is_checked(&self) -> bool {
        self.digests.header.is_some()
    }

    /// Reads all tensors and holds them against their digests, where the file has some.
    ///
    /// # Errors
    /// [`Error::File`], naming the first tensor that cannot be read or is not the one that was written.
    pub fn verify(&self) -> Result<()> {
        self.entries.iter().try_for_each(|(name, entry)| self.stream(name, entry, |_| {}))
    }

    /// The path it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tensors by name.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    /// The metadata but the digests: text by key.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// A tensor of floating-point numbers (F64, F32, F16 or BF16), rounded to `T` if need be.
    ///
    /// # Errors
    /// [`Error::Weights`] when there is none of this name, or it holds something else; [`Error::File`] when its bytes are
    /// not those that were written.
    pub fn tensor<T: Element>(&self, name: &str) -> Result<Tensor<T>> {
        let entry = self.entry(name)?;
        let shape = Shape::new(&entry.shape)?;
        match entry.kind {
            Dtype::F32 => self.numbers(name, entry, shape, |b| f64::from(f32::from_le_bytes(b))),
            Dtype::F64 => self.numbers(name, entry, shape, f64::from_le_bytes),
            Dtype::F16 => self.numbers(name, entry, shape, |b| f64::from(from_f16(u16::from_le_bytes(b)))),
            Dtype::BF16 => {
                self.numbers(name, entry, shape, |b| f64::from(bf16::widen(u16::from_le_bytes(b))))
            }
            _ => Err(self.problem(name, &format!("is {}, not floating-point numbers", entry.dtype))),
        }
    }

    /// A tensor of integers (I64, I32 or U8), row-major.
    ///
    /// # Errors
    /// As [`WeightFile::tensor`].
    pub fn integers(&self, name: &str) -> Result<Vec<i64>> {
        let entry = self.entry(name)?;
        let mut values = Vec::new();
        match entry.kind {
            Dtype::I64 => self.stream(name, entry, |part| values.extend(chunks(part, i64::from_le_bytes)))?,
            Dtype::I32 => self.stream(name, entry, |part| {
                values.extend(chunks(part, |b| i64::from(i32::from_le_bytes(b))));
            })?,
            Dtype::U8 => {
                self.stream(name, entry, |part| values.extend(part.iter().map(|&b| i64::from(b))))?
            }
            _ => return Err(self.problem(name, &format!("is {}, not integers", entry.dtype))),
        }
        Ok(values)
    }

    fn numbers<T: Element, const N: usize>(
        &self,
        name: &str,
        entry: &Entry,
        shape: Shape,
        value: impl Fn([u8; N]) -> f64,
    ) -> Result<Tensor<T>> {
        let mut tensor = Tensor::scratch(shape);
        // The header's checks made sure that there are as many values as places.
        let mut places = tensor.as_mut_slice().iter_mut();
        self.stream(name, entry, |part| {
            // The places second: the end of a part takes none.
            for (number, place) in chunks(part, &value).zip(places.by_ref()) {
                *place = T::from_f64(number);
            }
        })?;
        Ok(tensor)
    }

    /// The bytes of a tensor in parts of whole numbers, held against its digest at the end.
    fn stream(&self, name: &str, entry: &Entry, mut take: impl FnMut(&[u8])) -> Result<()> {
        let refuse = |why: String| Error::File { path: self.path.clone(), why };
        let (begin, end) = entry.place;
        let mut left = end - begin;
        let mut part = vec![0; left.min(PART)];
        let digest = self.digests.tensors.get(name);
        let mut hash = Sha256::new();
        // A panic while the file was read leaves it where the next reader does not begin.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => refuse(format!("is cut short in tensor '{name}'")),
            _ => refuse(format!("cannot be read in tensor '{name}': {error}")),
        };
        file.seek(SeekFrom::Start(self.start + begin as u64)).map_err(unreadable)?;
        while left > 0 {
            let part = &mut part[..left.min(PART)];
            file.read_exact(part).map_err(unreadable)?;
            if digest.is_some() {
                hash.update(&*part);
            }
            take(part);
            left -= part.len();
        }
        match digest {
            Some(digest) if *digest != digest::text(hash.finalize().as_slice()) => {
                Err(refuse(format!("is damaged: tensor '{name}' is not the one that was written")))
            }
            _ => Ok(()),
        }
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        self.entries.get(name).ok_or_else(|| self.problem(name, "is missing"))
    }

    fn problem(&self, name: &str, why: &str) -> Error {
        Error::Weights { path: self.path.clone(), problems: vec![format!("{name} {why}")] }
    }
}

impl Entry {
    /// Whether [`WeightFile::tensor`] reads it.
    pub fn is_float(&self) -> bool {
        matches!(self.kind, Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16)
    }
}

/// The first bytes of a Git LFS pointer.
const POINTER: &[u8] = b"version https://git-lfs";

/// The most bytes that a header may have.
const LONGEST_HEADER: u64 = 100_000_000;

/// How many bytes of a tensor are read at a time.
const PART: usize = 1 << 20;

fn unreadable(error: io::Error) -> String {
    format!("cannot be read: {error}")
}

/// Opens a plain file; an error says why it is none.
fn plain_file(path: &Path) -> Result<File, String> {
    plain_length(path).map_err(|error| match error {
        NotPlain::Unreadable(error) => unreadable(error),
        other => format!("is {other}"),
    })?;
    File::open(path).map_err(unreadable)
}

/// Where the bytes of tensors begin, and what the header says of them; an error says why it is not the header of so many bytes.
fn header_of(file: &mut dyn Readable) -> Result<(u64, Metadata), String> {
    let no_file = |why: &str| format!("is not a whole safetensors file: {why}");
    let length = file.seek(SeekFrom::End(0)).and_then(|length| file.rewind().map(|()| length));
    let length = length.map_err(unreadable)?;
    let mut bytes = Vec::new();
    let read = |file: &mut dyn Readable, bytes: &mut Vec<u8>, up_to: u64| {
        let more = up_to.saturating_sub(bytes.len() as u64);
        file.take(more).read_to_end(bytes).map_err(unreadable)
    };
    read(file, &mut bytes, POINTER.len() as u64)?;
    if bytes.starts_with(POINTER) {
        return Err("is a pointer of Git LFS, not the file that it stands for: run git lfs pull there".into());
    }
    let Some(header) = bytes.first_chunk().map(|first| u64::from_le_bytes(*first)) else {
        return Err(no_file("it is shorter than a header"));
    };
    if header > LONGEST_HEADER || header > length.saturating_sub(8) {
        return Err(no_file(&format!("it claims a header of {header} bytes")));
    }
    let start = 8 + header;
    read(file, &mut bytes, start)?;
    let Some(text) = bytes.get(8..start as usize) else {
        return Err(no_file("its header is cut short"));
    };
    let described: Metadata = serde_json::from_slice(text).map_err(|error| no_file(&error.to_string()))?;
    let claimed = start.saturating_add(described.data_len() as u64);
    if length != claimed {
        let (present, data) = (length - start, described.data_len());
        return Err(format!("is cut short or damaged: {present} bytes of data, not {data}"));
    }
    Ok((start, described))
}

fn chunks<'a, V, const N: usize>(
    bytes: &'a [u8],
    value: impl Fn([u8; N]) -> V + 'a,
) -> impl Iterator<Item = V> + 'a {
    bytes.as_chunks::<N>().0.iter().map(move |chunk| value(*chunk))
}

/// All tensors of a file that holds floating-point numbers only.
///
/// # Errors
/// As [`WeightFile::read`] and [`WeightFile::tensor`].
pub fn read_safetensors(path: &Path) -> Result<BTreeMap<String, Tensor<f32>>> {
    let file = WeightFile::read(path)?;
    file.entries.keys().map(|name| Ok((name.clone(), file.tensor(name)?))).collect()
}
