use crate::Level;
use tweedie_tensor::Number;

/// S(f) = A f^−α, fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLaw {
    /// α: 0 for white noise, about 2 for photographs (Field 1987).
    pub alpha: f64,
    /// The standard error of α, from how far the bands lie from the line.
    pub std_error: f64,
    /// A, the power at one cycle a pixel.
    pub amplitude: f64,
}

impl PowerLaw {
    /// The line through ln S over ln f by least squares, over the bands with 0 < f ≤ ½ that hold more than rounding leaves of the
    /// strongest: beyond ½ a ring is only the corners of the plane. `None` where fewer than three bands are left, through which
    /// no line has an error.
    pub fn fit(frequencies: &[f64], power: &[f64]) -> Option<PowerLaw> {
        const ROUNDING: f64 = 1e-24;
        let strongest = power.iter().copied().filter(|s| s.is_finite()).fold(0.0, f64::max);
        // A ring's mean frequency can lie a rounding beyond ½.
        let usable = |&(&f, &s): &(&f64, &f64)| {
            f > 0.0 && f <= 0.5 + 1e-9 && s > ROUNDING * strongest && s.is_finite()
        };
        let points: Vec<(f64, f64)> = frequencies
            .iter()
            .zip(power)
            .filter(usable)
            .map(|(f, s)| (Number::ln(*f), Number::ln(*s)))
            .collect();
        let n = points.len() as f64;
        if points.len() < 3 {
            return None;
        }
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
        let (x, y) = (mean(|p| p.0), mean(|p| p.1));
        let across: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
        let slope = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / across;
        let residual: f64 = points.iter().map(|p| (p.1 - y - slope * (p.0 - x)).powi(2)).sum();
        Some(PowerLaw {
            alpha: -slope,
            std_error: (residual / (n - 2.0) / across).sqrt(),
            amplitude: Number::exp(y - slope * x),
        })
    }

    /// S(f).
    pub fn power(&self, frequency: f64) -> f64 {
        self.amplitude * Number::exp(-self.alpha * Number::ln(frequency))
    }

    /// The frequency at which the noise of `level` is as strong as the signal: f = (A · SNR)^{1/α}.
    pub fn crossover(&self, level: Level) -> f64 {
        Number::exp(Number::ln(self.amplitude * level.snr()) / self.alpha)
    }
}
