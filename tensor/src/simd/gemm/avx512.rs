//! 8 × 48 tiles: 24 of the 32 registers accumulate, three hold a row of B, one holds a number of A in all its
//! lanes. A k-step is 24 multiply-adds for 11 loads, so the two multiply-add units never wait for the two load
//! units, and 24 independent sums hide the four cycles that each multiply-add takes.

use super::kernel::{Begin, Blocks, Kernel, Lanes};
use std::arch::x86_64::{
    __m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

const MR: usize = 8;
const NR: usize = 48;
const LANES: usize = 16;

const BLOCKS: Blocks = Blocks { rows: 256, depth: 768, cols: 96 };

pub(super) static KERNEL: Kernel = Kernel { mr: MR, nr: NR, lanes: LANES, blocks: BLOCKS, tile };

/// # Safety
/// As [`super::kernel::Tile`].
unsafe fn tile(
    rows: usize,
    cols: usize,
    k: usize,
    a: Lanes,
    b: *const f32,
    c: *mut f32,
    c_row_stride: usize,
    begin: Begin,
) {
    type Body = unsafe fn(usize, Lanes, *const f32, *mut f32, usize, Begin);
    const BODIES: [[Body; 3]; MR] = [
        [body::<1, 1>, body::<1, 2>, body::<1, 3>],
        [body::<2, 1>, body::<2, 2>, body::<2, 3>],
        [body::<3, 1>, body::<3, 2>, body::<3, 3>],
        [body::<4, 1>, body::<4, 2>, body::<4, 3>],
        [body::<5, 1>, body::<5, 2>, body::<5, 3>],
        [body::<6, 1>, body::<6, 2>, body::<6, 3>],
        [body::<7, 1>, body::<7, 2>, body::<7, 3>],
        [body::<8, 1>, body::<8, 2>, body::<8, 3>],
    ];
    // SAFETY: the caller's promises cover the rows and vectors that this body touches.
    unsafe { BODIES[rows - 1][cols.div_ceil(LANES) - 1](k, a, b, c, c_row_stride, begin) }
}

/// # Safety
/// As [`super::kernel::Tile`], with `R` rows and `V` vectors of columns.
#[target_feature(enable = "avx512f")]
unsafe fn body<const R: usize, const V: usize>(
    k: usize,
    mut a: Lanes,
    mut b: *const f32,
    c: *mut f32,
    c_row_stride: usize,
    begin: Begin,
) {
    let mut sums = [[_mm512_setzero_ps(); V]; R];
    // SAFETY: within the tile of C, or the `R` numbers of a bias, as the caller promises.
    unsafe {
        match begin {
            Begin::Zero => {}
            Begin::Tile => {
                for r in 0..R {
                    for v in 0..V {
                        sums[r][v] = _mm512_loadu_ps(c.add(r * c_row_stride + v * LANES));
                    }
                }
            }
            Begin::Rows(bias) => {
                for r in 0..R {
                    sums[r] = [_mm512_set1_ps(*bias.add(r)); V];
                }
            }
        }
    }
    for _ in 0..k {
        // SAFETY: step k of both operands; after the last, an address that is not read.
        unsafe {
            let mut row_of_b: [__m512; V] = [_mm512_setzero_ps(); V];
            for v in 0..V {
                row_of_b[v] = _mm512_loadu_ps(b.add(v * LANES));
            }
            for r in 0..R {
                let x = _mm512_set1_ps(*a.start.add(r * a.apart));
                for v in 0..V {
                    sums[r][v] = _mm512_fmadd_ps(x, row_of_b[v], sums[r][v]);
                }
            }
            a.start = a.start.wrapping_add(a.step);
            b = b.add(NR);
        }
    }
    for r in 0..R {
        for v in 0..V {
            // SAFETY: within the tile of C.
            unsafe { _mm512_storeu_ps(c.add(r * c_row_stride + v * LANES), sums[r][v]) };
        }
    }
}
