//! Operands whose panels hold numbers rounded to bf16.

use crate::simd::gemm::pack::{Operand, Words};
use crate::simd::{Isa, vectorized};
use crate::{Buffer, bf16};
use std::ops::Range;

/// The bits of the least magnitude that is not taken for zero: 2⁻⁵⁵.
const LEAST: u32 = (127 - 55) << 23;
/// The bits of a number but its sign.
const MAGNITUDE: u32 = !(1 << 31);
/// Outer indices whose panels are packed before they are rounded: they are still in the L2 cache then.
const TOGETHER: usize = 192;

/// The bits of a number as it is multiplied: rounded to bf16, and zero if it is small.
#[inline(always)]
pub(super) fn rounded(x: f32) -> u32 {
    let bits = bf16::round(x).to_bits();
    if bits & MAGNITUDE < LEAST { 0 } else { bits }
}

/// An operand whose panels hold its rounded numbers, each in a word of its own.
pub(super) struct Rounded<'a>(pub(super) &'a dyn Operand);

impl Operand for Rounded<'_> {
    fn outer(&self) -> usize {
        self.0.outer()
    }

    fn depth(&self) -> usize {
        self.0.depth()
    }

    fn pack(&self, isa: Isa, outer: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]) {
        for (outer, panels) in groups(outer, depth.len(), width, panels) {
            self.0.pack(isa, outer, depth.clone(), width, panels);
            vectorized(
                #[inline(always)]
                || panels.iter_mut().for_each(|x| *x = f32::from_bits(rounded(*x))),
            );
        }
    }
}

/// An operand whose panels hold two rounded numbers in each word: that of an even k in the upper half, that of the next k, or
/// zero where there is none, in the lower half. Its depth is the number of words.
pub(super) struct Pairs<'a>(&'a dyn Operand);

impl<'a> Pairs<'a> {
    /// # Panics
    /// When the processor has no instruction that multiplies such words: whoever has pairs may run it.
    pub(super) fn new(operand: &'a dyn Operand) -> Pairs<'a> {
        assert!(super::method::has_dot_products(), "this processor multiplies no pairs");
        Pairs(operand)
    }
}

impl Operand for Pairs<'_> {
    fn outer(&self) -> usize {
        self.0.outer()
    }

    fn depth(&self) -> usize {
        self.0.depth().div_ceil(2)
    }

    fn words(&self) -> Words {
        Words::Pairs
    }

    fn pack(&self, isa: Isa, outer: Range<usize>, pairs: Range<usize>, width: usize, panels: &mut [f32]) {
        /// Words of a panel that are made at a time: so many that rows of numbers are read in stretches of memory.
        const STRETCH: usize = 64;
        let size = width * pairs.len();
        let mut numbers = Buffer::<f32>::scratch(TOGETHER.next_multiple_of(width) * 2 * STRETCH);
        for (outer, panels) in groups(outer, pairs.len(), width, panels) {
            for first in pairs.clone().step_by(STRETCH) {
                let stretch = first..pairs.end.min(first + STRETCH);
                let steps = 2 * stretch.start..self.0.depth().min(2 * stretch.end);
                let numbers = &mut numbers[..panels.len() / size * width * steps.len()];
                self.0.pack(isa, outer.clone(), steps.clone(), width, numbers);
                let at = (stretch.start - pairs.start) * width..(stretch.end - pairs.start) * width;
                for (panel, numbers) in
                    panels.chunks_exact_mut(size).zip(numbers.chunks_exact(width * steps.len()))
                {
                    make_pairs(numbers, width, &mut panel[at.clone()]);
                }
            }
        }
    }
}

/// Words of two neighbouring steps, `width` numbers each, that follow one another in `numbers`.
fn make_pairs(numbers: &[f32], width: usize, words: &mut [f32]) {
    vectorized(
        #[inline(always)]
        || {
            for (steps, words) in numbers.chunks(2 * width).zip(words.chunks_exact_mut(width)) {
                let (even, odd) = steps.split_at(width);
                if odd.is_empty() {
                    words.iter_mut().zip(even).for_each(|(word, x)| *word = f32::from_bits(rounded(*x)));
                }
                for ((word, even), odd) in words.iter_mut().zip(even).zip(odd) {
                    *word = f32::from_bits(rounded(*even) | rounded(*odd) >> 16);
                }
            }
        },
    );
}

/// The panels of some outer indices in groups of at most [`TOGETHER`] of these, or of one panel.
fn groups(
    outer: Range<usize>,
    depth: usize,
    width: usize,
    panels: &mut [f32],
) -> impl Iterator<Item = (Range<usize>, &mut [f32])> {
    let together = (TOGETHER / width).max(1) * width;
    let starts = outer.clone().step_by(together);
    let group = move |start: usize| start..outer.end.min(start + together);
    starts.map(group).zip(panels.chunks_mut((together * depth).max(1)))
}
