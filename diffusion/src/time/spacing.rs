use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How a few sampling steps are spread over the T steps of training (Lin et al. 2024, table 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Multiples of ⌊T / steps⌋ from 0 up: includes the first index, and may stop short of the noisiest.
    Leading,
    /// Multiples of T / steps from T down, less one: includes the noisiest index. The one for a schedule that ends
    /// in pure noise.
    Trailing,
    /// Evenly from 0 to T − 1, both included.
    Linspace,
}

impl Spacing {
    /// All of them.
    pub const ALL: [Spacing; 3] = [Spacing::Leading, Spacing::Trailing, Spacing::Linspace];

    /// The name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Spacing::Leading => "leading",
            Spacing::Trailing => "trailing",
            Spacing::Linspace => "linspace",
        }
    }

    /// What it is, in one line.
    pub fn about(self) -> &'static str {
        match self {
            Spacing::Leading => "Multiples of a whole stride from the first time up, short of the noisiest",
            Spacing::Trailing => "From the noisiest time down",
            Spacing::Linspace => "Evenly, both ends included",
        }
    }

    /// The `steps` indices of a schedule of `timesteps`, noisiest first, at which steps begin. `offset` is added to those
    /// of [`Spacing::Leading`]. Fractions are rounded half to even.
    ///
    /// ```
    /// use tweedie_diffusion::Spacing;
    /// assert_eq!(Spacing::Leading.indices(10, 4, 0)?, [6, 4, 2, 0]);
    /// assert_eq!(Spacing::Trailing.indices(10, 4, 0)?, [9, 7, 4, 1]); // 10, 7.5, 5, 2.5, less one
    /// assert_eq!(Spacing::Linspace.indices(10, 4, 0)?, [9, 6, 3, 0]);
    /// # Ok::<(), tweedie_diffusion::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] when `steps` is 0 or above `timesteps`, or the offset leads out of the schedule.
    pub fn indices(self, timesteps: usize, steps: usize, offset: usize) -> Result<Vec<usize>> {
        if steps == 0 || steps > timesteps {
            let why = format!("must be 1 to {timesteps}, the number of steps that the schedule has");
            return Err(Error::parameter("sampling", "steps", steps, why));
        }
        Ok(match self {
            Spacing::Leading => {
                let stride = timesteps / steps;
                let times: Vec<usize> = (0..steps).rev().map(|i| offset.saturating_add(i * stride)).collect();
                if times[0] >= timesteps {
                    let why = format!("leads to t = {}, beyond the schedule's {timesteps} steps", times[0]);
                    return Err(Error::parameter("sampling", "steps_offset", offset, why));
                }
                times
            }
            Spacing::Trailing => {
                let end = timesteps as f64;
                // The stride as numpy's `arange` rounds it: where the true value is a half, that decides.
                let stride = (end - end / steps as f64) - end;
                (0..steps).map(|i| (end + i as f64 * stride).round_ties_even() as usize - 1).collect()
            }
            Spacing::Linspace => {
                let stride = (timesteps - 1) as f64 / (steps - 1).max(1) as f64;
                (0..steps).rev().map(|i| (i as f64 * stride).round_ties_even() as usize).collect()
            }
        })
    }
}

impl FromStr for Spacing {
    type Err = Error;

    fn from_str(name: &str) -> Result<Spacing> {
        let found = Spacing::ALL.into_iter().find(|spacing| spacing.name() == name);
        found.ok_or_else(|| Error::Unsupported {
            key: "spacing",
            value: name.to_string(),
            supported: "leading, trailing or linspace",
        })
    }
}
