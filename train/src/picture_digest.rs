//! What was painted as a digest.

use crate::data::hex;
use crate::weights_digest::add_numbers;
use sha2::{Digest, Sha256};
use tweedie_tensor::Tensor;

/// SHA-256 over the little-endian bits of every number, in order: the bytes of the tensor `x` that `sample --raw` writes. It does
/// not depend on how the pictures are cut into batches.
///
/// ```
/// use tweedie_tensor::Tensor;
/// use tweedie_train::{PicturesDigest, picture_digest};
/// let pictures = Tensor::from_fn([3, 1, 2, 2], |i| i as f32);
/// let mut digest = PicturesDigest::default();
/// digest.add(&pictures.narrow(0, 0, 1)?);
/// digest.add(&pictures.narrow(0, 1, 2)?);
/// assert_eq!(digest.finish(), picture_digest(&pictures));
/// # Ok::<(), tweedie_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct PicturesDigest(Sha256);

impl PicturesDigest {
    /// Adds pictures behind those before.
    pub fn add(&mut self, pictures: &Tensor<f32>) {
        add_numbers(&mut self.0, pictures.as_slice());
    }

    /// The digest, in hexadecimal.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// The digest of pictures, in hexadecimal. Equal digests are equal pictures, bit for bit.
pub fn picture_digest(pictures: &Tensor<f32>) -> String {
    let mut digest = PicturesDigest::default();
    digest.add(pictures);
    digest.finish()
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
