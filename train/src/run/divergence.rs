//! What of a run is no longer finite, and where that is seen first.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;
use tweedie_nn::Params;
use tweedie_tensor::Tensor;

/// So many times are named at most.
const NAMED: usize = 8;

/// A number of a run that is no longer finite. Nothing of it is in a checkpoint, or in weights that were finite before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// The steps done before: the step counted from 0 that cannot be done, or the number of those after which it was seen.
    pub step: u64,
    /// What it is.
    pub quantity: Quantity,
    /// The first parameter, in the network's order, whose gradient or value is not finite; of a loss and an output, the first
    /// layer whose output is not.
    pub first: Option<String>,
    /// The times, from 0 to T − 1, of the samples in the step.
    pub times: Vec<usize>,
    /// The learning rate after the warm-up.
    pub learning_rate: f64,
}

/// What can stop being finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantity {
    /// The loss of a sample.
    Loss,
    /// The gradient of a parameter.
    Gradient,
    /// A weight, after an update.
    Weights,
    /// An average of weights.
    Average,
    /// A moment of the optimizer.
    Moments,
    /// What the network, or its average, makes of the last step's first picture after the update.
    Output,
}

impl Divergence {
    /// Whether the step can be left out: its update is not made, and what was before is finite.
    pub(super) fn can_be_skipped(&self) -> bool {
        matches!(self.quantity, Quantity::Loss | Quantity::Gradient)
    }

    /// What has happened, in words.
    pub(crate) fn what(&self) -> String {
        let layer = |noun: &str| match self
            .first
            .as_deref()
            .map(|name| name.rsplit_once('.').unwrap_or(("", name)))
        {
            Some(("", parameter)) => format!("{noun} of parameter {parameter}"),
            Some((layer, parameter)) => format!("{noun} of layer {layer}, parameter {parameter},"),
            None => noun.to_string(),
        };
        let mut what = match self.quantity {
            Quantity::Loss => "the loss is no longer a finite number".to_string(),
            Quantity::Gradient => layer("the gradient") + " is no longer finite",
            Quantity::Weights => layer("the weight") + " is no longer finite",
            Quantity::Average => layer("the averaged weight") + " is no longer finite",
            Quantity::Moments => layer("the optimizer's moment") + " is no longer finite",
            Quantity::Output => "the network's output is no longer finite after this step".to_string(),
        };
        if let (Quantity::Loss | Quantity::Output, Some(layer)) = (self.quantity, &self.first) {
            what += &format!(", first in the output of layer {layer}");
        }
        let named: Vec<String> = self.times.iter().take(NAMED).map(|t| (t + 1).to_string()).collect();
        if !named.is_empty() {
            let more = if self.times.len() > NAMED { ", …" } else { "" };
            what += &format!(", at t = {}{more}", named.join(", "));
        }
        what
    }

    /// What to do about it.
    pub(crate) fn remedy(&self) -> String {
        format!(
            "go on from the last checkpoint with a lower rate, --resume --set optimizer.learning_rate={:?}, or let the run \
             do so by itself, --resume --set train.on_divergence=roll_back",
            rounded(0.1 * self.learning_rate)
        )
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what())
    }
}

/// To two significant digits.
fn rounded(number: f64) -> f64 {
    format!("{number:.1e}").parse().unwrap_or(number)
}

/// The name of the first tensor, in order, that is not finite.
pub(super) fn first_not_finite<'a>(
    named: impl Iterator<Item = (&'a str, &'a Tensor<f32>)>,
) -> Option<String> {
    let named: Vec<(&str, &Tensor<f32>)> = named.collect();
    let first = named.par_iter().find_first(|(_, tensor)| !tensor.all_finite());
    first.map(|(name, _)| (*name).to_string())
}

/// The first gradient, in order of the parameters, that is not finite.
pub(super) fn first_gradient(params: &Params<f32>, gradients: &[Option<Tensor<f32>>]) -> Option<String> {
    let names = params.names().iter().map(String::as_str);
    first_not_finite(names.zip(gradients).filter_map(|(name, gradient)| Some((name, gradient.as_ref()?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_names_step_times_layer_and_a_rate_that_is_a_number() {
        let mut found = Divergence {
            step: 7,
            quantity: Quantity::Gradient,
            first: Some("down.0.conv.weight".into()),
            times: (0..20).collect(),
            learning_rate: 3.3e-4,
        };
        let what = found.what();
        for part in ["gradient of layer down.0.conv, parameter weight,", "t = 1, 2, 3, 4, 5, 6, 7, 8, …"] {
            assert!(what.contains(part), "{what}");
        }
        assert!(found.remedy().contains("optimizer.learning_rate=3.3e-5,"), "{}", found.remedy());
        (found.quantity, found.times) = (Quantity::Weights, Vec::new());
        assert!(!found.can_be_skipped() && !found.what().contains("t ="), "{}", found.what());
    }

    #[test]
    fn the_first_in_order_is_named() {
        let tensors: Vec<Tensor<f32>> =
            [1.0, f32::INFINITY, f32::NAN].map(|value| Tensor::from_fn([3], |_| value)).to_vec();
        let names = ["a", "b", "c"];
        assert_eq!(first_not_finite(names.into_iter().zip(&tensors)).as_deref(), Some("b"));
        assert_eq!(first_not_finite(names.into_iter().zip(&tensors).take(1)), None);
    }
}
