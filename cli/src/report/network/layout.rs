//! Where the units of a network stand in its drawing.

use super::units::{Unit, read_by_many};
use std::collections::{BTreeMap, BTreeSet};

/// The drawing's places: rows count from the top, columns from the left.
#[derive(Debug)]
pub(super) struct Layout {
    /// The units that stand in the drawing's body, in order.
    pub(super) body: Vec<usize>,
    /// The units beside it, whose results many read: conditions.
    pub(super) beside: Vec<usize>,
    /// The column and the row of each unit; units beside have none.
    pub(super) place: BTreeMap<usize, (usize, usize)>,
    /// Heights and widths of pictures, each with the row that it begins at.
    pub(super) bands: Vec<(usize, String)>,
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// The units that many read.
    pub(super) read_by_many: Vec<usize>,
}

/// Units with results of one size.
struct Band {
    /// Height and width, if the results are pictures.
    size: Option<Vec<usize>>,
    /// The units of each column, in order.
    columns: [Vec<usize>; 2],
}

/// Lays out a network: in two columns, down and up again, where results are read far ahead and all of them were made before the
/// first is read; else in one.
pub(super) fn layout(units: &[Unit]) -> Layout {
    let many = read_by_many(units);
    let body = body(units, &many);
    let beside = (0..units.len()).filter(|at| !body.contains(at)).collect();
    let order: BTreeMap<usize, usize> = body.iter().copied().zip(0..).collect();
    // From where to where a result is read ahead, by places in the body.
    let ahead: Vec<(usize, usize)> = body
        .iter()
        .flat_map(|&at| units[at].inputs.iter().map(move |&input| (input, at)))
        .filter(|(from, _)| !many.contains(from))
        .filter_map(|(from, to)| Some((*order.get(&from)?, *order.get(&to)?)))
        .filter(|(from, to)| to - from > 1)
        .collect();
    let (last_made, first_read) =
        (ahead.iter().map(|(from, _)| *from).max(), ahead.iter().map(|(_, to)| *to).min());
    let turn = match (last_made, first_read) {
        (Some(made), Some(read)) if made < read => read,
        _ => body.len(),
    };
    let mut layout = Layout {
        beside,
        place: BTreeMap::new(),
        bands: Vec::new(),
        columns: if turn < body.len() { 2 } else { 1 },
        rows: 0,
        read_by_many: many,
        body,
    };
    layout.place_bands(units, turn);
    layout
}

/// The units from which there is a way to the last one that does not go through what many read.
fn body(units: &[Unit], many: &[usize]) -> Vec<usize> {
    let mut found = BTreeSet::new();
    let mut open: Vec<usize> = units.len().checked_sub(1).into_iter().collect();
    while let Some(at) = open.pop() {
        if found.insert(at) {
            open.extend(units[at].inputs.iter().copied().filter(|input| !many.contains(input)));
        }
    }
    found.into_iter().collect()
}

impl Layout {
    /// Gives each unit of the body its place. Units with results of one size stand beside each other; `turn` is the first in the
    /// second column, which runs upwards.
    fn place_bands(&mut self, units: &[Unit], turn: usize) {
        let size = |at: usize| units[at].size().map(<[usize]>::to_vec);
        let (down, up) = self.body.split_at(turn);
        let mut bands: Vec<Band> = Vec::new();
        for (column, part) in [down, up].into_iter().enumerate() {
            for &at in part {
                let size = size(at);
                // Downwards, only the last band can go on: a chain keeps its order.
                let known = match column {
                    0 => bands.len().checked_sub(1).filter(|&last| bands[last].size == size),
                    _ => bands.iter().rposition(|band| band.size == size),
                };
                let band = known.unwrap_or_else(|| {
                    bands.push(Band { size, columns: [Vec::new(), Vec::new()] });
                    bands.len() - 1
                });
                bands[band].columns[column].push(at);
            }
        }
        let mut row = 0;
        for Band { size, columns } in bands {
            if let Some(size) = &size {
                self.bands.push((row, super::amounts::shape(size)));
            }
            let height = columns[0].len().max(columns[1].len());
            for (i, &at) in columns[0].iter().enumerate() {
                self.place.insert(at, (0, row + i));
            }
            for (i, &at) in columns[1].iter().enumerate() {
                self.place.insert(at, (1, row + height - 1 - i));
            }
            row += height;
        }
        self.rows = row;
    }
}
