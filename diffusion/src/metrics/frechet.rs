use super::factor::{factor, nuclear_norm_of_product};
use super::features::same_length;
use super::moments::Moments;
use crate::Result;

/// The Fréchet distance between the normal distributions with these moments, squared as is customary (Dowson, Landau
/// 1982; on features of pictures Heusel et al. 2017, eq. 6):
/// ‖m₁ − m₂‖² + tr(S₁ + S₂ − 2 (S₁ S₂)^½).
///
/// With S₁ = R₁ᵀ R₁ and S₂ = R₂ᵀ R₂, S₁ S₂ has the eigenvalues of (R₁ R₂ᵀ)(R₁ R₂ᵀ)ᵀ, so the trace of its root is the sum
/// of the singular values of R₁ R₂ᵀ. No root is taken of a matrix that is not symmetric, nothing comes out complex,
/// and singular covariances need no care: of equal moments the distance is zero to rounding, whatever their rank.
///
/// **Few rows make it larger.** Its expectation over samples of n exceeds the distance of the distributions by about
/// a constant over n, which depends on the distributions (Chong, Forsyth 2020); below d rows a covariance misses whole
/// directions. Compare only distances from equally many rows, and look at the distance that as many real pictures
/// have.
///
/// The cost is that of a few d³ steps: a moment at d = 128, minutes at d = 2048.
///
/// # Errors
/// Fewer than two rows on a side, or features of two lengths.
pub fn frechet_distance(a: &Moments, b: &Moments) -> Result<f64> {
    let d = a.mean().len();
    same_length("Fréchet distance", d, b.mean().len())?;
    let (s_a, s_b) = (a.covariance()?, b.covariance()?);
    let spread = nuclear_norm_of_product(&factor(&s_a, d)?, &factor(&s_b, d)?)?;
    let apart: f64 = a.mean().iter().zip(b.mean()).map(|(a, b)| (a - b) * (a - b)).sum();
    let traces: f64 = (0..d).map(|i| s_a.as_slice()[i * (d + 1)] + s_b.as_slice()[i * (d + 1)]).sum();
    // Rounding may leave a distance of nothing a little below it.
    Ok((apart + (traces - 2.0 * spread)).max(0.0))
}
