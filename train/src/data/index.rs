//! What a data set is made of, without its pixels: what a run knows its data again by.

use super::error::DataError;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Takes down what a set is made of, in its order: a line each of size, label and name.
pub struct Index<'a> {
    digest: Sha256,
    is_empty: bool,
    each: &'a mut dyn FnMut(&str),
}

impl<'a> Index<'a> {
    /// An index that shows every line to `each` as well.
    pub(super) fn new(each: &'a mut dyn FnMut(&str)) -> Index<'a> {
        Index { digest: Sha256::new(), is_empty: true, each }
    }

    /// A set that is computed. Who changes what it draws raises its version.
    pub fn drawn(&mut self, name: &str, version: u32) {
        self.line(&format!("{version}\t-\t{name}"));
    }

    /// A file of `bytes` bytes, named below the set's folder; with the label of its picture, if it is one.
    pub fn file(&mut self, name: &str, bytes: u64, label: Option<usize>) {
        let label = label.map_or_else(|| "-".to_string(), |label| label.to_string());
        self.line(&format!("{bytes}\t{label}\t{name}"));
    }

    /// All of a set's files, which lie in `root` or below.
    ///
    /// # Errors
    /// [`DataError::Unreadable`] for one that the system knows nothing of.
    pub(super) fn files(
        &mut self,
        root: &Path,
        paths: &[PathBuf],
        labels: Option<&[usize]>,
    ) -> Result<(), DataError> {
        let length = |path: &PathBuf| match fs::metadata(path) {
            Ok(about) => Ok(about.len()),
            Err(error) => Err(DataError::unreadable(path, error)),
        };
        let lengths = paths.par_iter().map(length).collect::<Result<Vec<u64>, _>>()?;
        for (i, (path, bytes)) in paths.iter().zip(lengths).enumerate() {
            self.file(&name_below(root, path), bytes, labels.map(|labels| labels[i]));
        }
        Ok(())
    }

    fn line(&mut self, line: &str) {
        self.is_empty = false;
        self.digest.update(line.as_bytes());
        self.digest.update(b"\n");
        (self.each)(line);
    }

    /// The digest of all lines; `None` of a set that has told nothing.
    pub(super) fn finish(self) -> Option<String> {
        (!self.is_empty).then(|| hex(&self.digest.finalize()))
    }
}

/// The name that a line of an index ends in.
pub(crate) fn name_in(line: &str) -> &str {
    line.splitn(3, '\t').nth(2).unwrap_or(line)
}

/// The way from `root` to `path`, the same on every system and on one line.
pub(super) fn name_below(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts = below.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.as_encoded_bytes()),
        _ => None,
    });
    let mut name = String::new();
    for (i, part) in parts.enumerate() {
        name.push_str(if i > 0 { "/" } else { "" });
        match std::str::from_utf8(part) {
            Ok(text) if !text.contains(char::is_control) => name.push_str(text),
            _ => name.extend(part.escape_ascii().map(char::from)),
        }
    }
    name
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(of: impl Fn(&mut Index<'_>)) -> Option<String> {
        let mut ignored = |_: &str| {};
        let mut index = Index::new(&mut ignored);
        of(&mut index);
        index.finish()
    }

    #[test]
    fn order_names_sizes_and_labels_count() {
        let all = [
            digest(|index| {
                index.file("a", 1, Some(0));
                index.file("b", 1, Some(0));
            }),
            digest(|index| {
                index.file("b", 1, Some(0));
                index.file("a", 1, Some(0));
            }),
            digest(|index| {
                index.file("a", 1, Some(0));
                index.file("b", 2, Some(0));
            }),
            digest(|index| {
                index.file("a", 1, Some(0));
                index.file("b", 1, Some(1));
            }),
            digest(|index| index.drawn("a", 1)),
            digest(|index| index.drawn("a", 2)),
            digest(|_| {}),
        ];
        let mut different = all.to_vec();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), all.len());
        assert_eq!(all[6], None);
    }

    #[test]
    fn names_are_one_line_each_and_begin_below_the_root() {
        let name = |path: &str| name_below(Path::new("/d"), Path::new(path));
        assert_eq!(name("/d/a/b c.png"), "a/b c.png");
        assert_eq!(name("/d/a\nb.png"), "a\\nb.png");
        assert_eq!(name_in("3\t-\ta\tb"), "a\tb");
    }
}
