use super::normal_cdf::{log_cdf, log_mass};
use tweedie_tensor::Number;

/// Half the distance between neighbours of the 256 levels k/127.5 − 1 that a byte can have in [−1, 1].
const HALF: f64 = 1.0 / 255.0;

/// How the last step of the bound, from x_1 to a picture of bytes, becomes a probability: the normal p_θ(x_0 | x_1) is
/// integrated over the interval of each of 256 levels, those of −1 and +1 reaching out to infinity
/// (Ho et al. 2020, eq. 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decoder {
    /// With the exact normal distribution function, in log space: no level has probability 0.
    #[default]
    Exact,
    /// With Φ(z) ≈ ½ (1 + tanh(√(2/π) (z + 0.044715 z³))) and probabilities cut at 10⁻¹², as published code has it.
    Tanh,
}

impl Decoder {
    /// ln of the probability of the level `x` of [−1, 1] under a normal of mean `mean` and standard deviation `sigma`
    /// (above 0). Half a level around −1 and around 1 belongs to the tails.
    pub fn log_probability(self, x: f64, mean: f64, sigma: f64) -> f64 {
        let (low, high) = ((x - HALF - mean) / sigma, (x + HALF - mean) / sigma);
        let (first, last) = (x < HALF - 1.0, x > 1.0 - HALF);
        match self {
            Decoder::Exact if first => log_cdf(high),
            Decoder::Exact if last => log_cdf(-low),
            Decoder::Exact => log_mass((x - mean) / sigma, HALF / sigma),
            Decoder::Tanh => {
                let cut = |p: f64| Number::ln(p.max(1e-12));
                match (first, last) {
                    (true, _) => cut(tanh_cdf(high)),
                    (_, true) => cut(1.0 - tanh_cdf(low)),
                    _ => cut(tanh_cdf(high) - tanh_cdf(low)),
                }
            }
        }
    }
}

fn tanh_cdf(z: f64) -> f64 {
    let inner = std::f64::consts::FRAC_2_PI.sqrt() * (z + 0.044_715 * z * z * z);
    0.5 * (1.0 + Number::tanh(inner))
}
