use crate::{Error, Result};
use tweedie_tensor::{Element, Shape, Tensor};

/// The rows and columns of a matrix of features.
///
/// # Errors
/// When it is no matrix, has no columns, fewer than `least` rows, or a number that is not finite.
pub(super) fn rows<T: Element>(what: &'static str, features: &Tensor<T>, least: usize) -> Result<[usize; 2]> {
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
pub(super) fn same_length(what: &'static str, a: usize, b: usize) -> Result<()> {
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
