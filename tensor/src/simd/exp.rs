//! The exponential function in f32, number by number and in vectors.

use super::lanes::Lanes;
use std::f32::consts::LOG2_E;

/// Outside of these, e^x is 0 or ∞.
const LEAST: f32 = -104.0;
const MOST: f32 = 89.0;
/// Adding and taking away 1.5 · 2²³ rounds to the nearest integer.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts: the first has trailing zeros, so n · LN2_HI is exact.
const LN2_HI: f32 = 0.693_359_4;
const LN2_LO: f32 = -2.121_944_4e-4;
/// Of the polynomial, highest first.
const COEFFICIENTS: [f32; 7] = [1.378_172_7e-3, 8.372_996e-3, 4.166_862e-2, 1.666_647e-1, 0.5, 1.0, 1.0];

/// e^x in f32 as branch-free arithmetic, so that loops over it become vector code on every path and give
/// the same bits on each.
///
/// Write x = n ln 2 + r with |r| ≤ ½ ln 2; then e^x = 2ⁿ e^r, e^r from a degree-6 polynomial (Taylor's, its
/// last coefficients tuned for the interval), and 2ⁿ made by writing n into the exponent bits, in two halves so
/// that results among the subnormals and just under overflow come out too.
#[inline(always)]
pub fn exp_f32(x: f32) -> f32 {
    // NaN passes through both comparisons untouched.
    let clamped = if x > MOST { MOST } else { x };
    let clamped = if clamped < LEAST { LEAST } else { clamped };
    let rounded = clamped.mul_add(LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = n.mul_add(-LN2_HI, clamped);
    let r = n.mul_add(-LN2_LO, r);
    let [c6, c5, c4, c3, c2, c1, c0] = COEFFICIENTS;
    let p = c6.mul_add(r, c5);
    let p = p.mul_add(r, c4);
    let p = p.mul_add(r, c3);
    let p = p.mul_add(r, c2);
    let p = p.mul_add(r, c1);
    let p = p.mul_add(r, c0);
    // ROUND + n holds n in its last bits: cheaper than a conversion, which would have to mind the range.
    let n = rounded.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// [`exp_f32`] of each lane, to the same bits.
#[inline(always)]
pub(super) fn exp<L: Lanes<W>, const W: usize>(x: L) -> L {
    let clamped = x.clamp(LEAST, MOST);
    let rounded = clamped.mul_add(LOG2_E, L::splat(ROUND));
    let n = rounded.sub(L::splat(ROUND));
    let r = n.mul_add(-LN2_LO, n.mul_add(-LN2_HI, clamped));
    let mut p = L::splat(COEFFICIENTS[0]);
    for i in 1..COEFFICIENTS.len() {
        p = p.product_add(r, L::splat(COEFFICIENTS[i]));
    }
    let [half, rest] = rounded.powers_of_two(ROUND);
    p.mul(half).mul(rest)
}

/// 2ⁿ for n in −126..=127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Isa;
    use crate::simd::lanes::on_isa;

    #[test]
    fn within_two_units_in_the_last_place() {
        let mut worst = 0.0f64;
        for i in -870_000..880_000 {
            let x = i as f32 * 1e-4;
            let exact = libm::exp(f64::from(x));
            let unit = f64::from((exact as f32).next_up()) - f64::from(exact as f32);
            worst = worst.max((f64::from(exp_f32(x)) - exact).abs() / unit);
        }
        assert!(worst <= 2.0, "{worst} units");
    }

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!(exp_f32(0.0), 1.0);
        assert_eq!(exp_f32(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp_f32(-200.0), 0.0);
        assert_eq!(exp_f32(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp_f32(100.0), f32::INFINITY);
        assert!(exp_f32(f32::NAN).is_nan());
        assert!(exp_f32(-100.0) > 0.0);
    }

    #[inline(always)]
    fn exp_of<L: Lanes<W>, const W: usize>(numbers: &mut [f32]) {
        for numbers in numbers.chunks_mut(W) {
            exp::<L, W>(L::load_some(numbers)).store_some(numbers);
        }
    }

    #[test]
    fn vectors_have_the_same_bits() {
        let special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e30, -1e30, 1e-40];
        let all: Vec<f32> = (-1100..1000).map(|i| i as f32 * 0.0971).chain(special).collect();
        let expected: Vec<u32> = all.iter().map(|&x| exp_f32(x).to_bits()).collect();
        for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512].into_iter().filter(|&isa| isa <= Isa::detected()) {
            let mut numbers = all.clone();
            on_isa!(isa, exp_of(&mut numbers));
            let bits: Vec<u32> = numbers.iter().map(|x| x.to_bits()).collect();
            assert_eq!(bits, expected, "{isa:?}");
        }
    }
}
