//! Files that are cut anywhere or have any bytes changed: an error that names a file, or a set that can be read,
//! and never a panic.

use super::folder::paint;
use super::idx::{gzip, idx};
use super::{is_one_line, picture, train};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

fn survives(folder: &Path) {
    match train(folder) {
        Ok(set) => {
            for index in 0..set.len().min(5) {
                let (_, label) = picture(&*set, index);
                assert!(label < set.classes().len());
            }
        }
        Err(error) => {
            let message = error.to_string();
            assert!(is_one_line(&message), "{message}");
            assert!(message.contains(folder.to_str().unwrap()), "{message}");
        }
    }
}

fn corrupt(bytes: &mut Vec<u8>, cut: Option<prop::sample::Index>, changes: &[(prop::sample::Index, u8)]) {
    for (at, value) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *value;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
}

type Damage = (Option<prop::sample::Index>, Vec<(prop::sample::Index, u8)>);

fn damage() -> impl Strategy<Value = Damage> {
    any::<(Option<prop::sample::Index>, Vec<(prop::sample::Index, u8)>)>()
        .prop_map(|(cut, changes)| (cut, changes.into_iter().take(4).collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn idx_files((cut, changes) in damage(), (cut_labels, _) in damage(), gzipped: bool) {
        let folder = tempfile::tempdir()?;
        let mut images = idx(&[4, 3, 5], &[9; 60]);
        let mut labels = idx(&[4], &[0, 1, 2, 1]);
        if gzipped {
            (images, labels) = (gzip(&images), gzip(&labels));
        }
        corrupt(&mut images, cut, &changes);
        corrupt(&mut labels, cut_labels, &[]);
        let end = if gzipped { ".gz" } else { "" };
        fs::write(folder.path().join(format!("train-images-idx3-ubyte{end}")), images)?;
        fs::write(folder.path().join(format!("train-labels-idx1-ubyte{end}")), labels)?;
        survives(folder.path());
    }

    #[test]
    fn idx_headers(header in prop::collection::vec(any::<u8>(), 0..24)) {
        let folder = tempfile::tempdir()?;
        let mut images = vec![0, 0, 8];
        images.extend(header);
        fs::write(folder.path().join("train-images-idx3-ubyte"), images)?;
        fs::write(folder.path().join("train-labels-idx1-ubyte"), idx(&[1], &[0]))?;
        survives(folder.path());
    }

    #[test]
    fn cifar_batches((cut, changes) in damage()) {
        let folder = tempfile::tempdir()?;
        let mut batch = vec![3; 2 * 3073];
        corrupt(&mut batch, cut, &changes);
        fs::write(folder.path().join("data_batch_1.bin"), batch)?;
        survives(folder.path());
    }

    #[test]
    fn pictures((cut, changes) in damage(), format in prop::sample::select(vec!["png", "jpg", "gif", "bmp", "webp", "tiff", "ppm", "tga", "qoi"])) {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(format!("a.{format}"));
        paint(&path, 9, 7, [200, 100, 50]);
        let mut bytes = fs::read(&path)?;
        corrupt(&mut bytes, cut, &changes);
        fs::write(&path, bytes)?;
        survives(folder.path());
    }
}
