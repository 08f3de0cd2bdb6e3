use super::super::{WeightFile, load, read_safetensors};
use super::*;
use crate::{Builder, Init};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::fs;
use std::io::Cursor;

fn attention() -> Builder {
    let b = Builder::new();
    let at = b.pp("attentions.0");
    at.param("to_q.weight", [2, 2], Init::FanIn(2));
    at.param("to_out.0.bias", [2], Init::FanIn(2));
    b
}

fn message<V: std::fmt::Debug>(result: Result<V>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn what_is_saved_is_loaded_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let b = attention();
    let params = b.draw(3);
    let metadata = BTreeMap::from([("step".to_string(), "17".to_string())]);
    save(&path, &params, &metadata).unwrap();
    let file = WeightFile::read(&path).unwrap();
    assert_eq!(file.metadata(), &metadata);
    let again = load::<f32>(&file, &b.specs()).unwrap();
    for ((name, a), (other, b)) in params.iter().zip(again.iter()) {
        assert_eq!((name, a.dims(), a.as_slice()), (other, b.dims(), b.as_slice()));
    }
    assert_eq!(read_safetensors(&path).unwrap()["attentions.0.to_out.0.bias"].dims(), [2]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn bytes_in_memory_are_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("there.safetensors");
    let counted = Tensor::from_fn([300], |i| i as f32 + 0.5);
    write_checked(&path, &[("x", &counted)], &BTreeMap::new()).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let read = |bytes: &[u8]| WeightFile::from_reader(Path::new("here"), Cursor::new(bytes.to_vec()));
    let file = read(&bytes).unwrap();
    assert!(file.is_checked());
    assert_eq!(file.tensor::<f32>("x").unwrap().as_slice(), counted.as_slice());
    assert!(message(read(&bytes[..bytes.len() - 1])).starts_with("here: is cut short"));
    *bytes.last_mut().unwrap() ^= 1;
    let damaged = read(&bytes).unwrap().tensor::<f32>("x");
    assert!(message(damaged).starts_with("here: is damaged: tensor 'x'"));
}

/// Numbers are read in parts: none is lost or moved where two parts meet.
#[test]
fn tensors_of_many_parts_are_loaded_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.safetensors");
    let counted = Tensor::from_fn([700_003], |i| i as f32 + 0.5);
    write_checked(&path, &[("x", &counted)], &BTreeMap::new()).unwrap();
    let file = WeightFile::read(&path).unwrap();
    assert_eq!(file.tensor::<f32>("x").unwrap().as_slice(), counted.as_slice());
    let wide = file.tensor::<f64>("x").unwrap();
    assert!(wide.as_slice().iter().zip(counted.as_slice()).all(|(a, b)| *a == f64::from(*b)));
    let bytes: Vec<u8> = (0..400_001u32).flat_map(|i| f64::from(i).to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F64, vec![400_001], &bytes).unwrap();
    fs::write(&path, safetensors::serialize([("x", view)], None).unwrap()).unwrap();
    let read = WeightFile::read(&path).unwrap().tensor::<f64>("x").unwrap();
    assert!(read.as_slice().iter().enumerate().all(|(i, value)| *value == i as f64));
}

/// What a header says is checked against the file's length before data are read.
#[test]
fn claims_that_the_file_does_not_bear_out_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("claims.safetensors");
    let described = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let table: [(Vec<u8>, &str); 6] = [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00".to_vec(), "git lfs pull"),
        (vec![1, 2, 3], "shorter than a header"),
        (u64::MAX.to_le_bytes().to_vec(), "a header of 18446744073709551615 bytes"),
        (99_000_000u64.to_le_bytes().to_vec(), "a header of 99000000 bytes"),
        (
            described(r#"{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}"#),
            "0 bytes of data, not 4398046511104",
        ),
        (described(r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#), ""),
    ];
    for (bytes, named) in table {
        fs::write(&path, bytes).unwrap();
        let text = message(WeightFile::read(&path));
        assert!(text.contains("claims.safetensors") && text.contains(named), "{text}");
    }
}

#[test]
fn a_file_that_does_not_fit_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.safetensors");
    let (square, bias) = (Tensor::zeros([2, 3]), Tensor::zeros([2]));
    let tensors = [("attentions.0.to_q.weight", &square), ("extra", &bias)];
    write_safetensors(&path, &tensors, &BTreeMap::new()).unwrap();
    let text = message(load::<f32>(&WeightFile::read(&path).unwrap(), &attention().specs()));
    assert!(text.contains("other.safetensors"), "{text}");
    assert!(text.contains("attentions.0.to_q.weight has shape [2, 3], the model's [2, 2]"), "{text}");
    assert!(text.contains("attentions.0.to_out.0.bias is missing"), "{text}");
    assert!(text.contains("extra is not the model's"), "{text}");
}

#[test]
fn old_names_and_other_types_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.safetensors");
    let half: Vec<u8> = [0x3c00u16, 0xc000, 0x0000, 0x3800].iter().flat_map(|b| b.to_le_bytes()).collect();
    let brain: Vec<u8> = [0x3f80u16, 0xc000].iter().flat_map(|b| b.to_le_bytes()).collect();
    let views = [
        ("attentions.0.query.weight", TensorView::new(Dtype::F16, vec![2, 2, 1, 1], &half).unwrap()),
        ("attentions.0.proj_attn.bias", TensorView::new(Dtype::BF16, vec![2], &brain).unwrap()),
    ];
    fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    let params = load::<f64>(&WeightFile::read(&path).unwrap(), &attention().specs()).unwrap();
    assert_eq!(params.values()[0].as_slice(), [1.0, -2.0, 0.0, 0.5]);
    assert_eq!(params.values()[0].dims(), [2, 2]);
    assert_eq!(params.values()[1].as_slice(), [1.0, -2.0]);
}

#[test]
fn integers_are_not_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("integers.safetensors");
    let bytes: Vec<u8> = [1i64, -2].iter().flat_map(|b| b.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::I64, vec![2], &bytes).unwrap();
    fs::write(&path, safetensors::serialize([("bias", view)], None).unwrap()).unwrap();
    let file = WeightFile::read(&path).unwrap();
    assert_eq!(file.integers("bias").unwrap(), [1, -2]);
    let b = Builder::new();
    b.param("bias", [2], Init::Zeros);
    assert!(message(load::<f32>(&file, &b.specs())).contains("bias is I64"));
    assert!(message(file.tensor::<f32>("bias")).contains("bias is I64"));
    assert!(message(file.tensor::<f32>("weight")).contains("weight is missing"));
}

#[test]
fn every_cut_of_a_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.safetensors");
    save(&path, &attention().draw(0), &BTreeMap::new()).unwrap();
    let whole = fs::read(&path).unwrap();
    let cut = folder.path().join("cut.safetensors");
    for length in 0..whole.len() {
        fs::write(&cut, &whole[..length]).unwrap();
        assert!(message(WeightFile::read(&cut)).contains("cut.safetensors"), "{length} bytes");
    }
    fs::write(&cut, [&whole[..], &[0]].concat()).unwrap();
    assert!(WeightFile::read(&cut).is_err(), "a byte too many");
    fs::write(&cut, [&[0xff; 8][..], &whole[8..]].concat()).unwrap();
    assert!(WeightFile::read(&cut).is_err(), "an absurd header length");
    assert!(message(WeightFile::read(&folder.path().join("none"))).contains("none"));
}

#[test]
fn an_unwritable_place_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("weights.safetensors");
    let text = message(save(&path, &attention().draw(0), &BTreeMap::new()));
    assert!(text.contains("weights.safetensors"), "{text}");
}

/// A checked file of two tensors, one of them empty, and metadata.
fn checked(path: &Path) -> Vec<u8> {
    let (a, b) = (Tensor::from_fn([3, 5], |i| i as f32 - 0.5), Tensor::full([7], 2.0));
    let metadata = BTreeMap::from([("run".to_string(), "{\"step\": 3}".to_string())]);
    write_checked(path, &[("b", &b), ("a", &a), ("none", &Tensor::zeros([0]))], &metadata).unwrap();
    fs::read(path).unwrap()
}

/// Metadata, and tensors by name.
type Content = (BTreeMap<String, String>, Vec<(String, Tensor<f32>)>);

/// What a reader gets of a file.
fn content(path: &Path) -> Result<Content> {
    let file = WeightFile::read(path)?;
    if !file.is_checked() {
        return Err(Error::File { path: path.to_path_buf(), why: "has no digests".to_string() });
    }
    file.verify()?;
    let tensors = file.entries().keys().map(|name| Ok((name.clone(), file.tensor(name)?)));
    let tensors = tensors.collect::<Result<_>>()?;
    Ok((file.metadata().clone(), tensors))
}

#[test]
fn every_bit_that_is_flipped_in_a_checked_file_is_found_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checked.safetensors");
    let whole = checked(&path);
    let (metadata, tensors) = content(&path).unwrap();
    assert_eq!(metadata.keys().collect::<Vec<_>>(), ["run"], "digests are no metadata of the writer's");
    let header = 8 + u64::from_le_bytes(*whole.first_chunk().unwrap()) as usize;
    let mut found = 0;
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, bytes).unwrap();
        match content(&path) {
            Err(error) => {
                found += 1;
                let text = error.to_string();
                assert!(text.contains("checked.safetensors") && !text.contains('\n'), "{text}");
                assert!(bit / 8 < header || text.contains("tensor '"), "{text}");
            }
            Ok((again, values)) => {
                assert!(bit / 8 < header, "bit {bit} of the numbers is not covered");
                let all = |tensors: &[(String, Tensor<f32>)]| -> Vec<(String, Vec<f32>)> {
                    tensors.iter().map(|(name, x)| (name.clone(), x.as_slice().to_vec())).collect()
                };
                assert!(again == metadata && all(&values) == all(&tensors), "bit {bit}");
            }
        }
    }
    assert!(found >= whole.len() * 8 - 64, "{found} of {} bits found", whole.len() * 8);
}

#[test]
fn a_checked_file_is_a_safetensors_file_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checked.safetensors");
    let bytes = checked(&path);
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("b").unwrap().data(), [2.0f32.to_le_bytes(); 7].concat());
    assert_eq!(bytes.len() % 4, 0);
    assert_eq!(checked(&path), bytes, "the same content is the same file");
}
