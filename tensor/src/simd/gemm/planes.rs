//! Packing from planes of numbers: matrices, and pictures as a convolution sees them.
//!
//! A convolution is a product once its input is arranged as a matrix X with a row per *feature* (channel, tap
//! of the window) and a column per *position* (sample, place of the window): the im2col matrix. Here it exists
//! only as panels, one cache block at a time:
//!
//! - forward, and the gradient of the input: C = W·X, so positions are B's lanes and features are summed over;
//! - the gradient of the weights: C = dY·Xᵀ, so features are B's lanes and positions are summed over.
//!
//! A matrix with one contiguous axis is the special case of a window of one tap over planes of one row.
//!
//! What makes it fast: neighbouring positions read neighbouring numbers. Where the output is as wide as the picture they
//! do so even from one row of the picture to the next, whatever the tap; only the places where the window hangs over
//! the edge must be masked. So a vector of positions is one masked load (`runs`), or a few where a sample or a cropped
//! row ends in between.
//!
//! With stride s, neighbouring positions read every s-th pixel of a row. So the pixels are first sorted into s × s *phases*,
//! by row and column modulo s (`phases`): a tap reads one phase only, and there neighbours for neighbours.

use super::pack::{InMemory, Operand};
use super::runs::{MOST_TAPS, feature_lanes, plain_feature_lanes, position_lanes};
use crate::simd::Isa;
use crate::simd::lanes::{on_isa, on_vectors};
use std::ops::Range;

/// A window that moves over a plane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Height and width of the plane, or of each of its phases.
    pub(crate) plane: [usize; 2],
    /// How many places the window takes, down and across.
    pub(crate) places: [usize; 2],
    /// Height and width of the window.
    pub(crate) taps: [usize; 2],
    /// From one place to the next.
    pub(crate) stride: usize,
    /// How many phases there are, down and across: `stride`, or as many as the picture has rows and columns.
    pub(crate) phases: [usize; 2],
    /// Rows above and columns left of the plane where the window begins; these read as zeros. Negative when it
    /// begins inside.
    pub(crate) before: [isize; 2],
}

impl Window {
    /// Each of so many numbers by itself, one behind the other.
    pub(crate) fn line(numbers: usize) -> Window {
        let line = [1, numbers];
        Window { plane: line, places: line, taps: [1, 1], stride: 1, phases: [1, 1], before: [0, 0] }
    }

    /// Whether each pixel is a position: then all of a plane may be seen as one row.
    pub(super) fn is_plain(&self) -> bool {
        let Window { plane, places, taps, stride, before, .. } = *self;
        taps == [1, 1] && stride == 1 && before == [0, 0] && plane == places
    }
}

/// `samples` × `channels` planes under a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes<'a> {
    pub(super) data: &'a [f32],
    samples: usize,
    channels: usize,
    sample_stride: usize,
    pub(super) channel_stride: usize,
    pub(super) window: Window,
}

impl<'a> Planes<'a> {
    /// Contiguous pictures [samples, channels, phases, height, width].
    pub(crate) fn pictures(data: &'a [f32], samples: usize, channels: usize, window: Window) -> Planes<'a> {
        let size = window.phases.iter().chain(&window.plane).product();
        assert!(data.len() >= samples * channels * size, "pictures end before their shape does");
        let window = if window.is_plain() { Window::line(size) } else { window };
        Planes { data, samples, channels, sample_stride: channels * size, channel_stride: size, window }
    }

    /// A matrix of `rows` contiguous rows of `cols` numbers, `row_stride` apart: rows are features, columns are
    /// positions.
    pub(crate) fn matrix(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Planes<'a> {
        let end = if rows == 0 || cols == 0 { 0 } else { (rows - 1) * row_stride + cols };
        assert!(data.len() >= end, "a matrix ends before its shape does");
        let window = Window::line(cols);
        Planes { data, samples: 1, channels: rows, sample_stride: 0, channel_stride: row_stride, window }
    }

    /// Where each pixel is a position: where the number of a channel at a position is, and how many positions from
    /// there on are neighbours.
    pub(super) fn plain(&self, channel: usize, position: usize) -> (usize, usize) {
        let pixels = self.pixels();
        let (sample, within) = (position / pixels, position % pixels);
        (sample * self.sample_stride + channel * self.channel_stride + within, pixels - within)
    }

    fn pixels(&self) -> usize {
        self.window.plane[0] * self.window.plane[1]
    }

    fn positions(&self) -> usize {
        self.samples * self.window.places[0] * self.window.places[1]
    }

    pub(super) fn taps(&self) -> usize {
        self.window.taps[0] * self.window.taps[1]
    }

    fn features(&self) -> usize {
        self.channels * self.taps()
    }

    /// Whether coordinates in a plane, and distances between sixteen positions, fit 32 bits.
    fn is_indexable(&self) -> bool {
        self.data.len() < i32::MAX as usize / 4
    }

    /// Sample, row and column of a position.
    pub(super) fn place(&self, position: usize) -> [usize; 3] {
        let [high, wide] = self.window.places;
        [position / wide / high, position / wide % high, position % wide]
    }

    /// Where in `data` a place's own pixel of channel 0, phase 0 is, if it is inside the plane.
    pub(super) fn offset(&self, [sample, y, x]: [usize; 3]) -> usize {
        sample * self.sample_stride + y * self.window.plane[1] + x
    }

    /// Tap number `index` of the window.
    pub(super) fn tap(&self, index: usize) -> Tap {
        let Window { plane: [height, width], taps, stride, phases, before, .. } = self.window;
        let of_axis = |at: usize, axis: usize| {
            let (from_place, stride) = (at as isize - before[axis], stride as isize);
            (from_place.rem_euclid(stride), from_place.div_euclid(stride))
        };
        let (row, down) = of_axis(index / taps[1], 0);
        let (column, right) = of_axis(index % taps[1], 1);
        if row >= phases[0] as isize || column >= phases[1] as isize {
            // No row or column of the picture.
            return Tap { down: FAR, right: FAR, step: 0 };
        }
        let phase = row * phases[1] as isize + column;
        Tap { down, right, step: (phase * height as isize + down) * width as isize + right }
    }

    /// Packs with plain loops: feature f of position p goes to `panel[place(f, p)]`, both counted from the
    /// beginning of their ranges.
    fn pack_plain(
        &self,
        positions: Range<usize>,
        features: Range<usize>,
        panels: &mut [f32],
        place: impl Fn(usize, usize) -> usize,
    ) {
        const TOGETHER: usize = 32;
        let [height, width] = self.window.plane;
        for start in positions.clone().step_by(TOGETHER) {
            let count = TOGETHER.min(positions.end - start);
            let mut places = [(0, 0, 0); TOGETHER];
            for (i, place) in places[..count].iter_mut().enumerate() {
                let at @ [_, y, x] = self.place(start + i);
                *place = (self.offset(at), y, x);
            }
            for (f, feature) in features.clone().enumerate() {
                let (channel, tap) = (feature / self.taps(), self.tap(feature % self.taps()));
                for (i, &(offset, y, x)) in places[..count].iter().enumerate() {
                    let row = y.checked_add_signed(tap.down).filter(|&row| row < height);
                    let column = x.checked_add_signed(tap.right).filter(|&column| column < width);
                    let value = match row.and(column) {
                        Some(_) => {
                            self.data[(offset + channel * self.channel_stride).wrapping_add_signed(tap.step)]
                        }
                        None => 0.0,
                    };
                    panels[place(f, start - positions.start + i)] = value;
                }
            }
        }
    }
}

/// Outside of any plane, however far inside the place.
const FAR: isize = 1 << 30;

/// What a tap of the window reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tap {
    /// Rows and columns from a place to there, within the phase.
    pub(super) down: isize,
    pub(super) right: isize,
    /// Numbers from the place's own pixel in phase 0.
    pub(super) step: isize,
}

/// Positions as lanes, features as depth.
pub(crate) struct PositionLanes<'a>(pub(crate) Planes<'a>);

impl Operand for PositionLanes<'_> {
    fn lanes(&self) -> usize {
        self.0.positions()
    }

    fn depth(&self) -> usize {
        self.0.features()
    }

    fn in_memory(&self) -> Option<InMemory<'_>> {
        let Planes { data, sample_stride, channel_stride, .. } = self.0;
        let (group, group_apart) = (self.0.pixels(), sample_stride);
        let matrices = InMemory { numbers: data, apart: 1, step: channel_stride, group, group_apart };
        self.0.window.is_plain().then_some(matrices)
    }

    fn pack(&self, isa: Isa, lanes: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]) {
        let deep = depth.len();
        check(self, &lanes, &depth, width, panels);
        if isa > Isa::Portable && self.0.is_indexable() {
            // SAFETY: ranges were checked above.
            unsafe { on_vectors!(isa, position_lanes(&self.0, lanes, depth, width, panels)) };
            return;
        }
        clear_missing(lanes.len(), deep, width, panels);
        self.0.pack_plain(lanes, depth, panels, |f, p| (p / width * deep + f) * width + p % width);
    }
}

/// Features as lanes, positions as depth.
pub(crate) struct FeatureLanes<'a>(pub(crate) Planes<'a>);

impl Operand for FeatureLanes<'_> {
    fn lanes(&self) -> usize {
        self.0.features()
    }

    fn depth(&self) -> usize {
        self.0.positions()
    }

    fn in_memory(&self) -> Option<InMemory<'_>> {
        let Planes { data, samples, channels, channel_stride, window, .. } = self.0;
        let matrix =
            InMemory { numbers: data, apart: channel_stride, step: 1, group: channels, group_apart: 0 };
        (window.is_plain() && samples == 1).then_some(matrix)
    }

    fn pack(&self, isa: Isa, lanes: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]) {
        let deep = depth.len();
        check(self, &lanes, &depth, width, panels);
        clear_missing(lanes.len(), deep, width, panels);
        if self.0.window.is_plain() {
            return on_isa!(isa, plain_feature_lanes(&self.0, lanes, depth, width, panels));
        }
        if isa > Isa::Portable && self.0.is_indexable() && self.0.taps() <= MOST_TAPS {
            // SAFETY: ranges were checked above.
            return unsafe { on_vectors!(isa, feature_lanes(&self.0, lanes, depth, width, panels)) };
        }
        self.0.pack_plain(depth, lanes, panels, |f, p| (f / width * deep + p) * width + f % width);
    }
}

fn check(operand: &dyn Operand, lanes: &Range<usize>, depth: &Range<usize>, width: usize, panels: &[f32]) {
    assert!(lanes.end <= operand.lanes() && depth.end <= operand.depth());
    assert_eq!(panels.len(), lanes.len().next_multiple_of(width) * depth.len());
}

/// Zeroes the last panel if it has lanes missing.
fn clear_missing(lanes: usize, deep: usize, width: usize, panels: &mut [f32]) {
    if !lanes.is_multiple_of(width) {
        panels[lanes / width * width * deep..].fill(0.0);
    }
}
