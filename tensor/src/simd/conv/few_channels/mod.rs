//! Convolutions of stride 1 with very few channels on one side: the first and the last layer of a network, and their
//! gradients.
//!
//! As products they would copy each number of the picture once for each tap into a panel, to multiply it there by
//! a handful of weights. But what a tap reads are lines of the picture, shifted; and shifted by whole lines they lie in
//! memory as they are needed. Only the shifts within a line are not, and those are made on the side that has few channels:
//!
//! - *from* few channels (`from_few`), a copy of the picture for each column of the window, shifted by it: then each tap
//!   reads a row of neighbouring numbers, and y = w ∗ x is a product whose operand is read where it lies;
//! - *to* few channels (`to_few`), a sum for each column of the window, zᵤ[i, j] = Σ over channels and rows v of
//!   w[v, u] · x[i + v, j], whose terms are read where they lie too; then y[i, j] = Σᵤ zᵤ[i, j + u]. Lines are made one by
//!   one, or four at a time with half of the multiplications;
//! - the gradient of the weights (`weight_gradient`) sums products of neighbouring places of the many channels and such copies
//!   of the few, likewise line by line or by fours.
//!
//! All numbers of a picture with many channels are read in the order in which they lie, and none is copied for a tap.

mod ahead;
mod fours;
mod from_few;
mod shifted;
mod tile;
mod to_few;
mod weight_gradient;

use crate::simd::Isa;
use crate::simd::conv::addend::Bias;
use crate::simd::conv::geometry::Geometry;
use rayon::prelude::*;

/// Channels at most on the one side.
const FEW: usize = 4;
/// Columns of a window at most, so that copies stay few.
const MOST_COLUMNS: usize = 16;
/// Numbers of all copies of a picture, or of all sums, at most: what no cache holds is no gain, and takes memory.
const MOST_NUMBERS: usize = 1 << 20;
/// Places at least: tiles are vectors of neighbouring places of one sample.
const LEAST_PLACES: usize = 64;

/// A convolution of stride 1 from some channels to others, one of them few: a forward pass, or the gradient of the input,
/// which reads dY under the mirrored window.
pub(super) struct Pass {
    from: usize,
    to: usize,
    /// Height and width of what it reads.
    plane: [usize; 2],
    /// Height and width of what it puts out.
    places: [usize; 2],
    taps: [usize; 2],
    /// Zeros above and left of the plane.
    before: [usize; 2],
    mirrored: bool,
}

impl Pass {
    /// That from x to y.
    pub(super) fn forward(g: &Geometry) -> Option<Pass> {
        Pass::new(g, [g.channels_in, g.channels_out], [g.plane, g.places], g.before, false)
    }

    /// That from dY to dX.
    pub(super) fn backward(g: &Geometry) -> Option<Pass> {
        Pass::new(g, [g.channels_out, g.channels_in], [g.places, g.plane], g.mirrored_before()?, true)
    }

    fn new(
        g: &Geometry,
        [from, to]: [usize; 2],
        [plane, places]: [[usize; 2]; 2],
        before: [usize; 2],
        mirrored: bool,
    ) -> Option<Pass> {
        let pass = Pass { from, to, plane, places, taps: g.taps, before, mirrored };
        let apt = g.stride == 1 && g.taps[1] <= MOST_COLUMNS && pass.places_size() >= LEAST_PLACES;
        (apt && (pass.is_from_few() || pass.is_to_few())).then_some(pass)
    }

    fn is_from_few(&self) -> bool {
        let copied = (self.places[0] + self.taps[0] - 1) * self.places[1];
        self.from <= FEW && self.from * self.taps[1] * copied <= MOST_NUMBERS
    }

    /// Whether sums for columns of the window are the way: these may be shifted as one line if lines keep their length.
    fn is_to_few(&self) -> bool {
        let sums = self.to * self.taps[1] * self.places_size();
        self.to <= FEW
            && self.places[1] == self.plane[1]
            && self.taps[1] <= self.plane[1]
            && sums <= MOST_NUMBERS
    }

    /// y ← or += w ∗ x + bias.
    pub(super) fn convolve(
        &self,
        isa: Isa,
        x: &[f32],
        w: &[f32],
        bias: Bias<'_, f32>,
        y: &mut [f32],
        add: bool,
    ) {
        let samples = y.par_chunks_exact_mut(self.size_to()).zip(x.par_chunks_exact(self.size_from()));
        let samples = samples.enumerate().map(|(sample, (y, x))| (x, bias.of(sample, self.to), y));
        if !self.is_to_few() {
            let call = from_few::FromFew::new(isa, self, w, samples.len());
            samples.for_each(|(x, bias, y)| call.run(isa, x, bias, y, add));
        } else if to_few::ByFours::applies(self) {
            let call = to_few::ByFours::new(isa, self, w);
            samples.for_each(|(x, bias, y)| call.run(isa, x, bias, y, add));
        } else {
            let call = to_few::Directly::new(self, w);
            samples.for_each(|(x, bias, y)| call.run(isa, x, bias, y, add));
        }
    }

    fn plane_size(&self) -> usize {
        self.plane[0] * self.plane[1]
    }

    fn places_size(&self) -> usize {
        self.places[0] * self.places[1]
    }

    /// Numbers of a sample that it reads.
    fn size_from(&self) -> usize {
        self.from * self.plane_size()
    }

    /// Numbers of a sample that it puts out.
    fn size_to(&self) -> usize {
        self.to * self.places_size()
    }

    /// Channels that are read, with each tap (v, u) of the window: the terms of a sum.
    fn terms(&self) -> impl Iterator<Item = (usize, [usize; 2])> + use<> {
        let ([high, wide], from) = (self.taps, self.from);
        (0..from).flat_map(move |from| (0..high).flat_map(move |v| (0..wide).map(move |u| (from, [v, u]))))
    }

    fn weights(&self) -> Weights {
        let window = self.taps[0] * self.taps[1];
        let (apart, channels_apart) =
            if self.mirrored { (window, self.to * window) } else { (self.from * window, window) };
        let mut first = Vec::with_capacity(self.from * window);
        for from in 0..self.from {
            for tap in 0..window {
                first.push(from * channels_apart + if self.mirrored { window - 1 - tap } else { tap });
            }
        }
        Weights { first, apart }
    }
}

/// Where the weights of a pass are.
struct Weights {
    /// That of each term, for the first channel put out.
    first: Vec<usize>,
    /// From there to the next channel's.
    apart: usize,
}

impl Weights {
    fn at(&self, to: usize, term: usize) -> usize {
        self.first[term] + to * self.apart
    }
}
