//! 4 × 8 tiles in plain Rust. `mul_add` rounds once, like the vector instruction, so the bits are the same.

use super::kernel::{Begin, Blocks, Kernel};
use std::slice;

const MR: usize = 4;
const NR: usize = 8;

const BLOCKS: Blocks = Blocks { rows: 192, depth: 384, cols: 192 };

pub(super) static KERNEL: Kernel = Kernel { mr: MR, nr: NR, lanes: 1, blocks: BLOCKS, tile };

/// # Safety
/// As [`super::kernel::Tile`].
unsafe fn tile(
    rows: usize,
    cols: usize,
    k: usize,
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    c_row_stride: usize,
    begin: Begin,
) {
    // SAFETY: panels of k steps, as the caller promises.
    let (a, b) = unsafe { (slice::from_raw_parts(a, k * MR), slice::from_raw_parts(b, k * NR)) };
    let mut sums = [[0.0f32; NR]; MR];
    for r in 0..rows {
        match begin {
            Begin::Zero => {}
            // SAFETY: row r of the tile.
            Begin::Tile => sums[r][..cols]
                .copy_from_slice(unsafe { slice::from_raw_parts(c.add(r * c_row_stride), cols) }),
            // SAFETY: one number for each of the tile's rows.
            Begin::Rows(bias) => sums[r] = [unsafe { *bias.add(r) }; NR],
        }
    }
    for (a, b) in a.chunks_exact(MR).zip(b.chunks_exact(NR)) {
        for r in 0..MR {
            for j in 0..NR {
                sums[r][j] = a[r].mul_add(b[j], sums[r][j]);
            }
        }
    }
    for r in 0..rows {
        // SAFETY: row r of the tile.
        unsafe { slice::from_raw_parts_mut(c.add(r * c_row_stride), cols) }.copy_from_slice(&sums[r][..cols]);
    }
}
