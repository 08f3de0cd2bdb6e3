use super::{opened, picture, refusal, train};
use std::fs;
use tempfile::TempDir;
use tweedie_train::data::Split;

const RECORD: usize = 3073;

/// A record whose pixels all have the value `fill`.
fn record(label: u8, fill: u8) -> Vec<u8> {
    let mut record = vec![fill; RECORD];
    record[0] = label;
    record
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data_batch_1.bin"), [record(3, 1), record(9, 2)].concat()).unwrap();
    fs::write(folder.path().join("data_batch_2.bin"), record(0, 3)).unwrap();
    fs::write(folder.path().join("test_batch.bin"), record(1, 4)).unwrap();
    folder
}

#[test]
fn batches_follow_one_another() {
    let folder = folder();
    let set = train(folder.path()).unwrap();
    assert_eq!((set.len(), set.shape()), (3, [3, 32, 32]));
    assert_eq!(set.classes()[9], "truck");
    for (index, (fill, label)) in [(1, 3), (2, 9), (3, 0)].into_iter().enumerate() {
        assert_eq!(picture(&*set, index), (vec![fill; 3072], label));
    }
    let test = opened(folder.path(), Split::Test, &Default::default()).unwrap();
    assert_eq!(picture(&*test, 0), (vec![4; 3072], 1));
}

#[test]
fn names_come_from_the_meta_file() {
    let folder = folder();
    let names: Vec<String> = (0..10).map(|i| format!("thing {i}")).collect();
    fs::write(folder.path().join("batches.meta.txt"), names.join("\n") + "\n\n").unwrap();
    assert_eq!(train(folder.path()).unwrap().classes(), names);
    fs::write(folder.path().join("batches.meta.txt"), "only one\n").unwrap();
    let message = refusal(folder.path(), Split::Train);
    assert!(message.contains("label 3 in record 0, where there are 1 classes"), "{message}");
    fs::write(folder.path().join("batches.meta.txt"), [0xff, 0xfe]).unwrap();
    assert!(refusal(folder.path(), Split::Train).contains("batches.meta.txt"));
}

#[test]
fn malformed_batches_are_named() {
    for (bytes, what) in [
        (vec![], "batch of 0 bytes"),
        (record(0, 0)[..3000].to_vec(), "batch of 3000 bytes"),
        (record(10, 0), "label 10 in record 0"),
    ] {
        let folder = folder();
        fs::write(folder.path().join("data_batch_2.bin"), bytes).unwrap();
        let message = refusal(folder.path(), Split::Train);
        assert!(message.contains(what) && message.contains("data_batch_2.bin: download"), "{message}");
    }
    let folder = folder();
    fs::remove_file(folder.path().join("test_batch.bin")).unwrap();
    assert!(refusal(folder.path(), Split::Test).contains("no CIFAR-10 batch of the test split"));
}
