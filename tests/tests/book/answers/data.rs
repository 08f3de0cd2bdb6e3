use super::Answer;
use std::collections::BTreeSet;
use tweedie_tensor::Tensor;
use tweedie_train::data::{Glyphs, Memory, Order, Source, Split, read_batch};

pub(crate) const ANSWERS: &[Answer] = &[
    ("data.recent", recent),
    ("data.constant", constant),
    ("data.glyphs_mean", glyphs_mean),
    ("data.glyphs", glyphs),
];

/// The per cent of reads that a cache of the most recent quarter answers; the runs' own order gives as much within the error of
/// so many reads.
fn recent() -> f64 {
    let (pictures, epochs) = (20_000, 20);
    let mut order = Order::new(0, pictures).unwrap();
    let (mut last, mut held, mut hits) = (vec![None; pictures], BTreeSet::new(), 0);
    for k in 0..(pictures * epochs) as u64 {
        let read = last[order.index(k)].replace(k);
        if read.is_some_and(|read| held.remove(&read)) {
            hits += 1;
        } else if held.len() == pictures / 4 {
            held.pop_first();
        }
        held.insert(k);
    }
    let counted = f64::from(hits) / (pictures * (epochs - 1)) as f64;
    let expected = 0.25 + 0.75 * 0.75f64.ln();
    assert!((counted / expected - 1.0).abs() < 0.03, "{counted} is not {expected}");
    100.0 * expected
}

/// Mean and mean square.
fn moments(x: &Tensor<f32>) -> [f64; 2] {
    [1, 2].map(|power| x.as_slice().iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / x.numel() as f64)
}

/// The per cent of the mean square that the square of the mean is.
fn share([mean, square]: [f64; 2]) -> f64 {
    100.0 * mean * mean / square
}

/// One of five pixels is white.
fn constant() -> f64 {
    let picture = Memory::new([1, 1, 5], vec![0, 0, 255, 0, 0], vec![0], vec!["picture".into()]);
    share(moments(&read_batch(&picture, &[0]).unwrap().x))
}

fn first_glyphs() -> [f64; 2] {
    let glyphs = Glyphs::new(Split::Train, Glyphs::SIDE);
    assert!(glyphs.len() >= 1000);
    moments(&read_batch(&glyphs, &(0..1000).collect::<Vec<_>>()).unwrap().x)
}

fn glyphs_mean() -> f64 {
    first_glyphs()[0]
}

fn glyphs() -> f64 {
    share(first_glyphs())
}
