//! Operands that are packed from planes.

use super::pack::{InMemory, Operand};
use super::planes::Planes;
use super::runs::{pack_by_feature, pack_by_position};
use crate::simd::Isa;
use crate::simd::vector::on_isa;
use std::ops::Range;

/// An operand with a row or column for each position, whose features are summed over.
pub(crate) struct ByPosition<'a>(pub(crate) Planes<'a>);

impl Operand for ByPosition<'_> {
    fn outer(&self) -> usize {
        self.0.positions()
    }

    fn depth(&self) -> usize {
        self.0.features()
    }

    fn in_memory(&self) -> Option<InMemory<'_>> {
        let [features, positions] = self.0.axes()?;
        Some(InMemory { numbers: self.0.data, outer: positions, depth: features })
    }

    fn pack(&self, isa: Isa, outer: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]) {
        check(self, &outer, &depth, width, panels);
        on_isa!(isa, pack_by_position(&self.0, outer, depth, width, panels));
    }
}

/// An operand with a row or column for each feature, whose positions are summed over.
pub(crate) struct ByFeature<'a>(pub(crate) Planes<'a>);

impl Operand for ByFeature<'_> {
    fn outer(&self) -> usize {
        self.0.features()
    }

    fn depth(&self) -> usize {
        self.0.positions()
    }

    fn in_memory(&self) -> Option<InMemory<'_>> {
        let [features, positions] = self.0.axes()?;
        Some(InMemory { numbers: self.0.data, outer: features, depth: positions })
    }

    fn pack(&self, isa: Isa, outer: Range<usize>, depth: Range<usize>, width: usize, panels: &mut [f32]) {
        check(self, &outer, &depth, width, panels);
        on_isa!(isa, pack_by_feature(&self.0, outer, depth, width, panels));
    }
}

fn check(operand: &dyn Operand, outer: &Range<usize>, depth: &Range<usize>, width: usize, panels: &[f32]) {
    assert!(outer.end <= operand.outer() && depth.end <= operand.depth());
    assert_eq!(panels.len(), outer.len().next_multiple_of(width) * depth.len());
}
