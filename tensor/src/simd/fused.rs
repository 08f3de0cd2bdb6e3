//! Whether multiply-adds round once, tried on the machine.

use super::Isa;
use super::vector::{Vector, on_isa, once};
use std::hint::black_box;

/// Whether the active instruction set's multiply-adds, and those of single numbers, round once here. They do on every processor that
/// is supported; but WebAssembly's relaxed ones may round twice, as the machine likes.
pub fn multiply_adds_are_fused() -> bool {
    // (1 + ε)² − (1 + 2ε) = ε²
    let square = |x: f64| x.mul_add(x, 1.0 - 2.0 * x);
    square(black_box(1.0 + f64::EPSILON)) == f64::EPSILON * f64::EPSILON
        && on_isa!(Isa::active(), round_once())
}

#[inline(always)]
fn round_once<L: Vector<W>, const W: usize>() -> bool {
    // Sums that cancel, and one beside a midpoint.
    let (below, above) = (8_384_513.0 / 8_388_608.0, 8_392_705.0 / 8_388_608.0);
    let cases = black_box([
        [1.0 + f32::EPSILON, 1.0 - f32::EPSILON, -1.0],
        [1.0 / 3.0, 3.0, -1.0],
        [below, above / 16_777_216.0, 1.0],
        [-0.7, 1.1, 0.77],
    ]);
    cases.into_iter().all(|[x, factor, sum]| {
        let mut found = [0.0; W];
        L::splat(x).product_add(L::splat(factor), L::splat(sum)).store(&mut found);
        let exact = once::multiply_add(x, factor, sum).to_bits();
        x.mul_add(factor, sum).to_bits() == exact && found.iter().all(|found| found.to_bits() == exact)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are() {
        for isa in Isa::available() {
            assert!(on_isa!(isa, round_once()), "{isa:?}");
        }
        assert!(multiply_adds_are_fused());
    }
}
