//! 3 × 3 convolutions of stride 1 with a quarter of the multiplications.
//!
//! Winograd's F(4 × 4, 3 × 3): a tile of 4 × 4 outputs needs 6 × 6 inputs, and 36 multiplications per pair of
//! channels where the definition has 144. Once tiles and weights are transformed (`transform`), the sum over
//! channels is, for each of the 36 places of a transformed tile, a product of matrices:
//!
//! - forward: M[place] (tiles × C_out) = V[place] (tiles × C_in) · U[place] (C_in × C_out);
//! - the gradient of the input is the same with mirrored weights, channels exchanged;
//! - the gradient of the weights: P[place] (C_out × C_in) = D[place]ᵀ (C_out × tiles) · V[place] (tiles × C_in), where D is
//!   dY under the adjoint of the output's transform, and P goes back through the adjoint of the weights' transform.
//!
//! Sixteen channels lie side by side (`lanes`), so transforms are plain arithmetic on registers; pictures change
//! from planes to that order and back by transposing 16 × 16 blocks (`bands`). What the products read is already in
//! the order in which they read it, so nothing is packed (`product`).
//!
//! The price is rounding: the transforms add numbers of unlike size. The relative error (root mean square) is
//! about twice that of the sum itself: 1.1 · 10⁻⁶ for 128 channels, growing with the root of their number.

mod bands;
mod lanes;
mod product;
mod transform;

use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::{with_avx2, with_avx512};
use crate::ops::conv::{Base, Bias, Geometry};
use crate::{Accumulate, Buffer};
use bands::{Band, Shared, Tiles};
use lanes::{LANES, Lanes, Plain};
use product::{PANEL, Product, panel_at};
use rayon::prelude::*;
use std::ops::Range;
use transform::{IN, Input, OUT, Output, OutputAdjoint, Taps, TapsAdjoint, Transform, sandwich};

/// Places of a transformed tile.
const PLACES: usize = IN * IN;

/// Runs a function of [`Lanes`] compiled for an instruction set that the processor has.
macro_rules! on_isa {
    ($isa:expr, $name:ident($($argument:expr),* $(,)?)) => {
        match $isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the entries of this module check that the processor has the instructions.
            Isa::Avx512 => unsafe {
                with_avx512(#[inline(always)] || $name::<lanes::Wide>($($argument),*))
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { with_avx2(#[inline(always)] || $name::<Plain>($($argument),*)) },
            _ => $name::<Plain>($($argument),*),
        }
    };
}

/// Whether this way is open and pays: small kernels of stride 1, enough channels to fill vectors, and pictures that
/// tiles do not exceed by much. A function of a sample's shape alone, so that no sample depends on how many are
/// computed with it.
pub(super) fn applies(g: &Geometry) -> bool {
    let covered: usize = g.places.iter().map(|n| n.next_multiple_of(OUT)).product();
    g.taps == [3, 3]
        && g.stride == 1
        && g.before.iter().all(|&b| b <= 2)
        && g.channels_in.min(g.channels_out) >= LANES
        && 5 * covered <= 9 * g.places[0] * g.places[1]
}

/// Where a weight is: lanes are the channels that come out, depth those that are summed over.
struct Weights<'a> {
    w: &'a [f32],
    lanes: usize,
    depth: usize,
    lane_stride: usize,
    depth_stride: usize,
    mirrored: bool,
}

/// y = w ∗ x + bias.
pub(super) fn forward(isa: Isa, g: &Geometry, x: &[f32], w: &[f32], base: Base<'_, f32>, y: &mut [f32]) {
    let weights = Weights {
        w,
        lanes: g.channels_out,
        depth: g.channels_in,
        lane_stride: g.channels_in * 9,
        depth_stride: 9,
        mirrored: false,
    };
    convolve(isa, g.samples, &weights, (x, g.plane, g.before), base, (y, g.places));
}

/// dX = mirrored w ∗ dY.
pub(super) fn grad_input(isa: Isa, g: &Geometry, dy: &[f32], w: &[f32], dx: &mut [f32], how: Accumulate) {
    let weights = Weights {
        w,
        lanes: g.channels_in,
        depth: g.channels_out,
        lane_stride: 9,
        depth_stride: g.channels_in * 9,
        mirrored: true,
    };
    let base = Base { bias: Bias::None, onto: how.into() };
    convolve(isa, g.samples, &weights, (dy, g.places, g.before.map(|b| 2 - b)), base, (dx, g.plane));
}

/// Numbers between the matrices of neighbouring places: a little apart, so that their rows do not all fall into
/// the same sets of a cache.
fn apart(rows: usize, groups: usize) -> usize {
    rows * groups + 1
}

fn convolve(
    isa: Isa,
    samples: usize,
    weights: &Weights<'_>,
    (x, plane, before): (&[f32], [usize; 2], [usize; 2]),
    base: Base<'_, f32>,
    (y, places): (&mut [f32], [usize; 2]),
) {
    assert!(isa <= Isa::detected());
    let call = Convolution::new(isa, samples, weights, (x, plane, before), base, (y, places));
    // Few tiles reuse weights little, and the transformed weights are the larger matrix: then it is the one to be cut.
    const FEW_TILES: usize = 64;
    if call.tile_rows * call.inputs.count[1] <= FEW_TILES { call.by_channels() } else { call.by_tiles() }
}

/// One convolution. Each number of its result is one sum over the channels in order: how the work is cut shows in
/// no bit.
struct Convolution<'a> {
    isa: Isa,
    weights: &'a Weights<'a>,
    inputs: Tiles,
    x: &'a [f32],
    base: Base<'a, f32>,
    y: Shared<'a, f32>,
    places: [usize; 2],
    tile_rows: usize,
}

impl<'a> Convolution<'a> {
    fn new(
        isa: Isa,
        samples: usize,
        weights: &'a Weights<'a>,
        (x, plane, before): (&'a [f32], [usize; 2], [usize; 2]),
        base: Base<'a, f32>,
        (y, places): (&'a mut [f32], [usize; 2]),
    ) -> Convolution<'a> {
        let count = places.map(|n| n.div_ceil(OUT));
        let inputs = Tiles { plane, before, count, span: IN };
        Convolution {
            isa,
            weights,
            inputs,
            x,
            base,
            y: Shared::new(y),
            places,
            tile_rows: samples * count[0],
        }
    }

    /// All weights are transformed first; then tasks take some of the tiles each.
    fn by_tiles(&self) {
        let (depth, groups) = (self.weights.depth, 0..self.weights.lanes.div_ceil(LANES));
        let u_apart = apart(depth, groups.len());
        let mut u = Buffer::<f32>::scratch(PLACES * u_apart * LANES);
        {
            let u = shared(&mut u);
            // Neighbouring channels share cache lines, so a task takes several.
            const CHANNELS: usize = 16;
            (0..depth.div_ceil(CHANNELS)).into_par_iter().for_each(|block| {
                let ks = block * CHANNELS..depth.min((block + 1) * CHANNELS);
                on_isa!(self.isa, transform_weights(self.weights, ks, groups.clone(), u_apart, &u));
            });
        }
        // A task's transformed tiles stay near the L2 cache.
        let across = self.inputs.count[1];
        let tiles = (1 << 14) / (LANES * (depth.div_ceil(LANES) + groups.len()));
        let rows_in_task = (tiles.clamp(16, 64) / across).max(1);
        (0..self.tile_rows.div_ceil(rows_in_task)).into_par_iter().for_each(|task| {
            let rows = task * rows_in_task..self.tile_rows.min((task + 1) * rows_in_task);
            let tiles = rows.len() * across;
            let v_apart = apart(tiles, depth.div_ceil(LANES));
            let mut v = Buffer::<f32>::scratch(PLACES * v_apart * LANES);
            self.transform_inputs(rows.clone(), &shared(&mut v), v_apart, 0);
            self.multiply(rows, (&v, v_apart), (&u, u_apart), groups.clone());
        });
    }

    /// All tiles are transformed first; then tasks take some of the channels that come out, with the weights of
    /// these, whose transform stays in the L2 cache.
    fn by_channels(&self) {
        const GROUPS: usize = 2;
        let (depth, groups, across) =
            (self.weights.depth, self.weights.lanes.div_ceil(LANES), self.inputs.count[1]);
        let v_apart = apart(self.tile_rows * across, depth.div_ceil(LANES));
        let mut v = Buffer::<f32>::scratch(PLACES * v_apart * LANES);
        {
            let v = shared(&mut v);
            let rows_in_task = (8 / across).max(1);
            (0..self.tile_rows.div_ceil(rows_in_task)).into_par_iter().for_each(|task| {
                let rows = task * rows_in_task..self.tile_rows.min((task + 1) * rows_in_task);
                let first_tile = rows.start * across;
                self.transform_inputs(rows, &v, v_apart, first_tile);
            });
        }
        (0..groups.div_ceil(GROUPS)).into_par_iter().for_each(|task| {
            let some = task * GROUPS..groups.min((task + 1) * GROUPS);
            let u_apart = apart(depth, some.len());
            let mut u = Buffer::<f32>::scratch(PLACES * u_apart * LANES);
            {
                let u = shared(&mut u);
                on_isa!(self.isa, transform_weights(self.weights, 0..depth, some.clone(), u_apart, &u));
            }
            self.multiply(0..self.tile_rows, (&v, v_apart), (&u, u_apart), some);
        });
    }

    /// V of some tile rows, from tile `first_tile` of `v` on.
    fn transform_inputs(
        &self,
        rows: Range<usize>,
        v: &Shared<'_, [f32; LANES]>,
        v_apart: usize,
        first_tile: usize,
    ) {
        let [height, width] = self.inputs.plane;
        let channels = self.weights.depth;
        let mut v = Transformed { to: v, apart: v_apart, channels, panels: None, first: first_tile };
        for band in Band::all(rows, self.inputs.count[0]) {
            let x = &self.x[band.sample * channels * height * width..][..channels * height * width];
            on_isa!(self.isa, transform_inputs(&self.inputs, &band, x, v));
            v.first += band.rows * self.inputs.count[1];
        }
    }

    /// The output of some tile rows and groups of channels, from their V and U.
    fn multiply(
        &self,
        rows: Range<usize>,
        (v, v_apart): (&[f32], usize),
        (u, u_apart): (&[f32], usize),
        groups: Range<usize>,
    ) {
        let (depth, across) = (self.weights.depth, self.inputs.count[1]);
        let tiles = rows.len() * across;
        let m_apart = apart(tiles, groups.len());
        let mut m = Buffer::<f32>::scratch(PLACES * m_apart * LANES);
        let product = Product {
            rows: tiles,
            cols: groups.len() * LANES,
            depth,
            a_row: depth.div_ceil(LANES) * LANES,
            a_step: 1,
            b_rows: depth,
            b_next: u_apart * LANES,
            c_row: groups.len() * LANES,
            add: false,
        };
        for place in 0..PLACES {
            let [v, u] = [&v[place * v_apart * LANES..], &u[place * u_apart * LANES..]];
            product.run(self.isa, v, u, &mut m[place * m_apart * LANES..]);
        }
        let m = m.as_chunks::<LANES>().0;
        let mut first_tile = 0;
        for band in Band::all(rows, self.inputs.count[0]) {
            let from = (m, m_apart, first_tile);
            on_isa!(self.isa, transform_outputs(self, &band, groups.clone(), from));
            first_tile += band.rows * across;
        }
    }
}

/// U[·, ks, ·]: the transformed weights of some of the channels that are summed over, and some groups of those that
/// come out.
#[inline(always)]
fn transform_weights<L: Lanes>(
    weights: &Weights<'_>,
    ks: Range<usize>,
    groups: Range<usize>,
    u_apart: usize,
    u: &Shared<'_, [f32; LANES]>,
) {
    for group in groups.clone() {
        let index = group - groups.start;
        for k in ks.clone() {
            // The nine taps of sixteen channels, and what lies behind them, transposed.
            let mut rows = [L::zero(); LANES];
            let first = group * LANES * weights.lane_stride + k * weights.depth_stride;
            for lane in 0..LANES {
                if group * LANES + lane < weights.lanes {
                    rows[lane] = L::load_some(&weights.w[first + lane * weights.lane_stride..]);
                }
            }
            let taps = L::transpose(rows);
            let at = panel_at(weights.depth, groups.len() * LANES, k, index * LANES).0 / LANES;
            sandwich::<Taps, L, IN, 3>(
                #[inline(always)]
                |r, c| taps[if weights.mirrored { 8 - 3 * r - c } else { 3 * r + c }],
                #[inline(always)]
                |r, c, value| {
                    // SAFETY: no other task has these channels.
                    let to = unsafe { u.slice((r * IN + c) * u_apart + at, 1) };
                    value.store(&mut to[0]);
                },
            );
        }
    }
}

/// Where transformed tiles go: a matrix (tiles × channels) for each place.
#[derive(Clone, Copy)]
struct Transformed<'a> {
    to: &'a Shared<'a, [f32; LANES]>,
    /// Sixteens from one place's matrix to the next.
    apart: usize,
    channels: usize,
    /// In panels with room for so many tiles; or row-major.
    panels: Option<usize>,
    /// The number of a band's first tile.
    first: usize,
}

impl Transformed<'_> {
    /// The sixteen of a tile and a group of channels.
    #[inline(always)]
    fn at(&self, tile: usize, group: usize) -> usize {
        let groups = self.channels.div_ceil(LANES);
        match self.panels {
            Some(rows) => panel_at(rows, groups * LANES, self.first + tile, group * LANES).0 / LANES,
            None => (self.first + tile) * groups + group,
        }
    }
}

/// V[·, tiles of a band, ·] from a sample's planes.
#[inline(always)]
fn transform_inputs<L: Lanes>(tiles: &Tiles, band: &Band, x: &[f32], v: Transformed<'_>) {
    transform_tiles::<Input, L, IN>(tiles, band, x, v);
}

/// D[·, tiles of a band, ·] from a sample's planes of dY.
#[inline(always)]
fn transform_output_gradients<L: Lanes>(tiles: &Tiles, band: &Band, dy: &[f32], d: Transformed<'_>) {
    transform_tiles::<OutputAdjoint, L, OUT>(tiles, band, dy, d);
}

#[inline(always)]
fn transform_tiles<M: Transform<IN, SPAN>, L: Lanes, const SPAN: usize>(
    tiles: &Tiles,
    band: &Band,
    planes: &[f32],
    out: Transformed<'_>,
) {
    let [_, wide] = tiles.band_size(band);
    let mut pixels = Buffer::<f32>::scratch(tiles.band_len(band) * LANES);
    let pixels = pixels.as_chunks_mut::<LANES>().0;
    let places = tiles.places(band, pixels);
    for group in 0..out.channels.div_ceil(LANES) {
        tiles.read_band::<L>(&places, planes, out.channels, group, pixels);
        for (tile, (down, right)) in band.tiles(tiles.count[1]).enumerate() {
            let corner = down * OUT * wide + right * OUT;
            let at = out.at(tile, group);
            sandwich::<M, L, IN, SPAN>(
                #[inline(always)]
                |r, c| L::load(&pixels[corner + r * wide + c]),
                #[inline(always)]
                |r, c, value| {
                    // SAFETY: no other task has this tile.
                    let to = unsafe { out.to.slice((r * IN + c) * out.apart + at, 1) };
                    value.store(&mut to[0]);
                },
            );
        }
    }
}

/// The planes of a band of one sample, for some groups of channels, from M.
#[inline(always)]
fn transform_outputs<L: Lanes>(
    call: &Convolution<'_>,
    band: &Band,
    groups: Range<usize>,
    (m, m_apart, first_tile): (&[[f32; LANES]], usize, usize),
) {
    let (places, channels) = (call.places, call.weights.lanes);
    let bias = call.base.bias.of(band.sample, channels);
    let [high, wide] = [(band.rows * OUT).min(places[0] - band.first * OUT), places[1]];
    let mut pixels = Buffer::<f32>::scratch(high * wide * LANES);
    let pixels = pixels.as_chunks_mut::<LANES>().0;
    for group in groups.clone() {
        let used = LANES.min(channels - group * LANES);
        let start = bias.map_or(L::zero(), |bias| L::load_some(&bias[group * LANES..][..used]));
        for (tile, (down, right)) in band.tiles(call.inputs.count[1]).enumerate() {
            let at = (first_tile + tile) * groups.len() + group - groups.start;
            let (corner, rows, cols) =
                (down * OUT * wide + right * OUT, high - down * OUT, wide - right * OUT);
            sandwich::<Output, L, OUT, IN>(
                #[inline(always)]
                |r, c| L::load(&m[(r * IN + c) * m_apart + at]),
                #[inline(always)]
                |r, c, value| {
                    if r < rows && c < cols {
                        value.add(start).store(&mut pixels[corner + r * wide + c]);
                    }
                },
            );
        }
        let plane = places[0] * places[1];
        let first = (band.sample * channels + group * LANES) * plane + band.first * OUT * wide;
        bands::write_planes::<L>(pixels, &call.y, (first, plane, used), call.base.onto);
    }
}

/// dW from all tiles of the batch.
pub(super) fn grad_weight(isa: Isa, g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32], how: Accumulate) {
    assert!(isa <= Isa::detected());
    let call = WeightGradient::new(isa, g, x, dy);
    // For slices of their own to pay, P has to stay in the L2 cache beside the tiles, and tiles must be many.
    const SMALL: usize = 1 << 13;
    const MANY: usize = 1 << 10;
    let tiles = call.tile_rows * call.inputs.count[1];
    let (p, slices) = if g.channels_in * g.channels_out <= SMALL && tiles >= MANY {
        call.by_tiles()
    } else {
        call.by_places()
    };
    let (p, apart) = (p.as_chunks::<LANES>().0, call.p_apart() / LANES);
    dw.par_chunks_exact_mut(g.channels_in * 9).enumerate().for_each(|(channel_out, dw)| {
        let first = channel_out * call.groups_in;
        on_isa!(isa, transform_weight_gradients((p, slices), (first, apart), dw, how));
    });
}

/// The gradient of one convolution's weights, as far as P: for each place a sum over tiles.
struct WeightGradient<'a> {
    isa: Isa,
    g: &'a Geometry,
    x: &'a [f32],
    dy: &'a [f32],
    inputs: Tiles,
    outputs: Tiles,
    groups_in: usize,
    groups_out: usize,
    tile_rows: usize,
}

/// Matrices V and D in panels, with room for some tiles.
#[derive(Clone, Copy)]
struct Room {
    tiles: usize,
    v_apart: usize,
    d_apart: usize,
}

impl<'a> WeightGradient<'a> {
    fn new(isa: Isa, g: &'a Geometry, x: &'a [f32], dy: &'a [f32]) -> WeightGradient<'a> {
        let count = g.places.map(|n| n.div_ceil(OUT));
        WeightGradient {
            isa,
            g,
            x,
            dy,
            inputs: Tiles { plane: g.plane, before: g.before, count, span: IN },
            outputs: Tiles { plane: g.places, before: [0, 0], count, span: OUT },
            groups_in: g.channels_in.div_ceil(LANES),
            groups_out: g.channels_out.div_ceil(LANES),
            tile_rows: g.samples * count[0],
        }
    }

    /// Each task takes a slice of the tiles, a few at a time, which stay near the L2 cache from their transform to
    /// their product, and has a P of its own. Answers all of these, and their number, a function of the shape.
    fn by_tiles(&self) -> (Buffer<f32>, usize) {
        const SLICES: usize = 16;
        const AT_ONCE: usize = 1 << 18;
        let rows_in_slice = self.tile_rows.div_ceil(SLICES);
        let slices = self.tile_rows.div_ceil(rows_in_slice);
        let rows_at_once = self.rows_within(AT_ONCE).min(rows_in_slice);
        let size = PLACES * self.p_apart();
        let mut p = Buffer::<f32>::scratch(slices * size);
        p.par_chunks_exact_mut(size).enumerate().for_each(|(slice, p)| {
            let room = self.room(rows_at_once);
            let [mut v, mut d] =
                [room.v_apart, room.d_apart].map(|apart| Buffer::scratch(PLACES * apart * LANES));
            let first = slice * rows_in_slice;
            let end = self.tile_rows.min(first + rows_in_slice);
            for start in (first..end).step_by(rows_at_once) {
                let rows = start..end.min(start + rows_at_once);
                let tiles = rows.len() * self.inputs.count[1];
                self.transform(rows, &shared(&mut v), &shared(&mut d), room, 0);
                for (place, p) in p.chunks_exact_mut(self.p_apart()).enumerate() {
                    self.multiply(place, (&v, &d, room), tiles, start > first, p);
                }
            }
        });
        (p, slices)
    }

    /// All threads transform a block of tiles; then each of the 36 sums goes on over the block, on one thread each.
    fn by_places(&self) -> (Buffer<f32>, usize) {
        const BLOCK: usize = 1 << 21;
        let across = self.inputs.count[1];
        let rows_in_task = (16 / across).max(1);
        let rows_in_block = self.rows_within(BLOCK).next_multiple_of(rows_in_task).min(self.tile_rows);
        let room = self.room(rows_in_block);
        let [mut v, mut d] =
            [room.v_apart, room.d_apart].map(|apart| Buffer::scratch(PLACES * apart * LANES));
        let mut p = Buffer::<f32>::scratch(PLACES * self.p_apart());
        for block in (0..self.tile_rows).step_by(rows_in_block) {
            let rows = block..self.tile_rows.min(block + rows_in_block);
            {
                let (v, d) = (shared(&mut v), shared(&mut d));
                (0..rows.len().div_ceil(rows_in_task)).into_par_iter().for_each(|task| {
                    let first = rows.start + task * rows_in_task;
                    let some = first..rows.end.min(first + rows_in_task);
                    self.transform(some, &v, &d, room, task * rows_in_task * across);
                });
            }
            p.par_chunks_exact_mut(self.p_apart()).enumerate().for_each(|(place, p)| {
                self.multiply(place, (&v, &d, room), rows.len() * across, block > 0, p);
            });
        }
        (p, 1)
    }

    /// Numbers of P for one place: C_out × C_in.
    fn p_apart(&self) -> usize {
        self.g.channels_out * self.groups_in * LANES
    }

    /// Tile rows whose V and D together hold about so many numbers.
    fn rows_within(&self, numbers: usize) -> usize {
        let in_row = PLACES * LANES * (self.groups_in + self.groups_out) * self.inputs.count[1];
        (numbers / in_row).max(1)
    }

    fn room(&self, rows: usize) -> Room {
        let tiles = rows * self.inputs.count[1];
        Room { tiles, v_apart: apart(tiles, self.groups_in), d_apart: apart(tiles, self.groups_out) }
    }

    /// V and D of some tile rows, from tile `first` of the room on.
    fn transform(
        &self,
        rows: Range<usize>,
        v: &Shared<'_, [f32; LANES]>,
        d: &Shared<'_, [f32; LANES]>,
        room: Room,
        first: usize,
    ) {
        let g = self.g;
        let (x_len, dy_len) =
            (g.channels_in * g.plane[0] * g.plane[1], g.channels_out * g.places[0] * g.places[1]);
        let panels = Some(room.tiles);
        let mut v = Transformed { to: v, apart: room.v_apart, channels: g.channels_in, panels, first };
        let mut d = Transformed { to: d, apart: room.d_apart, channels: g.channels_out, panels, first };
        for band in Band::all(rows, self.inputs.count[0]) {
            let x = &self.x[band.sample * x_len..][..x_len];
            let dy = &self.dy[band.sample * dy_len..][..dy_len];
            on_isa!(self.isa, transform_inputs(&self.inputs, &band, x, v));
            on_isa!(self.isa, transform_output_gradients(&self.outputs, &band, dy, d));
            v.first += band.rows * self.inputs.count[1];
            d.first = v.first;
        }
    }

    /// P[place] ← or += D[place]ᵀ · V[place] over the first `tiles` tiles.
    fn multiply(
        &self,
        place: usize,
        (v, d, room): (&[f32], &[f32], Room),
        tiles: usize,
        add: bool,
        p: &mut [f32],
    ) {
        let [v, d] = [&v[place * room.v_apart * LANES..], &d[place * room.d_apart * LANES..]];
        let cols = self.groups_in * LANES;
        for first in (0..self.g.channels_out).step_by(PANEL) {
            let (d_start, d_step) = panel_at(room.tiles, self.groups_out * LANES, 0, first);
            let product = Product {
                rows: PANEL.min(self.g.channels_out - first),
                cols,
                depth: tiles,
                a_row: 1,
                a_step: d_step,
                b_rows: room.tiles,
                b_next: if first + PANEL < self.g.channels_out { 0 } else { room.v_apart * LANES },
                c_row: cols,
                add,
            };
            product.run(self.isa, &d[d_start..], v, &mut p[first * cols..]);
        }
    }
}

fn shared(buffer: &mut Buffer<f32>) -> Shared<'_, [f32; LANES]> {
    Shared::new(buffer.as_chunks_mut::<LANES>().0)
}

/// The gradient of one output channel's weights [C_in, 3, 3] from the Ps of all slices, added in order.
#[inline(always)]
fn transform_weight_gradients<L: Lanes>(
    (p, slices): (&[[f32; LANES]], usize),
    (first, p_apart): (usize, usize),
    dw: &mut [f32],
    how: Accumulate,
) {
    for (group, dw) in dw.chunks_mut(LANES * 9).enumerate() {
        let (index, out) = (first + group, &mut *dw);
        sandwich::<TapsAdjoint, L, 3, IN>(
            #[inline(always)]
            |r, c| {
                let at = |slice: usize| (slice * PLACES + r * IN + c) * p_apart + index;
                let mut sum = L::load(&p[at(0)]);
                for slice in 1..slices {
                    sum = sum.add(L::load(&p[at(slice)]));
                }
                sum
            },
            #[inline(always)]
            |r, c, value| {
                let mut lanes = [0.0; LANES];
                value.store(&mut lanes);
                for (to, value) in out[3 * r + c..].iter_mut().step_by(9).zip(lanes) {
                    match how {
                        Accumulate::Overwrite => *to = value,
                        Accumulate::Add => *to += value,
                    }
                }
            },
        );
    }
}

#[cfg(test)]
mod tests;
