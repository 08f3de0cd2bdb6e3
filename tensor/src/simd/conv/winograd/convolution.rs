//! A convolution, and the gradient of its input, which is one too.

use super::applies::back_before;
use super::bands::{Band, Tiles};
use super::layout::{LANES, matrix_stride, shared};
use super::order::Order;
use super::outputs::{Outputs, transform_outputs};
use super::product::Product;
use super::scheme::{AxisScheme, Scheme, Term};
use super::shared::SharedSlice;
use super::tiles::{Destination, transform_inputs};
use super::weights::{WINDOW, Weights, transform_weights};
use crate::Buffer;
use crate::simd::Isa;
use crate::simd::conv::addend::{Addend, Bias};
use crate::simd::conv::geometry::Geometry;
use crate::simd::gemm::Accumulate;
use crate::simd::vector::on_isa;
use rayon::prelude::*;
use std::ops::Range;

/// y ← addend + w ∗ x.
pub(in crate::simd) fn forward(
    isa: Isa,
    g: &Geometry,
    x: &[f32],
    w: &[f32],
    addend: Addend<'_, f32>,
    y: &mut [f32],
) {
    let weights = Weights {
        w,
        channels_out: g.channels_out,
        channels_in: g.channels_in,
        out_stride: g.channels_in * WINDOW,
        in_stride: WINDOW,
        mirrored: false,
    };
    let [scheme, _] = Scheme::pair(g);
    convolve(isa, scheme, g.samples, &weights, (x, g.plane, g.before), addend, (y, g.places));
}

/// dX ← or += mirrored w ∗ dY, where dY has zeros between its pixels if the stride is 2.
pub(in crate::simd) fn grad_input(
    isa: Isa,
    g: &Geometry,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    how: Accumulate,
) {
    let weights = Weights {
        w,
        channels_out: g.channels_in,
        channels_in: g.channels_out,
        out_stride: WINDOW,
        in_stride: g.channels_in * WINDOW,
        mirrored: true,
    };
    let addend = Addend { bias: Bias::None, onto: how.into() };
    let [_, scheme] = Scheme::pair(g);
    convolve(isa, scheme, g.samples, &weights, (dy, g.places, back_before(g)), addend, (dx, g.plane));
}

fn convolve(
    isa: Isa,
    scheme: Scheme,
    samples: usize,
    weights: &Weights<'_>,
    (x, plane, before): (&[f32], [usize; 2], [usize; 2]),
    addend: Addend<'_, f32>,
    (y, places): (&mut [f32], [usize; 2]),
) {
    assert!(isa.is_available());
    let call = Convolution::new(isa, scheme, samples, weights, (x, plane, before), addend, (y, places));
    if call.has_few_tiles() { call.by_channels() } else { call.by_tiles() }
}

/// One convolution. Each sum takes its terms in order, and each term the channels in order, so that no bit depends on how the work is
/// cut.
pub(super) struct Convolution<'a> {
    isa: Isa,
    scheme: Scheme,
    axis: &'static AxisScheme,
    /// The products, sorted by the sum that they are added to.
    terms: Vec<Term>,
    weights: &'a Weights<'a>,
    inputs: Tiles,
    x: &'a [f32],
    outputs: Outputs<'a>,
    tile_rows: usize,
}

impl<'a> Convolution<'a> {
    pub(super) fn new(
        isa: Isa,
        scheme: Scheme,
        samples: usize,
        weights: &'a Weights<'a>,
        (x, plane, before): (&'a [f32], [usize; 2], [usize; 2]),
        addend: Addend<'a, f32>,
        (y, places): (&'a mut [f32], [usize; 2]),
    ) -> Convolution<'a> {
        let axis = scheme.axis();
        let inputs = axis.inputs(plane, before, places);
        let tile_rows = samples * inputs.count[0];
        let (channels, across) = (weights.channels_out, inputs.count[1]);
        let outputs = Outputs { y: SharedSlice::new(y), channels, places, across, addend };
        Convolution {
            isa,
            scheme,
            axis,
            terms: axis.terms_by(|term| term.sum),
            weights,
            inputs,
            x,
            outputs,
            tile_rows,
        }
    }

    /// Whether there are few tiles, which hardly reuse the weights: then the transformed weights are the larger matrix, and the one to
    /// cut.
    fn has_few_tiles(&self) -> bool {
        const FEW_TILES: usize = 64;
        self.tile_rows * self.inputs.count[1] <= FEW_TILES
    }

    /// The lengths of the larger buffers that are held at once.
    pub(super) fn buffers(&self) -> Vec<usize> {
        let (depth, groups) = (self.weights.channels_in, self.weights.channels_out.div_ceil(LANES));
        let groups_in = depth.div_ceil(LANES);
        if self.has_few_tiles() {
            let tiles = self.order(0..self.tile_rows).len();
            return vec![self.axis.input_factors.pow(2) * matrix_stride(tiles, groups_in) * LANES];
        }
        let (rooms, rows_in_task) = (self.rooms(), self.rows_in_task());
        let tiles = self.order(0..rows_in_task.min(self.tile_rows)).len();
        let matrices = rooms * matrix_stride(tiles, groups_in.max(groups)) * LANES;
        let at_work = rayon::current_num_threads().min(self.tile_rows.div_ceil(rows_in_task));
        let u = self.axis.tap_factors.pow(2) * matrix_stride(depth, groups) * LANES;
        std::iter::once(u).chain(vec![matrices; at_work]).collect()
    }

    /// For how many matrices a task of [`Convolution::by_tiles`] has room: a sum takes the room of factors that are no longer needed.
    fn rooms(&self) -> usize {
        (self.lead() + self.axis.input_factors.pow(2)).max(self.axis.sums.pow(2))
    }

    /// How many rows of tiles such a task takes. Each task reads all of U, so it should have many tiles; but the matrices of a product
    /// should stay in the L2 cache. The number of threads enters here, and no bit depends on it: each number of y comes from its own
    /// tile's sums, whichever tiles are computed with it.
    fn rows_in_task(&self) -> usize {
        let across = self.inputs.count[1];
        let for_each_thread = self.tile_rows * across / rayon::current_num_threads();
        (for_each_thread.clamp(16, 64) / across).max(1)
    }

    /// Transforms all weights first; then each task takes some of the tiles.
    pub(super) fn by_tiles(&self) {
        let (depth, groups) = (self.weights.channels_in, 0..self.weights.channels_out.div_ceil(LANES));
        let u_stride = matrix_stride(depth, groups.len());
        let mut u = Buffer::<f32>::scratch(self.axis.tap_factors.pow(2) * u_stride * LANES);
        {
            let u = shared(&mut u);
            /// Channels of a task: neighbouring channels share cache lines.
            const CHANNELS: usize = 16;
            (0..depth.div_ceil(CHANNELS)).into_par_iter().for_each(|block| {
                let ks = block * CHANNELS..depth.min((block + 1) * CHANNELS);
                on_isa!(
                    self.isa,
                    transform_weights(self.scheme, self.weights, ks, groups.clone(), u_stride, &u)
                );
            });
        }
        let (lead, rooms, rows_in_task) = (self.lead(), self.rooms(), self.rows_in_task());
        let groups_in = depth.div_ceil(LANES);
        (0..self.tile_rows.div_ceil(rows_in_task)).into_par_iter().for_each(|task| {
            let rows = task * rows_in_task..self.tile_rows.min((task + 1) * rows_in_task);
            let order = self.order(rows.clone());
            let room = matrix_stride(order.len(), groups_in.max(groups.len()));
            let mut matrices = Buffer::<f32>::scratch(rooms * room * LANES);
            self.transform_inputs(rows.clone(), &order, &shared(&mut matrices[lead * room * LANES..]), room);
            for (i, term) in self.terms.iter().enumerate() {
                let (m, later) = matrices.split_at_mut((term.sum + 1) * room * LANES);
                let v = &later[(lead + term.input - term.sum - 1) * room * LANES..];
                self.multiply(i, v, (&u, groups.len()), &mut m[term.sum * room * LANES..], &order);
            }
            self.transform_outputs(rows, &order, (&matrices, room), groups.clone());
        });
    }

    /// Transforms all tiles first; then each task takes some of the channels out, with their weights, whose factors stay in the L2
    /// cache.
    pub(super) fn by_channels(&self) {
        const GROUPS: usize = 2;
        let (depth, groups, across) =
            (self.weights.channels_in, self.weights.channels_out.div_ceil(LANES), self.inputs.count[1]);
        let order = self.order(0..self.tile_rows);
        let v_stride = matrix_stride(order.len(), depth.div_ceil(LANES));
        let mut v = Buffer::<f32>::scratch(self.axis.input_factors.pow(2) * v_stride * LANES);
        {
            let v = shared(&mut v);
            let rows_in_task = (8 / across).max(1);
            (0..self.tile_rows.div_ceil(rows_in_task)).into_par_iter().for_each(|task| {
                let rows = task * rows_in_task..self.tile_rows.min((task + 1) * rows_in_task);
                self.transform_inputs(rows, &order, &v, v_stride);
            });
        }
        (0..groups.div_ceil(GROUPS)).into_par_iter().for_each(|task| {
            let some = task * GROUPS..groups.min((task + 1) * GROUPS);
            let u_stride = matrix_stride(depth, some.len());
            let mut u = Buffer::<f32>::scratch(self.axis.tap_factors.pow(2) * u_stride * LANES);
            {
                let u = shared(&mut u);
                on_isa!(
                    self.isa,
                    transform_weights(self.scheme, self.weights, 0..depth, some.clone(), u_stride, &u)
                );
            }
            let m_stride = matrix_stride(order.len(), some.len());
            let mut m = Buffer::<f32>::scratch(self.axis.sums.pow(2) * m_stride * LANES);
            for (i, term) in self.terms.iter().enumerate() {
                let v = &v[term.input * v_stride * LANES..];
                self.multiply(i, v, (&u, some.len()), &mut m[term.sum * m_stride * LANES..], &order);
            }
            self.transform_outputs(0..self.tile_rows, &order, (&m, m_stride), some);
        });
    }

    fn order(&self, rows: Range<usize>) -> Order {
        Order::new(self.axis, self.outputs.places, rows)
    }

    /// V of some rows of tiles.
    fn transform_inputs(
        &self,
        rows: Range<usize>,
        order: &Order,
        v: &SharedSlice<'_, [f32; LANES]>,
        v_stride: usize,
    ) {
        let [height, width] = self.inputs.plane;
        let channels = self.weights.channels_in;
        for band in Band::all(rows, self.inputs.count[0]) {
            let x = &self.x[band.sample * channels * height * width..][..channels * height * width];
            let slots = order.slots(&band);
            let v = Destination { to: v, stride: v_stride, channels, panels: None, slots };
            on_isa!(self.isa, transform_inputs(self.scheme, &self.inputs, &band, x, v));
        }
    }

    /// How many matrices of room lie before V, so that no sum overwrites factors that are still needed.
    fn lead(&self) -> usize {
        let room = |(i, term): (usize, &Term)| {
            let needed = self.terms[i..].iter().map(|term| term.input).min();
            (term.sum + 1).saturating_sub(needed.unwrap_or(0))
        };
        self.terms.iter().enumerate().map(room).max().unwrap_or(0)
    }

    /// Computes term number `i`, for the tiles that need its sum, from their V and from U of some groups of channels out.
    fn multiply(&self, i: usize, v: &[f32], (u, groups): (&[f32], usize), m: &mut [f32], order: &Order) {
        let depth = self.weights.channels_in;
        let [v_row, m_row] = [depth.div_ceil(LANES), groups].map(|groups| groups * LANES);
        let u = |term: &Term| &u[term.tap * matrix_stride(depth, groups) * LANES..];
        let term = &self.terms[i];
        let tiles = order.with_sum(term.sum);
        let product = Product {
            rows: tiles.len(),
            cols: m_row,
            depth,
            a_row_stride: v_row,
            a_step_stride: 1,
            b_rows: depth,
            b_first: 0,
            c_row_stride: m_row,
            add: i > 0 && self.terms[i - 1].sum == term.sum,
        };
        let u = [u(term), u(self.terms.get(i + 1).unwrap_or(term))];
        product.run(self.isa, &v[tiles.start * v_row..], u, &mut m[tiles.start * m_row..]);
    }

    /// The output of some rows of tiles and groups of channels, from their M.
    fn transform_outputs(
        &self,
        rows: Range<usize>,
        order: &Order,
        (m, m_stride): (&[f32], usize),
        groups: Range<usize>,
    ) {
        let m = m.as_chunks::<LANES>().0;
        for band in Band::all(rows, self.inputs.count[0]) {
            let from = (m, m_stride, order.slots(&band));
            on_isa!(self.isa, transform_outputs(self.scheme, &self.outputs, &band, groups.clone(), from));
        }
    }
}
