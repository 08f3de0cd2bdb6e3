//! Every purpose of random numbers, across the crates: streams of two purposes with one number would overlap.

use std::collections::BTreeMap;
use tweedie_tensor::random::Purpose;

fn all() -> Vec<(&'static str, Purpose)> {
    let mut all = vec![("test", Purpose::TEST)];
    all.extend(tweedie_nn::purpose::ALL);
    all.extend(tweedie_diffusion::purpose::ALL);
    all.extend(tweedie_train::purpose::ALL);
    all
}

#[test]
fn no_two_purposes_share_a_number() {
    let mut known = BTreeMap::new();
    for (name, purpose) in all() {
        if let Some(other) = known.insert(purpose.number(), name) {
            panic!("{name} and {other} are both purpose {}", purpose.number());
        }
    }
}

#[test]
fn seeds_keep_their_meaning() {
    // Weights, data sets and samples of every earlier run depend on these numbers.
    let expected = [
        ("init", 0),
        ("noise", 1),
        ("timestep", 2),
        ("order", 3),
        ("augment", 4),
        ("start", 5),
        ("sampler", 6),
        ("guidance", 7),
        ("dropout", 8),
        ("dequantise", 9),
        ("glyph", 10),
        ("shape", 11),
        ("evaluation", 12),
        ("test", 14),
        ("validation", 15),
        ("hold out", 16),
        ("plane", 17),
    ];
    let mut numbers: Vec<(&str, u8)> =
        all().into_iter().map(|(name, purpose)| (name, purpose.number())).collect();
    numbers.sort_by_key(|(_, number)| *number);
    assert_eq!(numbers, expected);
}
