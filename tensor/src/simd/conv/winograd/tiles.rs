//! Tiles of pictures to transformed tiles.

use super::bands::{Band, GroupPlanes, Tiles};
use super::layout::LANES;
use super::order::Slots;
use super::product::panel_at;
use super::scheme::Scheme;
use super::shared::Shared;
use super::transform::{Transform, sandwich};
use super::{stride_one, stride_two};
use crate::Buffer;
use crate::simd::vector::Vector;

/// Where transformed tiles go: a matrix (tiles × channels) for each of their numbers.
#[derive(Clone, Copy)]
pub(super) struct Transformed<'a> {
    pub(super) to: &'a Shared<'a, [f32; LANES]>,
    /// Sixteens from one matrix to the next.
    pub(super) apart: usize,
    pub(super) channels: usize,
    /// In panels with room for so many tiles; or row-major.
    pub(super) panels: Option<usize>,
    /// Those of a band's tiles.
    pub(super) slots: Slots,
}

impl Transformed<'_> {
    /// The sixteen of a tile and a group of channels.
    #[inline(always)]
    fn at(&self, tile: usize, group: usize) -> usize {
        let groups = self.channels.div_ceil(LANES);
        match self.panels {
            Some(rows) => panel_at(rows, groups * LANES, tile, group * LANES).0 / LANES,
            None => tile * groups + group,
        }
    }
}

/// V[·, tiles of a band, ·] from a sample's planes.
#[inline(always)]
pub(super) fn transform_inputs<L: Vector<W>, const W: usize>(
    scheme: Scheme,
    tiles: &Tiles,
    band: &Band,
    x: &[f32],
    v: Transformed<'_>,
) {
    use stride_two::{BACK_FACTORS, BACK_IN, BackInput};
    match scheme {
        Scheme::Dense => {
            use stride_one::{IN, Input};
            transform_tiles::<Input, L, IN, IN, W>(tiles, band, x, v);
        }
        Scheme::Halving => {
            use stride_two::{IN, Input};
            transform_tiles::<Input, L, IN, IN, W>(tiles, band, x, v);
        }
        Scheme::Doubling { odd: false } => {
            transform_tiles::<BackInput<false>, L, BACK_FACTORS, BACK_IN, W>(tiles, band, x, v);
        }
        Scheme::Doubling { odd: true } => {
            transform_tiles::<BackInput<true>, L, BACK_FACTORS, BACK_IN, W>(tiles, band, x, v);
        }
    }
}

/// D[·, tiles of a band, ·] from a sample's planes of dY.
#[inline(always)]
pub(super) fn transform_output_gradients<L: Vector<W>, const W: usize>(
    scheme: Scheme,
    tiles: &Tiles,
    band: &Band,
    dy: &[f32],
    d: Transformed<'_>,
) {
    match scheme {
        Scheme::Dense => {
            use stride_one::{IN, OUT, OutputAdjoint};
            transform_tiles::<OutputAdjoint, L, IN, OUT, W>(tiles, band, dy, d);
        }
        Scheme::Halving => {
            use stride_two::{OUT, OutputAdjoint, SUMS};
            transform_tiles::<OutputAdjoint, L, SUMS, OUT, W>(tiles, band, dy, d);
        }
        Scheme::Doubling { .. } => unreachable!("weights have their gradient from a forward pass"),
    }
}

#[inline(always)]
fn transform_tiles<M: Transform<R, SPAN>, L: Vector<W>, const R: usize, const SPAN: usize, const W: usize>(
    tiles: &Tiles,
    band: &Band,
    planes: &[f32],
    out: Transformed<'_>,
) {
    let mut pixels = Buffer::<f32>::scratch(tiles.band_len(band) * LANES);
    let mut pixels = tiles.pixels(band, pixels.as_chunks_mut::<LANES>().0);
    let size = tiles.plane[0] * tiles.plane[1];
    for group in 0..out.channels.div_ceil(LANES) {
        let planes = GroupPlanes::new(planes, size, out.channels, group);
        let mut read = 0;
        for down in 0..band.rows {
            read = pixels.read::<L, W>(&planes, read, (down, SPAN));
            for right in 0..tiles.count[1] {
                let rows = pixels.tile::<SPAN>(down, right);
                let tile = out.slots.of(down, right);
                // SAFETY: no other task has this tile, and no other tile its slot.
                let mut to = unsafe { out.to.spread(out.at(tile, group), out.apart, R * R) };
                for part in 0..LANES / W {
                    sandwich::<M, L, R, SPAN, W>(
                        #[inline(always)]
                        |r, c| L::load_part(&rows[r][c], part),
                        #[inline(always)]
                        |r, c, value| value.store_part(to.get(r * R + c), part),
                    );
                }
            }
        }
    }
}
