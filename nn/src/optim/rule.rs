use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use tweedie_tensor::ops::{AdamStep, SgdStep, UpdateRule};

/// An optimizer and its constants, with PyTorch's formulas and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "optimizer", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimConfig {
    /// Adam (Kingma, Ba 2015); `weight_decay` is added to the gradient.
    Adam {
        /// Decay of the mean of gradients.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the mean of their squares.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the root of the second.
        #[serde(default = "eps")]
        eps: f64,
        /// Weight of the L2 penalty.
        #[serde(default)]
        weight_decay: f64,
    },
    /// AdamW (Loshchilov, Hutter 2019); weights shrink by `lr` · `weight_decay`, separately from the gradient.
    AdamW {
        /// Decay of the mean of gradients.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the mean of their squares.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the root of the second.
        #[serde(default = "eps")]
        eps: f64,
        /// Rate of shrinking.
        #[serde(default = "adamw_decay")]
        weight_decay: f64,
    },
    /// Muon (Jordan et al. 2024) for matrices, scaled to the size of AdamW's steps (Liu et al. 2025, "Muon is scalable for LLM
    /// training"), so that one learning rate suits both; AdamW for all other parameters.
    Muon {
        /// Decay of the sum of a matrix's gradients.
        #[serde(default = "muon_momentum")]
        momentum: f64,
        /// AdamW's decay of the mean of gradients.
        #[serde(default = "beta1")]
        beta1: f64,
        /// AdamW's decay of the mean of their squares.
        #[serde(default = "beta2")]
        beta2: f64,
        /// AdamW's constant, added to the root of the second.
        #[serde(default = "eps")]
        eps: f64,
        /// Rate of shrinking, of all weights.
        #[serde(default = "adamw_decay")]
        weight_decay: f64,
    },
    /// Stochastic gradient descent with momentum; `weight_decay` is added to the gradient.
    Sgd {
        /// Decay of the sum of gradients.
        #[serde(default)]
        momentum: f64,
        /// Weight of the L2 penalty.
        #[serde(default)]
        weight_decay: f64,
    },
}

fn beta1() -> f64 {
    0.9
}
fn beta2() -> f64 {
    0.999
}
fn eps() -> f64 {
    1e-8
}
fn muon_momentum() -> f64 {
    0.95
}
fn adamw_decay() -> f64 {
    1e-2
}

impl OptimConfig {
    /// AdamW with PyTorch's constants.
    pub fn adamw() -> OptimConfig {
        OptimConfig::AdamW { beta1: beta1(), beta2: beta2(), eps: eps(), weight_decay: adamw_decay() }
    }

    /// Adam with PyTorch's constants.
    pub fn adam() -> OptimConfig {
        OptimConfig::Adam { beta1: beta1(), beta2: beta2(), eps: eps(), weight_decay: 0.0 }
    }

    /// Checks that constants are in their range.
    ///
    /// # Errors
    /// [`Error::Config`], naming the constant.
    pub fn validate(&self) -> Result<()> {
        let unit = |x: f64| (0.0..1.0).contains(&x);
        let positive = |x: f64| x >= 0.0 && x.is_finite();
        let of_momentum =
            |momentum: f64| ("momentum", momentum, unit(momentum), "must be at least 0 and below 1");
        let of_decay = |decay: f64| ("weight_decay", decay, positive(decay), "must not be negative");
        let of_adam = |[beta1, beta2, eps]: [f64; 3]| {
            [
                ("beta1", beta1, unit(beta1), "must be at least 0 and below 1"),
                ("beta2", beta2, unit(beta2), "must be at least 0 and below 1"),
                ("eps", eps, positive(eps), "must not be negative"),
            ]
        };
        let checks = match *self {
            OptimConfig::Adam { beta1, beta2, eps, weight_decay }
            | OptimConfig::AdamW { beta1, beta2, eps, weight_decay } => {
                [&of_adam([beta1, beta2, eps])[..], &[of_decay(weight_decay)]].concat()
            }
            OptimConfig::Muon { momentum, beta1, beta2, eps, weight_decay } => {
                [&[of_momentum(momentum)], &of_adam([beta1, beta2, eps])[..], &[of_decay(weight_decay)]]
                    .concat()
            }
            OptimConfig::Sgd { momentum, weight_decay } => {
                vec![of_momentum(momentum), of_decay(weight_decay)]
            }
        };
        match checks.into_iter().find(|(_, _, ok, _)| !ok) {
            None => Ok(()),
            Some((key, value, _, why)) => {
                let (key, value) = (key.to_string(), value.to_string());
                Err(Error::Config { key, value, why: why.to_string() })
            }
        }
    }

    /// Names of its moments in a checkpoint, as in PyTorch's state.
    pub fn moments(&self) -> &'static [&'static str] {
        match self {
            OptimConfig::Adam { .. } | OptimConfig::AdamW { .. } | OptimConfig::Muon { .. } => {
                &["exp_avg", "exp_avg_sq"]
            }
            OptimConfig::Sgd { momentum, .. } if *momentum == 0.0 => &[],
            OptimConfig::Sgd { .. } => &["momentum_buffer"],
        }
    }

    /// The arithmetic of step number `step`, counted from 1, at learning rate `lr`, with gradients scaled by `grad_scale`.
    pub(super) fn rule(&self, step: u64, lr: f64, grad_scale: f64) -> UpdateRule {
        let adam = |[beta1, beta2, eps]: [f64; 3], penalty: f64, shrink: f64| {
            UpdateRule::Adam(AdamStep {
                grad_scale,
                mean_gain: 1.0 - beta1,
                square_keep: beta2,
                square_gain: 1.0 - beta2,
                rate: lr / (1.0 - power(beta1, step)),
                root_scale: 1.0 / (1.0 - power(beta2, step)).sqrt(),
                eps,
                penalty,
                shrink,
            })
        };
        match *self {
            OptimConfig::Adam { beta1, beta2, eps, weight_decay } => {
                adam([beta1, beta2, eps], weight_decay, 1.0)
            }
            OptimConfig::AdamW { beta1, beta2, eps, weight_decay }
            | OptimConfig::Muon { beta1, beta2, eps, weight_decay, .. } => {
                adam([beta1, beta2, eps], 0.0, 1.0 - lr * weight_decay)
            }
            OptimConfig::Sgd { momentum, weight_decay } => {
                UpdateRule::Sgd(SgdStep { grad_scale, momentum, rate: lr, penalty: weight_decay })
            }
        }
    }
}

/// base^exponent by squaring: the same bits everywhere, which the standard library does not promise.
fn power(base: f64, mut exponent: u64) -> f64 {
    let (mut result, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers() {
        assert_eq!(power(0.5, 0), 1.0);
        assert_eq!(power(0.5, 10), 1.0 / 1024.0);
        assert!((power(0.999, 12_345) - 0.999f64.powi(12_345)).abs() < 1e-15);
        assert_eq!(power(0.999, u64::MAX), 0.0);
    }

    #[test]
    fn constants_have_defaults_names_and_ranges() {
        let config: OptimConfig = serde_json::from_str(r#"{"optimizer":"adamw","beta2":0.99}"#).unwrap();
        let expected = OptimConfig::AdamW { beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.01 };
        assert_eq!(config, expected);
        assert!(serde_json::from_str::<OptimConfig>(r#"{"optimizer":"adamw","beta3":0.99}"#).is_err());
        let bad = OptimConfig::Sgd { momentum: 1.0, weight_decay: 0.0 };
        assert_eq!(bad.validate().unwrap_err().to_string(), "momentum = 1: must be at least 0 and below 1");
        assert!(OptimConfig::adamw().validate().is_ok());
    }
}
