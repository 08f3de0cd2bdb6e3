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
use crate::ops::conv::Geometry;
use crate::{Accumulate, Buffer};
use bands::{Band, Shared, Tiles};
use lanes::{LANES, Lanes, Plain};
use product::Product;
use rayon::prelude::*;
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

/// Whether this way is open and pays: small kernels of stride 1, enough channels to fill vectors, and
/// pictures that tiles do not exceed by much. A function of the shape alone.
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
pub(super) fn forward(isa: Isa, g: &Geometry, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    let weights = Weights {
        w,
        lanes: g.channels_out,
        depth: g.channels_in,
        lane_stride: g.channels_in * 9,
        depth_stride: 9,
        mirrored: false,
    };
    convolve(isa, g.samples, &weights, (x, g.plane, g.before), bias, (y, g.places), Accumulate::Overwrite);
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
    convolve(isa, g.samples, &weights, (dy, g.places, g.before.map(|b| 2 - b)), None, (dx, g.plane), how);
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
    bias: Option<&[f32]>,
    (y, places): (&mut [f32], [usize; 2]),
    how: Accumulate,
) {
    assert!(isa <= Isa::detected());
    let count = places.map(|n| n.div_ceil(OUT));
    let inputs = Tiles { plane, before, count, span: IN };
    let (groups_in, groups_out) = (weights.depth.div_ceil(LANES), weights.lanes.div_ceil(LANES));
    let u_apart = apart(weights.depth, groups_out);
    let mut u = Buffer::<f32>::scratch(PLACES * u_apart * LANES);
    {
        let u = Shared::new(u.as_chunks_mut::<LANES>().0);
        (0..weights.depth).into_par_iter().with_min_len(8).for_each(|k| {
            on_isa!(isa, transform_weights(weights, k, groups_out, u_apart, &u));
        });
    }

    // A task's transformed tiles stay near the L2 cache.
    let tiles = (1 << 14) / (LANES * (groups_in + groups_out));
    let rows_in_task = (tiles.clamp(16, 64) / count[1]).max(1);
    let tile_rows = samples * count[0];
    let (planes_in, planes_out) = (plane[0] * plane[1], places[0] * places[1]);
    let y = Shared::new(y);
    (0..tile_rows.div_ceil(rows_in_task)).into_par_iter().for_each(|task| {
        let rows = task * rows_in_task..tile_rows.min((task + 1) * rows_in_task);
        let tiles = rows.len() * count[1];
        let (v_apart, m_apart) = (apart(tiles, groups_in), apart(tiles, groups_out));
        let mut v = Buffer::<f32>::scratch(PLACES * v_apart * LANES);
        let mut first_tile = 0;
        for band in Band::all(rows.clone(), count[0]) {
            let x = &x[band.sample * weights.depth * planes_in..][..weights.depth * planes_in];
            let v = Shared::new(v.as_chunks_mut::<LANES>().0);
            on_isa!(isa, transform_inputs(&inputs, &band, x, weights.depth, &v, (v_apart, first_tile)));
            first_tile += band.rows * count[1];
        }
        let mut m = Buffer::<f32>::scratch(PLACES * m_apart * LANES);
        let product = Product {
            rows: tiles,
            cols: groups_out * LANES,
            depth: weights.depth,
            a_row: groups_in * LANES,
            a_step: 1,
            b_step: groups_out * LANES,
            c_row: groups_out * LANES,
            add: false,
        };
        for place in 0..PLACES {
            product.run(
                isa,
                &v[place * v_apart * LANES..],
                &u[place * u_apart * LANES..],
                &mut m[place * m_apart * LANES..],
            );
        }
        let m = m.as_chunks::<LANES>().0;
        let mut first_tile = 0;
        for band in Band::all(rows, count[0]) {
            let sample = band.sample * weights.lanes * planes_out;
            let to = (&y, sample, weights.lanes, places, how);
            on_isa!(isa, transform_outputs(count[1], &band, m, (m_apart, first_tile), bias, to));
            first_tile += band.rows * count[1];
        }
    });
}

/// U[·, k, ·]: the transformed weights of one channel that is summed over.
#[inline(always)]
fn transform_weights<L: Lanes>(
    weights: &Weights<'_>,
    k: usize,
    groups: usize,
    u_apart: usize,
    u: &Shared<'_, [f32; LANES]>,
) {
    for group in 0..groups {
        // The nine taps of sixteen channels, and what lies behind them, transposed.
        let mut rows = [L::zero(); LANES];
        for (lane, row) in rows.iter_mut().enumerate().take(weights.lanes - group * LANES) {
            let start = (group * LANES + lane) * weights.lane_stride + k * weights.depth_stride;
            *row = match weights.w[start..].first_chunk() {
                Some(more) => L::load(more),
                None => {
                    let mut last = [0.0; LANES];
                    last[..9].copy_from_slice(&weights.w[start..start + 9]);
                    L::load(&last)
                }
            };
        }
        let taps = L::transpose(rows);
        sandwich::<Taps, L, IN, 3>(
            #[inline(always)]
            |r, c| taps[if weights.mirrored { 8 - 3 * r - c } else { 3 * r + c }],
            #[inline(always)]
            |r, c, value| {
                // SAFETY: no other task has this k.
                let to = unsafe { u.slice((r * IN + c) * u_apart + k * groups + group, 1) };
                value.store(&mut to[0]);
            },
        );
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
    let groups = channels.div_ceil(LANES);
    for group in 0..groups {
        tiles.read_band::<L>(band, x, channels, group, pixels);
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
    let groups = channels.div_ceil(LANES);
    for group in 0..groups {
        tiles.read_band::<L>(band, dy, channels, group, pixels);
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

/// The planes of a band of one sample from M.
#[inline(always)]
fn transform_outputs<L: Lanes>(
    tiles_across: usize,
    band: &Band,
    m: &[[f32; LANES]],
    (m_apart, first_tile): (usize, usize),
    bias: Option<&[f32]>,
    (y, sample, channels, places, how): (&Shared<'_, f32>, usize, usize, [usize; 2], Accumulate),
) {
    let groups = channels.div_ceil(LANES);
    let [high, wide] = [(band.rows * OUT).min(places[0] - band.first * OUT), places[1]];
    let mut pixels = Buffer::<f32>::scratch(high * wide * LANES);
    let pixels = pixels.as_chunks_mut::<LANES>().0;
    for group in 0..groups {
        let used = LANES.min(channels - group * LANES);
        let mut start = [0.0; LANES];
        if let Some(bias) = bias {
            start[..used].copy_from_slice(&bias[group * LANES..][..used]);
        }
        let start = L::load(&start);
        for (tile, (down, right)) in band.tiles(tiles_across).enumerate() {
            let at = (first_tile + tile) * groups + group;
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
        let first = sample + group * LANES * plane + band.first * OUT * wide;
        bands::write_planes::<L>(pixels, y, (first, plane, used), how);
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
