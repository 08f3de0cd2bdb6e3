//! Convolutions of stride 1 that put out very few channels: the last layer of a network, and the gradient of its
//! first layer's input.
//!
//! As a product they would copy each number of the picture once for each tap into a panel, to multiply it there by
//! a handful of weights. So they are computed as they are written down: a plane at a time is copied with zeros around
//! it, and shifted lines of it, times a weight each, are added up, sixteen neighbouring places at once.

use super::vectorized;
use crate::ops::conv::{Base, Geometry};
use crate::{Accumulate, Buffer};
use rayon::prelude::*;

/// Channels put out at most.
const FEW: usize = 4;
/// Places side by side.
const LANES: usize = 16;

/// A convolution of stride 1 to few channels, whose window never lies outside the picture altogether.
pub(super) struct Few {
    depth: usize,
    channels: usize,
    plane: [usize; 2],
    places: [usize; 2],
    taps: [usize; 2],
    /// Zeros above and left of the plane.
    before: [usize; 2],
    /// From one line of a padded plane to the next.
    pitch: usize,
}

impl Few {
    /// That of a forward pass, if y has few channels.
    pub(super) fn of_output(g: &Geometry) -> Option<Few> {
        Few::new(g, g.channels_in, g.channels_out, g.plane, g.places, g.before)
    }

    /// That of the gradient of the input, if x has few channels.
    pub(super) fn of_input(g: &Geometry) -> Option<Few> {
        let before = |axis: usize| (g.taps[axis] - 1).checked_sub(g.before[axis]);
        Few::new(g, g.channels_out, g.channels_in, g.places, g.plane, [before(0)?, before(1)?])
    }

    fn new(
        g: &Geometry,
        depth: usize,
        channels: usize,
        plane: [usize; 2],
        places: [usize; 2],
        before: [usize; 2],
    ) -> Option<Few> {
        let apt = g.stride == 1
            && channels <= FEW
            && (0..2).all(|axis| before[axis] < g.taps[axis] && g.taps[axis] <= LANES);
        let pitch = places[1].next_multiple_of(LANES) + g.taps[1] - 1;
        apt.then_some(Few { depth, channels, plane, places, taps: g.taps, before, pitch })
    }

    /// y = w ∗ x + base.
    pub(super) fn forward(&self, g: &Geometry, x: &[f32], w: &[f32], base: Base<'_, f32>, y: &mut [f32]) {
        let add = base.fill(g, y);
        self.convolve(x, w, y, add);
    }

    /// dX = mirrored w ∗ dY.
    pub(super) fn grad_input(&self, g: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], how: Accumulate) {
        let taps = g.taps[0] * g.taps[1];
        let mirrored: Vec<f32> = (0..g.channels_in)
            .flat_map(|c| (0..g.channels_out).map(move |o| (o * g.channels_in + c) * taps))
            .flat_map(|first| w[first..first + taps].iter().rev().copied())
            .collect();
        self.convolve(dy, &mirrored, dx, how == Accumulate::Add);
    }

    /// dW. Each task has one channel of x; it sums over samples in order.
    pub(super) fn grad_weight(&self, g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32], how: Accumulate) {
        let (taps, [high, wide]) = (g.taps[0] * g.taps[1], g.places);
        let (size, across) = (g.plane[0] * g.plane[1], self.across());
        // With zeros at the end of each line, whole vectors are all there is.
        let mut lines_of_dy = Buffer::<f32>::scratch(g.samples * g.channels_out * high * across);
        for (line, dy) in lines_of_dy.chunks_exact_mut(across).zip(dy.chunks_exact(wide)) {
            line[..wide].copy_from_slice(dy);
            line[wide..].fill(0.0);
        }
        let mut sums = vec![0.0; g.channels_in * g.channels_out * taps];
        sums.par_chunks_exact_mut(g.channels_out * taps).enumerate().for_each(|(channel, sums)| {
            vectorized(
                #[inline(always)]
                || {
                    let mut lines = self.zeros();
                    let mut lanes = vec![[0.0f32; LANES]; sums.len()];
                    for sample in 0..g.samples {
                        self.pad(&x[(sample * g.channels_in + channel) * size..][..size], &mut lines);
                        for (index, lanes) in lanes.iter_mut().enumerate() {
                            let (out, tap) = (sample * g.channels_out + index / taps, index % taps);
                            let dy = &lines_of_dy[out * high * across..][..high * across];
                            let shift = tap / g.taps[1] * self.pitch + tap % g.taps[1];
                            self.correlate(dy, &lines[shift..], lanes);
                        }
                    }
                    for (sum, lanes) in sums.iter_mut().zip(&lanes) {
                        *sum = lanes.iter().sum();
                    }
                },
            );
        });
        for (index, dw) in dw.iter_mut().enumerate() {
            let (channel_out, channel, tap) =
                (index / taps / g.channels_in, index / taps % g.channels_in, index % taps);
            let sum = sums[(channel * g.channels_out + channel_out) * taps + tap];
            *dw = if how == Accumulate::Add { *dw + sum } else { sum };
        }
    }

    /// The length of a line of the output in whole vectors.
    fn across(&self) -> usize {
        self.places[1].next_multiple_of(LANES)
    }

    /// A padded plane of nothing, with a line for vectors that reach beyond the last.
    fn zeros(&self) -> Buffer<f32> {
        let mut lines = Buffer::scratch((self.places[0] + self.taps[0]) * self.pitch);
        lines.fill(0.0);
        lines
    }

    /// Copies a plane into the middle of `lines`, whose edges stay as they are.
    #[inline(always)]
    fn pad(&self, plane: &[f32], lines: &mut [f32]) {
        let ([high, wide], [above, left]) = (self.plane, self.before);
        let (rows, cols) =
            (self.places[0] + self.taps[0] - 1 - above, self.places[1] + self.taps[1] - 1 - left);
        for (line, row) in
            lines.chunks_exact_mut(self.pitch).skip(above).zip(plane.chunks_exact(wide)).take(rows.min(high))
        {
            let used = cols.min(wide);
            line[left..left + used].copy_from_slice(&row[..used]);
        }
    }

    /// y ← or += w ∗ x: each number is one sum over channels and taps in order.
    fn convolve(&self, x: &[f32], w: &[f32], y: &mut [f32], add: bool) {
        let (size, taps) = (self.plane[0] * self.plane[1], self.taps[0] * self.taps[1]);
        let [high, wide] = self.places;
        let across = self.across();
        y.par_chunks_exact_mut(self.channels * high * wide).enumerate().for_each(|(sample, y)| {
            vectorized(
                #[inline(always)]
                || {
                    let mut lines = self.zeros();
                    let mut sums = Buffer::<f32>::scratch(self.channels * high * across);
                    sums.fill(0.0);
                    if add {
                        for (sums, y) in sums.chunks_exact_mut(across).zip(y.chunks_exact(wide)) {
                            sums[..wide].copy_from_slice(y);
                        }
                    }
                    for channel in 0..self.depth {
                        self.pad(&x[(sample * self.depth + channel) * size..][..size], &mut lines);
                        for (out, sums) in sums.chunks_exact_mut(high * across).enumerate() {
                            let w = &w[(out * self.depth + channel) * taps..][..taps];
                            self.add_plane(w, &lines, sums);
                        }
                    }
                    for (sums, y) in sums.chunks_exact(across).zip(y.chunks_exact_mut(wide)) {
                        y.copy_from_slice(&sums[..wide]);
                    }
                },
            );
        });
    }

    /// Adds one channel's part, tap by tap.
    #[inline(always)]
    fn add_plane(&self, w: &[f32], lines: &[f32], sums: &mut [f32]) {
        let across = self.across();
        for (y, sums) in sums.chunks_exact_mut(across).enumerate() {
            for (part, sums) in sums.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let mut sum = *sums;
                for (down, w) in w.chunks_exact(self.taps[1]).enumerate() {
                    let line = &lines[(y + down) * self.pitch + part * LANES..][..LANES + self.taps[1] - 1];
                    for (numbers, w) in line.windows(LANES).zip(w) {
                        for i in 0..LANES {
                            sum[i] = w.mul_add(numbers[i], sum[i]);
                        }
                    }
                }
                *sums = sum;
            }
        }
    }

    /// Adds the products of lines of dY and a shifted plane.
    #[inline(always)]
    fn correlate(&self, dy: &[f32], lines: &[f32], lanes: &mut [f32; LANES]) {
        let across = self.across();
        let mut sum = *lanes;
        for (dy, line) in dy.chunks_exact(across).zip(lines.chunks(self.pitch)) {
            for (dy, numbers) in dy.as_chunks::<LANES>().0.iter().zip(line[..across].as_chunks::<LANES>().0) {
                for i in 0..LANES {
                    sum[i] = dy[i].mul_add(numbers[i], sum[i]);
                }
            }
        }
        *lanes = sum;
    }
}
