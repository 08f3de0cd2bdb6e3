//! Panels from runs of neighbouring numbers, whole vectors at a time.
//!
//! A run seldom ends where a vector does. Its last vector is written whole all the same: what comes behind the run's own
//! numbers belongs to places of the panel that are written later, or to lanes that nobody asks for. Only where the panel
//! ends, or the planes do, exactly so many numbers are moved.

use super::planes::Planes;
use crate::simd::vector::Vector;
use std::ops::Range;

/// Channels from the one that is read to the one that is fetched: far apart in memory, where no processor foresees them.
const FETCHED_AHEAD: usize = 4;

/// Up to `W` neighbouring positions: where they are read, and where they go in a panel's first row.
struct Part {
    from: usize,
    to: usize,
    len: usize,
    /// Where the panel ends.
    end: usize,
}

/// Panels whose lanes are positions.
///
/// Several panels are written in one pass over the features, so that a stretch of each row of numbers is read at
/// once: rows lie far apart, often a page or more.
#[inline(always)]
pub(super) fn pack_by_position<L: Vector<W>, const W: usize>(
    planes: &Planes<'_>,
    outer: Range<usize>,
    depth: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    const TOGETHER: usize = 192;
    let together = (TOGETHER / width).max(1) * width;
    let size = width * depth.len();
    let mut parts = Vec::new();
    for start in outer.clone().step_by(together) {
        parts.clear();
        for first in (start..outer.end.min(start + together)).step_by(width) {
            let panel = (first - outer.start) / width * size;
            let mut to = panel;
            for (from, len) in planes.runs(first..outer.end.min(first + width)) {
                for at in (0..len).step_by(W) {
                    let len = W.min(len - at);
                    parts.push(Part { from: from + at, to: to + at, len, end: panel + size });
                }
                to += len;
            }
        }
        let last = parts.iter().map(|part| part.from).max().unwrap_or(0);
        for (row, feature) in depth.clone().enumerate() {
            let distance = planes.distance(feature);
            if last + distance + W <= planes.data.len() && (row + 1) * width + W <= size {
                let from = planes.data.as_ptr().wrapping_add(distance);
                let to = panels.as_mut_ptr().wrapping_add(row * width);
                for part in &parts {
                    let from = from.wrapping_add(part.from);
                    L::prefetch(from.wrapping_add(FETCHED_AHEAD * planes.channel_stride));
                    // SAFETY: the part that is read furthest was found inside, and each panel has another row.
                    unsafe { L::load(&*from.cast()).store(&mut *to.wrapping_add(part.to).cast()) };
                }
                continue;
            }
            for part in &parts {
                let to = &mut panels[part.to + row * width..part.end];
                let len = to.len().min(part.len);
                L::load_some(&planes.data[part.from + distance..]).store_some(&mut to[..len]);
            }
        }
    }
}

/// Panels whose lanes are features: `W` positions of `W` features at a time, transposed in registers.
#[inline(always)]
pub(super) fn pack_by_feature<L: Vector<W>, const W: usize>(
    planes: &Planes<'_>,
    outer: Range<usize>,
    depth: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    // The rows of the next features are far away where each has a plane of its own.
    let ahead = (planes.taps() == 1).then_some(W * planes.channel_stride);
    for (panel, first) in panels.chunks_mut((width * depth.len()).max(1)).zip(outer.clone().step_by(width)) {
        let end = outer.end.min(first + width);
        for group in (first..end).step_by(W) {
            // Vector that are missing are copies of the last one.
            let mut distances = [0; W];
            for i in 0..W {
                distances[i] = planes.distance((group + i).min(end - 1));
            }
            let furthest = distances.iter().max().copied().unwrap_or(0);
            let mut row = 0;
            for (from, len) in planes.runs(depth.clone()) {
                for at in (0..len).step_by(W) {
                    let from = from + at;
                    let to = &mut panel[(row + at) * width + group - first..];
                    // Loops over all lanes, which unroll, keep the numbers in registers.
                    let mut numbers = [L::zero(); W];
                    if furthest + from + W <= planes.data.len() && (W - 1) * width + W <= to.len() {
                        for i in 0..W {
                            let from = planes.data.as_ptr().wrapping_add(from + distances[i]);
                            if let Some(ahead) = ahead {
                                L::prefetch_into_l2(from.wrapping_add(ahead));
                            }
                            // SAFETY: the vector that is furthest was found inside.
                            numbers[i] = L::load(unsafe { &*from.cast() });
                        }
                        let columns = L::transpose(numbers);
                        for i in 0..W {
                            // SAFETY: there is room for the last column.
                            columns[i].store(unsafe { &mut *to.as_mut_ptr().wrapping_add(i * width).cast() });
                        }
                        continue;
                    }
                    for i in 0..W {
                        numbers[i] = L::load_some(&planes.data[from + distances[i]..]);
                    }
                    let columns = L::transpose(numbers);
                    for (column, to) in columns.iter().zip(to.chunks_mut(width)).take(len - at) {
                        let lanes = to.len().min(W);
                        column.store_some(&mut to[..lanes]);
                    }
                }
                row += len;
            }
        }
    }
}
