use tweedie_autograd::{Result, Var};
use tweedie_tensor::Element;

/// Pictures \[n, c, h, w\] as pictures of their p × p patches: \[n, c·p², h/p, w/p\]. A patch becomes one pixel, and its
/// numbers that pixel's channels. p must divide h and w.
///
/// # Errors
/// Not four axes, or sides that p does not divide.
pub fn patchify<T: Element>(x: Var<T>, p: usize) -> Result<Var<T>> {
    let [n, c, h, w] = x.shape().nchw("patchify")?;
    if p == 1 {
        return Ok(x);
    }
    let split = x.reshape([n, c, h / p.max(1), p, w / p.max(1), p])?;
    split.permute(&[0, 1, 3, 5, 2, 4])?.reshape([n, c * p * p, h / p, w / p])
}

/// The inverse of [`patchify`]: \[n, c·p², h, w\] → \[n, c, h·p, w·p\].
///
/// # Errors
/// Not four axes, or channels that p² does not divide.
pub fn unpatchify<T: Element>(x: Var<T>, p: usize) -> Result<Var<T>> {
    let [n, c, h, w] = x.shape().nchw("unpatchify")?;
    if p == 1 {
        return Ok(x);
    }
    let split = x.reshape([n, c / (p * p).max(1), p, p, h, w])?;
    split.permute(&[0, 1, 4, 2, 5, 3])?.reshape([n, c / (p * p), h * p, w * p])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::Tensor;

    #[test]
    fn a_patch_becomes_the_channels_of_one_place() {
        let x = Var::constant(Tensor::from_fn([1, 1, 4, 6], |i| i as f64));
        let y = patchify(x.clone(), 2).unwrap();
        assert_eq!(y.dims(), [1, 4, 2, 3]);
        // The patch in row 1, column 2 holds pixels 16, 17, 22 and 23.
        let place = |channel: usize| y.value().as_slice()[channel * 6 + 5];
        assert_eq!([0, 1, 2, 3].map(place), [16.0, 17.0, 22.0, 23.0]);
        assert_eq!(unpatchify(y, 2).unwrap().value().as_slice(), x.value().as_slice());
        assert!(patchify(x, 4).is_err());
    }
}
