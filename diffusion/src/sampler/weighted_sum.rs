use crate::Result;
use tweedie_tensor::{Element, Tensor, ops};

/// The sum of tensors, each with one weight for all of it.
pub(super) fn weighted_sum<'a, T: Element>(
    terms: impl IntoIterator<Item = (f64, &'a Tensor<T>)>,
) -> Result<Tensor<T>> {
    let (weights, tensors): (Vec<f64>, Vec<&Tensor<T>>) = terms.into_iter().unzip();
    let terms: Vec<(&[f64], &Tensor<T>)> = weights.chunks(1).zip(tensors).collect();
    Ok(ops::combine(&terms)?)
}
