//! From the planes of pictures to the factors of their tiles.

use super::bands::{Band, GroupPlanes, Tiles};
use super::layout::LANES;
use super::order::TileSlots;
use super::product::panel_at;
use super::scheme::Scheme;
use super::shared::SharedSlice;
use super::transform::{Transform, sandwich};
use super::{stride_one, stride_two};
use crate::Buffer;
use crate::simd::vector::Vector;

/// Where the factors of tiles are written: a matrix (tiles × channels) for each factor.
#[derive(Clone, Copy)]
pub(super) struct Destination<'a> {
    pub(super) to: &'a SharedSlice<'a, [f32; LANES]>,
    /// From one matrix to the next, in groups of [`LANES`] numbers.
    pub(super) stride: usize,
    pub(super) channels: usize,
    /// Whether matrices lie in panels, which have room for so many tiles; otherwise they are row-major.
    pub(super) panels: Option<usize>,
    /// The slots of a band's tiles.
    pub(super) slots: TileSlots,
}

impl Destination<'_> {
    /// The place of a slot and a group of channels.
    #[inline(always)]
    fn at(&self, tile: usize, group: usize) -> usize {
        let groups = self.channels.div_ceil(LANES);
        match self.panels {
            Some(rows) => panel_at(rows, groups * LANES, tile, group * LANES).0 / LANES,
            None => tile * groups + group,
        }
    }
}

/// V[·, tiles of a band, ·] from the planes of a sample of x.
#[inline(always)]
pub(super) fn transform_inputs<L: Vector<W>, const W: usize>(
    scheme: Scheme,
    tiles: &Tiles,
    band: &Band,
    x: &[f32],
    v: Destination<'_>,
) {
    use stride_two::{BACK_FACTORS, BACK_IN, BackInput};
    match scheme {
        Scheme::UnitStride => {
            use stride_one::{IN, Input};
            transform_tiles::<Input, L, IN, IN, W>(tiles, band, x, v);
        }
        Scheme::StrideTwo => {
            use stride_two::{IN, Input};
            transform_tiles::<Input, L, IN, IN, W>(tiles, band, x, v);
        }
        Scheme::BackwardOfStrideTwo { odd: false } => {
            transform_tiles::<BackInput<false>, L, BACK_FACTORS, BACK_IN, W>(tiles, band, x, v);
        }
        Scheme::BackwardOfStrideTwo { odd: true } => {
            transform_tiles::<BackInput<true>, L, BACK_FACTORS, BACK_IN, W>(tiles, band, x, v);
        }
    }
}

/// D[·, tiles of a band, ·] from the planes of a sample of dY.
#[inline(always)]
pub(super) fn transform_output_gradients<L: Vector<W>, const W: usize>(
    scheme: Scheme,
    tiles: &Tiles,
    band: &Band,
    dy: &[f32],
    d: Destination<'_>,
) {
    match scheme {
        Scheme::UnitStride => {
            use stride_one::{IN, OUT, OutputAdjoint};
            transform_tiles::<OutputAdjoint, L, IN, OUT, W>(tiles, band, dy, d);
        }
        Scheme::StrideTwo => {
            use stride_two::{OUT, OutputAdjoint, SUMS};
            transform_tiles::<OutputAdjoint, L, SUMS, OUT, W>(tiles, band, dy, d);
        }
        Scheme::BackwardOfStrideTwo { .. } => {
            unreachable!("the gradient of the weights has the scheme of the forward pass")
        }
    }
}

#[inline(always)]
fn transform_tiles<M: Transform<R, SPAN>, L: Vector<W>, const R: usize, const SPAN: usize, const W: usize>(
    tiles: &Tiles,
    band: &Band,
    planes: &[f32],
    out: Destination<'_>,
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
                // SAFETY: each tile is in one band, each band in one task, and no two tiles have the same slot: nobody else accesses
                // these elements while `to` lives.
                let mut to = unsafe { out.to.strided(out.at(tile, group), out.stride, R * R) };
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
