//! How near generated pictures are to real ones, judged by their features: rows of a matrix \[n, d\], whatever
//! network they come from. Everything is computed in f64.
//!
//! No one number tells. The Fréchet distance mixes fidelity and variety, and is larger for fewer pictures; the kernel
//! distance is as noisy but unbiased; precision and recall tell the two faults apart.

mod factor;
mod frechet;
mod kernel;
mod manifold;
mod moments;
mod scores;

pub use frechet::frechet_distance;
pub use kernel::{KernelDistance, kernel_distance};
pub use manifold::{Manifolds, manifolds};
pub use moments::Moments;
pub use scores::Scores;

use crate::{Error, Result};
use tweedie_tensor::{Element, Shape, Tensor};

/// The rows and columns of a matrix of features.
///
/// # Errors
/// When it is no matrix, has no columns, fewer than `least` rows, or a number that is not finite.
fn rows<T: Element>(what: &'static str, features: &Tensor<T>, least: usize) -> Result<[usize; 2]> {
    let [n, d] = features.shape().exactly(what, "must be a matrix of features, [n, d]")?;
    if n < least || d == 0 {
        let why = format!("at least {least} rows of at least one number are needed");
        return Err(Error::parameter(what, "features", features.shape(), why));
    }
    match features.as_slice().iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::parameter(
            what,
            "features",
            format!("row {}", at / d),
            "has numbers that are not finite",
        )),
        None => Ok([n, d]),
    }
}

/// Refuses features of two lengths.
fn same_length(what: &'static str, a: usize, b: usize) -> Result<()> {
    if a != b {
        let why = "features of two networks, or of two versions of one, are not to be compared";
        return Err(tweedie_tensor::Error::Mismatch {
            op: what,
            left: Shape::from([a]),
            right: Shape::from([b]),
            why,
        }
        .into());
    }
    Ok(())
}
