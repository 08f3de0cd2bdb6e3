//! Panels: the order in which the microkernel reads its operands.

use crate::Buffer;
use crate::simd::Isa;
use rayon::prelude::*;
use std::ops::Range;

/// An operand of a product, seen as `outer` × `depth` numbers: the outer index is a row of A or a column of B, and depth is the
/// index k that the product sums over.
///
/// A panel holds `width` neighbouring outer indices, k by k: number (i, k) is `panel[k · width + i]`. So the microkernel reads both
/// panels from front to back, however the operand lies in memory.
pub(crate) trait Operand: Sync {
    /// How many rows A has, or columns B.
    fn outer(&self) -> usize;
    /// The length of the sum.
    fn depth(&self) -> usize;
    /// Writes the panels of these outer indices, one behind the other, each `width` wide and `depth.len()` steps deep. A last
    /// panel that is not full is padded with arbitrary numbers: what they are multiplied to is never stored.
    fn pack(&self, isa: Isa, outer: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]);
    /// What its panels are made of.
    fn words(&self) -> Words {
        Words::Numbers
    }
    /// The numbers as they lie in memory, if that is as matrices: then they need not be packed.
    fn in_memory(&self) -> Option<InMemory<'_>> {
        None
    }
}

/// What the 32-bit words of an operand are, and so what multiplies them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// A number each.
    Numbers,
    /// Two numbers of bf16, of neighbouring steps of the sum: a step over words is their dot product. Only for AVX-512 with dot
    /// products, and always packed.
    Pairs,
}

/// An operand as one matrix in memory, or as several side by side.
#[derive(Clone, Copy)]
pub(crate) struct InMemory<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) outer: Axis,
    pub(super) depth: Axis,
}

/// How an index is spread over memory: in groups, one for each matrix, if there are several along this axis.
#[derive(Clone, Copy)]
pub(crate) struct Axis {
    /// From one index to the next.
    pub(super) stride: usize,
    /// How many are in a group: at least 1, unless there are none at all.
    pub(super) group: usize,
    pub(super) group_stride: usize,
}

impl Axis {
    fn offset(&self, index: usize) -> usize {
        index / self.group * self.group_stride + index % self.group * self.stride
    }
}

impl<'a> InMemory<'a> {
    /// The numbers from (outer, k) on.
    pub(super) fn from(&self, outer: usize, k: usize) -> &'a [f32] {
        &self.numbers[self.outer.offset(outer) + self.depth.offset(k)..]
    }
}

/// A matrix with any strides.
pub(crate) struct Strided<'a> {
    pub(super) data: &'a [f32],
    pub(super) outer: usize,
    pub(super) depth: usize,
    pub(super) outer_stride: usize,
    pub(super) depth_stride: usize,
}

impl Operand for Strided<'_> {
    fn outer(&self) -> usize {
        self.outer
    }

    fn depth(&self) -> usize {
        self.depth
    }

    fn pack(&self, _isa: Isa, outer: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]) {
        for (index, panel) in panels.chunks_exact_mut((width * depth.len()).max(1)).enumerate() {
            let first = outer.start + index * width;
            let used = width.min(outer.end - first);
            for (k, row) in depth.clone().zip(panel.chunks_exact_mut(width)) {
                for (i, place) in row[..used].iter_mut().enumerate() {
                    *place = self.data[(first + i) * self.outer_stride + k * self.depth_stride];
                }
            }
        }
    }
}

/// All panels of an operand, each over the whole depth, so that any range of k is a contiguous piece of each.
pub(crate) struct Packed {
    numbers: Buffer<f32>,
    width: usize,
    depth: usize,
    words: Words,
}

impl Packed {
    /// Packs a whole operand, on all threads if it is large.
    pub(crate) fn whole(isa: Isa, operand: &dyn Operand, width: usize) -> Packed {
        const LARGE: usize = 1 << 16;
        /// Panels that one task packs: enough for a stretch of memory.
        const TOGETHER: usize = 4;
        let (outer, depth) = (operand.outer(), operand.depth());
        let mut numbers = Buffer::scratch(outer.div_ceil(width) * width * depth);
        let together = TOGETHER * width;
        let pack = |(index, panels): (usize, &mut [f32])| {
            let first = index * together;
            operand.pack(isa, first..outer.min(first + together), 0..depth, width, panels);
        };
        let size = (together * depth).max(1);
        if numbers.len() >= LARGE {
            numbers.par_chunks_mut(size).enumerate().for_each(pack);
        } else {
            numbers.chunks_mut(size).enumerate().for_each(pack);
        }
        Packed { numbers, width, depth, words: operand.words() }
    }

    /// The length of the sum.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// What the panels are made of.
    pub(super) fn words(&self) -> Words {
        self.words
    }

    /// Panel `index` from step k on, and what follows.
    pub(super) fn panel(&self, index: usize, k: usize) -> &[f32] {
        let start = (index * self.depth + k) * self.width;
        &self.numbers[start..]
    }
}
