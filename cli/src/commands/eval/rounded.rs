//! Painted pictures as they would be read from a file.

use tweedie_tensor::Tensor;

/// Pictures in [−1, 1], rounded to the 256 levels that a file has.
pub(super) fn rounded(mut pictures: Tensor<f32>) -> Tensor<f32> {
    for value in pictures.as_mut_slice() {
        *value = (*value * 127.5 + 127.5).round().clamp(0.0, 255.0) / 127.5 - 1.0;
    }
    pictures
}
