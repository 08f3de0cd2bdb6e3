//! SHA-256 of the tensors of a file and of its header, in the file's metadata: one under `tweedie.sha256` for the header,
//! one under `tweedie.sha256.NAME` for each tensor. To readers that do not know them they are texts like others.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The key of the header's digest; with a dot and its name behind it, a tensor's.
const KEY: &str = "tweedie.sha256";
/// What stands in the place of a digest that is not known yet.
pub(super) const UNKNOWN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The key of a tensor's digest.
pub(super) fn key_of(tensor: &str) -> String {
    format!("{KEY}.{tensor}")
}

/// The digests that a file holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Digests {
    pub(super) header: Option<String>,
    pub(super) tensors: BTreeMap<String, String>,
}

impl Digests {
    /// Takes them out of a file's metadata.
    pub(super) fn take(metadata: &mut BTreeMap<String, String>) -> Digests {
        let Some(header) = metadata.remove(KEY) else { return Digests::default() };
        let prefix = key_of("");
        let keys: Vec<String> = metadata.keys().filter(|key| key.starts_with(&prefix)).cloned().collect();
        let tensors = keys.into_iter().filter_map(|key| {
            let digest = metadata.remove(&key)?;
            Some((key[prefix.len()..].to_string(), digest))
        });
        Digests { header: Some(header), tensors: tensors.collect() }
    }

    /// Puts them into a file's metadata.
    pub(super) fn put(self, metadata: &mut BTreeMap<String, String>) {
        metadata.extend(self.header.map(|digest| (KEY.to_string(), digest)));
        metadata.extend(self.tensors.into_iter().map(|(name, digest)| (key_of(&name), digest)));
    }
}

/// The digest of bytes, as it is written.
pub(super) fn of(bytes: &[u8]) -> String {
    text(Sha256::digest(bytes).as_slice())
}

/// A digest as it is written.
pub(super) fn text(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of a header: of its metadata but the digests, and of name, type, shape and digest of each tensor. `tensors`
/// must be sorted by name.
pub(super) fn of_header<'a>(
    metadata: &BTreeMap<String, String>,
    tensors: impl Iterator<Item = (&'a str, &'a str, &'a [usize])>,
    digests: &BTreeMap<String, String>,
) -> String {
    let mut hash = Sha256::new();
    // The length before each text, so that no two lists are one string of bytes.
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    add(&metadata.len().to_string());
    for (key, value) in metadata {
        add(key);
        add(value);
    }
    for (name, dtype, shape) in tensors {
        add(name);
        add(dtype);
        add(&format!("{shape:?}"));
        add(digests.get(name).map_or("", String::as_str));
    }
    text(hash.finalize().as_slice())
}
