//! Two moons: points along two half circles that reach into each other.

use tweedie::tensor::Tensor;
use tweedie::tensor::random::{Purpose, Stream};

/// What the points are drawn for: numbers from 128 on are a program's own.
const POINTS: Purpose = Purpose::new(128);

/// `n` points \[n, 2\] of mean about 0, and the moon that each lies on; another seed, other points.
pub(crate) fn two_moons(n: usize, seed: u64) -> (Tensor, Vec<usize>) {
    let mut points = Tensor::zeros([n, 2]);
    for (i, place) in points.as_mut_slice().chunks_mut(2).enumerate() {
        let mut stream = Stream::new(seed, POINTS, 0, i as u64);
        let (sin, cos) = (std::f64::consts::PI * stream.uniform()).sin_cos();
        let (x, y) = if i % 2 == 0 { (cos - 0.5, sin - 0.25) } else { (0.5 - cos, 0.25 - sin) };
        let jitter = [stream.normal(), stream.normal()].map(|z| 0.08 * z);
        (place[0], place[1]) = ((x + jitter[0]) as f32, (y + jitter[1]) as f32);
    }
    (points, (0..n).map(|i| i % 2).collect())
}
