//! Derivatives with respect to parameters, for tests of layers and networks. Only in tests, and with the feature `test-util`.

use crate::{ParamId, Params};
use std::convert::Infallible;
use tweedie_tensor::check::central_differences;
use tweedie_tensor::random::{self, Purpose};

/// Every parameter with noise added, so that no gate and nothing else is 0.
pub fn shaken(mut params: Params<f64>) -> Params<f64> {
    for (i, value) in params.values_mut().iter_mut().enumerate() {
        let noise = random::normal::<f64>(*value.shape(), 2, Purpose::TEST, i as u64, 0);
        value
            .as_mut_slice()
            .iter_mut()
            .zip(noise.as_slice())
            .for_each(|(value, noise)| *value += 0.3 * noise);
    }
    params
}

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
