//! Each vector type against arrays.

use super::*;
use crate::simd::Isa;
use std::array;

/// Loads, stores, arithmetic and the transpose.
#[inline(always)]
fn arithmetic<L: Vector<W>, const W: usize>() {
    let x: [f32; W] = array::from_fn(|i| i as f32 + 0.5);
    let y: [f32; W] = array::from_fn(|i| 3.0 - i as f32);
    let stored = |vector: L| {
        let mut out = [f32::NAN; W];
        vector.store(&mut out);
        out
    };
    let (a, b) = (L::load(&x), L::load(&y));
    assert_eq!(stored(L::zero()), [0.0; W]);
    assert_eq!(stored(a.add(b)), array::from_fn(|i| x[i] + y[i]));
    assert_eq!(stored(a.sub(b)), array::from_fn(|i| x[i] - y[i]));
    assert_eq!(stored(a.scale(0.3)), array::from_fn(|i| x[i] * 0.3));
    assert_eq!(stored(a.mul_add(0.3, b)), array::from_fn(|i| x[i].mul_add(0.3, y[i])));
    for lane in 0..W {
        let expected = array::from_fn(|i| x[i].mul_add(y[lane], x[i]));
        assert_eq!(stored(a.mul_add_lane(b, lane, a)), expected);
    }
    outer_product::<L, 1, 1, W>(a, &stored);
    outer_product::<L, 3, 2, W>(a, &stored);
    outer_product::<L, 6, 4, W>(a, &stored);
    outer_product::<L, 8, 3, W>(a, &stored);
    assert_eq!(stored(a.mul(b)), array::from_fn(|i| x[i] * y[i]));
    assert_eq!(stored(a.div(b)), array::from_fn(|i| x[i] / y[i]));
    assert_eq!(stored(a.product_add(b, b)), array::from_fn(|i| x[i].mul_add(y[i], y[i])));
    assert_eq!(stored(a.clamp(1.0, 6.0)), array::from_fn(|i| x[i].clamp(1.0, 6.0)));
    assert!(stored(L::splat(f32::NAN).clamp(1.0, 6.0))[W - 1].is_nan());
    for n in [-100, -3, 0, 1, 100] {
        let power = L::splat(12_582_912.0 + n as f32);
        assert_eq!(stored(a.times_two_to(power)), array::from_fn(|i| x[i] * (n as f32).exp2()));
    }
    for len in 0..=W {
        assert_eq!(stored(L::load_some(&x[..len])), array::from_fn(|i| if i < len { x[i] } else { 0.0 }));
        let mut out = [-1.0; W];
        a.store_some(&mut out[..len]);
        assert_eq!(out, array::from_fn(|i| if i < len { x[i] } else { -1.0 }));
    }
    let rows: [L; W] = array::from_fn(|i| L::load(&array::from_fn(|j| (i * W + j) as f32)));
    for (j, column) in L::transpose(rows).into_iter().enumerate() {
        assert_eq!(stored(column), array::from_fn(|i| (i * W + j) as f32));
    }
    let mut sixteen: [f32; MAX_LANES] = array::from_fn(|i| i as f32);
    for part in 0..MAX_LANES / W {
        assert_eq!(stored(L::load_part(&sixteen, part)), array::from_fn(|i| (part * W + i) as f32));
        a.store_part(&mut sixteen, part);
        assert_eq!(sixteen[part * W..][..W], x);
    }
}

fn outer_product<L: Vector<W>, const R: usize, const V: usize, const W: usize>(
    a: L,
    stored: &impl Fn(L) -> [f32; W],
) {
    let column: [f32; R] = array::from_fn(|r| 0.3 * r as f32 - 0.7);
    let row: [L; V] = array::from_fn(|v| a.scale(v as f32 + 0.1));
    let mut sums = [[a; V]; R];
    L::add_outer_product(&column, &row, &mut sums);
    for r in 0..R {
        for v in 0..V {
            assert_eq!(stored(sums[r][v]), stored(row[v].mul_add(column[r], a)));
        }
    }
}

#[test]
fn every_vector_type_computes_what_arrays_do() {
    for isa in Isa::available() {
        on_isa!(isa, arithmetic());
    }
}
