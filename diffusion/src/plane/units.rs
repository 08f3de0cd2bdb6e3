use serde::{Deserialize, Serialize};

/// The units in which points were given, x = mean + deviation · z, beside the standardised z of mean 0 and variance 1 that
/// diffusion takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Units {
    /// The mean of each coordinate.
    pub mean: [f64; 2],
    /// The standard deviation of each coordinate.
    pub deviation: [f64; 2],
}

impl Default for Units {
    /// Those of points that are standardised as they are.
    fn default() -> Self {
        Units { mean: [0.0; 2], deviation: [1.0; 2] }
    }
}

impl Units {
    /// The units of a set of points. A coordinate that is the same everywhere keeps its scale.
    ///
    /// ```
    /// use tweedie_diffusion::plane::Units;
    /// let units = Units::of(&[[1.0, 5.0], [3.0, 5.0]]);
    /// assert_eq!((units.mean, units.deviation), ([2.0, 5.0], [1.0, 1.0]));
    /// assert_eq!(units.standardised([3.0, 6.0]), [1.0, 1.0]);
    /// assert_eq!(units.original([1.0, 1.0]), [3.0, 6.0]);
    /// ```
    pub fn of(points: &[[f64; 2]]) -> Units {
        let n = points.len().max(1) as f64;
        let mean = [0, 1].map(|axis| points.iter().map(|point| point[axis] / n).sum::<f64>());
        let deviation = [0, 1].map(|axis| {
            let square = |point: &[f64; 2]| (point[axis] - mean[axis]) * (point[axis] - mean[axis]) / n;
            match points.iter().map(square).sum::<f64>().sqrt() {
                deviation if deviation > 0.0 => deviation,
                _ => 1.0,
            }
        });
        Units { mean, deviation }
    }

    /// A point in these units, standardised.
    pub fn standardised(&self, point: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| (point[axis] - self.mean[axis]) / self.deviation[axis])
    }

    /// A standardised point in these units.
    pub fn original(&self, point: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| self.mean[axis] + self.deviation[axis] * point[axis])
    }
}
