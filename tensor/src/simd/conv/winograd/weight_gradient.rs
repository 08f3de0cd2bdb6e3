//! The gradient of a convolution's weights.

use super::bands::{Band, Tiles};
use super::layout::{LANES, matrix_stride, shared};
use super::order::Order;
use super::product::{PANEL, Product, panel_at};
use super::scheme::{AxisScheme, Scheme, Term};
use super::shared::SharedSlice;
use super::tiles::{Destination, transform_inputs, transform_output_gradients};
use super::transform::{Transform, sandwich};
use super::{stride_one, stride_two};
use crate::Buffer;
use crate::simd::Isa;
use crate::simd::conv::geometry::Geometry;
use crate::simd::gemm::Accumulate;
use crate::simd::gemm::share;
use crate::simd::vector::{Vector, on_isa};
use rayon::prelude::*;
use std::ops::Range;

/// dW from all tiles of the batch.
pub(in crate::simd) fn grad_weight(
    isa: Isa,
    g: &Geometry,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    how: Accumulate,
) {
    assert!(isa.is_available());
    let call = WeightGradient::new(isa, g, x, dy);
    if call.is_by_tiles() { call.by_tiles(dw, how) } else { call.by_channels(dw, how) }
}

/// The gradient of a convolution's weights. P has, for each factor of the taps, a sum over tiles; the adjoint of the taps' transform
/// takes it to dW.
pub(super) struct WeightGradient<'a> {
    isa: Isa,
    g: &'a Geometry,
    scheme: Scheme,
    axis: &'static AxisScheme,
    /// The products, sorted by the factor of the taps.
    terms: Vec<Term>,
    x: &'a [f32],
    dy: &'a [f32],
    inputs: Tiles,
    outputs: Tiles,
    groups_in: usize,
    groups_out: usize,
    tile_rows: usize,
}

/// The sizes of the matrices V and D, which lie in panels, for some tiles.
#[derive(Clone, Copy)]
struct MatrixSizes {
    tiles: usize,
    v_stride: usize,
    d_stride: usize,
}

impl MatrixSizes {
    fn matrices(&self, axis: &AxisScheme) -> [Buffer<f32>; 2] {
        self.numbers(axis).map(Buffer::scratch)
    }

    /// The lengths of V and D.
    fn numbers(&self, axis: &AxisScheme) -> [usize; 2] {
        let room = |count: usize, stride: usize| count.pow(2) * stride * LANES;
        [room(axis.input_factors, self.v_stride), room(axis.sums, self.d_stride)]
    }
}

/// How [`WeightGradient::by_tiles`] cuts the batch, in rows of tiles.
struct Slices {
    rows: usize,
    count: usize,
    rows_at_once: usize,
    /// The length of a slice's P.
    size: usize,
}

impl<'a> WeightGradient<'a> {
    pub(super) fn new(isa: Isa, g: &'a Geometry, x: &'a [f32], dy: &'a [f32]) -> WeightGradient<'a> {
        let [scheme, _] = Scheme::pair(g);
        let axis = scheme.axis();
        let (count, out) = (axis.tiles(g.places), axis.out);
        WeightGradient {
            isa,
            g,
            scheme,
            axis,
            terms: axis.terms_by(|term| term.tap),
            x,
            dy,
            inputs: axis.inputs(g.plane, g.before, g.places),
            outputs: Tiles { plane: g.places, before: [0, 0], count, span: out, step: out },
            groups_in: g.channels_in.div_ceil(LANES),
            groups_out: g.channels_out.div_ceil(LANES),
            tile_rows: g.samples * count[0],
        }
    }

    /// How many tiles the batch has.
    fn tiles(&self) -> usize {
        self.tile_rows * self.inputs.count[1]
    }

    /// Whether tasks take tiles. Each slice has a P of its own, which is written and read once more, so P must be small compared to
    /// what is added to it.
    fn is_by_tiles(&self) -> bool {
        const SMALL: usize = 1 << 15;
        const MANY: usize = 1 << 8;
        const FOR_EACH_TILE: usize = 48;
        let (pairs, tiles) = (self.g.channels_in * self.g.channels_out, self.tiles());
        pairs <= SMALL.min(FOR_EACH_TILE * tiles) && tiles >= MANY
    }

    fn slices(&self) -> Slices {
        let most = match self.tiles() {
            ..4096 => 4,
            4096..8192 => 8,
            _ => 16,
        };
        let rows = self.tile_rows.div_ceil(most);
        // Each time, all of P passes through the registers: the larger it is, the more tiles must be added at once.
        let at_once = (32 * self.g.channels_in * self.g.channels_out).max(1 << 18);
        let p_stride = p_stride(self.g.channels_out, self.groups_in * LANES);
        Slices {
            rows,
            count: self.tile_rows.div_ceil(rows),
            rows_at_once: share(rows, self.rows_within(at_once), 1),
            size: self.axis.tap_factors.pow(2) * p_stride,
        }
    }

    /// How many rows of tiles a task of [`WeightGradient::by_channels`] transforms, and how many a block has.
    fn blocks(&self) -> [usize; 2] {
        const BLOCK: usize = 1 << 21;
        let rows_in_task = (16 / self.inputs.count[1]).max(1);
        let rows = share(self.tile_rows, self.rows_within(BLOCK), rows_in_task).min(self.tile_rows);
        [rows_in_task, rows]
    }

    /// The lengths of the larger buffers that are held at once.
    pub(super) fn buffers(&self) -> Vec<usize> {
        if !self.is_by_tiles() {
            let [_, rows] = self.blocks();
            return self.room(rows).numbers(self.axis).to_vec();
        }
        let Slices { count, rows_at_once, size, .. } = self.slices();
        let matrices = self.room(rows_at_once).numbers(self.axis);
        let at_work = rayon::current_num_threads().min(count);
        std::iter::once(count * size).chain((0..at_work).flat_map(|_| matrices)).collect()
    }

    /// Each task takes a slice of the tiles, a few at a time, which stay in or near the L2 cache from their transform to their product,
    /// and has a P of its own. The number of slices is a function of the shape.
    fn by_tiles(&self, dw: &mut [f32], how: Accumulate) {
        let Slices { rows: rows_in_slice, count: slices, rows_at_once, size } = self.slices();
        let (channels_in, channels_out) = (self.groups_in * LANES, self.g.channels_out);
        let p_stride = p_stride(channels_out, channels_in);
        let mut p = Buffer::<f32>::scratch(slices * size);
        p.par_chunks_exact_mut(size).enumerate().for_each(|(slice, p)| {
            let room = self.room(rows_at_once);
            let [mut v, mut d] = room.matrices(self.axis);
            let first = slice * rows_in_slice;
            let end = self.tile_rows.min(first + rows_in_slice);
            for start in (first..end).step_by(rows_at_once) {
                let rows = start..end.min(start + rows_at_once);
                let order = self.order(rows.clone());
                self.transform(rows, &order, &shared(&mut v), &shared(&mut d), room);
                let channels = (0..channels_out, 0..channels_in);
                self.multiply((&v, &d, room), &order, channels, start > first, (p, p_stride));
            }
        });
        dw.par_chunks_exact_mut(self.g.channels_in * 9).enumerate().for_each(|(channel_out, dw)| {
            let p = (&p[..], slices, p_stride);
            on_isa!(self.isa, transform_weight_gradients(self.scheme, p, channel_out * channels_in, dw, how));
        });
    }

    /// All threads transform a block of tiles; then each task takes some of the channels.
    fn by_channels(&self, dw: &mut [f32], how: Accumulate) {
        let [rows_in_task, rows_in_block] = self.blocks();
        let room = self.room(rows_in_block);
        let [mut v, mut d] = room.matrices(self.axis);
        for block in (0..self.tile_rows).step_by(rows_in_block) {
            let rows = block..self.tile_rows.min(block + rows_in_block);
            let order = self.order(rows.clone());
            {
                let (v, d) = (shared(&mut v), shared(&mut d));
                (0..rows.len().div_ceil(rows_in_task)).into_par_iter().for_each(|task| {
                    let first = rows.start + task * rows_in_task;
                    let some = first..rows.end.min(first + rows_in_task);
                    self.transform(some, &order, &v, &d, room);
                });
            }
            let how = if block == 0 { how } else { Accumulate::Add };
            self.add_block((&v, &d, room), &order, dw, how);
        }
    }

    /// dW ← or += the part of some tiles. A task has so few channels, out and in, that their P stays in the L2 cache until it is
    /// transformed to dW.
    fn add_block(
        &self,
        matrices: (&[f32], &[f32], MatrixSizes),
        order: &Order,
        dw: &mut [f32],
        how: Accumulate,
    ) {
        const ROWS: usize = PANEL / 2;
        let (channels_in, channels_out) = (self.groups_in * LANES, self.g.channels_out);
        // A piece is the gradients of one channel out and a panel of channels in: a task has `ROWS` of these.
        let panels = channels_in.div_ceil(PANEL);
        let mut tasks: Vec<Vec<&mut [f32]>> = Vec::new();
        tasks.resize_with(channels_out.div_ceil(ROWS) * panels, Vec::new);
        for (channel_out, dw) in dw.chunks_exact_mut(self.g.channels_in * 9).enumerate() {
            for (panel, piece) in dw.chunks_mut(PANEL * 9).enumerate() {
                tasks[channel_out / ROWS * panels + panel].push(piece);
            }
        }
        tasks.into_par_iter().enumerate().for_each(|(task, pieces)| {
            let [first_out, first_in] = [task / panels * ROWS, task % panels * PANEL];
            let outs = first_out..channels_out.min(first_out + ROWS);
            let ins = first_in..channels_in.min(first_in + PANEL);
            let p_stride = p_stride(outs.len(), ins.len());
            let mut p = Buffer::<f32>::scratch(self.axis.tap_factors.pow(2) * p_stride);
            self.multiply(matrices, order, (outs, ins.clone()), false, (&mut p, p_stride));
            for (row, dw) in pieces.into_iter().enumerate() {
                let first = row * ins.len();
                on_isa!(self.isa, transform_weight_gradients(self.scheme, (&p, 1, p_stride), first, dw, how));
            }
        });
    }

    /// For how many rows of tiles V and D together have about so many numbers.
    fn rows_within(&self, numbers: usize) -> usize {
        let AxisScheme { input_factors, sums, .. } = self.axis;
        let of_tile = input_factors.pow(2) * self.groups_in + sums.pow(2) * self.groups_out;
        (numbers / (of_tile * LANES * self.inputs.count[1])).max(1)
    }

    fn room(&self, rows: usize) -> MatrixSizes {
        let tiles = rows * self.inputs.count[1];
        MatrixSizes {
            tiles,
            v_stride: matrix_stride(tiles, self.groups_in),
            d_stride: matrix_stride(tiles, self.groups_out),
        }
    }

    fn order(&self, rows: Range<usize>) -> Order {
        Order::new(self.axis, self.g.places, rows)
    }

    /// V and D of some rows of tiles.
    fn transform(
        &self,
        rows: Range<usize>,
        order: &Order,
        v: &SharedSlice<'_, [f32; LANES]>,
        d: &SharedSlice<'_, [f32; LANES]>,
        room: MatrixSizes,
    ) {
        let g = self.g;
        let (x_len, dy_len) =
            (g.channels_in * g.plane[0] * g.plane[1], g.channels_out * g.places[0] * g.places[1]);
        let panels = Some(room.tiles);
        for band in Band::all(rows, self.inputs.count[0]) {
            let x = &self.x[band.sample * x_len..][..x_len];
            let dy = &self.dy[band.sample * dy_len..][..dy_len];
            let slots = order.slots(&band);
            let v = Destination { to: v, stride: room.v_stride, channels: g.channels_in, panels, slots };
            let d = Destination { to: d, stride: room.d_stride, channels: g.channels_out, panels, slots };
            on_isa!(self.isa, transform_inputs(self.scheme, &self.inputs, &band, x, v));
            on_isa!(self.isa, transform_output_gradients(self.scheme, &self.outputs, &band, dy, d));
        }
    }

    /// P ← or += Σ Dᵀ · V over the tiles of an order, for these channels in and out; the channels out are part of a panel, or begin at
    /// one. Outputs that do not exist have zero gradients, so the same tiles are left out as in a forward pass.
    fn multiply(
        &self,
        (v, d, room): (&[f32], &[f32], MatrixSizes),
        order: &Order,
        (outs, ins): (Range<usize>, Range<usize>),
        add: bool,
        (p, p_stride): (&mut [f32], usize),
    ) {
        let (v_start, _) = panel_at(room.tiles, self.groups_in * LANES, 0, ins.start);
        let v = |term: &Term| &v[term.input * room.v_stride * LANES + v_start..];
        for (i, term) in self.terms.iter().enumerate() {
            let after = v(self.terms.get(i + 1).unwrap_or(term));
            let v = v(term);
            let d = &d[term.sum * room.d_stride * LANES..];
            let p = &mut p[term.tap * p_stride..][..p_stride];
            let add = add || i > 0 && self.terms[i - 1].tap == term.tap;
            let tiles = order.with_sum(term.sum);
            for first in outs.clone().step_by(PANEL) {
                let (d_start, d_step) = panel_at(room.tiles, self.groups_out * LANES, tiles.start, first);
                let product = Product {
                    rows: PANEL.min(outs.end - first),
                    cols: ins.len(),
                    depth: tiles.len(),
                    a_row_stride: 1,
                    a_step_stride: d_step,
                    b_rows: room.tiles,
                    b_first: tiles.start,
                    c_row_stride: ins.len(),
                    add,
                };
                let next = if first + PANEL < outs.end { v } else { after };
                product.run(self.isa, &d[d_start..], [v, next], &mut p[(first - outs.start) * ins.len()..]);
            }
        }
    }
}

/// From the P of one factor, `outs` × `ins`, to the next.
fn p_stride(outs: usize, ins: usize) -> usize {
    matrix_stride(outs, ins / LANES) * LANES
}

/// The gradient of one output channel's weights [channels in, 3, 3], from the P of all slices, which are added in order. `first` is where
/// the channel's numbers begin in the P of each factor.
#[inline(always)]
fn transform_weight_gradients<L: Vector<W>, const W: usize>(
    scheme: Scheme,
    p: (&[f32], usize, usize),
    first: usize,
    dw: &mut [f32],
    how: Accumulate,
) {
    match scheme {
        Scheme::UnitStride => {
            use stride_one::{IN, TapsAdjoint};
            transform_back::<TapsAdjoint, L, IN, W>(p, first, dw, how);
        }
        Scheme::StrideTwo => {
            use stride_two::{TAP_FACTORS, TapsAdjoint};
            transform_back::<TapsAdjoint, L, TAP_FACTORS, W>(p, first, dw, how);
        }
        Scheme::BackwardOfStrideTwo { .. } => {
            unreachable!("the gradient of the weights has the scheme of the forward pass")
        }
    }
}

#[inline(always)]
fn transform_back<M: Transform<3, FACTORS>, L: Vector<W>, const FACTORS: usize, const W: usize>(
    (p, slices, p_stride): (&[f32], usize, usize),
    first: usize,
    dw: &mut [f32],
    how: Accumulate,
) {
    let (p, p_stride) = (p.as_chunks::<LANES>().0, p_stride / LANES);
    for (group, dw) in dw.chunks_mut(LANES * 9).enumerate() {
        let index = first / LANES + group;
        for (part, dw) in dw.chunks_mut(W * 9).enumerate() {
            let mut gradients = [[0.0; W]; 9];
            sandwich::<M, L, 3, FACTORS, W>(
                #[inline(always)]
                |r, c| {
                    let at =
                        |slice: usize| &p[(slice * FACTORS * FACTORS + r * FACTORS + c) * p_stride + index];
                    let mut sum = L::load_part(at(0), part);
                    for slice in 1..slices {
                        // There are more slices to read from than the processor foresees.
                        L::prefetch_into_l2(at(slice).as_ptr().wrapping_add(4 * LANES));
                        sum = sum.add(L::load_part(at(slice), part));
                    }
                    sum
                },
                #[inline(always)]
                |r, c, value| value.store(&mut gradients[3 * r + c]),
            );
            for (lane, dw) in dw.chunks_exact_mut(9).enumerate() {
                for (to, gradients) in dw.iter_mut().zip(&gradients) {
                    match how {
                        Accumulate::Overwrite => *to = gradients[lane],
                        Accumulate::Add => *to += gradients[lane],
                    }
                }
            }
        }
    }
}
