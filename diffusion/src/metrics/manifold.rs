use super::features::{rows, same_length};
use crate::{Error, Result};
use tweedie_tensor::{Element, Tensor, ops};

const WHAT: &str = "precision and recall";
/// Rows of the matrix of distances that are in memory at a time.
const BAND: usize = 512;

/// How much of each of two sets of features lies where the other one is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manifolds {
    /// The share of generated rows that lie on the manifold of the real ones: low when pictures are bad.
    pub precision: f64,
    /// The share of real rows that lie on the manifold of the generated ones: low when kinds of pictures are missing.
    pub recall: f64,
    /// In how many balls of real rows a generated one lies, over k, on average: precision that one stray real row
    /// cannot raise. About 1 for equal distributions.
    pub density: f64,
    /// The share of real rows that have a generated one in their ball: recall that stray generated rows cannot raise.
    pub coverage: f64,
}

/// Precision and recall of Kynkäänniemi et al. 2019 (eq. 1 and 2), density and coverage of Naeem et al. 2020 (eq. 5
/// and 7). The manifold of a set is the union of balls around its rows, each as wide as the distance to the row's k-th
/// nearest neighbour in the set.
///
/// The number of rows matters: with more of them, balls shrink. Compare sets of one size.
///
/// # Errors
/// Features that are not finite or of two lengths, k = 0, or a set of no more than k rows.
pub fn manifolds<T: Element>(real: &Tensor<T>, generated: &Tensor<T>, k: usize) -> Result<Manifolds> {
    if k == 0 {
        return Err(Error::parameter(WHAT, "k", k, "a ball reaches to a neighbour: give at least 1"));
    }
    let ([n, d], [m, d_g]) = (rows(WHAT, real, k + 1)?, rows(WHAT, generated, k + 1)?);
    same_length(WHAT, d, d_g)?;
    let (real, generated) = (Points::new(real)?, Points::new(generated)?);
    let (real_reach, generated_reach) = (real.reach(k)?, generated.reach(k)?);

    let mut precise = vec![false; m];
    let (mut recalled, mut covered, mut balls) = (0usize, 0usize, 0usize);
    real.for_distances(&generated, |i, distances| {
        let inside: usize =
            (0..m).filter(|&j| distances[j] <= real_reach[i]).inspect(|&j| precise[j] = true).count();
        balls += inside;
        covered += usize::from(inside > 0);
        recalled += usize::from(distances.iter().zip(&generated_reach).any(|(d, reach)| d <= reach));
    })?;
    let precise = precise.into_iter().filter(|&inside| inside).count();
    Ok(Manifolds {
        precision: precise as f64 / m as f64,
        recall: recalled as f64 / n as f64,
        density: balls as f64 / (k * m) as f64,
        coverage: covered as f64 / n as f64,
    })
}

/// Rows with their squared lengths.
struct Points {
    rows: Tensor<f64>,
    squares: Vec<f64>,
}

impl Points {
    fn new<T: Element>(features: &Tensor<T>) -> Result<Points> {
        let rows: Tensor<f64> = features.cast();
        let squares = ops::sum_axis(&ops::unary(rows.clone(), ops::Unary::Square), 1, ops::KeepDim::No)?;
        Ok(Points { rows, squares: squares.as_slice().to_vec() })
    }

    /// Calls `each(i, distances)` with the squared distances of row i to all rows of `others`, for every i in order.
    ///
    /// They come from ‖x‖² + ‖y‖² − 2 x·y; what is left of that within its own rounding counts as 0, so that a row is at
    /// no distance from its copy.
    fn for_distances(&self, others: &Points, mut each: impl FnMut(usize, &[f64])) -> Result<()> {
        const ROUNDING: f64 = 1e-13;
        let n = self.squares.len();
        for first in (0..n).step_by(BAND) {
            let band = ops::narrow(&self.rows, 0, first, BAND.min(n - first))?;
            let mut products = ops::matmul(&band, false, &others.rows, true)?;
            let rows = products.as_mut_slice().chunks_exact_mut(others.squares.len());
            for (i, row) in (first..).zip(rows) {
                for (value, square) in row.iter_mut().zip(&others.squares) {
                    let size = self.squares[i] + square;
                    let distance = size - 2.0 * *value;
                    *value = if distance > ROUNDING * size { distance } else { 0.0 };
                }
                each(i, row);
            }
        }
        Ok(())
    }

    /// The squared distance of each row to its k-th nearest neighbour.
    fn reach(&self, k: usize) -> Result<Vec<f64>> {
        let mut reach = Vec::with_capacity(self.squares.len());
        let mut others = Vec::new();
        self.for_distances(self, |i, distances| {
            others.clear();
            others.extend_from_slice(&distances[..i]);
            others.extend_from_slice(&distances[i + 1..]);
            reach.push(*others.select_nth_unstable_by(k - 1, f64::total_cmp).1);
        })?;
        Ok(reach)
    }
}
