//! Vectors of four numbers: WebAssembly's 128-bit registers.

use super::arithmetic::{MANTISSA, Vector};
#[cfg(not(target_feature = "relaxed-simd"))]
use super::once;
use std::arch::wasm32::*;

const W: usize = 4;

/// One register.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(in crate::simd) struct Simd128Vector(v128);

/// `x · factor + sum`. The standard leaves it to the machine whether it rounds once; a module with this instruction is for machines
/// that do ([`multiply_adds_are_fused`](crate::simd::multiply_adds_are_fused)).
#[cfg(target_feature = "relaxed-simd")]
#[inline(always)]
fn fused(x: v128, factor: v128, sum: v128) -> v128 {
    f32x4_relaxed_madd(x, factor, sum)
}

/// `x · factor + sum`, rounded once, of instructions that every machine executes alike.
#[cfg(not(target_feature = "relaxed-simd"))]
#[inline(always)]
fn fused(x: v128, factor: v128, sum: v128) -> v128 {
    let (x, factor, sum) = (numbers(x), numbers(factor), numbers(sum));
    let [a, b, c, d] = std::array::from_fn(|i| once::multiply_add(x[i], factor[i], sum[i]));
    f32x4(a, b, c, d)
}

#[inline(always)]
fn numbers(x: v128) -> [f32; W] {
    [
        f32x4_extract_lane::<0>(x),
        f32x4_extract_lane::<1>(x),
        f32x4_extract_lane::<2>(x),
        f32x4_extract_lane::<3>(x),
    ]
}

impl Vector<W> for Simd128Vector {
    // Of the sixteen of x86-64, engines keep one for themselves.
    const REGISTERS: usize = 15;

    #[inline(always)]
    fn zero() -> Simd128Vector {
        Self::splat(0.0)
    }
    #[inline(always)]
    fn splat(c: f32) -> Simd128Vector {
        Simd128Vector(f32x4_splat(c))
    }
    #[inline(always)]
    fn load(from: &[f32; W]) -> Simd128Vector {
        // SAFETY: the array has as many bytes as are read; the instruction takes any alignment.
        Simd128Vector(unsafe { v128_load(from.as_ptr().cast()) })
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; W]) {
        // SAFETY: the array has as many bytes as are written; the instruction takes any alignment.
        unsafe { v128_store(to.as_mut_ptr().cast(), self.0) }
    }
    #[inline(always)]
    fn load_some(from: &[f32]) -> Simd128Vector {
        match *from {
            [] => Self::zero(),
            [a] => Simd128Vector(f32x4(a, 0.0, 0.0, 0.0)),
            [a, b] => Simd128Vector(f32x4(a, b, 0.0, 0.0)),
            [a, b, c] => Simd128Vector(f32x4(a, b, c, 0.0)),
            [a, b, c, d, ..] => Self::load(&[a, b, c, d]),
        }
    }
    #[inline(always)]
    fn store_some(self, to: &mut [f32]) {
        if let Some(all) = to.first_chunk_mut::<W>() {
            return self.store(all);
        }
        for (to, number) in to.iter_mut().zip(numbers(self.0)) {
            *to = number;
        }
    }
    #[inline(always)]
    fn scale(self, c: f32) -> Simd128Vector {
        self.mul(Self::splat(c))
    }
    #[inline(always)]
    fn add(self, other: Simd128Vector) -> Simd128Vector {
        Simd128Vector(f32x4_add(self.0, other.0))
    }
    #[inline(always)]
    fn sub(self, other: Simd128Vector) -> Simd128Vector {
        Simd128Vector(f32x4_sub(self.0, other.0))
    }
    #[inline(always)]
    fn mul_add(self, c: f32, sum: Simd128Vector) -> Simd128Vector {
        self.product_add(Self::splat(c), sum)
    }
    #[inline(always)]
    fn mul(self, other: Simd128Vector) -> Simd128Vector {
        Simd128Vector(f32x4_mul(self.0, other.0))
    }
    #[inline(always)]
    fn div(self, other: Simd128Vector) -> Simd128Vector {
        Simd128Vector(f32x4_div(self.0, other.0))
    }
    #[inline(always)]
    fn product_add(self, factor: Simd128Vector, sum: Simd128Vector) -> Simd128Vector {
        Simd128Vector(fused(self.0, factor.0, sum.0))
    }
    #[inline(always)]
    fn clamp(self, least: f32, most: f32) -> Simd128Vector {
        // Both return the first operand where one is NaN.
        Simd128Vector(f32x4_pmax(f32x4_pmin(self.0, f32x4_splat(most)), f32x4_splat(least)))
    }
    #[inline(always)]
    fn times_two_to(self, power: Simd128Vector) -> Simd128Vector {
        Simd128Vector(i32x4_add(self.0, i32x4_shl(power.0, MANTISSA as u32)))
    }
    #[inline(always)]
    fn mul_add_lane(self, numbers: Simd128Vector, lane: usize, sum: Simd128Vector) -> Simd128Vector {
        let x = numbers.0;
        let all = match lane {
            0 => i32x4_shuffle::<0, 0, 0, 0>(x, x),
            1 => i32x4_shuffle::<1, 1, 1, 1>(x, x),
            2 => i32x4_shuffle::<2, 2, 2, 2>(x, x),
            _ => i32x4_shuffle::<3, 3, 3, 3>(x, x),
        };
        self.product_add(Simd128Vector(all), sum)
    }
    /// Neighbouring rows exchange single numbers, then pairs.
    #[inline(always)]
    fn transpose([a, b, c, d]: [Simd128Vector; W]) -> [Simd128Vector; W] {
        let (low_ab, high_ab) =
            (i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0), i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0));
        let (low_cd, high_cd) =
            (i32x4_shuffle::<0, 4, 1, 5>(c.0, d.0), i32x4_shuffle::<2, 6, 3, 7>(c.0, d.0));
        [
            Simd128Vector(i64x2_shuffle::<0, 2>(low_ab, low_cd)),
            Simd128Vector(i64x2_shuffle::<1, 3>(low_ab, low_cd)),
            Simd128Vector(i64x2_shuffle::<0, 2>(high_ab, high_cd)),
            Simd128Vector(i64x2_shuffle::<1, 3>(high_ab, high_cd)),
        ]
    }
}
