//! Multiply-adds where no instruction rounds once, of what there is.

/// `x · factor + sum`, rounded once, to the bits of a fused multiply-add. Free of branches, so that loops over it become vector
/// code.
///
/// A product of two numbers of 24 significant bits has at most 48, so f64 holds it exactly. The sum is rounded to f64's 53 bits
/// *to odd*: where it is not exact, to that neighbour whose last bit is 1. Then no bit that was lost can turn a number into the
/// midpoint of two f32, or away from it, and rounding to f32, which has at most 24 bits, rounds as if the sum were exact, since
/// 53 ≥ 24 + 2 (Boldo, Melquiond 2008, "Emulation of FMA and correctly rounded sums", theorem 3).
#[inline(always)]
pub(in crate::simd) fn multiply_add(x: f32, factor: f32, sum: f32) -> f32 {
    let (product, sum) = (f64::from(x) * f64::from(factor), f64::from(sum));
    let nearest = product + sum;
    // What rounding took, exactly (Knuth 1997, section 4.2.2, theorem B). NaN where the sum is not finite.
    let part = nearest - product;
    let lost = (product - (nearest - part)) + (sum - part);
    // The other neighbour of the exact sum is the next number away from 0 if what was lost has the sign of the sum, else the next
    // towards 0; its last bit is 1 if that of the nearest is 0. The sum is not 0 here: that would be exact.
    let bits = nearest.to_bits();
    let other = if (lost > 0.0) == (nearest > 0.0) { bits.wrapping_add(1) } else { bits.wrapping_sub(1) };
    let odd = if lost.abs() > 0.0 && bits & 1 == 0 { other } else { bits };
    f64::from_bits(odd) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any number, and more of those that are near one another in size, whose sums cancel.
    fn number() -> impl Strategy<Value = f32> {
        let near = (any::<bool>(), 110u32..140, any::<u32>());
        let near = near.prop_map(|(negative, exponent, fraction)| {
            f32::from_bits(u32::from(negative) << 31 | exponent << 23 | fraction >> 9)
        });
        prop_oneof![any::<u32>().prop_map(f32::from_bits), near]
    }

    fn same(x: f32, factor: f32, sum: f32) -> bool {
        let (found, expected) = (multiply_add(x, factor, sum), x.mul_add(factor, sum));
        found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200_000))]
        #[test]
        fn it_is_the_fused_one(x in number(), factor in number(), sum in number()) {
            prop_assert!(same(x, factor, sum), "{x:e} · {factor:e} + {sum:e}");
        }

        /// Sums that lie beside the midpoint of two numbers by less than f64 resolves.
        #[test]
        fn beside_midpoints(x in number(), sum in number(), ulps in -3i32..=3, tiny in 0u32..60, plus in any::<bool>()) {
            let half = (f64::from(sum.next_up()) - f64::from(sum)) / 2.0;
            let factor = ((f64::from(ulps) + 1.0) * half / f64::from(x)) as f32;
            prop_assert!(same(x, factor, sum));
            let beside = f32::from_bits(factor.to_bits().wrapping_add(if plus { 1 } else { u32::MAX }));
            prop_assert!(same(x, beside, sum));
            let (one, dust) = (1.0 + f32::EPSILON, f32::from_bits((127 - tiny) << 23));
            prop_assert!(same(one, dust, sum) && same(one, -dust, sum));
        }
    }

    #[test]
    fn where_rounding_twice_goes_wrong() {
        // 2⁴⁶ + 1 = below · above. Their product, 2⁻²⁴ (1 + 2⁻⁴⁶), is more than half of the last bit of 1, by less than f64 resolves
        // beside 1; as half of the last bit of a subnormal number, likewise.
        let (below, above) = (8_384_513.0 / 8_388_608.0, 8_392_705.0 / 8_388_608.0);
        let (half, tiny) = (2f32.powi(-24), 2f32.powi(-75));
        let twice = (f64::from(below) * f64::from(above * half) + 1.0) as f32;
        assert_eq!((twice, multiply_add(below, above * half, 1.0)), (1.0, 1.0 + f32::EPSILON));
        for (x, factor, sum) in [
            (below, above * half, 1.0),
            (-below, above * half, -1.0),
            (below * tiny, above * tiny, 2f32.powi(-127)),
            (-below * tiny, above * tiny, 2f32.powi(-127)),
            (tiny, tiny, f32::MIN_POSITIVE),
            (f32::MAX, 2.0, f32::NEG_INFINITY),
            (f32::MAX, f32::MAX, -f32::MAX),
            (f32::INFINITY, 0.0, 1.0),
            (-0.0, 1.0, -0.0),
            (-0.0, 1.0, 0.0),
        ] {
            assert!(same(x, factor, sum), "{x:e} · {factor:e} + {sum:e}");
        }
    }
}
