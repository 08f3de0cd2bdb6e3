//! Convolutions of stride 1 that put out very few channels: the last layer of a network, and the gradient of its
//! first layer's input.
//!
//! As a product they would copy each number of the picture once for each tap into a panel, to multiply it there by
//! a handful of weights. So they are computed as they are written down: a plane at a time is copied with zeros around
//! it, and shifted lines of it, times a weight each, are added up, sixteen neighbouring places at once. With a 3 × 3 kernel
//! a line meets three lines of the output; their sums are in registers, and one is finished with each line that is read.

use super::Isa;
use super::gemm::{Padded, Window};
use super::lanes::{Lanes, on_isa};
use crate::ops::conv::{Base, Geometry};
use crate::{Accumulate, Buffer};
use rayon::prelude::*;

/// Channels put out at most.
const FEW: usize = 4;
/// Vectors of the narrowest kind for as many places.
const MOST_VECTORS: usize = 2;
/// Places side by side.
const LANES: usize = super::lanes::MOST_LANES;

/// A convolution of stride 1 to few channels, whose window never lies outside the picture altogether.
pub(super) struct Few {
    isa: Isa,
    depth: usize,
    channels: usize,
    plane: [usize; 2],
    places: [usize; 2],
    taps: [usize; 2],
    /// Zeros above and left of the plane.
    before: [usize; 2],
    /// Over lines that end where vectors do.
    window: Window,
}

impl Few {
    /// That of a forward pass, if y has few channels.
    pub(super) fn of_output(isa: Isa, g: &Geometry) -> Option<Few> {
        Few::new(isa, g, g.channels_in, g.channels_out, g.plane, g.places, g.before)
    }

    /// That of the gradient of the input, if x has few channels.
    pub(super) fn of_input(isa: Isa, g: &Geometry) -> Option<Few> {
        Few::new(isa, g, g.channels_out, g.channels_in, g.places, g.plane, g.mirrored_before()?)
    }

    fn new(
        isa: Isa,
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
        let window = Window::new([places[0], places[1].next_multiple_of(LANES)], g.taps, 1);
        apt.then_some(Few { isa, depth, channels, plane, places, taps: g.taps, before, window })
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

    /// The length of a line of the output in whole vectors.
    fn across(&self) -> usize {
        self.window.places[1]
    }

    /// y ← or += w ∗ x: each number is one sum over channels and taps in order.
    fn convolve(&self, x: &[f32], w: &[f32], y: &mut [f32], add: bool) {
        let size = self.depth * self.plane[0] * self.plane[1];
        let samples = y.par_chunks_exact_mut(self.channels * self.places[0] * self.places[1]);
        samples.zip(x.par_chunks_exact(size)).for_each(|(y, x)| {
            on_isa!(self.isa, convolve(self, x, w, y, add));
        });
    }

    /// What is before each tap of the first place in a padded plane.
    fn shifts(&self) -> impl Iterator<Item = usize> {
        let (wide, pitch) = (self.taps[1], self.window.plane[1]);
        (0..self.taps[0] * wide).map(move |tap| tap / wide * pitch + tap % wide)
    }
}

/// y ← or += w ∗ x of one sample.
#[inline(always)]
fn convolve<L: Lanes<W>, const W: usize>(few: &Few, x: &[f32], w: &[f32], y: &mut [f32], add: bool) {
    let (taps, [high, wide], across) = (few.taps[0] * few.taps[1], few.places, few.across());
    let padded = Padded::new(few.plane, few.before, &few.window);
    let mut lines = Buffer::scratch(padded.size());
    let mut sums = Buffer::<f32>::scratch(few.channels * high * across);
    sums.fill(0.0);
    if add {
        for (sums, y) in sums.chunks_exact_mut(across).zip(y.chunks_exact(wide)) {
            sums[..wide].copy_from_slice(y);
        }
    }
    for (channel, plane) in x.chunks_exact(few.plane[0] * few.plane[1]).enumerate() {
        padded.write(plane, &mut lines);
        for (out, sums) in sums.chunks_exact_mut(high * across).enumerate() {
            let w = &w[(out * few.depth + channel) * taps..][..taps];
            if few.taps == [3, 3] {
                add_plane::<L, W, 3, 3>(few, w, &lines, sums);
                continue;
            }
            for (tap, shift) in few.shifts().enumerate() {
                add_plane::<L, W, 1, 1>(few, &w[tap..], &lines[shift..], sums);
            }
        }
    }
    for (sums, y) in sums.chunks_exact(across).zip(y.chunks_exact_mut(wide)) {
        y.copy_from_slice(&sums[..wide]);
    }
}

/// Adds one channel's part. A line that is read is used for all lines of the output that it meets.
#[inline(always)]
fn add_plane<L: Lanes<W>, const W: usize, const HIGH: usize, const WIDE: usize>(
    few: &Few,
    w: &[f32],
    lines: &[f32],
    sums: &mut [f32],
) {
    let (across, high, pitch) = (few.across(), few.places[0], few.window.plane[1]);
    let mut weights = [[L::zero(); WIDE]; HIGH];
    for v in 0..HIGH {
        for u in 0..WIDE {
            weights[v][u] = L::splat(w[v * WIDE + u]);
        }
    }
    for part in (0..across).step_by(LANES) {
        // Of the lines of the output that this line meets, the last one first.
        let mut open = [[L::zero(); MOST_VECTORS]; HIGH];
        for y in 0..high + HIGH - 1 {
            for v in (1..HIGH).rev() {
                open[v] = open[v - 1];
            }
            if y < high {
                let sums = sums_at(sums, y * across + part);
                for i in 0..LANES / W {
                    open[0][i] = L::load_part(sums, i);
                }
            }
            let line = &lines[y * pitch + part..][..LANES + WIDE - 1];
            for u in 0..WIDE {
                for i in 0..LANES / W {
                    let x = L::load_some(&line[u + i * W..]);
                    for v in 0..HIGH {
                        open[v][i] = x.product_add(weights[v][u], open[v][i]);
                    }
                }
            }
            if y + 1 >= HIGH {
                let sums = sums_at(sums, (y + 1 - HIGH) * across + part);
                for i in 0..LANES / W {
                    open[HIGH - 1][i].store_part(sums, i);
                }
            }
        }
    }
}

fn sums_at(sums: &mut [f32], at: usize) -> &mut [f32; LANES] {
    let (sums, _) = sums[at..].as_chunks_mut::<LANES>();
    &mut sums[0]
}
