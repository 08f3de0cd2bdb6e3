//! The adjoint identity of linear operations: with y = J x, ⟨J v, u⟩ = ⟨v, Jᵀ u⟩ for all v and u, to rounding and
//! without any step size. In f32 as well: its kernels are other code than those of f64.

use proptest::prelude::*;
use tweedie_autograd::{
    Result, Tape, Var,
    ops::{concat, gather},
};
use tweedie_tensor::ops::{Conv2dOptions, Padding};
use tweedie_tensor::random::{self, Purpose};
use tweedie_tensor::{Element, Shape, Tensor};

fn normals<T: Element>(dims: &[usize], seed: u64) -> Tensor<T> {
    random::normal(Shape::new(dims).unwrap(), seed, Purpose::TEST, 0, 0)
}

fn dot<T: Element>(a: &Tensor<T>, b: &Tensor<T>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a.to_f64() * b.to_f64()).sum()
}

/// Holds ⟨f(v), u⟩ = ⟨v, fᵀ(u)⟩ to `tolerance` · ‖f(v)‖ ‖u‖, for normal v of the given shape and normal u.
fn adjoint_in<T: Element>(
    tolerance: f64,
    dims: &[usize],
    seed: u64,
    f: impl Fn(Var<T>) -> Result<Var<T>>,
) -> std::result::Result<(), TestCaseError> {
    let tape = Tape::new();
    let v = tape.leaf(normals(dims, seed));
    let y = f(v.clone()).unwrap();
    let value = y.value().clone();
    let u = normals(y.dims(), !seed);
    let gradients = y.vjp(u.clone()).unwrap();
    let (forward, backward) = (dot(&value, &u), dot(v.value(), gradients.wrt(&v).unwrap()));
    let scale = (dot(&value, &value) * dot(&u, &u)).sqrt();
    prop_assert!((forward - backward).abs() <= tolerance * scale, "{forward} and {backward} for {dims:?}");
    Ok(())
}

/// The identity in both precisions.
macro_rules! adjoint {
    ($dims:expr, $seed:expr, $f:expr) => {
        adjoint_in::<f64>(1e-12, &$dims, $seed, $f)?;
        adjoint_in::<f32>(1e-5, &$dims, $seed, $f)?;
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn convolutions(
        (n, c, o) in (1usize..4, 1usize..20, 1usize..20),
        (h, w) in (3usize..14, 3usize..14),
        (kh, kw) in (1usize..4, 1usize..4),
        stride in 1usize..3,
        sides in prop::array::uniform4(0usize..2),
        seed: u64,
    ) {
        let [top, bottom, left, right] = sides;
        let geometry = Conv2dOptions { stride, padding: Padding { top, bottom, left, right } };
        let (picture, kernel) = ([n, c, h, w], [o, c, kh, kw]);
        adjoint!(picture, seed, |x| x.conv2d(Var::constant(normals(&kernel, seed ^ 1)), None, geometry));
        adjoint!(kernel, seed, |w| Var::constant(normals(&picture, seed ^ 1)).conv2d(w, None, geometry));
    }

    #[test]
    fn products((b, m, k, n) in (1usize..4, 1usize..40, 1usize..40, 1usize..60), [ta, tb]: [bool; 2], seed: u64) {
        let (left, right) = (if ta { [b, k, m] } else { [b, m, k] }, if tb { [b, n, k] } else { [b, k, n] });
        adjoint!(left, seed, |a| a.matmul_transposed(Var::constant(normals(&right, seed ^ 1)), [ta, tb].into()));
        adjoint!(right, seed, |b| Var::constant(normals(&left, seed ^ 1)).matmul_transposed(b, [ta, tb].into()));
        // One matrix for the whole batch: its gradient is the sum over the batch.
        adjoint!([m, k], seed, |a| a.matmul(Var::constant(normals(&[b, k, n], seed ^ 1))));
    }

    #[test]
    fn everything_that_moves_or_adds_numbers(
        (n, c, h, w) in (1usize..4, 1usize..6, 2usize..9, 2usize..9),
        factor in 1usize..4,
        rows in prop::collection::vec(0usize..3, 1..6),
        seed: u64,
    ) {
        let dims = [n, c, h, w];
        adjoint!(dims, seed, |x| x.upsample_nearest(factor));
        adjoint!(dims, seed, |x| x.avg_pool2d(2, factor));
        adjoint!(dims, seed, |x| x.pad2d(Padding { top: 0, bottom: 1, left: 2, right: factor }));
        adjoint!(dims, seed, |x| x.permute(&[2, 0, 3, 1])?.reshape([h, n * w * c]));
        adjoint!(dims, seed, |x| x.narrow(3, 1, w - 1));
        adjoint!(dims, seed, |x| concat([x.clone(), x.scale(-0.5)?], 1));
        adjoint!(dims, seed, |x| x.sum_axis_keepdim(2));
        adjoint!(dims, seed, |x| x.mean());
        adjoint!(dims, seed, |x| x.clone().add(x));
        adjoint!([c, 1, w], seed, |x| x.sub(Var::constant(Tensor::zeros(dims))));
        adjoint!([1, h, 1], seed, |x| x.mul(Var::constant(normals(&dims, seed ^ 1))));
        adjoint!([3, c], seed, |table| gather(table, &rows));
    }
}
