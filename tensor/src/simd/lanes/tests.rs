//! Each kind of vector against arrays.

use super::*;
use crate::simd::Isa;
use std::array;

/// Loads, stores, arithmetic and the transpose.
#[inline(always)]
fn arithmetic<L: Lanes<W>, const W: usize>() {
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
    let mut sixteen: [f32; MOST_LANES] = array::from_fn(|i| i as f32);
    for part in 0..MOST_LANES / W {
        assert_eq!(stored(L::load_part(&sixteen, part)), array::from_fn(|i| (part * W + i) as f32));
        a.store_part(&mut sixteen, part);
        assert_eq!(sixteen[part * W..][..W], x);
    }
}

/// Reads under masks, whose other lanes lie outside the memory that is there.
#[inline(always)]
fn masks<L: Masked<W>, const W: usize>() {
    let stored = |vector: L| {
        let mut out = [f32::NAN; W];
        vector.store(&mut out);
        out
    };
    let numbers: Vec<f32> = (0..W).map(|i| i as f32 + 1.0).collect();
    let odd = |i: usize| i % 2 == 1;
    let odd_bits = (0..W).filter(|&i| odd(i)).fold(0, |bits, i| bits | 1 << i);
    let limits: [u32; W] = array::from_fn(|i| if i == 1 { u32::MAX } else { i as u32 });
    let indices: [i32; W] = array::from_fn(|i| (W - 1 - i) as i32);
    for (mask, keeps) in [
        (L::mask(odd_bits), &odd as &dyn Fn(usize) -> bool),
        (L::below(&limits, 3), &|i| i == 0 || i == 2),
        (L::both(L::mask(odd_bits), L::below(&limits, 6)), &|i| i == 3 || i == 5),
    ] {
        // SAFETY: `numbers` has all lanes.
        let (loaded, merged, gathered) = unsafe {
            let others = L::load(&array::from_fn(|i| if keeps(i) { 0.0 } else { -1.0 }));
            let from = numbers.as_ptr();
            (
                L::load_where(mask, from),
                L::load_into(others, mask, from),
                L::gather_where(mask, from, &indices),
            )
        };
        let kept = |i: usize, x: f32, other: f32| if keeps(i) { x } else { other };
        assert_eq!(stored(loaded), array::from_fn(|i| kept(i, numbers[i], 0.0)));
        assert_eq!(stored(merged), array::from_fn(|i| kept(i, numbers[i], -1.0)));
        assert_eq!(stored(gathered), array::from_fn(|i| kept(i, numbers[W - 1 - i], 0.0)));
    }
    // SAFETY: lanes that are masked out may lie anywhere.
    let nothing = unsafe { L::load_where(L::mask(0), std::ptr::without_provenance(64)) };
    assert_eq!(stored(nothing), [0.0; W]);
}

#[test]
fn every_kind_of_vector() {
    for isa in [Isa::Portable, Isa::Avx2, Isa::Avx512].into_iter().filter(|&isa| isa <= Isa::detected()) {
        on_isa!(isa, arithmetic());
    }
    #[cfg(target_arch = "x86_64")]
    {
        if Isa::detected() >= Isa::Avx2 {
            // SAFETY: the processor has the instructions.
            unsafe { crate::simd::with_avx2(masks::<Narrow, 8>) };
        }
        if Isa::detected() >= Isa::Avx512 {
            // SAFETY: as above.
            unsafe { crate::simd::with_avx512(masks::<Wide, 16>) };
        }
    }
}
