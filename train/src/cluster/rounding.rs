//! Gradients whose sums are kept in half of the bytes.

use crate::config::GradientPrecision;
use tweedie_tensor::bf16;

/// Numbers that are converted at a time.
const CHUNK: usize = 1024;

impl GradientPrecision {
    /// The bytes of a number on its way between ranks.
    pub fn bytes(self) -> usize {
        match self {
            GradientPrecision::F32 => 4,
            GradientPrecision::Bf16 => 2,
        }
    }

    /// Rounds the numbers of a node of the tree to those that travel without loss.
    pub(crate) fn round(self, numbers: &mut [f32]) {
        if self == GradientPrecision::Bf16 {
            numbers.iter_mut().for_each(|x| *x = bf16::round(*x));
        }
    }

    /// Writes rounded numbers, little-endian.
    pub(super) fn write(self, numbers: &[f32], mut write: impl FnMut(&[u8])) {
        match self {
            GradientPrecision::F32 if cfg!(target_endian = "little") => write(bytemuck::cast_slice(numbers)),
            GradientPrecision::F32 => numbers.iter().for_each(|x| write(&x.to_le_bytes())),
            GradientPrecision::Bf16 => {
                let mut halves = [0u16; CHUNK];
                for numbers in numbers.chunks(CHUNK) {
                    let halves = &mut halves[..numbers.len()];
                    for (half, x) in halves.iter_mut().zip(numbers) {
                        *half = bf16::narrow(*x).to_le();
                    }
                    write(bytemuck::cast_slice(halves));
                }
            }
        }
    }

    /// Reads as many numbers as there is place for.
    pub(super) fn read(self, bytes: &[u8], place: &mut [f32]) {
        match self {
            GradientPrecision::F32 if cfg!(target_endian = "little") && bytes.len() == 4 * place.len() => {
                bytemuck::cast_slice_mut(place).copy_from_slice(bytes);
            }
            GradientPrecision::F32 => {
                let numbers = bytes.chunks_exact(4).map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]]));
                place.iter_mut().zip(numbers).for_each(|(place, x)| *place = x);
            }
            GradientPrecision::Bf16 => {
                for (place, half) in place.iter_mut().zip(bytes.chunks_exact(2)) {
                    *place = bf16::widen(u16::from_le_bytes([half[0], half[1]]));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_bits() -> impl Strategy<Value = f32> {
        any::<u32>().prop_map(f32::from_bits)
    }

    proptest! {
        #[test]
        fn what_is_rounded_travels_without_loss(
            numbers in prop::collection::vec(any_bits(), 0..3000), half in any::<bool>(),
        ) {
            let precision = if half { GradientPrecision::Bf16 } else { GradientPrecision::F32 };
            let mut rounded = numbers;
            precision.round(&mut rounded);
            let mut bytes = Vec::new();
            precision.write(&rounded, |part| bytes.extend_from_slice(part));
            prop_assert_eq!(bytes.len(), precision.bytes() * rounded.len());
            let mut came = vec![0.0; rounded.len()];
            precision.read(&bytes, &mut came);
            let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&came), bits(&rounded));
        }
    }
}
