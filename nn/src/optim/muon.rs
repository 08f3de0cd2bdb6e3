//! Muon (Jordan et al. 2024): descent along the orthogonal factor of a matrix's momentum.

use crate::Params;
use tweedie_tensor::ops::{self, SgdStep, UpdateRule};
use tweedie_tensor::{Shape, Tensor};

/// The shortest side of what is treated as a matrix: below, there is little to make orthogonal.
const LEAST_SIDE: usize = 16;

/// The size of a step's numbers, in the root of their mean square, as a share of the learning rate: that of AdamW's steps (Liu et
/// al. 2025, section 2.2).
const STEP_RMS: f64 = 0.2;

/// The layers whose weights are embedding tables.
const TABLES: [&str; 3] = ["class_embedding", "token_embedding", "position_embedding"];

/// Whether a parameter is a matrix that Muon updates: the weights of a linear map, or of a convolution with all axes after the first
/// taken as one. An embedding table is not one: its rows do not act together.
fn is_matrix(name: &str, shape: &Shape) -> bool {
    let Some((&rows, rest)) = shape.dims().split_first() else { return false };
    let columns: usize = rest.iter().product();
    !rest.is_empty() && rows.min(columns) >= LEAST_SIDE && !is_table(name)
}

fn is_table(name: &str) -> bool {
    name.rsplit('.').nth(1).is_some_and(|layer| TABLES.contains(&layer))
}

/// The directions of all matrices that have a gradient, and of no other parameter.
///
/// With the gradient g, B ← `momentum` B + g; the direction is about the orthogonal factor of g + `momentum` B (Nesterov's), made as
/// large as AdamW's steps.
pub(super) fn directions(
    params: &Params<f32>,
    gradients: &[Option<Tensor<f32>>],
    sums: &mut [Tensor<f32>],
    [grad_scale, momentum]: [f64; 2],
) -> tweedie_tensor::Result<Vec<Option<Tensor<f32>>>> {
    let (mut ahead, mut places) = (Vec::new(), Vec::new());
    for (place, (((name, value), sum), gradient)) in params.iter().zip(sums).zip(gradients).enumerate() {
        let Some(gradient) = gradient.as_ref().filter(|_| is_matrix(name, value.shape())) else { continue };
        let mut gradient = ops::scale(gradient.clone(), grad_scale);
        *sum = ops::scale(std::mem::replace(sum, Tensor::scalar(0.0)), momentum);
        ops::add_assign(sum, &gradient)?;
        ops::axpy(&mut gradient, momentum, sum)?;
        ahead.push(gradient);
        places.push(place);
    }
    ops::orthogonalise(&mut ahead)?;
    let mut directions = vec![None; params.len()];
    for (place, direction) in places.into_iter().zip(ahead) {
        let rows = direction.dims()[0];
        let longest = rows.max(direction.numel() / rows.max(1));
        directions[place] = Some(ops::scale(direction, STEP_RMS * (longest as f64).sqrt()));
    }
    Ok(directions)
}

/// W ← W − `lr` (direction + `weight_decay` W).
pub(super) fn rule(lr: f64, weight_decay: f64) -> UpdateRule {
    UpdateRule::Sgd(SgdStep { grad_scale: 1.0, momentum: 0.0, rate: lr, penalty: weight_decay })
}

#[cfg(test)]
mod tests {
    use super::super::{OptimConfig, Optimizer, StepOptions};
    use super::*;
    use crate::{Builder, Init, ParamId};
    use tweedie_tensor::check::values;

    const MUON: OptimConfig =
        OptimConfig::Muon { momentum: 0.95, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.1 };

    fn matrix(rows: usize, columns: usize) -> Params<f32> {
        let b = Builder::new();
        b.param("weight", [rows, columns], Init::Normal);
        b.draw(3)
    }

    #[test]
    fn weights_of_layers_are_matrices_and_other_parameters_are_not() {
        for (name, shape, expected) in [
            ("mid.conv1.weight", [64, 64, 3, 3].into(), true),
            ("to_q.weight", [128, 128].into(), true),
            ("conv_in.weight", [64, 4, 3, 3].into(), true),
            ("conv_out.weight", [4, 64, 3, 3].into(), false),
            ("norm1.weight", Shape::from([64]), false),
            ("class_embedding.weight", [11, 256].into(), false),
            ("caption.token_embedding.weight", [300, 256].into(), false),
            ("context_embedding.weight", [256, 128].into(), true),
        ] {
            assert_eq!(is_matrix(name, &shape), expected, "{name} {shape}");
        }
    }

    #[test]
    fn two_steps_agree_with_the_formula_in_f64() {
        let (rows, columns, lr) = (24, 40, 0.02);
        let mut params = matrix(rows, columns);
        let mut w = params.get(ParamId(0)).cast::<f64>();
        let mut optimizer = Optimizer::new(MUON, &params).unwrap();
        let mut sum = Tensor::<f64>::zeros([rows, columns]);
        for step in 1..=2 {
            let g = values::<f64>([rows, columns], step);
            optimizer.step(&mut params, &[Some(g.cast())], StepOptions::at(lr)).unwrap();
            sum = Tensor::from_fn(*g.shape(), |i| 0.95 * sum.as_slice()[i] + g.as_slice()[i]);
            let ahead = Tensor::from_fn(*g.shape(), |i| g.as_slice()[i] + 0.95 * sum.as_slice()[i]);
            let mut direction = [ahead];
            ops::orthogonalise(&mut direction).unwrap();
            let [direction] = direction;
            w = Tensor::from_fn(*g.shape(), |i| {
                let w = w.as_slice()[i];
                w - lr * (0.2 * 40f64.sqrt() * direction.as_slice()[i] + 0.1 * w)
            });
            for (got, expected) in params.get(ParamId(0)).as_slice().iter().zip(w.as_slice()) {
                assert!((f64::from(*got) - expected).abs() < 1e-5, "{got} for {expected}");
            }
        }
    }

    #[test]
    fn a_step_is_as_large_as_one_of_adamw_however_large_the_gradient() {
        for (rows, columns, size) in [(16, 16, 1.0), (32, 128, 1e-6), (128, 32, 1e4)] {
            let mut params = matrix(rows, columns);
            let before = params.get(ParamId(0)).clone();
            let config =
                OptimConfig::Muon { momentum: 0.95, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.0 };
            let mut optimizer = Optimizer::new(config, &params).unwrap();
            let gradient =
                Tensor::from_fn([rows, columns], |i| size * values::<f32>([rows, columns], 1).as_slice()[i]);
            optimizer.step(&mut params, &[Some(gradient)], StepOptions::at(1e-2)).unwrap();
            let after = params.get(ParamId(0)).as_slice().iter();
            let squares: f64 = after.zip(before.as_slice()).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            let root = (squares / (rows * columns) as f64).sqrt();
            // 0.2 for singular values of 1, which lie between 0.7 and 1.2, or below for small ones.
            assert!((0.1e-2..0.25e-2).contains(&root), "{rows} × {columns}: {root}");
        }
    }

    #[test]
    fn a_restored_optimizer_goes_on_with_the_same_bits() {
        let run = |params: &mut Params<f32>, optimizer: &mut Optimizer, steps: std::ops::Range<u64>| {
            for step in steps {
                let gradient = values::<f32>([24, 40], step);
                optimizer.step(params, &[Some(gradient)], StepOptions::at(0.02)).unwrap();
            }
        };
        let (mut whole, mut cut) = (matrix(24, 40), matrix(24, 40));
        let mut optimizer = Optimizer::new(MUON, &whole).unwrap();
        run(&mut whole, &mut optimizer, 0..5);
        let mut first = Optimizer::new(MUON, &cut).unwrap();
        run(&mut cut, &mut first, 0..2);
        let state = first.state(&cut).map(|(name, value)| (name, value.clone())).collect();
        let mut second = Optimizer::restore(MUON, &cut, first.steps(), &state).unwrap();
        run(&mut cut, &mut second, 2..5);
        assert_eq!(whole.get(ParamId(0)).as_slice(), cut.get(ParamId(0)).as_slice());
    }

    #[test]
    fn it_comes_to_the_minimum_of_a_quadratic() {
        // ½ ‖W − T‖², whose gradient is W − T.
        let target = values::<f32>([16, 24], 5);
        let mut params = matrix(16, 24);
        let config =
            OptimConfig::Muon { momentum: 0.9, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.0 };
        let mut optimizer = Optimizer::new(config, &params).unwrap();
        let mut losses = Vec::new();
        for step in 0..200 {
            let mut away = params.get(ParamId(0)).clone();
            ops::axpy(&mut away, -1.0, &target).unwrap();
            losses.push(ops::sum_squares(&away));
            let lr = 0.2 * (1.0 - f64::from(step) / 200.0);
            optimizer.step(&mut params, &[Some(away)], StepOptions::at(lr)).unwrap();
        }
        assert!(losses[199] < 0.01 * losses[0], "{} of {}", losses[199], losses[0]);
    }
}
