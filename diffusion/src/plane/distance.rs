use crate::{Error, Result};
use std::f64::consts::PI;
use tweedie_tensor::{Element, Number, Tensor};

/// Directions that the plane is seen from.
const DIRECTIONS: usize = 64;

/// The sliced Wasserstein distance of two sets of points of the plane, in its units (Rabin et al. 2012; Bonneel et al. 2015): the root
/// of the mean, over directions spread evenly, of the squared 2-Wasserstein distance of what the sets look like from there,
/// W₂² = ∫₀¹ (F⁻¹(u) − G⁻¹(u))² du. For one set that is the other moved by v, it is ‖v‖ / √2.
///
/// Two sets of n points of one distribution have a distance too, which falls about as 1/√n: compare with that.
///
/// # Errors
/// [`Error::Parameter`] when a set is empty, or has a point that is not finite.
pub fn sliced_wasserstein<T: Element>(a: &Tensor<T>, b: &Tensor<T>) -> Result<f64> {
    for set in [a, b] {
        if set.numel() < 2 || !set.all_finite() {
            let why = "there must be at least one, and all must be finite";
            return Err(Error::parameter("sliced Wasserstein distance", "points", set.shape(), why));
        }
    }
    let mut sum = 0.0;
    for i in 0..DIRECTIONS {
        let angle = PI * i as f64 / DIRECTIONS as f64;
        let direction = [Number::cos(angle), Number::sin(angle)];
        sum += squared_distance(&seen(a, direction), &seen(b, direction));
    }
    Ok((sum / DIRECTIONS as f64).sqrt())
}

/// The points along a direction, in order.
fn seen<T: Element>(points: &Tensor<T>, [x, y]: [f64; 2]) -> Vec<f64> {
    let mut along: Vec<f64> = points
        .as_slice()
        .chunks_exact(2)
        .map(|point| x * point[0].to_f64() + y * point[1].to_f64())
        .collect();
    along.sort_by(f64::total_cmp);
    along
}

/// W₂² of two sorted sets of numbers, each of equal weights: quantile functions are steps, and u goes from one step of either
/// to the next.
fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len() as u64, b.len() as u64);
    let (mut i, mut j, mut u, mut sum) = (0, 0, 0, 0.0);
    // u counts parts of 1 / (n m).
    while u < n * m {
        let next = ((i + 1) * m).min((j + 1) * n);
        let difference = a[i as usize] - b[j as usize];
        sum += (next - u) as f64 * difference * difference;
        (i, j, u) = (next / m, next / n, next);
    }
    sum / (n * m) as f64
}
