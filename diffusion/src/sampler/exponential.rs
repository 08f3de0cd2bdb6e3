//! The coefficients of exponential integrators in λ = ln(signal / noise), in which the probability-flow ODE is linear but
//! for x̂_0: x_t = (n_t/n_s) x_s + s_t ∫ e^{λ−λ_t} x̂_0 dλ from λ_s to λ_t (Lu et al. 2022, DPM-Solver++, eq. 8).

use crate::Level;
use tweedie_tensor::Number;

/// λ = ln(signal / noise) (Lu et al. 2022, DPM-Solver, section 3.1): half the log SNR. −∞ for pure noise, ∞ for a clean
/// picture.
pub(super) fn lambda(level: Level) -> f64 {
    Number::ln(level.signal) - Number::ln(level.noise)
}

/// z φ_k(z): e^z without the first k terms of its series, over z^{k−1}, for k ≥ 1. z may be −∞.
pub(super) fn z_phi(k: u32, z: f64) -> f64 {
    if z.abs() < 1.0 {
        // The recursion below would cancel.
        let mut term = z / (1..=k).map(f64::from).product::<f64>();
        let mut sum = 0.0;
        for n in 1..=18 {
            sum += term;
            term *= z / f64::from(k + n);
        }
        return sum;
    }
    let mut factorial = 1.0;
    (1..k).fold(libm::expm1(z), |value, j| {
        factorial *= f64::from(j);
        value / z - 1.0 / factorial
    })
}

/// Which prediction an exponential integrator integrates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DpmSolverAlgorithm {
    /// x̂_0 (Lu et al. 2022, DPM-Solver++), which may be clipped.
    PlusPlus,
    /// ε̂ (Lu et al. 2022, DPM-Solver).
    Original,
}

/// What a step between two levels is made of: x' = of_x x + Σ weight(k) D_{k−1} + noise z, D_k being the k-th derivative of
/// the prediction in λ at the start of the step, times h^k.
#[derive(Debug, Clone, Copy)]
pub(super) struct Integrator {
    /// The weight of x.
    pub(super) of_x: f64,
    /// The standard deviation of the noise.
    pub(super) noise: f64,
    scale: f64,
    z: f64,
}

impl Integrator {
    /// With h = λ' − λ: for the ODE in x̂_0, x' = n'/n x − s' Σ zφ_k(−h) D; in ε̂, x' = s'/s x − n' Σ zφ_k(h) D. For the
    /// SDE, h counts twice in the first, and the prediction in the second. h must be finite in the second.
    pub(super) fn new(algorithm: DpmSolverAlgorithm, stochastic: bool, from: Level, to: Level) -> Integrator {
        let h = lambda(to) - lambda(from);
        match (algorithm, stochastic) {
            (DpmSolverAlgorithm::PlusPlus, false) => {
                Integrator { of_x: to.noise / from.noise, noise: 0.0, scale: -to.signal, z: -h }
            }
            (DpmSolverAlgorithm::PlusPlus, true) => Integrator {
                of_x: to.noise / from.noise * Number::exp(-h),
                noise: to.noise * (-z_phi(1, -2.0 * h)).sqrt(),
                scale: -to.signal,
                z: -2.0 * h,
            },
            (DpmSolverAlgorithm::Original, false) => {
                Integrator { of_x: to.signal / from.signal, noise: 0.0, scale: -to.noise, z: h }
            }
            (DpmSolverAlgorithm::Original, true) => Integrator {
                of_x: to.signal / from.signal,
                noise: to.noise * z_phi(1, 2.0 * h).sqrt(),
                scale: -2.0 * to.noise,
                z: h,
            },
        }
    }

    /// The weight of D_{k−1}: zφ_k, scaled.
    pub(super) fn weight(&self, k: u32) -> f64 {
        self.scale * z_phi(k, self.z)
    }

    /// weight(2) / weight(1).
    pub(super) fn linear_share(&self) -> f64 {
        z_phi(2, self.z) / z_phi(1, self.z)
    }
}

/// The weights of x̂_0 at the levels σ = `sigmas` in the value at σ = 0 of the polynomial in σ² through them: where the flow
/// ends, since x / signal is x̂_0 there. In σ² the density of x / signal solves the heat equation, so that x̂_0 along the flow
/// is smooth in it down to 0.
pub(super) fn clean_weights(sigmas: &[f64]) -> Vec<f64> {
    let squares: Vec<f64> = sigmas.iter().map(|sigma| sigma * sigma).collect();
    let others = |k: usize| squares.iter().enumerate().filter(move |&(j, _)| j != k).map(|(_, &node)| node);
    (0..squares.len()).map(|k| others(k).map(|node| node / (node - squares[k])).product()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parabola_is_extrapolated_to_no_noise_exactly() {
        let sigmas = [0.1, 0.3, 0.7];
        let values = sigmas.map(|sigma: f64| 2.0 - 3.0 * sigma.powi(2) + 0.5 * sigma.powi(4));
        let sum: f64 = clean_weights(&sigmas).iter().zip(values).map(|(weight, value)| weight * value).sum();
        assert!((sum - 2.0).abs() < 1e-14);
        assert_eq!(clean_weights(&[0.4]), [1.0]);
    }

    #[test]
    fn series_and_recursion_agree_where_they_meet() {
        for k in 1..=4 {
            for z in [-1.0, 1.0f64] {
                let (inside, outside) = (z_phi(k, z * (1.0 - 1e-15)), z_phi(k, z));
                assert!((inside / outside - 1.0).abs() < 1e-13, "k = {k}, z = {z}: {inside} and {outside}");
            }
        }
    }

    #[test]
    fn limits_are_what_the_series_says() {
        for (k, factorial) in [(1, 1.0), (2, 2.0), (3, 6.0)] {
            assert!((z_phi(k, 1e-9) * factorial / 1e-9 - 1.0).abs() < 1e-9);
        }
        assert_eq!([1, 2].map(|k| z_phi(k, f64::NEG_INFINITY)), [-1.0, -1.0]);
    }
}
