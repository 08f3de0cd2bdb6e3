//! Copies of planes that a window can read in every place: with zeros around the pixels, and sorted into the phases of a stride.

use crate::Buffer;
use crate::simd::gemm::Accumulate;
use crate::simd::gemm::Window;
use crate::simd::vectorized;
use rayon::prelude::*;

/// Contiguous planes with `before` zeros above and to the left, sorted into the window's phases: row y, counted with the zeros, becomes
/// row y / stride of phase y mod stride; columns likewise. Wherever there is no pixel there are zeros; pixels that the window never
/// reads are left out. `None` if the window can read the planes as they are.
pub(crate) fn padded(
    data: &[f32],
    [height, width]: [usize; 2],
    before: [usize; 2],
    window: &Window,
) -> Option<Buffer<f32>> {
    /// The fewest numbers of a task.
    const LEAST: usize = 1 << 14;
    if window.stride == 1 && before == [0, 0] && window.plane == [height, width] {
        return None;
    }
    let (layout, size) = (Padded::new([height, width], before, window), window.size());
    let mut copy = Buffer::scratch(data.len() / (height * width) * size);
    let planes = copy.par_chunks_exact_mut(size).zip(data.par_chunks_exact(height * width));
    planes.with_min_len(LEAST.div_ceil(size)).for_each(|(phases, plane)| {
        vectorized(
            #[inline(always)]
            || layout.write(plane, phases),
        );
    });
    Some(copy)
}

/// How [`padded`] copies one plane.
pub(crate) struct Padded<'a> {
    plane: [usize; 2],
    above: usize,
    window: &'a Window,
    /// Which part of a line each phase has.
    parts: Vec<Part>,
    /// Whether there are two phases, to which all pixels of a line go in turn.
    in_pairs: bool,
}

impl<'a> Padded<'a> {
    pub(crate) fn new(plane: [usize; 2], before: [usize; 2], window: &'a Window) -> Padded<'a> {
        let (stride, width, wide) = (window.stride, plane[1], window.plane[1]);
        let across = window.phases()[1];
        let parts: Vec<Part> =
            (0..across).map(|phase| Part::of(phase, stride, [width, before[1], wide])).collect();
        let in_pairs =
            stride == 2 && across == 2 && parts.iter().map(|part| part.count).sum::<usize>() == width;
        Padded { plane, above: before[0], window, parts, in_pairs }
    }

    /// The length of the copy.
    pub(crate) fn size(&self) -> usize {
        self.window.size()
    }

    #[inline(always)]
    pub(crate) fn write(&self, plane: &[f32], phases: &mut [f32]) {
        match self.window.stride {
            1 => self.write_lines(plane, phases),
            _ => self.write_phases(plane, phases),
        }
    }

    /// Copies with a single phase. Not inlined: by itself it needs so few registers that none is spilled.
    #[inline(never)]
    fn write_lines(&self, plane: &[f32], to: &mut [f32]) {
        let ([high, wide], part) = (self.window.plane, &self.parts[0]);
        let above = self.above.min(high);
        let used = self.plane[0].min(high - above);
        to[..above * wide].fill(0.0);
        to[(above + used) * wide..].fill(0.0);
        let lines = to[above * wide..][..used * wide].chunks_exact_mut(wide);
        for (line, to) in plane.chunks_exact(self.plane[1]).zip(lines) {
            let to = part.in_row(to);
            copy(&line[..to.len()], to);
        }
    }

    #[inline(always)]
    fn write_phases(&self, plane: &[f32], phases: &mut [f32]) {
        let ([high, wide], stride, width) = (self.window.plane, self.window.stride, self.plane[1]);
        let [down, across] = self.window.phases();
        let phases = phases.chunks_exact_mut(across * high * wide).take(down).enumerate();
        for (phase, phases) in phases {
            for row in 0..high {
                let y = (row * stride + phase).wrapping_sub(self.above);
                let line = plane.get(y.saturating_mul(width)..).and_then(|lines| lines.get(..width));
                match (line, &self.parts[..]) {
                    (Some(line), [zero, one]) if self.in_pairs => {
                        let (to_zero, to_one) = phases.split_at_mut(high * wide);
                        let to_zero = zero.in_row(&mut to_zero[row * wide..][..wide]);
                        let to_one = one.in_row(&mut to_one[row * wide..][..wide]);
                        match zero.from {
                            0 => split_pairs(line, to_zero, to_one),
                            _ => split_pairs(line, to_one, to_zero),
                        }
                    }
                    (Some(line), parts) => {
                        for (part, to) in parts.iter().zip(phases.chunks_exact_mut(high * wide)) {
                            part.write(line, stride, &mut to[row * wide..][..wide]);
                        }
                    }
                    (None, _) => {
                        for to in phases.chunks_exact_mut(high * wide) {
                            to[row * wide..][..wide].fill(0.0);
                        }
                    }
                }
            }
        }
    }
}

/// The part of a line that one phase has: every `stride`-th pixel from `from` on, `count` of them, which go to columns from `first` on.
struct Part {
    from: usize,
    first: usize,
    count: usize,
}

impl Part {
    fn of(phase: usize, stride: usize, [width, before, wide]: [usize; 3]) -> Part {
        let first = before.saturating_sub(phase).div_ceil(stride);
        let from = first * stride + phase - before;
        let count = width.saturating_sub(from).div_ceil(stride).min(wide.saturating_sub(first));
        Part { from, first: first.min(wide), count }
    }

    /// Zeroes the rest of a phase's row, and returns the part for the pixels.
    #[inline(always)]
    fn in_row<'r>(&self, row: &'r mut [f32]) -> &'r mut [f32] {
        let end = self.first + self.count;
        if !(clear_ends::<4>(row, self.first, end) || clear_ends::<8>(row, self.first, end)) {
            row.fill(0.0);
        }
        &mut row[self.first..end]
    }

    #[inline(always)]
    fn write(&self, line: &[f32], stride: usize, row: &mut [f32]) {
        let to = self.in_row(row);
        to.iter_mut().zip(line.iter().skip(self.from).step_by(stride)).for_each(|(to, x)| *to = *x);
    }
}

/// Zeroes the first and the last `N` numbers of a row, if that covers all but `first..end`; the numbers in between are written later. A
/// fixed number of zeros, even a few too many, is faster than a call for the exact number. Returns whether it did.
#[inline(always)]
fn clear_ends<const N: usize>(row: &mut [f32], first: usize, end: usize) -> bool {
    let wide = row.len();
    if wide < N || first > N || wide - end > N {
        return false;
    }
    row[..N].copy_from_slice(&[0.0; N]);
    row[wide - N..].copy_from_slice(&[0.0; N]);
    true
}

/// Where blocks of `N` begin that cover `len` numbers, which are none or at least `N`. The last one ends where the numbers do, so it may
/// overlap the one before.
#[inline(always)]
fn blocks<const N: usize>(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(N).map(
        #[inline(always)]
        move |first| first.min(len - N),
    )
}

/// Copies a short line without a call.
#[inline(always)]
fn copy(line: &[f32], to: &mut [f32]) {
    match line.len() {
        8.. => copy_by::<8>(line, to),
        4.. => copy_by::<4>(line, to),
        _ => copy_by::<1>(line, to),
    }
}

#[inline(always)]
fn copy_by<const N: usize>(line: &[f32], to: &mut [f32]) {
    for first in blocks::<N>(line.len()) {
        to[first..][..N].copy_from_slice(&line[first..][..N]);
    }
}

/// Splits a line into its numbers of even and of odd index.
#[inline(always)]
fn split_pairs(line: &[f32], even: &mut [f32], odd: &mut [f32]) {
    match line.len() / 2 {
        16.. => split_pairs_by::<16>(line, even, odd),
        8.. => split_pairs_by::<8>(line, even, odd),
        4.. => split_pairs_by::<4>(line, even, odd),
        _ => split_pairs_by::<1>(line, even, odd),
    }
    if let (1, Some((last, _))) = (line.len() % 2, line.split_last()) {
        even[line.len() / 2] = *last;
    }
}

/// [`split_pairs`] for the whole pairs, in [`blocks`].
#[inline(always)]
fn split_pairs_by<const N: usize>(line: &[f32], even: &mut [f32], odd: &mut [f32]) {
    for first in blocks::<N>(line.len() / 2) {
        let (line, even, odd) =
            (&line[2 * first..][..2 * N], &mut even[first..][..N], &mut odd[first..][..N]);
        for i in 0..N {
            (even[i], odd[i]) = (line[2 * i], line[2 * i + 1]);
        }
    }
}

/// Writes lines from their phases. Each phase is (first pixel, pixels in a line, numbers): it has every `stride`-th pixel of each line
/// from the first on.
pub(crate) fn weave<'l, 'p>(
    phases: impl Iterator<Item = (usize, usize, &'p [f32])> + Clone,
    stride: usize,
    lines: impl Iterator<Item = &'l mut [f32]>,
    how: Accumulate,
) {
    let from = |first: usize| phases.clone().find(|phase| phase.0 == first);
    vectorized(
        #[inline(always)]
        || match (stride, from(0), from(1), how) {
            (2, Some((_, evens, even)), Some((_, odds, odd)), Accumulate::Overwrite) => {
                for (y, line) in lines.enumerate() {
                    join_pairs(&even[y * evens..][..evens], &odd[y * odds..][..odds], line);
                }
            }
            _ => {
                for (y, line) in lines.enumerate() {
                    for (first, count, phase) in phases.clone() {
                        let places = line.iter_mut().skip(first).step_by(stride);
                        let places = places.zip(&phase[y * count..][..count]);
                        match how {
                            Accumulate::Overwrite => places.for_each(|(to, x)| *to = *x),
                            Accumulate::Add => places.for_each(|(to, x)| *to += x),
                        }
                    }
                }
            }
        },
    );
}

/// The counterpart of [`split_pairs`].
#[inline(always)]
fn join_pairs(even: &[f32], odd: &[f32], line: &mut [f32]) {
    match line.len() / 2 {
        16.. => join_pairs_by::<16>(even, odd, line),
        8.. => join_pairs_by::<8>(even, odd, line),
        4.. => join_pairs_by::<4>(even, odd, line),
        _ => join_pairs_by::<1>(even, odd, line),
    }
    if let (1, Some(last), Some(x)) = (line.len() % 2, line.last_mut(), even.last()) {
        *last = *x;
    }
}

/// The counterpart of [`split_pairs_by`].
#[inline(always)]
fn join_pairs_by<const N: usize>(even: &[f32], odd: &[f32], line: &mut [f32]) {
    for first in blocks::<N>(line.len() / 2) {
        let (even, odd, line) = (&even[first..][..N], &odd[first..][..N], &mut line[2 * first..][..2 * N]);
        for i in 0..N {
            (line[2 * i], line[2 * i + 1]) = (even[i], odd[i]);
        }
    }
}
