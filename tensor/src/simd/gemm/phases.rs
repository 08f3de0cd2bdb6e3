//! Pixels sorted so that what a window with strides reads lies together.

use super::planes::Window;
use crate::Buffer;
use crate::simd::vectorized;
use rayon::prelude::*;

/// Contiguous planes, each sorted into phases as the window has them: pixel (y, x) goes to phase (y mod stride, x mod stride), at
/// (y / stride, x / stride). Phases are of one size, and so zeros stand where the last row or column has no pixel.
pub(crate) fn phases(data: &[f32], [height, width]: [usize; 2], window: &Window) -> Buffer<f32> {
    // A task's share of the numbers.
    const LEAST: usize = 1 << 14;
    let Window { plane: [high, wide], stride, phases: [down, across], .. } = *window;
    let size = down * across * high * wide;
    let mut sorted = Buffer::scratch(data.len() / (height * width) * size);
    let planes = sorted.par_chunks_exact_mut(size).zip(data.par_chunks_exact(height * width));
    planes.with_min_len(LEAST.div_ceil(size)).for_each(|(phases, plane)| {
        vectorized(
            #[inline(always)]
            || {
                if height < high * down || width < wide * across {
                    phases.fill(0.0);
                }
                for (y, line) in plane.chunks_exact(width).enumerate() {
                    let (row, at) = (y % stride * across, y / stride * wide);
                    if (stride, across) == (2, 2) {
                        let (left, right) = phases[row * high * wide..].split_at_mut(high * wide);
                        split_pairs(line, &mut left[at..at + wide], &mut right[at..at + wide]);
                        continue;
                    }
                    for column in 0..across {
                        let to = &mut phases[(row + column) * high * wide + at..];
                        line.iter().skip(column).step_by(stride).zip(to).for_each(|(x, to)| *to = *x);
                    }
                }
            },
        );
    });
    sorted
}

/// Every second number of a line to the left, the others to the right.
#[inline(always)]
fn split_pairs(line: &[f32], left: &mut [f32], right: &mut [f32]) {
    match line.len() / 2 {
        16.. => split_pairs_by::<16>(line, left, right),
        8.. => split_pairs_by::<8>(line, left, right),
        4.. => split_pairs_by::<4>(line, left, right),
        _ => split_pairs_by::<1>(line, left, right),
    }
    if let (1, Some((last, _))) = (line.len() % 2, line.split_last()) {
        left[line.len() / 2] = *last;
    }
}

/// The same for the whole pairs, of which there are `N` or none. The last `N` end where the line does, so that some may go to
/// their places twice.
#[inline(always)]
fn split_pairs_by<const N: usize>(line: &[f32], left: &mut [f32], right: &mut [f32]) {
    let pairs = line.len() / 2;
    for first in (0..pairs).step_by(N) {
        let first = first.min(pairs - N);
        let (line, left, right) =
            (&line[2 * first..][..2 * N], &mut left[first..][..N], &mut right[first..][..N]);
        for i in 0..N {
            (left[i], right[i]) = (line[2 * i], line[2 * i + 1]);
        }
    }
}
