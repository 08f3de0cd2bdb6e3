//! Weight files that are cut anywhere or have any bytes changed: an error that names the file, or tensors that can be
//! read, and never a panic.

use proptest::prelude::*;
use std::fs;
use tweedie_nn::weights::{WeightFile, write_safetensors};
use tweedie_tensor::Tensor;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_weight_files(
        cut in any::<Option<prop::sample::Index>>(),
        changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 0..6),
        in_the_header: bool,
    ) {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.safetensors");
        let (weight, bias) = (Tensor::<f32>::full([2, 3], 0.5), Tensor::full([2], 1.5));
        write_safetensors(&path, &[("weight", &weight), ("bias", &bias)], &Default::default()).unwrap();
        let mut bytes = fs::read(&path)?;
        let reach = if in_the_header { bytes.len() - 32 } else { bytes.len() };
        for (at, value) in changes {
            bytes[at.index(reach)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        fs::write(&path, &bytes)?;
        let errors = match WeightFile::read(&path) {
            Ok(file) => {
                let names: Vec<&String> = file.entries().keys().collect();
                names.into_iter().filter_map(|name| file.tensor::<f32>(name).err()).collect()
            }
            Err(error) => vec![error],
        };
        for error in errors {
            let message = error.to_string();
            prop_assert!(message.contains("a.safetensors") && !message.contains('\n'), "{message:?}");
        }
    }
}
