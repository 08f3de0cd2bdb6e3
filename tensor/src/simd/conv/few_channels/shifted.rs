//! Copies of a picture, one for each column of the window, shifted by that column.

use super::problem::Problem;
use crate::Buffer;
use crate::simd::conv::padded::Padded;
use crate::simd::gemm::Window;
use crate::simd::vector::{MAX_LANES, Vector};

/// Numbers after each copy that may be read: vectors reach beyond a copy's end, and what they read there is not used.
pub(super) const SLACK: usize = 4 * MAX_LANES;

/// The layout of the copies: one for each channel and each column of the window, as wide as the places, with the lines above and below
/// them that the window's rows read.
pub(super) struct Shifted<'a> {
    problem: &'a Problem,
    window: Window,
}

impl<'a> Shifted<'a> {
    pub(super) fn new(problem: &'a Problem) -> Shifted<'a> {
        Shifted { problem, window: Window::new(problem.places, problem.taps, 1) }
    }

    /// From one copy to the next.
    fn stride(&self) -> usize {
        self.window.plane[0] * self.problem.places[1] + SLACK
    }

    pub(super) fn len(&self) -> usize {
        self.problem.channels_in * self.problem.taps[1] * self.stride()
    }

    /// For each tap of each channel, the offset of the number that it reads in the first place; further places read the numbers that
    /// follow.
    pub(super) fn shifts(&self) -> Vec<usize> {
        let copy = |channel: usize, u: usize| (channel * self.problem.taps[1] + u) * self.stride();
        let terms = self.problem.terms();
        terms.map(|(channel, [v, u])| copy(channel, u) + v * self.problem.places[1]).collect()
    }

    /// Writes the copies of one sample.
    #[inline(always)]
    pub(super) fn write<L: Vector<W>, const W: usize>(&self, x: &[f32], copies: &mut [f32]) {
        if self.problem.plane[1] == self.problem.places[1] {
            return self.write_as_one_line(x, copies);
        }
        let ([high, pitch], wide) = (self.window.plane, self.problem.places[1]);
        let layout = Padded::new(self.problem.plane, self.problem.before, &self.window);
        let mut padded = Buffer::<f32>::scratch(layout.size() + W);
        let planes = x.chunks_exact(self.problem.plane_size());
        let copies = copies.chunks_exact_mut(self.problem.taps[1] * self.stride());
        for (plane, copies) in planes.zip(copies) {
            layout.write(plane, &mut padded[..layout.size()]);
            for (u, copy) in copies.chunks_exact_mut(self.stride()).enumerate() {
                for y in 0..high {
                    let (from, to) = (&padded[y * pitch + u..], &mut copy[y * wide..]);
                    // What is written beyond the end of a line is overwritten by the next one.
                    for at in (0..wide).step_by(W) {
                        L::load_some(&from[at..][..W]).store_some(&mut to[at..][..W]);
                    }
                }
            }
        }
    }

    /// [`Shifted::write`] where lines keep their length: a plane is shifted as if it were one line, and numbers that come from the line
    /// before or the next one are zeroed.
    #[inline(always)]
    fn write_as_one_line(&self, x: &[f32], copies: &mut [f32]) {
        let ([high, _], [plane_high, wide], before) =
            (self.window.plane, self.problem.plane, self.problem.before);
        let above = before[0].min(high);
        let used = plane_high.min(high - above) * wide;
        let copies = copies.chunks_exact_mut(self.problem.taps[1] * self.stride());
        for (plane, copies) in x.chunks_exact(self.problem.plane_size()).zip(copies) {
            let plane = &plane[..used];
            for (u, copy) in copies.chunks_exact_mut(self.stride()).enumerate() {
                let (before, copy) = (before[1], &mut copy[..high * wide]);
                copy[..above * wide].fill(0.0);
                copy[above * wide + used..].fill(0.0);
                let copy = &mut copy[above * wide..][..used];
                let (left, right) = (before.saturating_sub(u).min(wide), u.saturating_sub(before).min(wide));
                copy[left.min(used)..used - right.min(used)]
                    .copy_from_slice(&plane[right.min(used)..used - left.min(used)]);
                // Column by column: line by line, a few numbers at a time would each be a call.
                for column in (0..left).chain(wide - right..wide).take(used) {
                    copy[column..].iter_mut().step_by(wide).for_each(|number| *number = 0.0);
                }
            }
        }
    }
}
