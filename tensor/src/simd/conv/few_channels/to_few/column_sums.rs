//! The partial sums of the window's columns, and how they become the output.

use crate::Buffer;
use crate::simd::conv::few_channels::prefetch::Prefetcher;
use crate::simd::conv::few_channels::problem::{MAX_COLUMNS, Problem};
use crate::simd::conv::few_channels::tile::{Terms, load, store};
use crate::simd::vector::{MAX_LANES, Vector, behind};

/// Rows of a tile of accumulators: the three columns of a 3 × 3 window, for one channel.
pub(super) const ROWS: usize = 3;
/// The width of a tile: vectors of places.
const VECTORS: usize = 3;
/// The same, of vectors of four numbers: as many sums as four multiply-adds a cycle need, each of which takes four cycles.
const VECTORS_OF_FOUR: usize = 6;
/// The most places of a tile.
pub(super) const MAX_PLACES: usize = VECTORS * MAX_LANES;
/// Numbers before and after the sums of a column: at least as many as a tile reaches beyond them, and as a window is wide.
pub(super) const MARGIN: usize = MAX_PLACES;
const _: () = assert!(MARGIN + 1 >= MAX_COLUMNS + MAX_LANES);

/// Places of a tile of vectors of `W` numbers.
pub(super) const fn places_of_tile<const W: usize>() -> usize {
    if W == 4 { VECTORS_OF_FOUR * W } else { VECTORS * W }
}

/// The weights of tiles: for each group of [`ROWS`] sums (channel out, column of the window) and each step of a sum, one weight for
/// each row. `weight(step, channel out, column)` is a single one.
pub(super) fn weights_of_tiles(
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

/// Adds terms to a group's sums, which are `stride` apart, at so many neighbouring places; with `begin`, the sums start from zero.
#[inline(always)]
pub(super) fn add_terms<L: Vector<W>, const W: usize>(
    terms: &Terms<'_, ROWS>,
    x: &[f32],
    (sums, stride): (&mut [f32], usize),
    places: usize,
    begin: bool,
    prefetcher: &mut Prefetcher,
) {
    match W {
        4 => add_tiles::<L, W, VECTORS_OF_FOUR>(terms, x, (sums, stride), places, begin, prefetcher),
        _ => add_tiles::<L, W, VECTORS>(terms, x, (sums, stride), places, begin, prefetcher),
    }
}

/// [`add_terms`] with tiles of this many vectors.
#[inline(always)]
fn add_tiles<L: Vector<W>, const W: usize, const VECTORS: usize>(
    terms: &Terms<'_, ROWS>,
    x: &[f32],
    (sums, stride): (&mut [f32], usize),
    places: usize,
    begin: bool,
    prefetcher: &mut Prefetcher,
) {
    for at in (0..places).step_by(VECTORS * W) {
        prefetcher.advance::<L, W>();
        let mut tile = [[L::zero(); VECTORS]; ROWS];
        if !begin {
            for i in 0..ROWS {
                tile[i] = load(&sums[i * stride + at..][..VECTORS * W]);
            }
        }
        terms.add(behind(x, at), &mut tile);
        for i in 0..ROWS {
            store(tile[i], &mut sums[i * stride + at..][..VECTORS * W]);
        }
    }
}

/// The partial sums zᵤ as planes: one for each channel out and each column u of the window, and as many unused ones as fill the last
/// tile.
pub(super) struct ColumnSums {
    pub(super) numbers: Buffer<f32>,
    /// From one plane to the next.
    pub(super) stride: usize,
}

impl ColumnSums {
    /// Planes of this many lines.
    pub(super) fn new(problem: &Problem, lines: usize) -> ColumnSums {
        let stride = MARGIN + lines * problem.plane[1] + MARGIN;
        let planes = (problem.channels_out * problem.taps[1]).next_multiple_of(ROWS);
        ColumnSums { numbers: Buffer::scratch(planes * stride), stride }
    }

    /// How many groups of [`ROWS`] planes there are.
    pub(super) fn groups(&self) -> usize {
        self.numbers.len() / self.stride / ROWS
    }

    /// Each plane, and the margin that follows it.
    pub(super) fn planes_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.numbers.chunks_exact_mut(self.stride).map(|plane| &mut plane[MARGIN..])
    }

    /// y ← or += bias + Σᵤ zᵤ, each shifted by its column.
    #[inline(always)]
    pub(super) fn add_up<L: Vector<W>, const W: usize>(
        mut self,
        problem: &Problem,
        bias: Option<&[f32]>,
        y: &mut [f32],
        add: bool,
    ) {
        let (columns, stride) = (problem.taps[1], self.stride);
        let planes = self.numbers.chunks_exact_mut(columns * stride);
        for (to, (y, sums)) in y.chunks_exact_mut(problem.places_size()).zip(planes).enumerate() {
            for (u, sums) in sums.chunks_exact_mut(stride).enumerate() {
                clear_unused(problem, u, sums);
            }
            let start = L::splat(bias.map_or(0.0, |bias| bias[to]));
            for at in (0..y.len()).step_by(W) {
                let y = &mut y[at..];
                let mut sum = if add { L::load_some(y) } else { start };
                for u in 0..columns {
                    let shifted = u * stride + MARGIN + at + u - problem.before[1];
                    sum = sum.add(L::load_some(&sums[shifted..][..W]));
                }
                sum.store_some(y);
            }
        }
    }
}

/// Zeroes the sums of a column that no place of their own line reads. Places of the next line or of the line before read them, and so
/// do places near both ends of the plane, whose margins are zeroed as well.
#[inline(always)]
fn clear_unused(problem: &Problem, u: usize, sums: &mut [f32]) {
    for line in 0..=problem.places[0] {
        let (start, shifted) = (MARGIN + line * problem.plane[1], MARGIN + line * problem.plane[1] + u);
        let shifted = shifted - problem.before[1];
        sums[start.min(shifted)..start.max(shifted)].fill(0.0);
    }
}
