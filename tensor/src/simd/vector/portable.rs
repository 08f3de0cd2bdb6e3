//! Vectors of sixteen numbers as arrays, whose loops the compiler turns into the instructions that the target guarantees.

use super::arithmetic::{MANTISSA, Vector};
use std::array;

const W: usize = 16;

/// Sixteen numbers.
#[derive(Clone, Copy)]
pub(in crate::simd) struct PortableVector([f32; W]);

/// `x · factor + sum`, rounded once. Where the target has no instruction for it, each lane is a call. Sixteen calls inlined at every
/// place that adds a product would be a large part of this crate's code and of its compile time.
#[cfg_attr(all(target_arch = "x86_64", not(target_feature = "fma")), inline(never))]
#[cfg_attr(not(all(target_arch = "x86_64", not(target_feature = "fma"))), inline(always))]
fn fused(x: PortableVector, factor: PortableVector, sum: PortableVector) -> PortableVector {
    PortableVector(array::from_fn(|i| x.0[i].mul_add(factor.0[i], sum.0[i])))
}

impl Vector<W> for PortableVector {
    const REGISTERS: usize = 32;

    #[inline(always)]
    fn zero() -> PortableVector {
        PortableVector([0.0; W])
    }
    #[inline(always)]
    fn splat(c: f32) -> PortableVector {
        PortableVector([c; W])
    }
    #[inline(always)]
    fn load(from: &[f32; W]) -> PortableVector {
        PortableVector(*from)
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; W]) {
        *to = self.0;
    }
    #[inline(always)]
    fn load_some(from: &[f32]) -> PortableVector {
        let (mut lanes, used) = ([0.0; W], from.len().min(W));
        lanes[..used].copy_from_slice(&from[..used]);
        PortableVector(lanes)
    }
    #[inline(always)]
    fn store_some(self, to: &mut [f32]) {
        let used = to.len().min(W);
        to[..used].copy_from_slice(&self.0[..used]);
    }
    #[inline(always)]
    fn scale(self, c: f32) -> PortableVector {
        PortableVector(self.0.map(|x| x * c))
    }
    #[inline(always)]
    fn add(self, other: PortableVector) -> PortableVector {
        PortableVector(array::from_fn(|i| self.0[i] + other.0[i]))
    }
    #[inline(always)]
    fn sub(self, other: PortableVector) -> PortableVector {
        PortableVector(array::from_fn(|i| self.0[i] - other.0[i]))
    }
    #[inline(always)]
    fn mul_add(self, c: f32, sum: PortableVector) -> PortableVector {
        fused(self, PortableVector([c; W]), sum)
    }
    #[inline(always)]
    fn mul(self, other: PortableVector) -> PortableVector {
        PortableVector(array::from_fn(|i| self.0[i] * other.0[i]))
    }
    #[inline(always)]
    fn div(self, other: PortableVector) -> PortableVector {
        PortableVector(array::from_fn(|i| self.0[i] / other.0[i]))
    }
    #[inline(always)]
    fn product_add(self, factor: PortableVector, sum: PortableVector) -> PortableVector {
        fused(self, factor, sum)
    }
    #[inline(always)]
    fn clamp(self, least: f32, most: f32) -> PortableVector {
        PortableVector(self.0.map(|x| x.clamp(least, most)))
    }
    #[inline(always)]
    fn times_two_to(self, power: PortableVector) -> PortableVector {
        let bits = |i: usize| self.0[i].to_bits().wrapping_add(power.0[i].to_bits() << MANTISSA);
        PortableVector(array::from_fn(|i| f32::from_bits(bits(i))))
    }
    // Not inlined: it would be 256 moves at each use.
    #[inline(never)]
    fn transpose(rows: [PortableVector; W]) -> [PortableVector; W] {
        array::from_fn(|i| PortableVector(array::from_fn(|j| rows[j].0[i])))
    }
}
