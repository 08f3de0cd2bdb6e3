use super::*;
use crate::check::{assert_close, assert_same_on_all_thread_counts, values};

/// A number of pieces, and none that fills its registers.
const SIZES: [usize; 3] = [5, PIECE + 7, 33];
const DECAY: f64 = 0.7;

const ADAM: AdamStep = AdamStep {
    grad_scale: 0.5,
    mean_gain: 0.2,
    square_keep: 0.95,
    square_gain: 0.05,
    rate: 0.01,
    root_scale: 1.3,
    eps: 1e-3,
    penalty: 0.1,
    shrink: 0.99,
};
const SGD: SgdStep = SgdStep { grad_scale: 0.5, momentum: 0.9, rate: 0.01, penalty: 0.1 };

/// Weights, gradient, two moments (none negative) and average of each parameter.
fn parameters<T: Element>() -> Vec<[Tensor<T>; 5]> {
    let of = |(i, n): (usize, usize)| {
        let [weights, gradient, first, average] =
            [1, 2, 3, 4].map(|kind| values::<T>([n], 10 * kind + i as u64));
        let second = Tensor::from_fn([n], |i| first.as_slice()[i] * first.as_slice()[i]);
        [weights, gradient, first, second, average]
    };
    SIZES.into_iter().enumerate().map(of).collect()
}

fn updates<T: Element>(parameters: &mut [[Tensor<T>; 5]], moments: usize) -> Vec<Update<'_, T>> {
    let mut updates = Vec::new();
    for [weights, gradient, first, second, average] in parameters {
        updates.push(Update {
            weights,
            gradient: Some(gradient),
            moments: [(moments > 0).then_some(first), (moments > 1).then_some(second)],
            average: Some(average),
        });
    }
    updates
}

/// The formulas of [`AdamStep`], [`SgdStep`] and of the average for one weight.
fn definition(rule: &UpdateRule, moments: usize, [w, g, m, v, mean]: [f64; 5]) -> [f64; 5] {
    let [w, m, v] = match *rule {
        UpdateRule::Adam(step) => {
            let g = step.grad_scale * g + step.penalty * w;
            let m = m + step.mean_gain * (g - m);
            let v = step.square_keep * v + step.square_gain * g * g;
            [step.shrink * w - step.rate * m / (step.root_scale * v.sqrt() + step.eps), m, v]
        }
        UpdateRule::Sgd(step) => {
            let g = step.grad_scale * g + step.penalty * w;
            let sum = if moments > 0 { step.momentum * m + g } else { g };
            [w - step.rate * sum, if moments > 0 { sum } else { m }, v]
        }
    };
    [w, g, m, v, DECAY * mean + (1.0 - DECAY) * w]
}

fn holds_in<T: Element>(tolerance: f64) {
    let rules = [(UpdateRule::Adam(ADAM), 2), (UpdateRule::Sgd(SGD), 1), (UpdateRule::Sgd(SGD), 0)];
    for (rule, moments) in rules {
        let mut found = parameters::<T>();
        optimizer_step(updates(&mut found, moments), &rule, DECAY).unwrap();
        for (found, before) in found.iter().zip(parameters::<T>()) {
            let expected: Vec<[f64; 5]> = (0..found[0].numel())
                .map(|i| definition(&rule, moments, before.each_ref().map(|x| x.as_slice()[i].to_f64())))
                .collect();
            for (kind, found) in found.iter().enumerate() {
                let expected: Vec<f64> = expected.iter().map(|values| values[kind]).collect();
                assert_close(found.as_slice(), &expected, tolerance);
            }
        }
    }
}

#[test]
fn a_step_is_its_formula_in_both_precisions() {
    holds_in::<f64>(1e-14);
    holds_in::<f32>(1e-6);
}

#[test]
fn without_a_gradient_only_the_average_moves() {
    let mut found = parameters::<f64>();
    let mut steps = updates(&mut found, 2);
    steps[0].gradient = None;
    optimizer_step(steps, &UpdateRule::Adam(ADAM), DECAY).unwrap();
    let [weights, _, first, second, average] = &parameters::<f64>()[0];
    assert_eq!(found[0][0].as_slice(), weights.as_slice());
    assert_eq!(found[0][2].as_slice(), first.as_slice());
    assert_eq!(found[0][3].as_slice(), second.as_slice());
    let expected: Vec<f64> = average
        .as_slice()
        .iter()
        .zip(weights.as_slice())
        .map(|(mean, w)| DECAY * mean + (1.0 - DECAY) * w)
        .collect();
    assert_close(found[0][4].as_slice(), &expected, 1e-15);
}

#[test]
fn the_norm_is_that_of_all_tensors_together() {
    let tensors: Vec<Tensor<f32>> = SIZES.into_iter().zip(1..).map(|(n, seed)| values([n], seed)).collect();
    let squares = tensors.iter().flat_map(|x| x.as_slice()).map(|&x| f64::from(x).powi(2));
    let expected = squares.sum::<f64>().sqrt();
    assert!((global_norm(&tensors) / expected - 1.0).abs() < 1e-12);
    assert_eq!(global_norm::<f32>([]), 0.0);
    assert!(global_norm([&Tensor::full([3], f32::NAN)]).is_nan());
}

#[test]
fn bits_do_not_depend_on_threads() {
    assert_same_on_all_thread_counts(|| {
        let mut found = parameters::<f32>();
        optimizer_step(updates(&mut found, 2), &UpdateRule::Adam(ADAM), DECAY).unwrap();
        let norm = global_norm(found.iter().flatten()).to_bits();
        (norm, found.iter().flatten().flat_map(|x| x.as_slice().to_vec()).collect::<Vec<f32>>())
    });
}

#[test]
fn what_does_not_belong_together_is_refused_and_nothing_changes() {
    let mut found = parameters::<f32>();
    found[2][2] = Tensor::zeros([4]);
    let error = optimizer_step(updates(&mut found, 2), &UpdateRule::Adam(ADAM), DECAY).unwrap_err();
    assert!(error.to_string().starts_with("optimizer_step: shapes [33] and [4]"), "{error}");
    assert_eq!(found[0][0].as_slice(), parameters::<f32>()[0][0].as_slice());
    let error = optimizer_step(updates(&mut parameters::<f32>(), 1), &UpdateRule::Adam(ADAM), DECAY);
    assert!(error.unwrap_err().to_string().starts_with("optimizer_step: moments = 1"));
}
