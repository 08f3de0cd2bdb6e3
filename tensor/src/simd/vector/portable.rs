//! Arrays, whose loops the compiler makes into what the target guarantees.

use super::{Lanes, MANTISSA};
use std::array;

const W: usize = 16;

/// Sixteen numbers.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Plain([f32; W]);

/// `x · factor + sum`, rounded once. Where the target has no instruction for it, each lane is a call: sixteen of them at each
/// place that adds a product would be a large part of this crate's code, and of the time to compile it.
#[cfg_attr(all(target_arch = "x86_64", not(target_feature = "fma")), inline(never))]
#[cfg_attr(not(all(target_arch = "x86_64", not(target_feature = "fma"))), inline(always))]
fn fused(x: Plain, factor: Plain, sum: Plain) -> Plain {
    Plain(array::from_fn(|i| x.0[i].mul_add(factor.0[i], sum.0[i])))
}

impl Lanes<W> for Plain {
    #[inline(always)]
    fn zero() -> Plain {
        Plain([0.0; W])
    }
    #[inline(always)]
    fn splat(c: f32) -> Plain {
        Plain([c; W])
    }
    #[inline(always)]
    fn load(from: &[f32; W]) -> Plain {
        Plain(*from)
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; W]) {
        *to = self.0;
    }
    #[inline(always)]
    fn load_some(from: &[f32]) -> Plain {
        let (mut lanes, used) = ([0.0; W], from.len().min(W));
        lanes[..used].copy_from_slice(&from[..used]);
        Plain(lanes)
    }
    #[inline(always)]
    fn store_some(self, to: &mut [f32]) {
        let used = to.len().min(W);
        to[..used].copy_from_slice(&self.0[..used]);
    }
    #[inline(always)]
    fn scale(self, c: f32) -> Plain {
        Plain(self.0.map(|x| x * c))
    }
    #[inline(always)]
    fn add(self, other: Plain) -> Plain {
        Plain(array::from_fn(|i| self.0[i] + other.0[i]))
    }
    #[inline(always)]
    fn sub(self, other: Plain) -> Plain {
        Plain(array::from_fn(|i| self.0[i] - other.0[i]))
    }
    #[inline(always)]
    fn mul_add(self, c: f32, sum: Plain) -> Plain {
        fused(self, Plain([c; W]), sum)
    }
    #[inline(always)]
    fn mul(self, other: Plain) -> Plain {
        Plain(array::from_fn(|i| self.0[i] * other.0[i]))
    }
    #[inline(always)]
    fn div(self, other: Plain) -> Plain {
        Plain(array::from_fn(|i| self.0[i] / other.0[i]))
    }
    #[inline(always)]
    fn product_add(self, factor: Plain, sum: Plain) -> Plain {
        fused(self, factor, sum)
    }
    #[inline(always)]
    fn clamp(self, least: f32, most: f32) -> Plain {
        Plain(self.0.map(|x| x.clamp(least, most)))
    }
    #[inline(always)]
    fn times_two_to(self, power: Plain) -> Plain {
        let bits = |i: usize| self.0[i].to_bits().wrapping_add(power.0[i].to_bits() << MANTISSA);
        Plain(array::from_fn(|i| f32::from_bits(bits(i))))
    }
    // A call, as `fused` is: inlined, it would be 256 moves at each use.
    #[inline(never)]
    fn transpose(rows: [Plain; W]) -> [Plain; W] {
        array::from_fn(|i| Plain(array::from_fn(|j| rows[j].0[i])))
    }
}
