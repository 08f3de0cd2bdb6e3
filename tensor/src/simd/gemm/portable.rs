//! 4 × 8 tiles in plain Rust. `mul_add` rounds once, like the vector instruction, so the bits are the same.

use super::kernel::{Begin, Blocks, Kernel, Lanes};
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
    a: Lanes,
    b: *const f32,
    c: *mut f32,
    c_row_stride: usize,
    begin: Begin,
) {
    // SAFETY: a panel of k steps, as the caller promises.
    let b = unsafe { slice::from_raw_parts(b, k * NR) };
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
    for (step, b) in b.chunks_exact(NR).enumerate() {
        for r in 0..rows {
            // SAFETY: row r of A at this step.
            let x = unsafe { *a.start.add(r * a.apart + step * a.step) };
            for j in 0..NR {
                sums[r][j] = x.mul_add(b[j], sums[r][j]);
            }
        }
    }
    for r in 0..rows {
        // SAFETY: row r of the tile.
        unsafe { slice::from_raw_parts_mut(c.add(r * c_row_stride), cols) }.copy_from_slice(&sums[r][..cols]);
    }
}
