//! What an estimate of the bound says.

/// A mean with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean over samples.
    pub mean: f64,
    /// The standard deviation of that mean; `None` of fewer than two samples.
    pub std_error: Option<f64>,
}

impl Mean {
    /// The mean of `values`.
    pub fn of(values: &[f64]) -> Mean {
        let mut moments = Moments::default();
        values.iter().for_each(|&x| moments.add(x));
        moments.mean(1.0)
    }
}

/// A bound on −log p(x_0), in bits a dimension. `total` is `prior` + `middle` + `decoder`.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundEstimate {
    /// How many pictures it is over.
    pub pictures: usize,
    /// The whole bound.
    pub total: Mean,
    /// L_T.
    pub prior: Mean,
    /// Σ_{t≥2} L_{t−1}, the constants included.
    pub middle: Mean,
    /// L_0.
    pub decoder: Mean,
    /// Σ_{t≥2} C_t, the part of `middle` that no training lowers.
    pub constant: Mean,
    /// The term at every index that was looked at, L_0 at index 0.
    pub terms: Vec<TermEstimate>,
    /// How the picture becomes known, from the noisiest time to the last (Ho et al. 2020, section 4.3).
    pub rate_distortion: Vec<RateDistortion>,
}

/// The term at one index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermEstimate {
    /// The index, one less than the papers' t.
    pub t: usize,
    /// L_{t−1} of the papers' t, constant included; L_0 at index 0.
    pub bits: Mean,
    /// How many pictures were looked at there.
    pub count: usize,
}

/// A point of the rate–distortion curve (Ho et al. 2020, figure 5).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateDistortion {
    /// The index; the middle of a run of them where one was drawn from each run.
    pub t: f64,
    /// Bits a dimension that it takes to send x_t: L_T and the terms of all noisier times.
    pub rate: f64,
    /// The root of the mean squared error of x̂_0 at x_t, on the scale of 0 to 255.
    pub rmse: f64,
}

/// Count, mean and squared deviations of numbers, as they come (Welford 1962).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    count: usize,
    mean: f64,
    deviations: f64,
}

impl Moments {
    pub(super) fn add(&mut self, x: f64) {
        self.count += 1;
        let off = x - self.mean;
        self.mean += off / self.count as f64;
        self.deviations += off * (x - self.mean);
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn sum(&self) -> f64 {
        self.mean * self.count as f64
    }

    /// The mean in units of `1 / unit`.
    pub(super) fn mean(&self, unit: f64) -> Mean {
        let n = self.count as f64;
        let std_error = (self.count > 1).then(|| unit * (self.deviations / (n - 1.0) / n).sqrt());
        Mean { mean: unit * self.mean, std_error }
    }
}
