//! What was painted as a digest.

use crate::data::hex;
use sha2::{Digest, Sha256};
use tweedie_tensor::Tensor;

/// SHA-256 over the little-endian bits of every number, in order, in hexadecimal: the bytes of the tensor `x` that
/// `sample --raw` writes. Equal digests are equal pictures, bit for bit.
pub fn picture_digest(pictures: &Tensor<f32>) -> String {
    let mut hash = Sha256::new();
    pictures.as_slice().iter().for_each(|number| hash.update(number.to_le_bytes()));
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_bytes() {
        // SHA-256 of 00 00 80 3f: 1.0 in little-endian order.
        let digest = picture_digest(&Tensor::full([1], 1.0));
        assert_eq!(digest, "e00e5eb9444182f352323374ef4e08ebcb784725fdd4fd612d7730540b3e0c8c");
    }
}
