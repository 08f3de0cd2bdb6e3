use crate::{Error, Result};
use tweedie_tensor::{Element, Tensor, ops};

/// (1 − u) a + u b. Of two independent normal samples, half way is one of half the variance, unlike anything that a model
/// has seen as x_T.
///
/// # Errors
/// [`Error::Tensor`] when shapes differ.
pub fn lerp<T: Element>(a: &Tensor<T>, b: &Tensor<T>, u: f64) -> Result<Tensor<T>> {
    Ok(ops::combine(&[(&[1.0 - u], a), (&[u], b)])?)
}

/// The great circle from a to b, each sample by itself: with θ the angle between the two,
/// sin((1 − u) θ)/sin θ · a + sin(u θ)/sin θ · b (Shoemake 1985; for x_T, Song et al. 2021, DDIM, appendix D.5). Where both
/// have one norm, so has all that lies between. Without an angle, it is [`lerp`].
///
/// # Errors
/// [`Error::Tensor`] when shapes differ; [`Error::Parameter`] when a and b are opposite, so that every great circle through
/// one leads to the other.
pub fn slerp<T: Element>(a: &Tensor<T>, b: &Tensor<T>, u: f64) -> Result<Tensor<T>> {
    ops::dot(a, b)?;
    let each = (a.numel() / a.dims().first().copied().unwrap_or(1).max(1)).max(1);
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for (a, b) in a.as_slice().chunks(each).zip(b.as_slice().chunks(each)) {
        let (x, y) = weights(a, b, u)?;
        of_a.push(x);
        of_b.push(y);
    }
    Ok(ops::combine(&[(&of_a, a), (&of_b, b)])?)
}

fn weights<T: Element>(a: &[T], b: &[T], u: f64) -> Result<(f64, f64)> {
    let norm = |x: &[T]| x.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>().sqrt();
    let (size_a, size_b) = (norm(a), norm(b));
    if size_a == 0.0 || size_b == 0.0 {
        return Ok((1.0 - u, u));
    }
    // Of unit vectors, the half angle has the tangent |a − b| / |a + b|, exact at small angles too.
    let units = || a.iter().zip(b).map(|(a, b)| (a.to_f64() / size_a, b.to_f64() / size_b));
    let apart = units().map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let together = units().map(|(a, b)| (a + b) * (a + b)).sum::<f64>().sqrt();
    if together < 1e-6 {
        let why = "the two are opposite, and no way between them is the shortest";
        return Err(Error::parameter("spherical interpolation", "a + b", together, why));
    }
    let angle = 2.0 * libm::atan2(apart, together);
    if angle < 1e-6 {
        return Ok((1.0 - u, u));
    }
    let sine = libm::sin(angle);
    Ok((libm::sin((1.0 - u) * angle) / sine, libm::sin(u * angle) / sine))
}
