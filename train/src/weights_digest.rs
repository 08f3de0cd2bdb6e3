//! Weights as a digest.

use sha2::{Digest, Sha256};
use tweedie_nn::Params;

/// SHA-256 over every weight's name, shape and little-endian bits, in order.
pub(crate) fn of_weights(params: &Params<f32>) -> Sha256 {
    let mut hash = Sha256::new();
    for (name, value) in params.iter() {
        hash.update(format!("{name}{}", value.shape()));
        for number in value.as_slice() {
            hash.update(number.to_le_bytes());
        }
    }
    hash
}
