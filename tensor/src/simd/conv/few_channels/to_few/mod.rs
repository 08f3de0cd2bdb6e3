//! From many channels to few.

mod direct;
mod winograd;

pub(super) use direct::Direct;
pub(super) use winograd::Winograd;

use super::prefetch::Prefetcher;
use super::problem::{MAX_COLUMNS, Problem};
use super::tile::{Terms, load, store};
use crate::Buffer;
use crate::simd::vector::{MAX_LANES, Vector, behind};

/// Sums of a tile: the columns of a window of three, for one channel.
const ROWS: usize = 3;
/// Vectors of places of a tile.
const VECTORS: usize = 3;
/// Numbers before and behind the sums of a column, more than a tile is longer than they are and than a window is wide.
const MARGIN: usize = VECTORS * MAX_LANES;
const _: () = assert!(MARGIN + 1 >= MAX_COLUMNS + MAX_LANES);

/// For each group of sums (channel put out, column of the window), and each step of a sum, the group's weights; `weight` knows
/// that of a step, a channel and a column.
fn of_groups(
    problem: &Problem,
    steps: usize,
    weight: impl Fn(usize, usize, usize) -> f32,
) -> Vec<[f32; ROWS]> {
    let sums: Vec<_> =
        (0..problem.channels_out).flat_map(|to| (0..problem.taps[1]).map(move |u| (to, u))).collect();
    let mut weights = Vec::with_capacity(sums.len().div_ceil(ROWS) * steps);
    for group in sums.chunks(ROWS) {
        // Rows without a sum repeat the last one.
        let rows: [_; ROWS] = std::array::from_fn(|i| group[i.min(group.len() - 1)]);
        for step in 0..steps {
            weights.push(rows.map(|(to, u)| weight(step, to, u)));
        }
    }
    weights
}

/// Adds terms to the sums of a group, `apart` from each other, at so many neighbouring places, or begins the sums with them.
#[inline(always)]
fn add_terms<L: Vector<W>, const W: usize>(
    terms: &Terms<'_, ROWS>,
    x: &[f32],
    (sums, apart): (&mut [f32], usize),
    places: usize,
    begin: bool,
    ahead: &mut Prefetcher,
) {
    for at in (0..places).step_by(VECTORS * W) {
        ahead.turn::<L, W>();
        let mut tile = [[L::zero(); VECTORS]; ROWS];
        if !begin {
            for i in 0..ROWS {
                tile[i] = load(&sums[i * apart + at..][..VECTORS * W]);
            }
        }
        terms.add(behind(x, at), &mut tile);
        for i in 0..ROWS {
            store(tile[i], &mut sums[i * apart + at..][..VECTORS * W]);
        }
    }
}

/// The sums zᵤ of some lines, as planes: for each channel put out one for each column of the window, and some that nobody asked for
/// to fill the last tile.
struct ColumnSums {
    numbers: Buffer<f32>,
    /// From one plane to the next.
    apart: usize,
}

impl ColumnSums {
    fn new(problem: &Problem, lines: usize) -> ColumnSums {
        let apart = MARGIN + lines * problem.plane[1] + MARGIN;
        let planes = (problem.channels_out * problem.taps[1]).next_multiple_of(ROWS);
        ColumnSums { numbers: Buffer::scratch(planes * apart), apart }
    }

    fn groups(&self) -> usize {
        self.numbers.len() / self.apart / ROWS
    }

    /// Planes, and what follows each, from their first number on.
    fn planes_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.numbers.chunks_exact_mut(self.apart).map(|plane| &mut plane[MARGIN..])
    }

    /// y ← or += bias + Σᵤ zᵤ, each shifted by its column.
    #[inline(always)]
    fn add_up<L: Vector<W>, const W: usize>(
        mut self,
        problem: &Problem,
        bias: Option<&[f32]>,
        y: &mut [f32],
        add: bool,
    ) {
        let (columns, apart) = (problem.taps[1], self.apart);
        let planes = self.numbers.chunks_exact_mut(columns * apart);
        for (to, (y, sums)) in y.chunks_exact_mut(problem.places_size()).zip(planes).enumerate() {
            for (u, sums) in sums.chunks_exact_mut(apart).enumerate() {
                clear_unused(problem, u, sums);
            }
            let start = L::splat(bias.map_or(0.0, |bias| bias[to]));
            for at in (0..y.len()).step_by(W) {
                let y = &mut y[at..];
                let mut sum = if add { L::load_some(y) } else { start };
                for u in 0..columns {
                    let shifted = u * apart + MARGIN + at + u - problem.before[1];
                    sum = sum.add(L::load_some(&sums[shifted..][..W]));
                }
                sum.store_some(y);
            }
        }
    }
}

/// Makes zeros of the sums of a column that no place of their own line reads: places of the next line do, or of the one before;
/// and of what such places read before the first line and behind the last.
#[inline(always)]
fn clear_unused(problem: &Problem, u: usize, sums: &mut [f32]) {
    for line in 0..=problem.places[0] {
        let (start, shifted) = (MARGIN + line * problem.plane[1], MARGIN + line * problem.plane[1] + u);
        let shifted = shifted - problem.before[1];
        sums[start.min(shifted)..start.max(shifted)].fill(0.0);
    }
}
