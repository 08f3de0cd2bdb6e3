use super::frame::Frame;
use super::{checkerboard, dino, moons, swissroll};
use crate::{Error, purpose};
use std::fmt;
use std::str::FromStr;
use tweedie_tensor::random::Stream;
use tweedie_tensor::{Element, Tensor};

/// A distribution of points of the plane. Each has mean 0, and variances of the two coordinates that are 1 on average, as
/// diffusion takes them.
///
/// ```
/// use tweedie_diffusion::plane::Distribution;
/// let moons: Distribution = "moons".parse()?;
/// let points = moons.points::<f32>(0, 0, 100);
/// assert_eq!(points.dims(), [100, 2, 1, 1]);
/// assert_eq!(points.as_slice()[14], moons.point(0, 7)[0] as f32);
/// # Ok::<(), tweedie_diffusion::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// Two half circles that reach into each other.
    Moons,
    /// A spiral of one and a half turns.
    Swissroll,
    /// The outline of a dinosaur.
    Dino,
    /// The dark squares of a board of 4 by 4, evenly filled.
    Checkerboard,
}

impl Distribution {
    /// All of them.
    pub const ALL: [Distribution; 4] =
        [Distribution::Moons, Distribution::Swissroll, Distribution::Dino, Distribution::Checkerboard];

    /// Its name: `moons`, `swissroll`, `dino` or `checkerboard`.
    pub fn name(self) -> &'static str {
        match self {
            Distribution::Moons => "moons",
            Distribution::Swissroll => "swissroll",
            Distribution::Dino => "dino",
            Distribution::Checkerboard => "checkerboard",
        }
    }

    /// Point `number` of those that `seed` draws: a pure function of both.
    ///
    /// # Panics
    /// When `number` is 2⁴⁴ or more.
    pub fn point(self, seed: u64, number: u64) -> [f64; 2] {
        let mut stream = Stream::new(seed, purpose::PLANE, self as u64, number);
        let (point, Frame { mean, factor }) = match self {
            Distribution::Moons => (moons::draw(&mut stream), moons::FRAME),
            Distribution::Swissroll => (swissroll::draw(&mut stream), swissroll::FRAME),
            Distribution::Dino => (dino::draw(&mut stream), dino::FRAME),
            Distribution::Checkerboard => (checkerboard::draw(&mut stream), checkerboard::FRAME),
        };
        [factor * (point[0] - mean[0]), factor * (point[1] - mean[1])]
    }

    /// The `n` points from number `first` on, \[n, 2, 1, 1\].
    ///
    /// # Panics
    /// As [`Distribution::point`].
    pub fn points<T: Element>(self, seed: u64, first: u64, n: usize) -> Tensor<T> {
        let points: Vec<[f64; 2]> = (first..).take(n).map(|number| self.point(seed, number)).collect();
        batch(&points)
    }
}

/// Points as a batch of pictures, \[n, 2, 1, 1\].
pub fn batch<T: Element>(points: &[[f64; 2]]) -> Tensor<T> {
    Tensor::from_fn([points.len(), 2, 1, 1], |i| T::from_f64(points[i / 2][i % 2]))
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Distribution {
    type Err = Error;

    fn from_str(name: &str) -> Result<Distribution, Error> {
        Distribution::ALL.into_iter().find(|of| of.name() == name).ok_or(Error::Unsupported {
            key: "distribution of the plane",
            value: name.to_string(),
            supported: "moons, swissroll, dino or checkerboard",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_function_of_distribution_seed_and_number() {
        for of in Distribution::ALL {
            let many = of.points::<f64>(3, 10, 50);
            for i in 0..50 {
                assert_eq!(many.as_slice()[2 * i..2 * i + 2], of.point(3, 10 + i as u64));
            }
            assert_ne!(of.point(3, 10), of.point(4, 10));
            assert_ne!(of.point(3, 10), of.point(3, 11));
            assert_eq!(of.name().parse::<Distribution>().unwrap(), of);
        }
        assert!("moon".parse::<Distribution>().unwrap_err().to_string().contains("\"moon\""));
    }

    /// Each tolerance is five standard deviations of the estimate at this number of points, and more.
    #[test]
    fn points_are_centred_and_of_unit_variance() {
        let n = 40_000;
        for of in Distribution::ALL {
            let (mut sums, mut square, mut furthest) = ([0.0; 2], 0.0, 0.0f64);
            for number in 0..n {
                let [x, y] = of.point(0, number);
                (sums[0], sums[1]) = (sums[0] + x, sums[1] + y);
                square += x * x + y * y;
                furthest = furthest.max(x.abs().max(y.abs()));
            }
            let n = n as f64;
            let (mean, variance) = (sums.map(|sum| sum / n), square / (2.0 * n));
            assert!(mean.iter().all(|mean| mean.abs() < 0.03), "{of}: {mean:?}");
            assert!((variance - 1.0).abs() < 0.02, "{of}: {variance}");
            assert!(furthest < 3.0, "{of}: {furthest}");
        }
    }
}
