use crate::{Level, Schedule};
use tweedie_tensor::Number;

/// E|X_t(f)|² = s² |X_0(f)|² + n²: the power of a frequency of a noisy picture, from its power in the clean one and the level
/// of signal s and noise n.
pub fn noised(power: f64, level: Level) -> f64 {
    level.signal * level.signal * power + level.noise * level.noise
}

/// The frequency above which noise drowns the picture: where s² S(f) = n², S the mean power of each of `frequencies`, which
/// rise. Between two of them S is taken as a power of f. The frequency 0, the picture's mean, is left aside.
///
/// It is 0 where every frequency has drowned, and the highest one where none has. Where S is not falling throughout, it is the
/// last crossing: nothing above it stands out from the noise.
pub fn crossover(frequencies: &[f64], power: &[f64], level: Level) -> f64 {
    let floor = 1.0 / level.snr();
    let bands = || frequencies.iter().copied().zip(power.iter().copied()).filter(|(f, _)| *f > 0.0);
    let mut above = None;
    let mut crossed = 0.0;
    for (f, s) in bands() {
        if s > floor {
            above = Some((f, s));
            crossed = f;
        } else if let Some((g, r)) = above.take() {
            crossed = between((g, r), (f, s), floor);
        }
    }
    crossed
}

/// Where the power of f through two points is `floor`.
fn between((g, r): (f64, f64), (f, s): (f64, f64), floor: f64) -> f64 {
    // A band without any power drowns at once.
    let share = if s > 0.0 { Number::ln(r / floor) / Number::ln(r / s) } else { 0.0 };
    g * Number::exp(share * Number::ln(f / g))
}

/// The first index of the schedule at which a frequency of this power has drowned: where s² S < n². `None` where it stands
/// out from the noise to the end.
pub fn drowned_from(schedule: &Schedule, power: f64) -> Option<usize> {
    (0..schedule.num_timesteps()).find(|&t| power * schedule.snr(t) < 1.0)
}
