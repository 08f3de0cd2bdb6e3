use super::half::{from_bf16, from_f16};
use crate::files::{NotPlain, plain_length};
use crate::{Error, Result};
use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tweedie_tensor::{Element, Shape, Tensor};

/// A safetensors file, read whole and checked: every tensor's bytes are where the header says.
#[derive(Debug)]
pub struct WeightFile {
    path: PathBuf,
    bytes: Vec<u8>,
    start: usize,
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
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
    /// Reads a file. No more of it is read than its header accounts for.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read, is cut short, is not safetensors, or is a pointer of Git LFS to a file
    /// that was not fetched.
    pub fn read(path: &Path) -> Result<WeightFile> {
        let refuse = |why: String| Error::File { path: path.to_path_buf(), why };
        let bytes = read_bounded(path).map_err(refuse)?;
        let (header, described) = SafeTensors::read_metadata(&bytes)
            .map_err(|error| refuse(format!("is not a whole safetensors file: {error}")))?;
        let start = 8 + header;
        let entries = described
            .tensors()
            .into_iter()
            .map(|(name, info)| {
                let dtype = format!("{:?}", info.dtype);
                let entry =
                    Entry { dtype, shape: info.shape.clone(), kind: info.dtype, place: info.data_offsets };
                (name, entry)
            })
            .collect();
        let metadata = described.metadata().clone().unwrap_or_default().into_iter().collect();
        Ok(WeightFile { path: path.to_path_buf(), bytes, start, entries, metadata })
    }

    /// The path it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tensors by name.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    /// The metadata: text by key.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// A tensor of floating-point numbers (F64, F32, F16 or BF16), rounded to `T` if need be.
    ///
    /// # Errors
    /// [`Error::Weights`] when there is none of this name, or it holds something else.
    pub fn tensor<T: Element>(&self, name: &str) -> Result<Tensor<T>> {
        let entry = self.entry(name)?;
        let bytes = self.data(entry);
        let shape = Shape::new(&entry.shape)?;
        match entry.kind {
            Dtype::F32 => Ok(read(shape, bytes, |b| f64::from(f32::from_le_bytes(b)))),
            Dtype::F64 => Ok(read(shape, bytes, f64::from_le_bytes)),
            Dtype::F16 => Ok(read(shape, bytes, |b| f64::from(from_f16(u16::from_le_bytes(b))))),
            Dtype::BF16 => Ok(read(shape, bytes, |b| f64::from(from_bf16(u16::from_le_bytes(b))))),
            _ => Err(self.problem(name, &format!("is {}, not floating-point numbers", entry.dtype))),
        }
    }

    /// A tensor of integers (I64, I32 or U8), row-major.
    ///
    /// # Errors
    /// [`Error::Weights`] when there is none of this name, or it holds something else.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>> {
        let entry = self.entry(name)?;
        let bytes = self.data(entry);
        match entry.kind {
            Dtype::I64 => Ok(chunks(bytes, i64::from_le_bytes).collect()),
            Dtype::I32 => Ok(chunks(bytes, |b| i64::from(i32::from_le_bytes(b))).collect()),
            Dtype::U8 => Ok(bytes.iter().map(|&b| i64::from(b)).collect()),
            _ => Err(self.problem(name, &format!("is {}, not integers", entry.dtype))),
        }
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        self.entries.get(name).ok_or_else(|| self.problem(name, "is missing"))
    }

    fn data(&self, entry: &Entry) -> &[u8] {
        &self.bytes[self.start + entry.place.0..self.start + entry.place.1]
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

/// The bytes of a file whose length is what its header says; an error says why it is not.
fn read_bounded(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let no_file = |why: &str| format!("is not a whole safetensors file: {why}");
    let length = plain_length(path).map_err(|error| match error {
        NotPlain::Unreadable(error) => unreadable(error),
        other => format!("is {other}"),
    })?;
    let mut file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let read = |file: &mut File, bytes: &mut Vec<u8>, up_to: u64| {
        let more = up_to.saturating_sub(bytes.len() as u64);
        file.take(more).read_to_end(bytes).map_err(unreadable)
    };
    read(&mut file, &mut bytes, POINTER.len() as u64)?;
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
    read(&mut file, &mut bytes, start)?;
    let Some(text) = bytes.get(8..start as usize) else {
        return Err(no_file("its header is cut short"));
    };
    let described: Metadata = serde_json::from_slice(text).map_err(|error| no_file(&error.to_string()))?;
    let claimed = start.saturating_add(described.data_len() as u64);
    if length != claimed {
        let (present, data) = (length - start, described.data_len());
        return Err(format!("is cut short or damaged: {present} bytes of data, not {data}"));
    }
    let room = usize::try_from(claimed).unwrap_or(usize::MAX).saturating_sub(bytes.len());
    bytes
        .try_reserve_exact(room)
        .map_err(|_| format!("needs {claimed} bytes of memory, which are not there"))?;
    // One byte more, so that bytes beyond the end are noticed.
    read(&mut file, &mut bytes, claimed.saturating_add(1))?;
    Ok(bytes)
}

fn chunks<'a, V, const N: usize>(
    bytes: &'a [u8],
    value: impl Fn([u8; N]) -> V + 'a,
) -> impl Iterator<Item = V> + 'a {
    bytes.as_chunks::<N>().0.iter().map(move |chunk| value(*chunk))
}

fn read<T: Element, const N: usize>(shape: Shape, bytes: &[u8], value: impl Fn([u8; N]) -> f64) -> Tensor<T> {
    let mut values = chunks(bytes, |chunk| T::from_f64(value(chunk)));
    // The file's checks made sure that there are as many values as places.
    Tensor::from_fn(shape, |_| values.next().unwrap_or_default())
}

/// All tensors of a file that holds floating-point numbers only.
///
/// # Errors
/// As [`WeightFile::read`] and [`WeightFile::tensor`].
pub fn read_safetensors(path: &Path) -> Result<BTreeMap<String, Tensor<f32>>> {
    let file = WeightFile::read(path)?;
    file.entries.keys().map(|name| Ok((name.clone(), file.tensor(name)?))).collect()
}
