//! Packing of panels from runs of neighbouring numbers, whole vectors at a time.
//!
//! A run seldom ends where a vector does. Its last vector is written whole all the same: the numbers beyond the run go to places of
//! the panel that are written later, or to places that are never read. Only at the end of a panel, or of the planes, exactly as many
//! numbers are moved as there are.

use super::planes::Planes;
use crate::simd::vector::Vector;
use std::ops::Range;

/// How many channels ahead of the one that is read another is prefetched: they lie far apart, where no processor foresees them.
const CHANNELS_AHEAD: usize = 4;

/// Up to `W` neighbouring positions: where they are read, and where they go in the first row of a panel.
struct Part {
    from: usize,
    to: usize,
    len: usize,
    /// Where the panel ends.
    end: usize,
}

/// Packs panels whose outer index is the position.
///
/// Several panels are written in one pass over the features, so that a long stretch of each row of numbers is read at once: rows lie
/// far apart, often a page or more.
#[inline(always)]
pub(super) fn pack_by_position<L: Vector<W>, const W: usize>(
    planes: &Planes<'_>,
    positions: Range<usize>,
    features: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    /// Positions of the panels that are written in one pass.
    const TOGETHER: usize = 192;
    let together = (TOGETHER / width).max(1) * width;
    let size = width * features.len();
    let mut parts = Vec::new();
    for start in positions.clone().step_by(together) {
        parts.clear();
        for first in (start..positions.end.min(start + together)).step_by(width) {
            let panel = (first - positions.start) / width * size;
            let mut to = panel;
            for (from, len) in planes.runs(first..positions.end.min(first + width)) {
                for at in (0..len).step_by(W) {
                    let len = W.min(len - at);
                    parts.push(Part { from: from + at, to: to + at, len, end: panel + size });
                }
                to += len;
            }
        }
        let last = parts.iter().map(|part| part.from).max().unwrap_or(0);
        for (row, feature) in features.clone().enumerate() {
            let distance = planes.distance(feature);
            if last + distance + W <= planes.data.len() && (row + 1) * width + W <= size {
                let from = planes.data.as_ptr().wrapping_add(distance);
                let to = panels.as_mut_ptr().wrapping_add(row * width);
                for part in &parts {
                    let from = from.wrapping_add(part.from);
                    L::prefetch(from.wrapping_add(CHANNELS_AHEAD * planes.channel_stride));
                    // SAFETY: `last` is the largest of all `part.from`, and a vector from there, at this feature's distance, was just
                    // found inside the planes. Each part begins within the first row of its panel, and a vector from the end of this
                    // row was found inside the panel.
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

/// Packs panels whose outer index is the feature: `W` positions of `W` features at a time, transposed in registers.
#[inline(always)]
pub(super) fn pack_by_feature<L: Vector<W>, const W: usize>(
    planes: &Planes<'_>,
    features: Range<usize>,
    positions: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    // The rows of the next features are far away where each feature has a plane of its own.
    let ahead = (planes.taps() == 1).then_some(W * planes.channel_stride);
    let firsts = features.clone().step_by(width);
    for (panel, first) in panels.chunks_mut((width * positions.len()).max(1)).zip(firsts) {
        let end = features.end.min(first + width);
        for group in (first..end).step_by(W) {
            // The first vector of a row may reach into the next row, whose numbers are stored after it; further ones must not.
            let room = width - (group - first);
            let fits = group == first || W <= room;
            // Where features are missing, the last one is read again.
            let mut distances = [0; W];
            for i in 0..W {
                distances[i] = planes.distance((group + i).min(end - 1));
            }
            let furthest = distances.iter().max().copied().unwrap_or(0);
            let mut row = 0;
            for (from, len) in planes.runs(positions.clone()) {
                for at in (0..len).step_by(W) {
                    let from = from + at;
                    let to = &mut panel[(row + at) * width + group - first..];
                    // Loops over all of `W`, which the compiler unrolls, keep the numbers in registers.
                    let mut numbers = [L::zero(); W];
                    if furthest + from + W <= planes.data.len() && (W - 1) * width + W <= to.len() {
                        for i in 0..W {
                            let from = planes.data.as_ptr().wrapping_add(from + distances[i]);
                            if let Some(ahead) = ahead {
                                L::prefetch_into_l2(from.wrapping_add(ahead));
                            }
                            // SAFETY: no distance exceeds `furthest`, at which a vector was just found inside the planes.
                            numbers[i] = L::load(unsafe { &*from.cast() });
                        }
                        let columns = L::transpose(numbers);
                        for i in 0..W {
                            if !fits {
                                columns[i].store_some(&mut to[i * width..][..room]);
                                continue;
                            }
                            // SAFETY: `to` was just found to have room for a vector at the last of these rows, number W − 1.
                            columns[i].store(unsafe { &mut *to.as_mut_ptr().wrapping_add(i * width).cast() });
                        }
                        continue;
                    }
                    for i in 0..W {
                        numbers[i] = L::load_some(&planes.data[from + distances[i]..]);
                    }
                    let columns = L::transpose(numbers);
                    for (column, to) in columns.iter().zip(to.chunks_mut(width)).take(len - at) {
                        let used = to.len().min(W).min(room);
                        column.store_some(&mut to[..used]);
                    }
                }
                row += len;
            }
        }
    }
}
