use super::exp_f32;

/// The error function in f32, as branch-free arithmetic like [`exp_f32`]: within 1.5 · 10⁻⁷.
///
/// Up to |x| = 1, x times a polynomial in x²; beyond, 1 − e^q with q a polynomial for ln erfc, up to |x| = 4, where
/// erf is 1 in f32. Both polynomials are Chebyshev interpolations of their functions.
#[inline(always)]
pub fn erf_f32(x: f32) -> f32 {
    let s = x * x;
    let p = 7.882_497e-5f32;
    let p = p.mul_add(s, -8.018_855e-4);
    let p = p.mul_add(s, 5.189_312e-3);
    let p = p.mul_add(s, -2.685_432_9e-2);
    let p = p.mul_add(s, 1.128_359_7e-1);
    let p = p.mul_add(s, -3.761_262_7e-1);
    let near = x * p.mul_add(s, std::f32::consts::FRAC_2_SQRT_PI);

    // NaN passes through the comparison untouched.
    let t = if x.abs() > 4.0 { 4.0 } else { x.abs() };
    let q = 1.614_061_6e-6f32;
    let q = q.mul_add(t, -4.559_062_3e-5);
    let q = q.mul_add(t, 5.927_695_4e-4);
    let q = q.mul_add(t, -4.740_222_3e-3);
    let q = q.mul_add(t, 2.636_471_7e-2);
    let q = q.mul_add(t, -1.099_782_5e-1);
    let q = q.mul_add(t, -6.319_371e-1);
    let q = q.mul_add(t, -1.130_166_7);
    let q = q.mul_add(t, 3.032_13e-4);
    let far = (1.0 - exp_f32(q)).copysign(x);

    if s < 1.0 { near } else { far }
}

/// The hyperbolic tangent in f32, as branch-free arithmetic: within 2 · 10⁻⁷.
///
/// Up to x² = 0.4 an odd polynomial, which keeps all digits of small results; beyond, 1 − 2 / (e^(2|x|) + 1).
#[inline(always)]
pub fn tanh_f32(x: f32) -> f32 {
    let s = x * x;
    let p = 2.272_704_5e-3f32;
    let p = p.mul_add(s, -8.326_402e-3);
    let p = p.mul_add(s, 2.176_363_4e-2);
    let p = p.mul_add(s, -5.395_862_4e-2);
    let p = p.mul_add(s, 1.333_33e-1);
    let p = p.mul_add(s, -3.333_333_3e-1);
    let near = (p * s).mul_add(x, x);
    let far = (1.0 - 2.0 / (exp_f32(2.0 * x.abs()) + 1.0)).copysign(x);
    if s < 0.4 { near } else { far }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_the_exact_functions_everywhere() {
        for i in -100_000..=100_000 {
            let x = i as f32 * 1e-4;
            let wide = f64::from(x);
            let (erf, tanh) = (libm::erf(wide), libm::tanh(wide));
            assert!((f64::from(erf_f32(x)) - erf).abs() <= 1.5e-7, "erf({x})");
            assert!((f64::from(tanh_f32(x)) - tanh).abs() <= 2e-7, "tanh({x})");
            if x.abs() < 0.6 {
                assert!((f64::from(erf_f32(x)) - erf).abs() <= 3e-7 * erf.abs(), "erf({x})");
                assert!((f64::from(tanh_f32(x)) - tanh).abs() <= 3e-7 * tanh.abs(), "tanh({x})");
            }
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        for f in [erf_f32, tanh_f32] {
            assert_eq!(f(0.0), 0.0);
            assert_eq!(f(f32::INFINITY), 1.0);
            assert_eq!(f(-50.0), -1.0);
            assert_eq!(f(1e-30), f(1e-30).abs());
            assert!(f(f32::NAN).is_nan());
        }
    }
}
