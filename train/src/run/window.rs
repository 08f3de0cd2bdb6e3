//! The means of what several steps measured.

/// What some steps have measured.
#[derive(Default)]
pub(crate) struct Window {
    loss: f64,
    steps: u64,
    deciles: [(f64, u64); 10],
}

impl Window {
    /// Adds a step: its loss, and each sample's squared error and time as a share of T.
    pub(crate) fn add(&mut self, loss: f64, errors: &[f64], shares: impl Iterator<Item = f64>) {
        self.loss += loss;
        self.steps += 1;
        for (error, share) in errors.iter().zip(shares) {
            let (sum, count) = &mut self.deciles[((share * 10.0) as usize).min(9)];
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
        self.deciles.map(|(sum, count)| (count > 0).then(|| sum / count as f64))
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
}
