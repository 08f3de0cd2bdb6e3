//! Planes of numbers: matrices, and pictures as a convolution reads them.
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

use super::pack::Axis;
use super::window::Window;
use std::ops::Range;

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
    pub(super) fn axes(&self) -> Option<[Axis; 2]> {
        let features = Axis { stride: self.channel_stride, group: self.channels, group_stride: 0 };
        let positions = Axis { stride: 1, group: self.window.size(), group_stride: self.sample_stride };
        self.window.is_plain().then_some([features, positions])
    }

    /// Features of each channel.
    pub(super) fn taps(&self) -> usize {
        self.taps.len()
    }

    pub(super) fn positions(&self) -> usize {
        self.samples * self.window.places[0] * self.window.places[1]
    }

    pub(super) fn features(&self) -> usize {
        self.channels * self.taps.len()
    }
}
