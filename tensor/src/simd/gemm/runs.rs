//! A vector of neighbouring positions at a time.

use super::planes::{Planes, Tap};
use crate::simd::lanes::{Lanes, MOST_LANES, Masked};
use std::ops::Range;

/// The largest window whose masks are kept on the stack.
pub(super) const MOST_TAPS: usize = 64;

/// Vectors of positions that are packed in one pass; no panel has more.
const MOST_VECTORS: usize = 24;

/// Channels from the one that is read to the one that is fetched: far apart in memory, where no processor foresees them.
const FETCHED_AHEAD: usize = 4;

/// Beyond this many pieces, gathering each lane is faster.
const MOST_PIECES: usize = 4;

/// `W` consecutive positions, and how to read one feature of them all.
#[derive(Clone, Copy)]
struct Run<L: Masked<W>, const W: usize> {
    /// Row and column of the place; far outside for positions beyond the last.
    y: [u32; W],
    x: [u32; W],
    /// Stretches of positions whose numbers are neighbours: where lane 0 would read, and the lanes.
    pieces: [(isize, L::Mask); MOST_PIECES],
    count: usize,
    /// Whether all positions are there, in one row, and neighbours.
    whole: bool,
    /// Where each lane reads, relative to the first piece.
    indices: [i32; W],
}

impl<L: Masked<W>, const W: usize> Run<L, W> {
    #[inline(always)]
    fn new(planes: &Planes<'_>, start: usize, count: usize) -> Run<L, W> {
        const OUTSIDE: u32 = 1 << 31;
        let (mut ys, mut xs, mut indices) = ([OUTSIDE; W], [OUTSIDE; W], [0; W]);
        let [high, wide] = planes.window.places;
        let mut at @ [_, y, x] = planes.place(start);
        if x + count <= wide {
            // Neighbours in one row.
            for lane in 0..count {
                (ys[lane], xs[lane]) = (y as u32, (x + lane) as u32);
            }
            let pieces = [(planes.offset(at) as isize, L::mask(((1u32 << count) - 1) as u16)); MOST_PIECES];
            return Run { y: ys, x: xs, pieces, count: 1, whole: count == W, indices };
        }
        let mut pieces = [(0, 0u16); MOST_LANES];
        let mut used = 0;
        for lane in 0..count {
            (ys[lane], xs[lane]) = (at[1] as u32, at[2] as u32);
            let base = planes.offset(at) as isize - lane as isize;
            if used == 0 || pieces[used - 1].0 != base {
                pieces[used] = (base, 0);
                used += 1;
            }
            pieces[used - 1].1 |= 1 << lane;
            indices[lane] = (base + lane as isize - pieces[0].0) as i32;
            at[2] += 1;
            if at[2] == wide {
                (at[1], at[2]) = (at[1] + 1, 0);
            }
            if at[1] == high {
                (at[0], at[1]) = (at[0] + 1, 0);
            }
        }
        let mut masked = [(0, L::mask(0)); MOST_PIECES];
        for (to, (base, bits)) in masked.iter_mut().zip(pieces) {
            *to = (base, L::mask(bits));
        }
        Run { y: ys, x: xs, pieces: masked, count: used, whole: false, indices }
    }

    /// The lanes whose tap lies inside the plane.
    #[inline(always)]
    fn inside(&self, planes: &Planes<'_>, Tap { down, right, .. }: Tap) -> L::Mask {
        let (mut y, mut x) = (self.y, self.x);
        for lane in 0..W {
            y[lane] = y[lane].wrapping_add(down as u32);
            x[lane] = x[lane].wrapping_add(right as u32);
        }
        let [height, width] = planes.window.plane;
        L::both(L::below(&y, height as u32), L::below(&x, width as u32))
    }

    /// One feature: `step` elements from the first tap of channel 0, zeros outside `inside`.
    ///
    /// # Safety
    /// The lanes of `inside` are inside the planes' data.
    #[inline(always)]
    unsafe fn load(&self, data: *const f32, inside: L::Mask, step: isize) -> L {
        let at = |piece: usize| data.wrapping_offset(self.pieces[piece].0 + step);
        // SAFETY: masked lanes are not read, and the others are inside, as the caller promises.
        unsafe {
            if self.count > MOST_PIECES {
                return L::gather_where(inside, at(0), &self.indices);
            }
            let first = L::both(inside, self.pieces[0].1);
            let mut numbers = L::load_where(first, at(0));
            for piece in 1..self.count {
                numbers = L::load_into(numbers, L::both(inside, self.pieces[piece].1), at(piece));
            }
            numbers
        }
    }
}

/// Panels whose lanes are positions.
///
/// Several panels are written in one pass over the features, so that a stretch of each row of numbers is read at
/// once: rows lie far apart, often a page or more.
///
/// # Safety
/// The ranges are inside the planes, `panels` holds all panels.
#[inline(always)]
pub(super) unsafe fn position_lanes<L: Masked<W>, const W: usize>(
    planes: &Planes<'_>,
    lanes: Range<usize>,
    depth: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    // A narrow panel takes the first lanes of its only vector.
    let vectors = width.div_ceil(W);
    let together = (MOST_VECTORS / vectors).max(1) * width;
    for (some, panels) in
        lanes.clone().step_by(together).zip(panels.chunks_mut((together * depth.len()).max(1)))
    {
        let some = some..lanes.end.min(some + together);
        let mut runs = [Run::<L, W>::new(planes, some.start, 0); MOST_VECTORS];
        let mut places = [(0, 0); MOST_VECTORS];
        let mut used = 0;
        for panel in 0..some.len().div_ceil(width) {
            for first in (0..width).step_by(W) {
                let start = some.start + panel * width + first;
                let count = some.end.saturating_sub(start).min(W);
                runs[used] = Run::new(planes, start.min(some.end), count);
                places[used] = (panel * width * depth.len() + first, W.min(width - first));
                used += 1;
            }
        }
        // SAFETY: as this function's.
        unsafe { some_position_lanes(planes, &runs[..used], &places[..used], depth.clone(), width, panels) };
    }
}

/// The features of some runs; the first goes to `place` in the panels, with so many lanes.
///
/// # Safety
/// As [`position_lanes`].
#[inline(always)]
unsafe fn some_position_lanes<L: Masked<W>, const W: usize>(
    planes: &Planes<'_>,
    runs: &[Run<L, W>],
    places: &[(usize, usize)],
    depth: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    let whole = runs.iter().zip(places).all(|(run, &(_, lanes))| run.whole && lanes == W);
    if planes.window.is_plain() && whole {
        return copy_runs(planes, runs, places, depth, width, panels);
    }
    let data = planes.data.as_ptr();
    let taps = planes.taps();
    let ahead = (FETCHED_AHEAD * planes.channel_stride) as isize;
    for index in 0..taps {
        let tap = planes.tap(index);
        let mut inside = [L::mask(0); MOST_VECTORS];
        for (inside, run) in inside.iter_mut().zip(runs) {
            *inside = run.inside(planes, tap);
        }
        // The features of this tap: one for each channel.
        let first = depth.start.saturating_sub(index).div_ceil(taps);
        let mut feature = first * taps + index;
        let mut step = (first * planes.channel_stride) as isize + tap.step;
        while feature < depth.end {
            let at = (feature - depth.start) * width;
            for ((run, inside), (place, lanes)) in runs.iter().zip(&inside).zip(places) {
                L::fetch(data.wrapping_offset(run.pieces[0].0 + step + ahead));
                // SAFETY: `inside` masks what lies outside the plane.
                let numbers = unsafe { run.load(data, *inside, step) };
                numbers.store_some(&mut panels[at + place..][..*lanes]);
            }
            feature += taps;
            step += planes.channel_stride as isize;
        }
    }
}

/// The same where each pixel is a position, for runs of whole vectors.
#[inline(always)]
fn copy_runs<L: Masked<W>, const W: usize>(
    planes: &Planes<'_>,
    runs: &[Run<L, W>],
    places: &[(usize, usize)],
    depth: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    let Some(last) = depth.clone().last() else { return };
    let (mut from, mut to) = ([0; MOST_VECTORS], [0; MOST_VECTORS]);
    for (i, (run, place)) in runs.iter().zip(places).enumerate() {
        (from[i], to[i]) = (run.pieces[0].0 as usize, place.0);
        assert!(from[i] + last * planes.channel_stride + W <= planes.data.len(), "runs inside the planes");
        assert!(to[i] + (depth.len() - 1) * width + W <= panels.len(), "vectors inside the panels");
    }
    for (row, feature) in depth.enumerate() {
        let numbers = planes.data.as_ptr().wrapping_add(feature * planes.channel_stride);
        let panel = panels.as_mut_ptr().wrapping_add(row * width);
        for i in 0..runs.len() {
            let numbers = numbers.wrapping_add(from[i]);
            L::fetch(numbers.wrapping_add(FETCHED_AHEAD * planes.channel_stride));
            // SAFETY: the vectors of the last feature were found inside above, and those before it are nearer.
            unsafe { L::load(&*numbers.cast()).store(&mut *panel.wrapping_add(to[i]).cast()) };
        }
    }
}

/// Panels whose lanes are features where each pixel is a position, so the rows of matrices: along all rows of a panel at
/// once, `W` numbers of each at a time, transposed in registers.
#[inline(always)]
pub(super) fn plain_feature_lanes<L: Lanes<W>, const W: usize>(
    planes: &Planes<'_>,
    lanes: Range<usize>,
    depth: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    let deep = depth.len();
    for (panel, first) in panels.chunks_mut((width * deep).max(1)).zip(lanes.clone().step_by(width)) {
        for group in (0..width.min(lanes.end - first)).step_by(W) {
            let lane = first + group;
            let used = W.min(width - group).min(lanes.end - lane);
            let mut done = 0;
            while done < deep {
                let (start, run) = planes.plain(lane, depth.start + done);
                let run = run.min(deep - done);
                let mut rows: [&[f32]; W] = [&[]; W];
                for (i, row) in rows[..used].iter_mut().enumerate() {
                    *row = &planes.data[start + i * planes.channel_stride..][..run];
                }
                let whole = if used == W.min(width - group) {
                    // So many rows of the panel have room for a vector.
                    let room = (panel.len() - group).checked_sub(W).map_or(0, |last| last / width + 1);
                    let whole = room.saturating_sub(done).min(run) / W * W;
                    let last = rows[used - 1];
                    rows[used..].fill(last);
                    let to = &mut panel[done * width + group..];
                    transpose_blocks::<L, W>(
                        &rows.map(|row| &row[..whole]),
                        planes.channel_stride,
                        to,
                        width,
                    );
                    whole
                } else {
                    0
                };
                for k in (whole..run).step_by(W) {
                    // Loops over all lanes, which unroll, keep the numbers in registers.
                    let mut numbers = [L::zero(); W];
                    for i in 0..W {
                        if i < used {
                            numbers[i] = L::load_some(&rows[i][k..]);
                        }
                    }
                    let to = &mut panel[(done + k) * width + group..];
                    write_columns(L::transpose(numbers), to, width, W.min(run - k), used);
                }
                done += run;
            }
        }
    }
}

/// Writes the columns of `W` rows of whole vectors, `width` apart. Where a vector reaches beyond the panel's width, the next
/// column is written after it.
#[inline(always)]
fn transpose_blocks<L: Lanes<W>, const W: usize>(
    rows: &[&[f32]; W],
    apart: usize,
    panel: &mut [f32],
    width: usize,
) {
    let mut blocks: [&[[f32; W]]; W] = [&[]; W];
    let count = rows[0].len() / W;
    for i in 0..W {
        blocks[i] = &rows[i].as_chunks::<W>().0[..count];
    }
    for block in 0..count {
        let mut numbers = [L::zero(); W];
        for i in 0..W {
            // The same numbers of the next rows.
            L::fetch_into_l2(blocks[i][block].as_ptr().wrapping_add(W * apart));
            numbers[i] = L::load(&blocks[i][block]);
        }
        write_columns(L::transpose(numbers), &mut panel[block * W * width..], width, W, W);
    }
}

/// Writes `used` lanes of so many columns, `width` apart.
#[inline(always)]
fn write_columns<L: Lanes<W>, const W: usize>(
    columns: [L; W],
    to: &mut [f32],
    width: usize,
    steps: usize,
    used: usize,
) {
    let to = &mut to[..(steps - 1) * width + used];
    for k in 0..W {
        if k >= steps {
            break;
        }
        // Where a vector reaches beyond the panel's width, the next row is written after it.
        let row = &mut to[k * width..];
        match row.first_chunk_mut() {
            Some(all) => columns[k].store(all),
            None => columns[k].store_some(row),
        }
    }
}

/// Panels whose lanes are features: `W` positions of `W` features at a time, transposed in registers.
///
/// # Safety
/// The ranges are inside the planes, `panels` holds all panels, missing lanes are zero.
#[inline(always)]
pub(super) unsafe fn feature_lanes<L: Masked<W>, const W: usize>(
    planes: &Planes<'_>,
    lanes: Range<usize>,
    depth: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    // A multiple of every panel's width.
    const TOGETHER: usize = 384;
    for start in lanes.clone().step_by(TOGETHER) {
        let some = start..lanes.end.min(start + TOGETHER);
        let begin = (start - lanes.start) * depth.len();
        let end = panels.len().min(begin + TOGETHER * depth.len());
        let panels = &mut panels[begin..end];
        let mut features = [Feature { tap: 0, step: 0 }; TOGETHER];
        for (feature, lane) in features.iter_mut().zip(some.clone()) {
            *feature = Feature::of(planes, lane);
        }
        // SAFETY: as this function's.
        unsafe { some_feature_lanes::<L, W>(planes, &features[..some.len()], depth.clone(), width, panels) };
    }
}

/// A channel and tap: the tap's number, and how far from the place's own pixel of channel 0 it reads.
#[derive(Clone, Copy)]
struct Feature {
    tap: usize,
    step: isize,
}

impl Feature {
    fn of(planes: &Planes<'_>, index: usize) -> Feature {
        let (channel, tap) = (index / planes.taps(), index % planes.taps());
        Feature { tap, step: (channel * planes.channel_stride) as isize + planes.tap(tap).step }
    }
}

/// # Safety
/// As [`feature_lanes`].
#[inline(always)]
unsafe fn some_feature_lanes<L: Masked<W>, const W: usize>(
    planes: &Planes<'_>,
    features: &[Feature],
    depth: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    let data = planes.data.as_ptr();
    // Positions at once: what a cache line or two of each feature hold.
    const RUNS: usize = 2;
    let mut inside = [[L::mask(0); MOST_TAPS]; RUNS];
    for start in depth.clone().step_by(RUNS * W) {
        let mut runs = [Run::<L, W>::new(planes, start, 0); RUNS];
        for (i, (run, inside)) in runs.iter_mut().zip(&mut inside).enumerate() {
            let start = start + i * W;
            *run = Run::new(planes, start.min(depth.end), depth.end.saturating_sub(start).min(W));
            for (tap, mask) in inside[..planes.taps()].iter_mut().enumerate() {
                *mask = run.inside(planes, planes.tap(tap));
            }
        }
        for (index, panel_features) in features.chunks(width).enumerate() {
            for (group, features) in panel_features.chunks(W).enumerate() {
                for (i, (run, inside)) in runs.iter().zip(&inside).enumerate() {
                    let first = start + i * W;
                    if first >= depth.end {
                        break;
                    }
                    let steps = (depth.end - first).min(W);
                    let place = (index * depth.len() + first - depth.start) * width + group * W;
                    // Loops over all lanes, which unroll, keep the numbers in registers.
                    let mut numbers = [L::zero(); W];
                    for i in 0..W {
                        if let Some(Feature { tap, step }) = features.get(i) {
                            // SAFETY: `inside` masks what lies outside the plane.
                            numbers[i] = unsafe { run.load(data, inside[tap % MOST_TAPS], *step) };
                        }
                    }
                    write_columns(L::transpose(numbers), &mut panels[place..], width, steps, features.len());
                }
            }
        }
    }
}
