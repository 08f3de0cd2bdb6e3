use super::frechet::frechet_distance;
use super::kernel::{KernelDistance, kernel_distance};
use super::manifold::{Manifolds, manifolds};
use super::moments::Moments;
use crate::Result;
use tweedie_tensor::{Element, Tensor, ops};

/// Neighbours that a ball of a manifold reaches to (Kynkäänniemi et al. 2019, section 2).
const NEIGHBOURS: usize = 3;
/// Blocks of rows that the standard error of the kernel distance comes from.
const BLOCKS: usize = 10;

/// Every distance between two sets of features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// See [`frechet_distance`].
    pub frechet: f64,
    /// See [`kernel_distance`], with ten blocks.
    pub kernel: KernelDistance,
    /// See [`manifolds`], with three neighbours, between the first rows of both: as many as the smaller set has.
    pub manifolds: Manifolds,
}

impl Scores {
    /// Compares generated features with real ones, \[n, d\] and \[m, d\].
    ///
    /// # Errors
    /// Features that are not finite, of two lengths, or fewer than 20 rows on a side.
    pub fn of<T: Element>(real: &Tensor<T>, generated: &Tensor<T>) -> Result<Scores> {
        let kernel = kernel_distance(real, generated, BLOCKS)?;
        let frechet = frechet_distance(&Moments::of(real)?, &Moments::of(generated)?)?;
        let rows = real.dims()[0].min(generated.dims()[0]);
        let first = |features| ops::narrow(features, 0, 0, rows);
        Ok(Scores { frechet, kernel, manifolds: manifolds(&first(real)?, &first(generated)?, NEIGHBOURS)? })
    }
}
