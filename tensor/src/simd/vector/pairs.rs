//! Vectors of sixteen pairs of bf16, whose products are dot products: AVX-512 BF16.

use super::arithmetic::{Vector, register_arithmetic};
use super::avx512::{Avx512Vector, transpose};
use crate::bf16;
use std::arch::x86_64::*;
use std::hint::black_box;
use std::mem::transmute;
use std::time::{Duration, Instant};

const W: usize = 16;

/// One AVX-512 register: f32 sums, or words with a bf16 in either half. Words times words plus sums are dot products. Only code that
/// [`with_dot_products`](crate::simd::isa::with_dot_products) compiled may use it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(in crate::simd) struct Avx512Pairs(__m512);

/// Sums plus the products of the words' upper halves, plus those of the lower halves, rounded each time.
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
fn dot_add(x: __m512, y: __m512, sum: __m512) -> __m512 {
    // SAFETY: both types are 64 bytes, all of whose values are valid.
    let [x, y] = unsafe { [transmute::<__m512, __m512bh>(x), transmute::<__m512, __m512bh>(y)] };
    _mm512_dpbf16_ps(sum, x, y)
}

impl Vector<W> for Avx512Pairs {
    register_arithmetic!(
        Avx512Pairs,
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_mul_ps,
        _mm512_div_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        dot_add,
        _mm512_min_ps,
        _mm512_max_ps,
        _mm_prefetch::<_MM_HINT_T0>,
        _mm_prefetch::<_MM_HINT_T1>
    );

    const REGISTERS: usize = 32;

    #[inline(always)]
    fn load_some(from: &[f32]) -> Avx512Pairs {
        Avx512Pairs(Avx512Vector::load_some(from).0)
    }
    #[inline(always)]
    fn store_some(self, to: &mut [f32]) {
        Avx512Vector(self.0).store_some(to);
    }
    #[inline(always)]
    fn times_two_to(self, power: Avx512Pairs) -> Avx512Pairs {
        Avx512Pairs(Avx512Vector(self.0).times_two_to(Avx512Vector(power.0)).0)
    }
}

/// Whether the instruction adds the product of the upper halves first, and rounds each sum to the nearest f32, for some thousands
/// of pairs: manuals say so, but a product's bits depend on it.
///
/// # Safety
/// The processor has AVX-512 with dot products.
#[target_feature(enable = "avx512f,avx512bf16,fma")]
pub(in crate::simd) unsafe fn agree_with_multiply_adds() -> bool {
    const VECTORS: u32 = 256;
    // Weyl's sequence, hashed: signs, fractions, and exponents that make sums round in all ways.
    let word = |index: u32| {
        let x = index.wrapping_mul(0x9e37_79b9);
        (x ^ x >> 15).wrapping_mul(0x85eb_ca6b)
    };
    let pair = |index: u32| word(index) & 0x83ff_83ff | 0x3c00_3c00;
    let halves = |word: u32| [word >> 16, word & 0xffff].map(|half| bf16::widen(half as u16));
    (0..VECTORS).all(|vector| {
        let lane = |i: usize, which: u32| 3 * (vector * W as u32 + i as u32) + which;
        let (mut x, mut y, mut sum) = ([0.0f32; W], [0.0f32; W], [0.0f32; W]);
        for i in 0..W {
            x[i] = f32::from_bits(pair(lane(i, 0)));
            y[i] = f32::from_bits(pair(lane(i, 1)));
            sum[i] = f32::from_bits(word(lane(i, 2)) & 0x83ff_ffff | 0x3c00_0000);
        }
        let mut out = [0.0f32; W];
        // SAFETY: each array has as many numbers as the register.
        unsafe {
            let [x, y, sum] = [&x, &y, &sum].map(|from| _mm512_loadu_ps(black_box(from.as_ptr())));
            _mm512_storeu_ps(out.as_mut_ptr(), dot_add(x, y, sum));
        }
        (0..W).all(|i| {
            let ([x1, x0], [y1, y0]) = (halves(x[i].to_bits()), halves(y[i].to_bits()));
            out[i].to_bits() == x0.mul_add(y0, x1.mul_add(y1, sum[i])).to_bits()
        })
    })
}

/// Whether a dot product of pairs takes less time than two multiply-adds: the least of some runs of each.
///
/// # Safety
/// The processor has AVX-512 with dot products.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(in crate::simd) unsafe fn are_faster() -> bool {
    /// Independent sums: enough to hide the latency of either instruction, few enough for the registers.
    const SUMS: usize = 24;
    const ROUNDS: usize = 256;
    const RUNS: usize = 8;
    macro_rules! time {
        ($instruction:ident) => {{
            // A number, and a pair whose lower half is small.
            let (x, y) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(0.5)));
            let mut sums = [_mm512_set1_ps(1.0); SUMS];
            let start = Instant::now();
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    *sum = $instruction(x, y, *sum);
                }
            }
            black_box(sums);
            start.elapsed()
        }};
    }
    let (mut dot, mut madd) = (Duration::MAX, Duration::MAX);
    for _ in 0..RUNS {
        dot = dot.min(time!(dot_add));
        madd = madd.min(time!(_mm512_fmadd_ps));
    }
    dot < 2 * madd
}
