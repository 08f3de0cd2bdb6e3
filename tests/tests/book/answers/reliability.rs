use super::Answer;
use std::collections::BTreeMap;
use std::fs;
use tweedie_nn::weights::{WeightFile, write_checked, write_safetensors};
use tweedie_tensor::Tensor;
use tweedie_train::Config;

pub(crate) const ANSWERS: &[Answer] = &[
    ("reliability.unseen", unseen),
    ("reliability.infinite", infinite),
    ("reliability.worst", worst),
    ("reliability.interval", interval),
    ("reliability.least", least),
    ("reliability.default", default),
    ("reliability.often", often),
];

/// What is read of a file that holds 0.1, by the bit that has flipped; with digests, each of the files is refused.
fn flipped() -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weight.safetensors");
    let weight = Tensor::full([1], 0.1f32);
    let read = |bit: usize| {
        let mut bytes = fs::read(&path).unwrap();
        let number = bytes.len() - 4;
        bytes[number + bit / 8] ^= 1 << (bit % 8);
        let damaged = folder.path().join("damaged.safetensors");
        fs::write(&damaged, bytes).unwrap();
        WeightFile::read(&damaged)?.tensor::<f32>("weight").map(|x| x.as_slice()[0])
    };
    write_checked(&path, &[("weight", &weight)], &BTreeMap::new()).unwrap();
    assert!((0..32).all(|bit| read(bit).is_err()));
    write_safetensors(&path, &[("weight", &weight)], &BTreeMap::new()).unwrap();
    (0..32).map(|bit| read(bit).unwrap()).collect()
}

fn unseen() -> f64 {
    flipped().into_iter().filter(|x| (f64::from(*x) / f64::from(0.1f32) - 1.0).abs() < 0.01).count() as f64
}

fn infinite() -> f64 {
    flipped().into_iter().filter(|x| !x.is_finite()).count() as f64
}

fn worst() -> f64 {
    flipped().into_iter().map(f64::from).fold(0.0, f64::max)
}

/// The per cent of the time that is lost with a checkpoint of 0.5 s every `steps` steps of 0.4 s, and a failure every eight
/// hours on average: a period is begun again until it has passed without one.
fn lost(steps: u64) -> f64 {
    let (between, work, save) = (8.0 * 3600.0, 0.4 * steps as f64, 0.5);
    let takes = between * ((work + save) / between).exp_m1();
    100.0 * (takes / work - 1.0)
}

fn best() -> u64 {
    (1..5000).min_by(|&a, &b| lost(a).total_cmp(&lost(b))).unwrap()
}

fn interval() -> f64 {
    best() as f64
}

fn least() -> f64 {
    lost(best())
}

fn default() -> f64 {
    lost(Config::default().train.checkpoint_every)
}

fn often() -> f64 {
    lost(50)
}
