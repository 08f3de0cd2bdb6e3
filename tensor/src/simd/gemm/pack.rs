//! Panels: the order in which the microkernel reads its operands.

use crate::Buffer;
use crate::simd::Isa;
use rayon::prelude::*;
use std::ops::Range;

/// An operand of a product, seen as `lanes` × `depth` numbers: a lane is a row of A or a column of B, and depth
/// is the index k that the product sums over.
///
/// A panel holds some neighbouring lanes, k by k: number (lane, k) at `panel[k · width + lane]`. So the
/// microkernel reads both panels from front to back, whatever the operand looked like in memory.
pub(crate) trait Operand: Sync {
    /// Rows of A, or columns of B.
    fn lanes(&self) -> usize;
    /// The length of the sum.
    fn depth(&self) -> usize;
    /// Writes the panels of `lanes`, one behind the other, each `width` lanes wide and `depth.len()` steps deep.
    /// What is in the lanes that are missing in the last panel matters to nobody: what becomes of it is not stored.
    fn pack(&self, isa: Isa, lanes: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]);
    /// Where the numbers lie, if they lie as in matrices: then panels may be dispensed with.
    fn in_memory(&self) -> Option<InMemory<'_>> {
        None
    }
}

/// An operand as one matrix in memory, or several beside one another.
#[derive(Clone, Copy)]
pub(crate) struct InMemory<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) lanes: Axis,
    pub(super) steps: Axis,
}

/// Lanes, or steps of the sum, in groups: one for each matrix, if it is along this axis that there are several.
#[derive(Clone, Copy)]
pub(crate) struct Axis {
    /// From one to the next.
    pub(super) apart: usize,
    /// How many are in a group, at least 1 if there are any.
    pub(super) group: usize,
    pub(super) group_apart: usize,
}

impl Axis {
    fn place(&self, index: usize) -> usize {
        index / self.group * self.group_apart + index % self.group * self.apart
    }
}

impl<'a> InMemory<'a> {
    /// The numbers from (lane, k) on.
    pub(super) fn from(&self, lane: usize, k: usize) -> &'a [f32] {
        &self.numbers[self.lanes.place(lane) + self.steps.place(k)..]
    }
}

/// A matrix with any strides.
pub(crate) struct Strided<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) lanes: usize,
    pub(crate) depth: usize,
    pub(crate) lane_stride: usize,
    pub(crate) depth_stride: usize,
}

impl Operand for Strided<'_> {
    fn lanes(&self) -> usize {
        self.lanes
    }

    fn depth(&self) -> usize {
        self.depth
    }

    fn pack(&self, _isa: Isa, lanes: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]) {
        for (index, panel) in panels.chunks_exact_mut((width * depth.len()).max(1)).enumerate() {
            let first = lanes.start + index * width;
            let used = width.min(lanes.end - first);
            for (k, row) in depth.clone().zip(panel.chunks_exact_mut(width)) {
                for (lane, place) in row[..used].iter_mut().enumerate() {
                    *place = self.data[(first + lane) * self.lane_stride + k * self.depth_stride];
                }
            }
        }
    }
}

/// All panels of an operand, each over the whole depth, so that any range of k is a piece of each.
pub(crate) struct Packed {
    numbers: Buffer<f32>,
    width: usize,
    depth: usize,
}

impl Packed {
    /// Packs a whole operand, on all threads if it is large.
    pub(crate) fn whole(isa: Isa, operand: &dyn Operand, width: usize) -> Packed {
        const LARGE: usize = 1 << 16;
        // Panels that one task packs: enough for a stretch of memory.
        const TOGETHER: usize = 4;
        let (lanes, depth) = (operand.lanes(), operand.depth());
        let mut numbers = Buffer::scratch(lanes.div_ceil(width) * width * depth);
        let together = TOGETHER * width;
        let pack = |(index, panels): (usize, &mut [f32])| {
            let first = index * together;
            operand.pack(isa, first..lanes.min(first + together), 0..depth, width, panels);
        };
        let size = (together * depth).max(1);
        if numbers.len() >= LARGE {
            numbers.par_chunks_mut(size).enumerate().for_each(pack);
        } else {
            numbers.chunks_mut(size).enumerate().for_each(pack);
        }
        Packed { numbers, width, depth }
    }

    /// The length of the sum.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Panel `index` from step k on, and what follows.
    pub(super) fn panel(&self, index: usize, k: usize) -> &[f32] {
        let start = (index * self.depth + k) * self.width;
        &self.numbers[start..]
    }
}
