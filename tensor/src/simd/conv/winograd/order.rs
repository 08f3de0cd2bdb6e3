//! The order of tiles in a matrix: tiles that need the same sums are neighbours.
//!
//! The last tile of a row or a column may reach beyond the outputs. A sum that is added to none of the existing outputs is not
//! computed: with F(4, 3) the product at infinity is added to the last output only, so that 7 × 7 outputs, two tiles each way, take
//! 11² products instead of 12². For that, tiles have *slots*, rows of the matrices, in this order: last of their row, neither, last of
//! their column, both. Then all tiles that need some sum are one range of slots.

use super::bands::Band;
use super::scheme::AxisScheme;
use std::ops::Range;

/// The order of the tiles of some tile rows.
#[derive(Debug, Clone)]
pub(super) struct Order {
    axis: &'static AxisScheme,
    /// Rows and columns of tiles in a sample.
    count: [usize; 2],
    /// Outputs of the last tile, down and across.
    last: [usize; 2],
    /// Rows of tiles, numbered through all samples.
    rows: Range<usize>,
}

/// The slots of a band's tiles: which rows of the matrices are theirs.
#[derive(Debug, Clone, Copy)]
pub(super) struct TileSlots {
    /// The first slot of each kind of tile.
    first: [usize; 4],
    /// The row and the column of tiles, counted from the band's first, that need fewer sums; if there are none, an index beyond all.
    last: [usize; 2],
}

impl Order {
    pub(super) fn new(axis: &'static AxisScheme, outputs: [usize; 2], rows: Range<usize>) -> Order {
        let count = axis.tiles(outputs);
        let last = [0, 1].map(|i| outputs[i] - (count[i] - 1) * axis.out);
        Order { axis, count, last, rows }
    }

    /// How many tiles there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len() * self.count[1]
    }

    /// Whether the last tile, down or across, needs this sum.
    fn needed(&self, sum: usize) -> [bool; 2] {
        let sums = [sum / self.axis.sums, sum % self.axis.sums];
        [0, 1].map(|i| self.axis.first_outputs[sums[i]] < self.last[i])
    }

    /// Whether the last tiles, down and across, need fewer sums than others.
    fn fewer(&self) -> [bool; 2] {
        self.last.map(|last| self.axis.first_outputs.iter().any(|&first| first >= last))
    }

    /// How many tiles of each kind these rows have.
    fn kinds(&self, rows: &Range<usize>) -> [usize; 4] {
        let fewer = self.fewer();
        let lowest = if fewer[0] { rows.end / self.count[0] - rows.start / self.count[0] } else { 0 };
        let (others, right) = (rows.len() - lowest, usize::from(fewer[1]));
        let left = self.count[1] - right;
        [others * right, others * left, lowest * left, lowest * right]
    }

    /// The slots of the tiles that need this sum.
    pub(super) fn with_sum(&self, sum: usize) -> Range<usize> {
        let [right, neither, lowest, both] = self.kinds(&self.rows);
        let needed = self.needed(sum);
        let start = if needed[1] { 0 } else { right };
        let end = match needed {
            [true, true] => right + neither + lowest + both,
            [true, false] => right + neither + lowest,
            [false, _] => right + neither,
        };
        if start < end { start..end } else { 0..0 }
    }

    /// The slots of a band of these rows.
    pub(super) fn slots(&self, band: &Band) -> TileSlots {
        let row = band.sample * self.count[0] + band.first;
        let above = self.kinds(&(self.rows.start..row));
        let kinds = self.kinds(&self.rows);
        let first = std::array::from_fn(|i| kinds[..i].iter().sum::<usize>() + above[i]);
        let last = [self.count[0] - band.first, self.count[1]];
        let fewer = self.fewer();
        TileSlots { first, last: [0, 1].map(|i| if fewer[i] { last[i] - 1 } else { last[i] }) }
    }
}

impl TileSlots {
    /// The slot of the tile in this row and column of the band.
    #[inline(always)]
    pub(super) fn of(&self, down: usize, right: usize) -> usize {
        let [right_most, neither, lowest, both] = self.first;
        match (down == self.last[0], right == self.last[1]) {
            (false, true) => right_most + down,
            (false, false) => neither + down * self.last[1] + right,
            (true, false) => lowest + right,
            (true, true) => both,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scheme::Scheme;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_tile_has_a_slot_and_those_with_a_sum_are_one_range(
            scheme in prop::sample::select(Scheme::ALL.as_slice()),
            outputs in (1usize..18, 1usize..18), samples in 1usize..4, cut in (0.0..1.0, 0.0..1.0),
        ) {
            let (axis, outputs) = (scheme.axis(), [outputs.0, outputs.1]);
            let count = axis.tiles(outputs);
            let at = |part: f64| (part * (samples * count[0]) as f64) as usize;
            let cut: (f64, f64) = cut;
            let rows = at(cut.0.min(cut.1))..at(cut.0.max(cut.1)) + 1;
            let order = Order::new(axis, outputs, rows.clone());
            let mut tiles = vec![None; order.len()];
            for band in Band::all(rows, count[0]) {
                let slots = order.slots(&band);
                for (down, right) in (0..band.rows).flat_map(|d| (0..count[1]).map(move |r| (d, r))) {
                    let tile = [band.first + down, right];
                    prop_assert_eq!(tiles[slots.of(down, right)].replace(tile), None);
                }
            }
            for sum in 0..axis.sums.pow(2) {
                let range = order.with_sum(sum);
                for (slot, tile) in tiles.iter().enumerate() {
                    let tile = tile.expect("each slot has a tile");
                    let sums = [sum / axis.sums, sum % axis.sums];
                    let needed = (0..2).all(|i| tile[i] * axis.out + axis.first_outputs[sums[i]] < outputs[i]);
                    prop_assert_eq!(range.contains(&slot), needed);
                }
            }
        }
    }
}
