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
use product::Product;
use rayon::prelude::*;
use std::ops::Range;
use transform::{IN, Input, OUT, Output, OutputAdjoint, Taps, TapsAdjoint, sandwich};

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
            let u = Shared::new(u.as_chunks_mut::<LANES>().0);
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
            self.transform_inputs(rows.clone(), &Shared::new(v.as_chunks_mut::<LANES>().0), v_apart, 0);
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
            let v = Shared::new(v.as_chunks_mut::<LANES>().0);
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
                let u = Shared::new(u.as_chunks_mut::<LANES>().0);
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
        mut first_tile: usize,
    ) {
        let [height, width] = self.inputs.plane;
        let sample = self.weights.depth * height * width;
        for band in Band::all(rows, self.inputs.count[0]) {
            let x = &self.x[band.sample * sample..][..sample];
            let to = (v_apart, first_tile);
            on_isa!(self.isa, transform_inputs(&self.inputs, &band, x, self.weights.depth, v, to));
            first_tile += band.rows * self.inputs.count[1];
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
            b_step: groups.len() * LANES,
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
            for (lane, row) in rows.iter_mut().enumerate().take(weights.lanes - group * LANES) {
                let start = (group * LANES + lane) * weights.lane_stride + k * weights.depth_stride;
                *row = L::load_some(&weights.w[start..]);
            }
            let taps = L::transpose(rows);
            sandwich::<Taps, L, IN, 3>(
                #[inline(always)]
                |r, c| taps[if weights.mirrored { 8 - 3 * r - c } else { 3 * r + c }],
                #[inline(always)]
                |r, c, value| {
                    // SAFETY: no other task has these channels.
                    let to = unsafe { u.slice((r * IN + c) * u_apart + k * groups.len() + index, 1) };
                    value.store(&mut to[0]);
                },
            );
        }
    }
}

/// V[·, tiles of a band, ·] from a sample's planes.
#[inline(always)]
fn transform_inputs<L: Lanes>(
    tiles: &Tiles,
    band: &Band,
    x: &[f32],
    channels: usize,
    v: &Shared<'_, [f32; LANES]>,
    (v_apart, first_tile): (usize, usize),
) {
    let [_, wide] = tiles.band_size(band);
    let mut pixels = Buffer::<f32>::scratch(tiles.band_len(band) * LANES);
    let pixels = pixels.as_chunks_mut::<LANES>().0;
    let places = tiles.places(band, pixels);
    let groups = channels.div_ceil(LANES);
    for group in 0..groups {
        tiles.read_band::<L>(&places, x, channels, group, pixels);
        for (tile, (down, right)) in band.tiles(tiles.count[1]).enumerate() {
            let corner = down * OUT * wide + right * OUT;
            let at = (first_tile + tile) * groups + group;
            sandwich::<Input, L, IN, IN>(
                #[inline(always)]
                |r, c| L::load(&pixels[corner + r * wide + c]),
                #[inline(always)]
                |r, c, value| {
                    // SAFETY: no other task has this tile.
                    let to = unsafe { v.slice((r * IN + c) * v_apart + at, 1) };
                    value.store(&mut to[0]);
                },
            );
        }
    }
}

/// D[·, tiles of a band, ·] from a sample's planes of dY.
#[inline(always)]
fn transform_output_gradients<L: Lanes>(
    tiles: &Tiles,
    band: &Band,
    dy: &[f32],
    channels: usize,
    d: &Shared<'_, [f32; LANES]>,
    (d_apart, first_tile): (usize, usize),
) {
    let [_, wide] = tiles.band_size(band);
    let mut pixels = Buffer::<f32>::scratch(tiles.band_len(band) * LANES);
    let pixels = pixels.as_chunks_mut::<LANES>().0;
    let places = tiles.places(band, pixels);
    let groups = channels.div_ceil(LANES);
    for group in 0..groups {
        tiles.read_band::<L>(&places, dy, channels, group, pixels);
        for (tile, (down, right)) in band.tiles(tiles.count[1]).enumerate() {
            let corner = down * OUT * wide + right * OUT;
            let at = (first_tile + tile) * groups + group;
            sandwich::<OutputAdjoint, L, IN, OUT>(
                #[inline(always)]
                |r, c| L::load(&pixels[corner + r * wide + c]),
                #[inline(always)]
                |r, c, value| {
                    // SAFETY: no other task has this tile.
                    let to = unsafe { d.slice((r * IN + c) * d_apart + at, 1) };
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
///
/// Tiles are transformed a block at a time by all threads; then each of the 36 sums goes on over the block's tiles,
/// on one thread each, so that its order is that of the tiles.
pub(super) fn grad_weight(isa: Isa, g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32], how: Accumulate) {
    assert!(isa <= Isa::detected());
    const BLOCK: usize = 1 << 21;
    let count = g.places.map(|n| n.div_ceil(OUT));
    let inputs = Tiles { plane: g.plane, before: g.before, count, span: IN };
    let outputs = Tiles { plane: g.places, before: [0, 0], count, span: OUT };
    let (groups_in, groups_out) = (g.channels_in.div_ceil(LANES), g.channels_out.div_ceil(LANES));
    let tile_rows = g.samples * count[0];
    let tile_len = PLACES * LANES * (groups_in + groups_out);
    let rows_in_task = (16 / count[1]).max(1);
    let rows_in_block = (BLOCK / (tile_len * count[1])).max(1).next_multiple_of(rows_in_task).min(tile_rows);
    let most_tiles = rows_in_block * count[1];
    let (v_apart, d_apart) = (apart(most_tiles, groups_in), apart(most_tiles, groups_out));
    let mut v = Buffer::<f32>::scratch(PLACES * v_apart * LANES);
    let mut d = Buffer::<f32>::scratch(PLACES * d_apart * LANES);
    let p_apart = g.channels_out * groups_in * LANES;
    let mut p = Buffer::<f32>::scratch(PLACES * p_apart);
    let (x_len, dy_len) =
        (g.channels_in * g.plane[0] * g.plane[1], g.channels_out * g.places[0] * g.places[1]);

    for block in (0..tile_rows).step_by(rows_in_block) {
        let rows = block..tile_rows.min(block + rows_in_block);
        {
            let v = Shared::new(v.as_chunks_mut::<LANES>().0);
            let d = Shared::new(d.as_chunks_mut::<LANES>().0);
            (0..rows.len().div_ceil(rows_in_task)).into_par_iter().for_each(|task| {
                let first = rows.start + task * rows_in_task;
                let mut tile = task * rows_in_task * count[1];
                for band in Band::all(first..rows.end.min(first + rows_in_task), count[0]) {
                    let x = &x[band.sample * x_len..][..x_len];
                    let dy = &dy[band.sample * dy_len..][..dy_len];
                    on_isa!(isa, transform_inputs(&inputs, &band, x, g.channels_in, &v, (v_apart, tile)));
                    let to = (d_apart, tile);
                    on_isa!(isa, transform_output_gradients(&outputs, &band, dy, g.channels_out, &d, to));
                    tile += band.rows * count[1];
                }
            });
        }
        let product = Product {
            rows: g.channels_out,
            cols: groups_in * LANES,
            depth: rows.len() * count[1],
            a_row: 1,
            a_step: groups_out * LANES,
            b_step: groups_in * LANES,
            c_row: groups_in * LANES,
            add: block > 0,
        };
        p.par_chunks_exact_mut(p_apart).enumerate().for_each(|(place, p)| {
            product.run(isa, &d[place * d_apart * LANES..], &v[place * v_apart * LANES..], p);
        });
    }
    let p = p.as_chunks::<LANES>().0;
    dw.par_chunks_exact_mut(g.channels_in * 9).enumerate().for_each(|(channel_out, dw)| {
        on_isa!(isa, transform_weight_gradients(p, channel_out * groups_in, p_apart / LANES, dw, how));
    });
}

/// The gradient of one output channel's weights [C_in, 3, 3] from P.
#[inline(always)]
fn transform_weight_gradients<L: Lanes>(
    p: &[[f32; LANES]],
    first: usize,
    p_apart: usize,
    dw: &mut [f32],
    how: Accumulate,
) {
    for (group, dw) in dw.chunks_mut(LANES * 9).enumerate() {
        let (index, out) = (first + group, &mut *dw);
        sandwich::<TapsAdjoint, L, 3, IN>(
            #[inline(always)]
            |r, c| L::load(&p[(r * IN + c) * p_apart + index]),
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
