//! Normals from uniform words: the transform of Box and Muller (1958), in arithmetic that gives the same bits on
//! every machine.
//!
//! Two words make two normals. The first, w₁, is a uniform u = (w₁ + 1) / 2³² in (0, 1], so its logarithm is
//! finite, and the farthest normal lies at √(−2 ln 2⁻³²) = 6.66 standard deviations. The second is an angle of w₂
//! 2³²nds of a turn. The f32 and the f64 version read the same words, so that they agree but for f32's rounding:
//! a proof in f64 can look at the very noise that a network saw in f32.

use std::f32::consts::FRAC_PI_2;

/// Two independent standard normals from two words.
#[inline]
pub(crate) fn pair_f64(radius: u32, angle: u32) -> [f64; 2] {
    const PER_WORD: f64 = 1.0 / 4_294_967_296.0;
    let u = (f64::from(radius) + 1.0) * PER_WORD;
    let r = (-2.0 * libm::log(u)).sqrt();
    let (sin, cos) = libm::sincos(f64::from(angle) * (std::f64::consts::TAU * PER_WORD));
    [r * cos, r * sin]
}

/// [`pair_f64`] in f32, as branch-free arithmetic that becomes vector code.
#[inline(always)]
pub(crate) fn pair_f32(radius: u32, angle: u32) -> [f32; 2] {
    let r = (-2.0 * ln_of_uniform(radius)).sqrt();
    // The nearest quarter turn comes off in integers, exactly; what is left is at most an eighth of a turn.
    let quarter = angle.wrapping_add(1 << 29) >> 30;
    let rest = angle.wrapping_sub(quarter << 30) as i32 as f32 * (FRAC_PI_2 / 1_073_741_824.0);
    let square = rest * rest;
    // Minimax polynomials of sine and cosine on [−π/4, π/4] (Moshier, Cephes).
    let p = (-1.951_529_6e-4f32).mul_add(square, 8.332_161e-3).mul_add(square, -1.666_665_5e-1);
    let sin = (p * square).mul_add(rest, rest);
    let p = 2.443_315_7e-5f32.mul_add(square, -1.388_731_6e-3).mul_add(square, 4.166_664_6e-2);
    let cos = (p * square).mul_add(square, (-0.5f32).mul_add(square, 1.0));
    let (c, s) = if quarter & 1 == 0 { (cos, sin) } else { (sin, cos) };
    let c = if (quarter + 1) & 2 == 0 { c } else { -c };
    let s = if quarter & 2 == 0 { s } else { -s };
    [r * c, r * s]
}

/// ln((w + 1) / 2³²) in f32. With the argument 2ᵉ m, m between √½ and √2: e ln 2 + ln m, ln m from a minimax
/// polynomial (Moshier, Cephes).
#[inline(always)]
fn ln_of_uniform(word: u32) -> f32 {
    // ln 2 in two parts: the first has trailing zeros, so its product with a small integer is exact.
    const LN2_HI: f32 = 0.693_359_4;
    const LN2_LO: f32 = -2.121_944_4e-4;
    const SQRT_HALF: u32 = 0x3f35_04f3;
    const ONE: u32 = 0x3f80_0000;
    // Word 2³² − 1 would overflow if the one were added before the conversion.
    let bits = (word as f32 + 1.0).to_bits().wrapping_add(ONE - SQRT_HALF);
    let e = ((bits >> 23) as i32 - 127 - 32) as f32;
    let f = f32::from_bits((bits & 0x007f_ffff) + SQRT_HALF) - 1.0;
    let square = f * f;
    let p = 7.037_683_6e-2f32
        .mul_add(f, -1.151_461e-1)
        .mul_add(f, 1.167_699_9e-1)
        .mul_add(f, -1.242_014_1e-1)
        .mul_add(f, 1.424_932_3e-1)
        .mul_add(f, -1.666_805_8e-1)
        .mul_add(f, 2.000_071_5e-1)
        .mul_add(f, -2.499_999_4e-1)
        .mul_add(f, 3.333_333e-1);
    let tail = e.mul_add(LN2_LO, (p * f).mul_add(square, -0.5 * square));
    e.mul_add(LN2_HI, f + tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_agrees_with_f64() {
        let edges = [0, 1, 2, (1 << 29) - 1, 1 << 29, 1 << 30, 1 << 31, 3 << 30, u32::MAX - 1, u32::MAX];
        let words = (0..2000u32).map(|i| i.wrapping_mul(2_654_435_761)).chain(edges);
        for radius in words.clone() {
            for angle in words.clone().step_by(7).chain(edges) {
                let (single, double) = (pair_f32(radius, angle), pair_f64(radius, angle));
                let length = double[0].hypot(double[1]);
                for (s, d) in single.iter().zip(double) {
                    assert!(s.is_finite() && d.is_finite(), "{radius} {angle}");
                    // Where u is nearly 1, f32 cannot tell it from 1, and the radius is off by 2⁻¹².
                    let tolerance = 3e-7 * length + if radius > u32::MAX - 4096 { 1.5e-3 } else { 0.0 };
                    let tolerance = tolerance + 4e-8 / length.max(1e-3);
                    assert!((f64::from(*s) - d).abs() <= tolerance, "{radius} {angle}: {s} {d}");
                }
            }
        }
    }

    #[test]
    fn the_farthest_normal_is_finite() {
        assert!((pair_f64(0, 0)[0] - 6.660_436).abs() < 1e-5);
        assert!((pair_f32(0, 0)[0] - 6.660_436).abs() < 1e-5);
        assert!(pair_f32(u32::MAX, 12345).iter().all(|x| *x == 0.0));
    }
}
