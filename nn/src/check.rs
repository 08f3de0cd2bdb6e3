//! Derivatives with respect to parameters, for tests of layers and networks. Only in tests, and with the feature `test-util`.

use crate::{ParamId, Params};
use std::convert::Infallible;
use tweedie_tensor::check::central_differences;

/// The derivatives of `f` with respect to the numbers of one parameter at these places, by central differences.
pub fn slopes(
    params: &Params<f64>,
    id: ParamId,
    places: impl IntoIterator<Item = usize>,
    f: impl Fn(&Params<f64>) -> f64,
) -> Vec<f64> {
    let at = |moved: &_| {
        let mut params = params.clone();
        *params.get_mut(id) = Clone::clone(moved);
        Ok::<_, Infallible>(f(&params))
    };
    central_differences(params.get(id), places, at).unwrap_or_default()
}
