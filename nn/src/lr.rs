//! Learning-rate schedules: pure functions of the step, so that resuming needs no state for them.

use serde::{Deserialize, Serialize};
use tweedie_tensor::Number;

/// The learning rate as a function of the step.
///
/// Steps count from 0. During warm-up, the rate of step k is (k + 1)/`warmup` of the peak, so that the first step's is not
/// 0 and step `warmup` − 1 is at the peak.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "schedule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LearningRate {
    /// Warm-up, then the peak.
    Constant {
        /// The largest rate.
        peak: f64,
        /// Steps until the peak is reached.
        #[serde(default)]
        warmup: u64,
    },
    /// Warm-up, then half a cosine down to `floor` at step `total` (Loshchilov and Hutter 2017, without restarts).
    Cosine {
        /// The largest rate.
        peak: f64,
        /// Steps until the peak is reached.
        #[serde(default)]
        warmup: u64,
        /// The step from which the rate is `floor`.
        total: u64,
        /// The last rate.
        #[serde(default)]
        floor: f64,
    },
    /// Warm-up, a plateau, and a decay from step `decay_start` to `floor` at step `total` (Hägele et al. 2024).
    Trapezoidal {
        /// The largest rate.
        peak: f64,
        /// Steps until the peak is reached.
        #[serde(default)]
        warmup: u64,
        /// The step at which the plateau ends.
        decay_start: u64,
        /// The step from which the rate is `floor`.
        total: u64,
        /// The last rate.
        #[serde(default)]
        floor: f64,
        /// The form of the decay.
        #[serde(default)]
        decay: Decay,
    },
}

/// The form of a decay, as a function of the part u ∈ \[0, 1\] of its steps that are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Decay {
    /// 1 − u.
    #[default]
    #[serde(rename = "linear")]
    Linear,
    /// 1 − √u: falls fast at first, then slowly (Hägele et al. 2024).
    #[serde(rename = "1-sqrt")]
    OneMinusSqrt,
}

/// The same rate at every step.
impl From<f64> for LearningRate {
    fn from(peak: f64) -> LearningRate {
        LearningRate::Constant { peak, warmup: 0 }
    }
}

impl LearningRate {
    /// The rate of a step.
    pub fn at(&self, step: u64) -> f64 {
        match *self {
            LearningRate::Constant { peak, warmup } => peak * warm(step, warmup),
            LearningRate::Cosine { peak, warmup, total, floor } => {
                let over = part(step, warmup, total);
                let height = 0.5 * (1.0 + Number::cos(std::f64::consts::PI * over));
                if step < warmup { peak * warm(step, warmup) } else { floor + (peak - floor) * height }
            }
            LearningRate::Trapezoidal { peak, warmup, decay_start, total, floor, decay } => {
                if step < warmup {
                    return peak * warm(step, warmup);
                }
                let over = part(step, decay_start.max(warmup), total);
                let height = match decay {
                    Decay::Linear => 1.0 - over,
                    Decay::OneMinusSqrt => 1.0 - over.sqrt(),
                };
                floor + (peak - floor) * height
            }
        }
    }
}

fn warm(step: u64, warmup: u64) -> f64 {
    if step < warmup { (step + 1) as f64 / warmup as f64 } else { 1.0 }
}

/// The part of the steps from `start` to `end` that are done.
fn part(step: u64, start: u64, end: u64) -> f64 {
    if step >= end {
        1.0
    } else {
        step.saturating_sub(start) as f64 / end.saturating_sub(start).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-15, "{a} is not {b}");
    }

    #[test]
    fn warm_up_rises_to_the_peak_and_stays() {
        let rate = LearningRate::Constant { peak: 2.0, warmup: 4 };
        for (step, expected) in [(0, 0.5), (1, 1.0), (3, 2.0), (4, 2.0), (1_000_000, 2.0)] {
            near(rate.at(step), expected);
        }
        near(LearningRate::Constant { peak: 2.0, warmup: 0 }.at(0), 2.0);
    }

    #[test]
    fn cosine_ends_at_its_floor() {
        let rate = LearningRate::Cosine { peak: 1.0, warmup: 10, total: 110, floor: 0.1 };
        near(rate.at(9), 1.0);
        near(rate.at(10), 1.0);
        near(rate.at(60), 0.55);
        near(rate.at(10 + 100 / 4), 0.1 + 0.9 * 0.5 * (1.0 + std::f64::consts::FRAC_1_SQRT_2));
        near(rate.at(110), 0.1);
        near(rate.at(1000), 0.1);
    }

    #[test]
    fn trapezoid_has_a_plateau_and_two_forms_of_decay() {
        let rate = |decay| LearningRate::Trapezoidal {
            peak: 1.0,
            warmup: 5,
            decay_start: 100,
            total: 200,
            floor: 0.0,
            decay,
        };
        for decay in [Decay::Linear, Decay::OneMinusSqrt] {
            near(rate(decay).at(0), 0.2);
            near(rate(decay).at(99), 1.0);
            near(rate(decay).at(100), 1.0);
            near(rate(decay).at(200), 0.0);
        }
        near(rate(Decay::Linear).at(125), 0.75);
        near(rate(Decay::OneMinusSqrt).at(125), 0.5);
    }

    #[test]
    fn a_schedule_shorter_than_its_warm_up_does_not_divide_by_zero() {
        let rate = LearningRate::Cosine { peak: 1.0, warmup: 10, total: 5, floor: 0.0 };
        assert!((0..20).all(|step| rate.at(step).is_finite()));
    }

    #[test]
    fn schedules_have_names_in_files() {
        let text = r#"{"schedule":"trapezoidal","peak":0.001,"decay_start":80,"total":100,"decay":"1-sqrt"}"#;
        let rate: LearningRate = serde_json::from_str(text).unwrap();
        assert!(matches!(rate, LearningRate::Trapezoidal { warmup: 0, decay: Decay::OneMinusSqrt, .. }));
        let again: LearningRate = serde_json::from_str(&serde_json::to_string(&rate).unwrap()).unwrap();
        assert_eq!(again, rate);
    }
}
