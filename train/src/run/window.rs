//! The means of what several steps measured.

use crate::exact;
use serde::{Deserialize, Serialize};

/// What some steps have measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Window {
    #[serde(with = "exact")]
    loss: f64,
    steps: u64,
    deciles: [Sum; 10],
}

/// A sum and the number of its terms.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Sum {
    #[serde(with = "exact")]
    sum: f64,
    count: u64,
}

impl Window {
    /// Adds a step: its loss, and each sample's squared error and time as a share of T.
    pub(crate) fn add(&mut self, loss: f64, errors: &[f64], shares: impl Iterator<Item = f64>) {
        self.loss += loss;
        self.steps += 1;
        for (error, share) in errors.iter().zip(shares) {
            let Sum { sum, count } = &mut self.deciles[((share * 10.0) as usize).min(9)];
            *sum += error;
            *count += 1;
        }
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    pub(crate) fn loss(&self) -> f64 {
        self.loss / self.steps.max(1) as f64
    }

    pub(crate) fn deciles(&self) -> [Option<f64>; 10] {
        self.deciles.map(|Sum { sum, count }| (count > 0).then(|| sum / count as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_go_to_the_tenth_of_their_time() {
        let mut window = Window::default();
        window.add(1.0, &[2.0, 4.0, 6.0], [0.0, 0.05, 1.0].into_iter());
        let deciles = window.deciles();
        assert_eq!((deciles[0], deciles[1], deciles[9]), (Some(3.0), None, Some(6.0)));
    }

    #[test]
    fn a_window_goes_through_json_without_losing_a_bit() {
        let mut window = Window::default();
        window.add(0.1 + 0.2, &[1.0 / 3.0, 1e308, 5e-324], [0.1, 0.5, 0.9].into_iter());
        window.add(1.0 / 7.0, &[1e308], [0.5].into_iter());
        assert_eq!(window.deciles()[5], Some(f64::INFINITY));
        let again: Window = serde_json::from_str(&serde_json::to_string(&window).unwrap()).unwrap();
        assert_eq!(again, window);
        window.add(f64::NAN, &[], std::iter::empty());
        let again: Window = serde_json::from_str(&serde_json::to_string(&window).unwrap()).unwrap();
        assert!(again.loss().is_nan() && again.steps() == 3);
    }
}
