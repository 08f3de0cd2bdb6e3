//! What the methods for few channels are told of a convolution.

use crate::simd::conv::geometry::Geometry;

/// The most channels on the side that has few.
const FEW: usize = 4;
/// The most columns of a window, so that copies stay few.
pub(super) const MAX_COLUMNS: usize = 16;
/// The most numbers of all copies of a picture, or of all partial sums: beyond any cache they are no gain, and they take memory.
const MAX_NUMBERS: usize = 1 << 20;
/// The fewest places of a sample: tiles are vectors of neighbouring places.
const MIN_PLACES: usize = 64;

/// A convolution of stride 1 between few channels and any number of them: a forward pass, or the gradient of the input, which
/// reads dY under the mirrored window. "In" and "out" are as this convolution reads and writes, whichever of the two it is.
pub(in crate::simd::conv) struct Problem {
    pub(super) channels_in: usize,
    pub(super) channels_out: usize,
    /// Height and width of the planes that are read.
    pub(super) plane: [usize; 2],
    /// Height and width of the planes that are written.
    pub(super) places: [usize; 2],
    /// Height and width of the window.
    pub(super) taps: [usize; 2],
    /// Zeros above and left of the planes that are read.
    pub(super) before: [usize; 2],
    mirrored: bool,
}

impl Problem {
    /// The convolution from x to y, if it is one for these methods.
    pub(in crate::simd::conv) fn forward(g: &Geometry) -> Option<Problem> {
        Problem::new(g, [g.channels_in, g.channels_out], [g.plane, g.places], g.before, false)
    }

    /// The convolution from dY to dX, if it is one for these methods.
    pub(in crate::simd::conv) fn backward(g: &Geometry) -> Option<Problem> {
        Problem::new(g, [g.channels_out, g.channels_in], [g.places, g.plane], g.mirrored_before()?, true)
    }

    fn new(
        g: &Geometry,
        [channels_in, channels_out]: [usize; 2],
        [plane, places]: [[usize; 2]; 2],
        before: [usize; 2],
        mirrored: bool,
    ) -> Option<Problem> {
        let problem = Problem { channels_in, channels_out, plane, places, taps: g.taps, before, mirrored };
        let fits = g.stride == 1 && g.taps[1] <= MAX_COLUMNS && problem.places_size() >= MIN_PLACES;
        (fits && (problem.is_from_few() || problem.is_to_few())).then_some(problem)
    }

    /// Whether few channels are read, and copies of them, one for each column of the window, stay small.
    pub(super) fn is_from_few(&self) -> bool {
        let copied = (self.places[0] + self.taps[0] - 1) * self.places[1];
        self.channels_in <= FEW && self.channels_in * self.taps[1] * copied <= MAX_NUMBERS
    }

    /// Whether few channels are written, by a partial sum for each column of the window. These are shifted as if a plane were one
    /// line, so lines must keep their length.
    pub(super) fn is_to_few(&self) -> bool {
        let sums = self.channels_out * self.taps[1] * self.places_size();
        self.channels_out <= FEW
            && self.places[1] == self.plane[1]
            && self.taps[1] <= self.plane[1]
            && sums <= MAX_NUMBERS
    }

    /// Numbers of a plane that is read.
    pub(super) fn plane_size(&self) -> usize {
        self.plane[0] * self.plane[1]
    }

    /// Numbers of a plane that is written.
    pub(super) fn places_size(&self) -> usize {
        self.places[0] * self.places[1]
    }

    /// Numbers of a sample that are read.
    pub(super) fn size_in(&self) -> usize {
        self.channels_in * self.plane_size()
    }

    /// Numbers of a sample that are written.
    pub(super) fn size_out(&self) -> usize {
        self.channels_out * self.places_size()
    }

    /// The terms of each sum: a channel that is read, and a tap (row, column) of the window.
    pub(super) fn terms(&self) -> impl Iterator<Item = (usize, [usize; 2])> + use<> {
        let ([high, wide], channels_in) = (self.taps, self.channels_in);
        (0..channels_in).flat_map(move |c| (0..high).flat_map(move |v| (0..wide).map(move |u| (c, [v, u]))))
    }

    /// Where the weights are.
    pub(super) fn weights(&self) -> Weights {
        let window = self.taps[0] * self.taps[1];
        let (out_stride, in_stride) = if self.mirrored {
            (window, self.channels_out * window)
        } else {
            (self.channels_in * window, window)
        };
        let mut first = Vec::with_capacity(self.channels_in * window);
        for channel in 0..self.channels_in {
            for tap in 0..window {
                first.push(channel * in_stride + if self.mirrored { window - 1 - tap } else { tap });
            }
        }
        Weights { first, out_stride }
    }
}

/// Where the weights of a [`Problem`] are in memory.
pub(super) struct Weights {
    /// The weight of each term, for the first channel that is written.
    first: Vec<usize>,
    /// From there to the next channel's.
    out_stride: usize,
}

impl Weights {
    /// The weight of a channel that is written and a term.
    pub(super) fn at(&self, channel_out: usize, term: usize) -> usize {
        self.first[term] + channel_out * self.out_stride
    }

    /// How many terms each sum has.
    pub(super) fn terms(&self) -> usize {
        self.first.len()
    }
}
