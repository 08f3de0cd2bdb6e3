//! The real data sets, where they are at hand.

use super::{opened, picture};
use std::path::PathBuf;
use tweedie_train::data::{Batches, DataOptions, Loader, Split};

/// The folder `name` beside the repository.
fn shared(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn mnist() {
    let Some(folder) = shared("mnist") else { return };
    for (split, pictures) in [(Split::Train, 60_000), (Split::Test, 10_000)] {
        let set = opened(&folder, split, &DataOptions::default()).unwrap();
        assert_eq!((set.len(), set.shape(), set.classes().len()), (pictures, [1, 28, 28], 10));
        let mut counts = [0; 10];
        let mut sum = 0u64;
        for index in 0..2000 {
            let (bytes, label) = picture(&*set, index);
            counts[label] += 1;
            sum += bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
        }
        assert!(counts.iter().all(|count| (140..280).contains(count)), "{counts:?}");
        // The mean of MNIST is 33.3.
        let mean = sum as f64 / (2000.0 * 784.0);
        assert!((mean - 33.3).abs() < 1.5, "{mean}");
    }
}

#[test]
fn cifar10_as_pictures() {
    let Some(folder) = shared("cifar10-sample") else { return };
    let set = opened(&folder, Split::Test, &DataOptions::default()).unwrap();
    assert_eq!((set.len(), set.shape()), (1000, [3, 32, 32]));
    assert_eq!(set.classes()[..2], ["airplane", "automobile"]);
    let mut loader = Loader::new(set, Batches { size: 64, flips: true, ..Batches::default() }).unwrap();
    let batch = loader.next().unwrap();
    assert_eq!(batch.x.dims(), [64, 3, 32, 32]);
    assert!(batch.x.as_slice().iter().all(|x| (-1.0..=1.0).contains(x)));
}
