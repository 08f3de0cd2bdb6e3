//! What the tape promises, whatever is recorded on it.

use tweedie_autograd::check::{gradient_error, values};
use tweedie_autograd::{Error, ParamId, Tape, Var, checkpoint};
use tweedie_tensor::Tensor;

type Result<T> = tweedie_autograd::Result<T>;

fn numbers(values: &[f64]) -> Tensor<f64> {
    Tensor::from_slice([values.len()], values).unwrap()
}

#[test]
fn a_square_of_itself_and_a_diamond() {
    let tape = Tape::new();
    let x = tape.leaf(numbers(&[3.0]));
    let gradients = x.clone().mul(x.clone()).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(gradients.wrt(&x).unwrap().as_slice(), [6.0]);

    // x goes two ways and both meet again: d/dx (sin x · e^x) = e^x (sin x + cos x).
    let tape = Tape::new();
    let x = tape.leaf(numbers(&[0.4]));
    let y = x.clone().sin().unwrap().mul(x.clone().exp().unwrap()).unwrap();
    let gradients = y.sum().unwrap().backward().unwrap();
    let expected = 0.4f64.exp() * (0.4f64.sin() + 0.4f64.cos());
    assert!((gradients.wrt(&x).unwrap().as_slice()[0] - expected).abs() < 1e-14);
}

#[test]
fn two_consumers_add_up_and_the_gradients_do_not_share_memory() {
    let tape = Tape::new();
    let (x, y) = (tape.leaf(numbers(&[1.0, 2.0])), tape.leaf(numbers(&[5.0, 7.0])));
    // Addition hands the very same tensor to both operands; what x gets on top must not reach y.
    let z = x.clone().add(y.clone()).unwrap().add(x.clone().scale(3.0).unwrap()).unwrap();
    let gradients = z.sum().unwrap().backward().unwrap();
    assert_eq!(gradients.wrt(&x).unwrap().as_slice(), [4.0, 4.0]);
    assert_eq!(gradients.wrt(&y).unwrap().as_slice(), [1.0, 1.0]);
}

#[test]
fn a_constant_records_nothing_and_stops_gradients() {
    let tape = Tape::new();
    let x = tape.leaf(numbers(&[2.0]));
    let c = Var::constant(numbers(&[5.0]));
    assert!(c.clone().exp().unwrap().tape().is_none());
    let y = x.clone().mul(c).unwrap().add(x.detach().square().unwrap()).unwrap();
    assert_eq!(tape.len(), 3);
    let gradients = y.sum().unwrap().backward().unwrap();
    assert_eq!(gradients.wrt(&x).unwrap().as_slice(), [5.0]);
}

#[test]
fn a_leaf_that_the_loss_does_not_reach_has_no_gradient() {
    let tape = Tape::new();
    let (x, y) = (tape.leaf(numbers(&[2.0])), tape.leaf(numbers(&[3.0])));
    let _unused = y.clone().exp().unwrap();
    let gradients = x.clone().exp().unwrap().sum().unwrap().backward().unwrap();
    assert!(gradients.wrt(&x).is_some() && gradients.wrt(&y).is_none());
}

#[test]
fn a_parameter_is_ready_once_and_when_it_is_final() {
    let tape = Tape::new();
    let (a, b) = (numbers(&[2.0]), numbers(&[3.0]));
    let x = Var::constant(numbers(&[1.5]));
    // a is used twice, with b between: its gradient is final only at its first use, after b's.
    let y = x.mul(tape.param(ParamId(0), &a)).unwrap();
    let y = y.mul(tape.param(ParamId(1), &b)).unwrap();
    let y = y.mul(tape.param(ParamId(0), &a)).unwrap();
    let mut order = Vec::new();
    let gradients = y
        .sum()
        .unwrap()
        .backward_with(|id, gradient| {
            order.push((id.0, gradient.as_slice()[0]));
            gradient.as_mut_slice()[0] *= 10.0;
        })
        .unwrap();
    // y = 1.5 a² b
    assert_eq!(order, [(1, 6.0), (0, 18.0)]);
    assert_eq!(gradients.param(ParamId(0)).unwrap().as_slice(), [180.0]);
}

#[test]
fn misuse_is_refused_by_name() {
    let (one, other) = (Tape::new(), Tape::new());
    let (x, y) = (one.leaf(numbers(&[1.0, 2.0])), other.leaf(numbers(&[1.0, 2.0])));
    assert_eq!(x.clone().add(y).unwrap_err(), Error::ForeignTape { op: "binary" });
    assert!(matches!(x.clone().backward(), Err(Error::NotScalar { .. })));
    assert!(matches!(Var::constant(numbers(&[1.0])).backward(), Err(Error::Constant)));
    let loss = x.clone().sum().unwrap();
    loss.clone().backward().unwrap();
    assert_eq!(x.clone().exp().unwrap_err(), Error::Spent { op: "unary" });
    assert!(matches!(loss.backward(), Err(Error::Spent { .. })));
    let tape = Tape::new();
    let x = tape.leaf(numbers(&[1.0, 2.0]));
    assert!(matches!(x.vjp(numbers(&[1.0])), Err(Error::GradientShape { .. })));
}

/// A small network of two parameters.
fn network(tape: &Tape<f64>, x: Var<f64>, a: &Tensor<f64>, b: &Tensor<f64>) -> Result<Var<f64>> {
    let h = x.clone().mul(tape.param(ParamId(0), a))?.silu()?;
    h.mul(tape.param(ParamId(1), b))?.add(x)?.tanh()
}

#[test]
fn a_checkpoint_changes_neither_values_nor_gradients() {
    let (x, a, b) = (values(&[4, 3], 1), values(&[3], 2), values(&[4, 1], 3));
    let run = |recompute: bool| {
        let tape = Tape::new();
        let leaf = tape.leaf(x.clone());
        let (a, b) = (a.clone(), b.clone());
        // The first parameter is also used outside of the checkpointed part.
        let start = leaf.clone().add(tape.param(ParamId(0), &a)).unwrap();
        let y = if recompute {
            let part =
                move |tape: &Tape<f64>, mut inputs: Vec<Var<f64>>| network(tape, inputs.remove(0), &a, &b);
            checkpoint(&tape, vec![start], part).unwrap()
        } else {
            network(&tape, start, &a, &b).unwrap()
        };
        let value = y.value().as_slice().to_vec();
        let gradients = y.square().unwrap().sum().unwrap().backward().unwrap();
        let of = |id| gradients.param(ParamId(id)).unwrap().as_slice().to_vec();
        (value, gradients.wrt(&leaf).unwrap().as_slice().to_vec(), of(0), of(1), tape.len())
    };
    let (plain, checkpointed) = (run(false), run(true));
    assert_eq!(plain.0, checkpointed.0);
    for (one, other) in
        [(&plain.1, &checkpointed.1), (&plain.2, &checkpointed.2), (&plain.3, &checkpointed.3)]
    {
        for (p, q) in one.iter().zip(other) {
            assert!((p - q).abs() < 1e-13, "{p} {q}");
        }
    }
}

#[test]
fn the_check_sees_a_wrong_gradient() {
    // x² whose second factor is detached claims the derivative x instead of 2x.
    let wrong = |[x]: [Var<f64>; 1]| x.clone().mul(x.detach());
    assert!(gradient_error(&[values(&[3], 1)], wrong).unwrap() > 0.4);
}
