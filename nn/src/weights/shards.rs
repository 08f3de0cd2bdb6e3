use super::WeightFile;
use super::load::gather;
use crate::files::{NotPlain, plain_length};
use crate::{Error, Params, Result, Spec};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use tweedie_tensor::Element;

/// The longest index that is read: of a hundred thousand tensors or so. What is read of it takes some times as much.
const LONGEST_INDEX: u64 = 1 << 24;

/// The index that `save_pretrained` writes beside the shards of a model: the shard of each tensor.
#[derive(Debug, Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The parameters of a model from the files that an index (`….safetensors.index.json`) names, which lie beside it.
/// Names are read as by [`load`](super::load).
///
/// # Errors
/// [`Error::File`] when the index or a shard cannot be read, or a shard's name leads out of the folder;
/// [`Error::Weights`] when a tensor is not in exactly the shard that the index says, and as [`load`](super::load).
pub fn load_sharded<T: Element>(index: &Path, specs: &[Spec]) -> Result<Params<T>> {
    gather(&shards(index)?, index, specs)
}

/// The shards of an index, checked against it.
fn shards(path: &Path) -> Result<Vec<WeightFile>> {
    let refuse = |why: String| Error::File { path: path.to_path_buf(), why };
    let mut text = String::new();
    match plain_length(path) {
        Err(error @ (NotPlain::Folder | NotPlain::Special)) => return Err(refuse(format!("is {error}"))),
        Ok(_) | Err(NotPlain::Unreadable(_)) => {}
    }
    File::open(path)
        .and_then(|file| file.take(LONGEST_INDEX).read_to_string(&mut text))
        .map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let index: Index =
        serde_json::from_str(&text).map_err(|error| refuse(format!("is not an index of shards: {error}")))?;
    let mut listed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (tensor, shard) in &index.weight_map {
        listed.entry(shard).or_default().insert(tensor);
    }
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for (shard, tensors) in listed {
        if !is_plain(shard) {
            return Err(refuse(format!("names a shard {shard:?}, which is no plain file name beside it")));
        }
        let file = WeightFile::read(&beside(path, shard))?;
        for &tensor in tensors.iter().filter(|&&tensor| !file.entries().contains_key(tensor)) {
            problems.push(format!("{tensor} is not in {shard}, where the index has it"));
        }
        for tensor in file.entries().keys().filter(|tensor| !tensors.contains(tensor.as_str())) {
            problems.push(format!("{tensor} is in {shard}, where the index does not have it"));
        }
        files.push(file);
    }
    match problems.is_empty() {
        true => Ok(files),
        false => Err(Error::Weights { path: path.to_path_buf(), problems }),
    }
}

/// Whether a name is a plain file name, without folders.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(only)), None) if only == name)
        && !name.contains(['/', '\\'])
}

fn beside(path: &Path, name: &str) -> PathBuf {
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::super::write_safetensors;
    use super::*;
    use crate::{Builder, Init};
    use serde_json::{Value, json};
    use tweedie_tensor::Tensor;

    fn model() -> Builder {
        let b = Builder::new();
        b.param("a", [2], Init::Ones);
        b.param("b", [3], Init::Ones);
        b
    }

    /// Two shards, `1` with `a` and `2` with `b`, under an index.
    fn folder(map: Value) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, tensor, size) in [("1", "a", 2), ("2", "b", 3)] {
            let value = Tensor::full([size], 7.0);
            write_safetensors(&folder.path().join(name), &[(tensor, &value)], &BTreeMap::new()).unwrap();
        }
        let index = json!({"metadata": {"total_size": 20}, "weight_map": map});
        std::fs::write(folder.path().join("index"), index.to_string()).unwrap();
        folder
    }

    fn read(map: Value) -> Result<Params<f32>> {
        load_sharded(&folder(map).path().join("index"), &model().specs())
    }

    #[test]
    fn shards_are_read_as_one_file_is() {
        let params = read(json!({"a": "1", "b": "2"})).unwrap();
        assert_eq!(params.get(params.find("b").unwrap()).as_slice(), [7.0; 3]);
    }

    #[test]
    fn a_tensor_must_be_in_exactly_the_shard_that_the_index_says() {
        let error = |map| read(map).unwrap_err().to_string();
        assert!(error(json!({"a": "2", "b": "2"})).contains("a is not in 2, where the index has it"));
        assert!(error(json!({"a": "1", "b": "1"})).contains("b is not in 1"));
        assert!(error(json!({"b": "2", "c": "1", "a": "1"})).contains("c is not in 1"));
        assert!(error(json!({"b": "2"})).contains("a is missing"));
        assert!(error(json!({"a": "1", "b": "2", "c": "3"})).contains("3"));
        let twice = folder(json!({"a": "1", "b": "2"}));
        let (a, b) = (Tensor::zeros([2]), Tensor::zeros([3]));
        write_safetensors(&twice.path().join("2"), &[("a", &a), ("b", &b)], &BTreeMap::new()).unwrap();
        let error = load_sharded::<f32>(&twice.path().join("index"), &model().specs()).unwrap_err();
        assert!(error.to_string().contains("a is in 2, where the index does not have it"), "{error}");
    }

    #[test]
    fn a_shard_lies_beside_its_index() {
        for name in ["../1", "/1", "sub/1", "sub/../1", ".", "..", "", "1/", "..\\1"] {
            let error = read(json!({"a": name, "b": "2"})).unwrap_err().to_string();
            assert!(error.contains("no plain file name"), "{name}: {error}");
        }
    }
}
