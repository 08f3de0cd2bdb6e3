//! Times between given levels.

use super::level::Level;
use super::timestep::Timestep;
use tweedie_tensor::Number;

/// [`Schedule::at_clock`](crate::Schedule::at_clock) for the levels of the indices.
pub(crate) fn at_clock(levels: &[Level], clock: f64) -> Timestep {
    let last = levels.len() - 1;
    let clock = clock.clamp(0.0, last as f64);
    let below = (clock as usize).min(last);
    let share = clock - below as f64;
    if share == 0.0 {
        return Timestep::new(below as f64, levels[below]);
    }
    let (low, high) = (levels[below], levels[below + 1]);
    Timestep::new(clock, between(low, high, share, low.sigma() + share * (high.sigma() - low.sigma())))
}

/// [`Schedule::at_sigma`](crate::Schedule::at_sigma) for the levels of the indices.
pub(crate) fn at_sigma(levels: &[Level], sigma: f64) -> Timestep {
    let last = levels.len() - 1;
    // σ rises with the index.
    let above = (0..last).find(|&t| levels[t].sigma() > sigma).unwrap_or(last);
    let below = above.saturating_sub(1);
    let (low, high) = (levels[below], levels[(below + 1).min(last)]);
    let [from, at, to] = [low.sigma(), sigma, high.sigma()].map(Number::ln);
    let share = if from == to { 0.0 } else { ((at - from) / (to - from)).clamp(0.0, 1.0) };
    Timestep::new(below as f64 + share, between(low, high, share, sigma))
}

/// The level of a given σ between two others, a share of the way from the first. What it adds up to, signal² + noise²,
/// lies in between as well: where the two preserve the variance, so does it.
fn between(low: Level, high: Level, share: f64, sigma: f64) -> Level {
    let size = |level: Level| (level.signal * level.signal + level.noise * level.noise).sqrt();
    let size = size(low) + share * (size(high) - size(low));
    // Of the two forms the one that neither overflows nor is 0 · ∞.
    if sigma <= 1.0 {
        let signal = size / (1.0 + sigma * sigma).sqrt();
        Level { signal, noise: signal * sigma }
    } else {
        let noise = size / (1.0 + 1.0 / (sigma * sigma)).sqrt();
        Level { signal: noise / sigma, noise }
    }
}
