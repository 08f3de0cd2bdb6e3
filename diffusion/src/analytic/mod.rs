//! Denoisers whose answer is known: the posterior mean E[x_0 | x_t] of data that have a formula. By Tweedie's
//! formula it is (x_t + (1−ᾱ_t) ∇ log p(x_t)) / √ᾱ_t, so these are exact score functions as well, and the best that
//! a network trained on such data could do.

mod empirical;
mod gaussian;
mod mixture;

pub use empirical::EmpiricalDenoiser;
pub use gaussian::GaussianDenoiser;
pub use mixture::MixtureDenoiser;

use crate::Result;
use tweedie_tensor::{Element, Error, Shape, Tensor};

/// Refuses a batch whose samples do not have the shape of the data.
fn same_sample<T: Element>(op: &'static str, x: &Tensor<T>, sample: &[usize]) -> Result<()> {
    if x.dims().get(1..) != Some(sample) {
        let why = "a sample must have the shape of the data";
        return Err(Error::Mismatch { op, left: *x.shape(), right: Shape::new(sample)?, why }.into());
    }
    Ok(())
}
