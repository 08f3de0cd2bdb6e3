//! The exponential function in f32, of single numbers and of vectors.

use crate::simd::vector::Vector;
use std::f32::consts::LOG2_E;

/// Below this, e^x is 0 in f32.
const LEAST: f32 = -104.0;
/// Above this, e^x is ∞ in f32.
const MOST: f32 = 89.0;
/// Adding and subtracting 1.5 · 2²³ rounds to the nearest integer.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts: the first has trailing zeros, so n · LN2_HI is exact.
const LN2_HI: f32 = 0.693_359_4;
const LN2_LO: f32 = -2.121_944_4e-4;
/// The polynomial's coefficients, highest power first.
const COEFFICIENTS: [f32; 7] = [1.378_172_7e-3, 8.372_996e-3, 4.166_862e-2, 1.666_647e-1, 0.5, 1.0, 1.0];

/// e^x in f32 as branch-free arithmetic, so that loops over it become vector code, with the same bits on
/// every path.
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
    // ROUND + n holds n in its last bits: cheaper than a conversion, which would have to check the range.
    let n = rounded.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// The logistic function 1 / (1 + e^−x) of each lane, within 3 units in the last place; below x = −87 its value at −87, which is less
/// than 2⁻¹²⁵.
///
/// e^−x is computed as in [`exp_f32`]; but within these bounds it is a normal number, so 2ⁿ is an addition to its exponent.
#[inline(always)]
pub(super) fn sigmoid<L: Vector<W>, const W: usize>(x: L) -> L {
    const BOUND: f32 = 87.0;
    let x = x.clamp(-BOUND, BOUND);
    let rounded = x.mul_add(-LOG2_E, L::splat(ROUND));
    let n = rounded.sub(L::splat(ROUND));
    let minus_r = n.mul_add(LN2_LO, n.mul_add(LN2_HI, x));
    let mut p = L::splat(COEFFICIENTS[0]);
    for i in 1..COEFFICIENTS.len() {
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        p = p.product_add(minus_r, L::splat(sign * COEFFICIENTS[i]));
    }
    let one = L::splat(1.0);
    one.div(one.add(p.times_two_to(rounded)))
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
    use crate::simd::vector::on_isa;

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
    fn sigmoids<L: Vector<W>, const W: usize>(numbers: &mut [f32]) {
        for numbers in numbers.chunks_mut(W) {
            sigmoid::<L, W>(L::load_some(numbers)).store_some(numbers);
        }
    }

    #[test]
    fn the_logistic_function_within_three_units_in_the_last_place() {
        let all: Vec<f32> = (-8_700_000..=8_700_000).step_by(7).map(|i| i as f32 * 1e-5).collect();
        let far = [f32::NEG_INFINITY, -1e30, -87.5, 87.5, 1e30, f32::INFINITY];
        let mut portable = Vec::new();
        for isa in Isa::available() {
            let mut found = [all.as_slice(), &far].concat();
            on_isa!(isa, sigmoids(&mut found));
            for (&x, &found) in all.iter().zip(&found) {
                let exact = 1.0 / (1.0 + libm::exp(-f64::from(x)));
                let unit = f64::from((exact as f32).next_up()) - f64::from(exact as f32);
                let error = (f64::from(found) - exact).abs() / unit;
                assert!(error <= 3.0, "{isa:?}: {error} units at {x}");
            }
            let [least, .., most] = found[all.len()..] else { unreachable!() };
            assert!(least > 0.0 && least < 2f32.powi(-125) && most == 1.0, "{isa:?}: {least}, {most}");
            let bits: Vec<u32> = found.iter().map(|x| x.to_bits()).collect();
            if isa == Isa::Portable {
                portable = bits;
            } else {
                assert!(bits == portable, "{isa:?}");
            }
        }
    }
}
