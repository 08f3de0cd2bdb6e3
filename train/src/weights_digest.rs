//! Weights as a digest.

use sha2::{Digest, Sha256};
use tweedie_nn::Params;

/// Adds the little-endian bits of each number, in order.
pub(crate) fn add_numbers(hash: &mut Sha256, numbers: &[f32]) {
    numbers.iter().for_each(|number| hash.update(number.to_le_bytes()));
}

/// SHA-256 over every weight's name, shape and little-endian bits, in order.
pub(crate) fn of_weights(params: &Params<f32>) -> Sha256 {
    let mut hash = Sha256::new();
    for (name, value) in params.iter() {
        hash.update(format!("{name}{}", value.shape()));
        add_numbers(&mut hash, value.as_slice());
    }
    hash
}
