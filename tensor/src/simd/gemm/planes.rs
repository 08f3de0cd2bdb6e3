//! Operands that are packed from planes of numbers: matrices, and pictures as a convolution reads them.
//!
//! A convolution is a product once its input is arranged as a matrix X with a row per *feature* (channel, tap
//! of the window) and a column per *position* (sample, place of the window): the im2col matrix. Here it exists
//! only as panels, one cache block at a time:
//!
//! - forward, and the gradient of the input: C = W·X, so B's columns are positions, and features are summed over;
//! - the gradient of the weights: C = dY·Xᵀ, so B's columns are features, and positions are summed over.
//!
//! A matrix with one contiguous axis is the special case of a window of one tap over planes of one row.
//!
//! It is fast because neighbouring positions read neighbouring numbers, whatever the feature, and because two features read at a
//! constant distance from each other. Two properties of the planes ensure that. They have zeros around them wherever the window
//! reaches over the edge, so that no position is special. And with stride s, where neighbouring positions would read every s-th
//! pixel of a row, the pixels are sorted into s × s *phases*, by row and column modulo s, and each tap reads one phase only.
//! `conv::padded` makes one copy of the planes that has both properties.

use super::pack::{Axis, InMemory, Operand};
use super::runs::{pack_by_feature, pack_by_position};
use crate::simd::Isa;
use crate::simd::vector::on_isa;
use std::ops::Range;

/// A window that moves over planes, which have room for it in every place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Height and width of each phase of a plane, zeros around it included.
    pub(crate) plane: [usize; 2],
    /// How many places the window has, down and across: the size of a convolution's output.
    pub(crate) places: [usize; 2],
    /// Height and width of the window.
    pub(crate) taps: [usize; 2],
    /// Pixels from one place to the next.
    pub(crate) stride: usize,
    /// Row and column, within a phase, of the first place.
    pub(crate) first: [usize; 2],
}

impl Window {
    /// A window whose first place is at the beginning of the plane, over a plane just large enough for all places.
    pub(crate) fn new(places: [usize; 2], taps: [usize; 2], stride: usize) -> Window {
        let plane = [0, 1].map(|axis| places[axis] + (taps[axis].saturating_sub(1)) / stride);
        Window { plane, places, taps, stride, first: [0, 0] }
    }

    /// A window of one tap: each number of a line is a place.
    pub(crate) fn line(numbers: usize) -> Window {
        Window::new([1, numbers], [1, 1], 1)
    }

    /// How many phases are read, down and across.
    pub(crate) fn phases(&self) -> [usize; 2] {
        self.taps.map(|taps| taps.min(self.stride))
    }

    /// Numbers of all phases of a plane.
    pub(crate) fn size(&self) -> usize {
        self.phases().iter().chain(&self.plane).product()
    }

    /// Whether every pixel is a place of a window of one tap: then all of a plane can be treated as one row.
    fn is_plain(&self) -> bool {
        let Window { plane, places, taps, first, .. } = *self;
        taps == [1, 1] && first == [0, 0] && plane == places
    }

    /// From the beginning of a plane to the number that this tap reads in the first place.
    fn tap(&self, index: usize) -> usize {
        let [height, width] = self.plane;
        let tap = [index / self.taps[1], index % self.taps[1]];
        let [phase, at] = [tap.map(|tap| tap % self.stride), tap.map(|tap| tap / self.stride)];
        let [y, x] = [0, 1].map(|axis| self.first[axis] + at[axis]);
        ((phase[0] * self.phases()[1] + phase[1]) * height + y) * width + x
    }
}

/// `samples` × `channels` planes under a window.
#[derive(Debug, Clone)]
pub(crate) struct Planes<'a> {
    pub(super) data: &'a [f32],
    samples: usize,
    channels: usize,
    sample_stride: usize,
    pub(super) channel_stride: usize,
    window: Window,
    /// For each tap, the offset in a plane of what it reads in the first place.
    taps: Vec<usize>,
}

impl<'a> Planes<'a> {
    /// Contiguous pictures [samples, channels, phases, height, width].
    pub(crate) fn pictures(data: &'a [f32], samples: usize, channels: usize, window: Window) -> Planes<'a> {
        let size = window.size();
        assert!(data.len() >= samples * channels * size, "pictures end before their shape does");
        let fits = |axis: usize| {
            let taps = window.taps[axis];
            let last_tap = taps.saturating_sub(1) / window.stride;
            taps == 0 || window.first[axis] + window.places[axis] + last_tap <= window.plane[axis]
        };
        assert!(fits(0) && fits(1), "a window reaches beyond its plane");
        let window = if window.is_plain() { Window::line(size) } else { window };
        Planes::new(data, [samples, channels], [channels * size, size], window)
    }

    /// A matrix of `rows` contiguous rows of `cols` numbers, `row_stride` apart: rows are features, columns are
    /// positions.
    pub(crate) fn matrix(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Planes<'a> {
        let end = if rows == 0 || cols == 0 { 0 } else { (rows - 1) * row_stride + cols };
        assert!(data.len() >= end, "a matrix ends before its shape does");
        Planes::new(data, [1, rows], [0, row_stride], Window::line(cols))
    }

    fn new(
        data: &'a [f32],
        [samples, channels]: [usize; 2],
        [sample_stride, channel_stride]: [usize; 2],
        window: Window,
    ) -> Planes<'a> {
        let taps = (0..window.taps[0] * window.taps[1]).map(|index| window.tap(index)).collect();
        Planes { data, samples, channels, sample_stride, channel_stride, window, taps }
    }

    /// Runs of positions whose numbers are neighbours in memory: for each, where the first position reads if a feature's distance is
    /// zero, and how many positions there are.
    pub(super) fn runs(&self, positions: Range<usize>) -> impl Iterator<Item = (usize, usize)> + use<'_, 'a> {
        let [high, wide] = self.window.places;
        let mut next = positions.start;
        std::iter::from_fn(move || {
            let (line, x) = (next.checked_div(wide)?, next % wide);
            let len = (wide - x).min(positions.end - next);
            next += len;
            let from = line / high * self.sample_stride + line % high * self.window.plane[1] + x;
            (len > 0).then_some((from, len))
        })
    }

    /// How far from the first feature this one reads, in every position.
    pub(super) fn distance(&self, feature: usize) -> usize {
        feature / self.taps.len() * self.channel_stride + self.taps[feature % self.taps.len()]
    }

    /// How features and positions are spread over memory, if every pixel is a position: as a matrix for each sample.
    fn axes(&self) -> Option<[Axis; 2]> {
        let features = Axis { stride: self.channel_stride, group: self.channels, group_stride: 0 };
        let positions = Axis { stride: 1, group: self.window.size(), group_stride: self.sample_stride };
        self.window.is_plain().then_some([features, positions])
    }

    /// Features of each channel.
    pub(super) fn taps(&self) -> usize {
        self.taps.len()
    }

    fn positions(&self) -> usize {
        self.samples * self.window.places[0] * self.window.places[1]
    }

    fn features(&self) -> usize {
        self.channels * self.taps.len()
    }
}

/// An operand with a row or column for each position, whose features are summed over.
pub(crate) struct ByPosition<'a>(pub(crate) Planes<'a>);

impl Operand for ByPosition<'_> {
    fn outer(&self) -> usize {
        self.0.positions()
    }

    fn depth(&self) -> usize {
        self.0.features()
    }

    fn in_memory(&self) -> Option<InMemory<'_>> {
        let [features, positions] = self.0.axes()?;
        Some(InMemory { numbers: self.0.data, outer: positions, depth: features })
    }

    fn pack(&self, isa: Isa, outer: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]) {
        check(self, &outer, &depth, width, panels);
        on_isa!(isa, pack_by_position(&self.0, outer, depth, width, panels));
    }
}

/// An operand with a row or column for each feature, whose positions are summed over.
pub(crate) struct ByFeature<'a>(pub(crate) Planes<'a>);

impl Operand for ByFeature<'_> {
    fn outer(&self) -> usize {
        self.0.features()
    }

    fn depth(&self) -> usize {
        self.0.positions()
    }

    fn in_memory(&self) -> Option<InMemory<'_>> {
        let [features, positions] = self.0.axes()?;
        Some(InMemory { numbers: self.0.data, outer: features, depth: positions })
    }

    fn pack(&self, isa: Isa, outer: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]) {
        check(self, &outer, &depth, width, panels);
        on_isa!(isa, pack_by_feature(&self.0, outer, depth, width, panels));
    }
}

fn check(operand: &dyn Operand, outer: &Range<usize>, depth: &Range<usize>, width: usize, panels: &[f32]) {
    assert!(outer.end <= operand.outer() && depth.end <= operand.depth());
    assert_eq!(panels.len(), outer.len().next_multiple_of(width) * depth.len());
}
