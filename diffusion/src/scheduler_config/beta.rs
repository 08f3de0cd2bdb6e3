//! Quantiles of the symmetric beta distribution.

/// The x below which a share `u` of the distribution Beta(a, a) lies, for 0 < a < 1.
pub(super) fn quantile(u: f64, a: f64) -> f64 {
    if u <= 0.0 {
        return 0.0;
    }
    if u > 0.5 {
        return 1.0 - quantile(1.0 - u, a);
    }
    // Of x^a the distribution function is nearly linear, so that halving it finds small x to the last place.
    let (mut low, mut high) = (0.0, libm::pow(0.5, a));
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        match below(libm::pow(middle, 1.0 / a), a) < u {
            true => low = middle,
            false => high = middle,
        }
    }
    libm::pow(0.5 * (low + high), 1.0 / a)
}

/// The share of Beta(a, a) below x ≤ ½: x^a/(a B(a, a)) Σ (1 − a)_n a/(a + n) x^n/n!.
fn below(x: f64, a: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 0.0, 0.0);
    while term > 1e-18 * sum {
        sum += term * a / (a + n);
        term *= x * (n + 1.0 - a) / (n + 1.0);
        n += 1.0;
    }
    let beta = libm::tgamma(a) * libm::tgamma(a) / libm::tgamma(2.0 * a);
    libm::pow(x, a) * sum / (a * beta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_scipys() {
        // scipy.stats.beta.ppf(u, 0.6, 0.6), scipy 1.17.1.
        let expected = [
            (1e-06, 1.8558824624053043e-10),
            (0.01, 0.0008612388215429059),
            (0.125, 0.05715636362241408),
            (0.3, 0.23401700387523572),
            (0.5, 0.5000000000000001),
            (0.75, 0.824319621347305),
            (0.99, 0.9991387611784571),
        ];
        for (u, x) in expected {
            assert!((quantile(u, 0.6) - x).abs() < 1e-13 * x, "u = {u}: {} is not {x}", quantile(u, 0.6));
        }
        assert_eq!([quantile(0.0, 0.6), quantile(1.0, 0.6)], [0.0, 1.0]);
    }
}
