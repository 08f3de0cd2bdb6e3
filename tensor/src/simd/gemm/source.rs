//! Where the microkernel finds an operand's numbers.

use super::blocks::Blocks;
use super::microkernel::LINE;
use super::pack::{InMemory, Operand, Packed, Words};
use super::strip::{ColumnsOfB, RowsOfA};
use crate::Buffer;
use crate::simd::Isa;
use std::ops::Range;

/// An operand's numbers: packed block by block as they are needed, packed as a whole beforehand, or as they lie in memory.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    ByBlock(&'a dyn Operand),
    Packed(&'a Packed),
    InMemory(InMemory<'a>),
}

impl<'a> Source<'a> {
    /// The source of A. Where C has few columns, panels of A would hardly be reused and packing them would be most of the work:
    /// there A is read from memory. Blocks of the sum end where one of A's matrices does, so these must not be too short.
    pub(super) fn of_a(a: &'a dyn Operand, cols: usize) -> Source<'a> {
        const FEW_COLS: usize = 512;
        const MIN_STEPS: usize = 128;
        /// Numbers between steps that leave two sets of a first-level cache.
        const CROWDED: usize = 512;
        let fits = |matrices: &InMemory<'_>| {
            let InMemory { outer, depth, .. } = matrices;
            // Steps whose distance is a multiple of a power of two compete for the same sets of a cache.
            let crowded = outer.stride == 1 && depth.stride & depth.stride.wrapping_neg() >= CROWDED;
            !crowded && outer.group >= a.outer() && a.depth() > 0 && depth.group >= MIN_STEPS.min(a.depth())
        };
        match a.in_memory() {
            Some(matrices) if cols <= FEW_COLS && fits(&matrices) => Source::InMemory(matrices),
            _ => Source::ByBlock(a),
        }
    }

    /// The source of B, for a C of this many rows. Where they are few, and B's rows end where vectors of `lanes` numbers do, B is
    /// read from memory: the first tile of a strip copies what the others read. With fewer rows there would be no other tile, and
    /// with many the copy would be made again and again.
    pub(super) fn of_b(b: &'a dyn Operand, rows: usize, lanes: usize, blocks: &Blocks) -> Source<'a> {
        const MIN_ROWS: usize = 8;
        let few = MIN_ROWS..=blocks.few_rows;
        // Rows whose distance is a multiple of a power of two compete for the same sets of a cache, and each takes a line at least.
        let cached = |stride: usize| {
            let per_row = (stride & stride.wrapping_neg()).max(LINE);
            b.depth().min(blocks.depth).saturating_mul(per_row) <= blocks.cache
        };
        let fits = |matrices: &InMemory<'_>| {
            matrices.outer.stride == 1
                && matrices.outer.group.is_multiple_of(lanes)
                && cached(matrices.depth.stride)
                && matrices.depth.group >= b.depth()
                && b.depth() > 0
        };
        match b.in_memory() {
            Some(matrices) if few.contains(&rows) && fits(&matrices) => Source::InMemory(matrices),
            _ => Source::ByBlock(b),
        }
    }

    /// How many outer indices, and how many steps of the sum, one matrix has.
    pub(super) fn groups(&self) -> [usize; 2] {
        match self {
            Source::InMemory(matrices) => [matrices.outer.group, matrices.depth.group],
            Source::ByBlock(_) | Source::Packed(_) => [usize::MAX; 2],
        }
    }

    fn words(&self) -> Words {
        match self {
            Source::ByBlock(operand) => operand.words(),
            Source::Packed(packed) => packed.words(),
            Source::InMemory(_) => Words::Numbers,
        }
    }

    /// A buffer for the panels of so many outer indices and steps; empty if nothing is to be packed.
    pub(super) fn panels(&self, outer: usize, steps: usize) -> Buffer<f32> {
        let packs = matches!(self, Source::ByBlock(_));
        Buffer::scratch(if packs { outer * steps } else { 0 })
    }

    /// Packs these outer indices and steps into `panels`, if they are packed by block.
    pub(super) fn pack(
        &self,
        isa: Isa,
        outer: &Range<usize>,
        steps: &Range<usize>,
        width: usize,
        panels: &mut [f32],
    ) {
        if let Source::ByBlock(operand) = self {
            let size = outer.len().next_multiple_of(width) * steps.len();
            operand.pack(isa, outer.clone(), steps.clone(), width, &mut panels[..size]);
        }
    }

    /// These outer indices as rows of A; `panels` was packed from outer index `first` on.
    pub(super) fn rows(
        &self,
        outer: &Range<usize>,
        steps: &Range<usize>,
        width: usize,
        panels: &[f32],
        first: usize,
    ) -> RowsOfA {
        let k = steps.len();
        let (numbers, row_stride, step_stride, tile_stride) = match self {
            Source::ByBlock(_) => (&panels[(outer.start - first) * k..], 1, width, width * k),
            Source::Packed(packed) => {
                (packed.panel(outer.start / width, steps.start), 1, width, width * packed.depth())
            }
            Source::InMemory(matrices) => {
                let (row, step) = (matrices.outer.stride, matrices.depth.stride);
                (matrices.from(outer.start, steps.start), row, step, width * row)
            }
        };
        let last = outer.len() - 1;
        let last_row = last / width * tile_stride + last % width * row_stride;
        assert!(k == 0 || last_row + (k - 1) * step_stride < numbers.len(), "rows of A beyond its numbers");
        RowsOfA { start: numbers.as_ptr(), row_stride, step_stride, tile_stride, words: self.words() }
    }

    /// These outer indices, of one tile, as columns of B; `panels` was packed from outer index `first` on.
    pub(super) fn columns(
        &self,
        outer: &Range<usize>,
        steps: &Range<usize>,
        width: usize,
        panels: &mut [f32],
        first: usize,
    ) -> ColumnsOfB {
        let RowsOfA { start, row_stride, step_stride, .. } = self.rows(outer, steps, width, panels, first);
        assert_eq!(row_stride, 1, "columns of B are neighbours");
        let copy = match self {
            Source::InMemory(_) => Some(panels[..width * steps.len()].as_mut_ptr()),
            Source::ByBlock(_) | Source::Packed(_) => None,
        };
        ColumnsOfB { start, step_stride, copy }
    }
}
