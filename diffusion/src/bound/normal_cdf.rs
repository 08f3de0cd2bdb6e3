//! The standard normal's distribution function Φ where it is small, and the mass between two points, as logarithms.

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use tweedie_tensor::Number;

/// Nodes and weights of Gauss's and Legendre's quadrature over [−1, 1], the positive half of eight points.
const GAUSS_LEGENDRE: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// e^(x²) erfc(x) for x ≥ 0, which falls as 1/x where erfc itself underflows.
fn erfcx(x: f64) -> f64 {
    if x < 3.0 {
        return Number::exp(x * x) * libm::erfc(x);
    }
    // Laplace's continued fraction x + (1/2)/(x + 1/(x + (3/2)/(x + …))), from its far end: at x = 3, 40 terms leave
    // less than rounding.
    let fraction = (1..=40).rev().fold(x, |tail, k| x + 0.5 * f64::from(k) / tail);
    1.0 / (PI.sqrt() * fraction)
}

/// ln Φ(z), with all its digits however small Φ is.
pub(super) fn log_cdf(z: f64) -> f64 {
    if z > 0.0 {
        return libm::log1p(-0.5 * libm::erfc(z * FRAC_1_SQRT_2));
    }
    Number::ln(0.5 * erfcx(-z * FRAC_1_SQRT_2)) - 0.5 * z * z
}

/// ln(Φ(m + h) − Φ(m − h)) for h > 0, with all its digits however narrow and however far out the interval is.
pub(super) fn log_mass(m: f64, h: f64) -> f64 {
    let m = m.abs();
    if h <= 0.5 && m * h <= 0.5 {
        // φ(m) h ∫ exp(−m h v − h² v²/2) dv over [−1, 1]: the integrand is nearly flat, and nothing cancels.
        let integral: f64 = GAUSS_LEGENDRE
            .iter()
            .map(|&(node, weight)| {
                let v = h * node;
                weight * Number::exp(-0.5 * v * v) * (Number::exp(m * v) + Number::exp(-m * v))
            })
            .sum();
        return Number::ln(h * integral) - 0.5 * m * m - 0.5 * Number::ln(2.0 * PI);
    }
    let (near, far) = (m - h, m + h);
    if near <= 0.0 {
        let outside = 0.5 * (libm::erfc(-near * FRAC_1_SQRT_2) + libm::erfc(far * FRAC_1_SQRT_2));
        return libm::log1p(-outside);
    }
    // Φ(−near) − Φ(−far), the larger taken out: (far² − near²)/2 = 2 m h.
    let rest = erfcx(near * FRAC_1_SQRT_2) - Number::exp(-2.0 * m * h) * erfcx(far * FRAC_1_SQRT_2);
    Number::ln(0.5 * rest) - 0.5 * near * near
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() <= 4e-15 * expected.abs().max(1.0), "{actual} is not {expected}");
    }

    /// Values to 17 digits, from arbitrary-precision arithmetic.
    #[test]
    fn tails_keep_their_digits() {
        for (z, expected) in [
            (-1.0, -1.841_021_645_009_263_5),
            (-4.242, -11.410_654_602_984_44),
            (-4.3, -11.670_760_619_195_57),
            (-10.0, -53.231_285_150_512_47),
            (-40.0, -804.608_442_013_753_8),
            (0.0, -std::f64::consts::LN_2),
            (3.0, -1.350_809_964_748_193_8e-3),
        ] {
            close(log_cdf(z), expected);
        }
    }

    /// Narrow and wide, near and far, on both sides of every seam between two ways to compute it.
    #[test]
    fn intervals_keep_their_digits() {
        for ((m, h), expected) in [
            ((0.25, 0.5), -0.988_649_153_406_655),
            ((0.25, 0.75), -0.629_595_632_552_863_5),
            ((2.0, 0.125), -4.2974608558234494),
            ((2.0, 0.5), -2.803501047738798),
            ((8.0, 0.0625), -34.957_727_285_958_32),
            ((8.0, 0.125), -34.146_711_952_527_46),
            ((3.0, 3.5), -0.3689464153467362),
            ((300.0, 0.001953125), -45_006.407_537_102_2),
            ((300.0, 0.0009765625), -45007.1429989099),
            ((40.0, 1e-06), -814.0413019103425),
            ((5.0, 4.5), -1.1759117615936186),
        ] {
            close(log_mass(m, h), expected);
            close(log_mass(-m, h), expected);
        }
    }
}
