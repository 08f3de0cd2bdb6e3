use crate::{Error, Params, Result};
use tweedie_tensor::Tensor;

/// An exponential moving average of parameters, with warm-up.
///
/// After each optimizer step, ē ← d ē + (1 − d) θ. The n-th update, counted from 0, uses
/// d = min(`decay`, (1 + n)/(10 + n)): TensorFlow's convention (`num_updates`), which forgets the random start
/// within tens of steps. diffusers' `EMAModel` has the same form with `use_ema_warmup` off, counting from 1 after a
/// first update that copies; with it on, it is 1 − (1 + n)^(−2/3) instead.
#[derive(Debug, Clone)]
pub struct Ema {
    decay: f64,
    updates: u64,
    params: Params<f32>,
}

impl Ema {
    /// An average that starts at `params`.
    ///
    /// # Errors
    /// [`Error::Config`] when `decay` is not in \[0, 1\].
    pub fn new(params: &Params<f32>, decay: f64) -> Result<Ema> {
        Ema::restore(params.clone(), decay, 0)
    }

    /// A saved average that has had `updates` updates.
    ///
    /// # Errors
    /// As [`Ema::new`].
    pub fn restore(params: Params<f32>, decay: f64, updates: u64) -> Result<Ema> {
        if !(0.0..=1.0).contains(&decay) {
            let (key, value) = ("ema_decay".to_string(), decay.to_string());
            return Err(Error::Config { key, value, why: "must be between 0 and 1".to_string() });
        }
        Ok(Ema { decay, updates, params })
    }

    /// The averaged parameters.
    pub fn params(&self) -> &Params<f32> {
        &self.params
    }

    /// The number of updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The weight d that the next update gives the average so far.
    pub fn next_decay(&self) -> f64 {
        let n = self.updates as f64;
        self.decay.min((1.0 + n) / (10.0 + n))
    }

    /// The averages for the next update to write, and its weight d. Counts the update.
    pub(crate) fn advance(&mut self) -> (&mut [Tensor<f32>], f64) {
        let decay = self.next_decay();
        self.updates += 1;
        (self.params.values_mut(), decay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Builder, Init};

    #[test]
    fn decay_warms_up() {
        let b = Builder::new();
        b.param("w", [1], Init::Zeros);
        let mut ema = Ema::new(&b.draw(0), 0.999).unwrap();
        assert_eq!(ema.next_decay(), 0.1);
        ema.advance();
        assert_eq!(ema.next_decay(), 2.0 / 11.0);
        assert_eq!(Ema::restore(b.draw(0), 0.999, 1_000_000).unwrap().next_decay(), 0.999);
        assert!(Ema::new(&b.draw(0), 1.5).is_err());
        assert!(Ema::new(&b.draw(0), f64::NAN).is_err());
    }
}
