//! bfloat16: the upper half of an f32, with all of its exponent and 8 significant bits.

/// The bit that tells a quiet NaN from a signalling one.
const QUIET: u32 = 0x0040_0000;

/// The nearest number with 8 significant bits, of two equally near ones that whose last bit is 0 (IEEE 754's rounding). Infinity
/// stays, NaN stays a quiet NaN.
#[inline(always)]
pub fn round(x: f32) -> f32 {
    let bits = x.to_bits();
    // What is not a number must not be rounded up to infinity.
    let rounded = if x.is_nan() { bits | QUIET } else { bits.wrapping_add(0x7fff + (bits >> 16 & 1)) };
    f32::from_bits(rounded & 0xffff_0000)
}

/// The 16 bits of a number that [`round`] leaves as it is; of any other, those of the next one towards zero.
#[inline(always)]
pub fn narrow(x: f32) -> u16 {
    (x.to_bits() >> 16) as u16
}

/// The number of these 16 bits, exactly.
#[inline(always)]
pub fn widen(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_rounded_number_is_the_nearest_of_its_neighbours(x in any::<u32>().prop_map(f32::from_bits)) {
            let rounded = round(x);
            prop_assert_eq!(widen(narrow(rounded)).to_bits(), rounded.to_bits());
            if x.is_nan() {
                prop_assert!(rounded.is_nan());
            } else if rounded.is_finite() {
                // In f64 the distances to both neighbours are exact.
                let off = |bits: u32| (f64::from(f32::from_bits(bits)) - f64::from(x)).abs();
                let (bits, unit) = (rounded.to_bits(), 1 << 16);
                for neighbour in [bits.wrapping_add(unit), bits.wrapping_sub(unit)] {
                    let is_one = f32::from_bits(neighbour).is_finite();
                    let ties = off(bits) == off(neighbour);
                    prop_assert!(!is_one || off(bits) < off(neighbour) || ties && bits & unit == 0);
                }
            }
        }
    }

    #[test]
    fn large_numbers_become_infinite_and_infinity_stays() {
        assert_eq!(round(f32::MAX), f32::INFINITY);
        assert_eq!(round(f32::NEG_INFINITY), f32::NEG_INFINITY);
        assert_eq!(round(1.003_906_4), 1.007_812_5);
        assert_eq!(round(1.003_906_2), 1.0);
        assert_eq!(widen(0x3f80), 1.0);
        assert_eq!(widen(0xc049), -3.140_625);
    }
}
