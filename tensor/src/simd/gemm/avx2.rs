//! 6 × 16 tiles: 12 of the 16 registers accumulate, two hold a row of B, two hold a number of A each in all their
//! lanes. 4 × 24 tiles would need one load less for a step, but leave no register free: compilers then keep a
//! sum in memory, and each step waits for it.

use super::kernel::{Begin, Blocks, Kernel, Lanes};
use std::arch::x86_64::{
    __m256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

const MR: usize = 6;
const NR: usize = 16;
const LANES: usize = 8;

const BLOCKS: Blocks = Blocks { rows: 192, depth: 384, cols: 192 };

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
    const BODIES: [[Body; 2]; MR] = [
        [body::<1, 1>, body::<1, 2>],
        [body::<2, 1>, body::<2, 2>],
        [body::<3, 1>, body::<3, 2>],
        [body::<4, 1>, body::<4, 2>],
        [body::<5, 1>, body::<5, 2>],
        [body::<6, 1>, body::<6, 2>],
    ];
    // SAFETY: the caller's promises cover the rows and vectors that this body touches.
    unsafe { BODIES[rows - 1][cols.div_ceil(LANES) - 1](k, a, b, c, c_row_stride, begin) }
}

/// # Safety
/// As [`super::kernel::Tile`], with `R` rows and `V` vectors of columns.
#[target_feature(enable = "avx,fma")]
unsafe fn body<const R: usize, const V: usize>(
    k: usize,
    mut a: Lanes,
    mut b: *const f32,
    c: *mut f32,
    c_row_stride: usize,
    begin: Begin,
) {
    let mut sums = [[_mm256_setzero_ps(); V]; R];
    // SAFETY: within the tile of C, or the `R` numbers of a bias, as the caller promises.
    unsafe {
        match begin {
            Begin::Zero => {}
            Begin::Tile => {
                for r in 0..R {
                    for v in 0..V {
                        sums[r][v] = _mm256_loadu_ps(c.add(r * c_row_stride + v * LANES));
                    }
                }
            }
            Begin::Rows(bias) => {
                for r in 0..R {
                    sums[r] = [_mm256_set1_ps(*bias.add(r)); V];
                }
            }
        }
    }
    for _ in 0..k {
        // SAFETY: step k of both operands; after the last, an address that is not read.
        unsafe {
            let mut row_of_b: [__m256; V] = [_mm256_setzero_ps(); V];
            for v in 0..V {
                row_of_b[v] = _mm256_loadu_ps(b.add(v * LANES));
            }
            for r in 0..R {
                let x = _mm256_set1_ps(*a.start.add(r * a.apart));
                for v in 0..V {
                    sums[r][v] = _mm256_fmadd_ps(x, row_of_b[v], sums[r][v]);
                }
            }
            a.start = a.start.wrapping_add(a.step);
            b = b.add(NR);
        }
    }
    for r in 0..R {
        for v in 0..V {
            // SAFETY: within the tile of C.
            unsafe { _mm256_storeu_ps(c.add(r * c_row_stride + v * LANES), sums[r][v]) };
        }
    }
}
