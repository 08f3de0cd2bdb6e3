//! From the weights of a convolution to their factors.

use super::layout::LANES;
use super::product::panel_at;
use super::scheme::Scheme;
use super::shared::SharedSlice;
use super::transform::{Transform, sandwich};
use super::{stride_one, stride_two};
use crate::simd::vector::Vector;
use std::ops::Range;

/// Taps of a window.
pub(super) const WINDOW: usize = 9;

/// The weights of a convolution between `channels_in` and `channels_out`, as it reads and writes them; in the gradient of the input these
/// are the layer's channels exchanged.
pub(super) struct Weights<'a> {
    pub(super) w: &'a [f32],
    pub(super) channels_out: usize,
    pub(super) channels_in: usize,
    /// From one channel out to the next.
    pub(super) out_stride: usize,
    /// From one channel in to the next.
    pub(super) in_stride: usize,
    pub(super) mirrored: bool,
}

/// Groups of taps, of four each, the last one overlapping.
const MOST_GROUPS: usize = WINDOW.div_ceil(4);

/// How many channels in ahead weights are prefetched.
const STEPS_AHEAD: usize = 4;

/// U[·, ks, ·]: the factors of the weights of some channels in and some groups of channels out.
#[inline(always)]
pub(super) fn transform_weights<L: Vector<W>, const W: usize>(
    scheme: Scheme,
    weights: &Weights<'_>,
    ks: Range<usize>,
    groups: Range<usize>,
    u_stride: usize,
    u: &SharedSlice<'_, [f32; LANES]>,
) {
    match scheme {
        Scheme::UnitStride => {
            use stride_one::{IN, Taps};
            transform_taps::<Taps, L, IN, W>(weights, ks, groups, u_stride, u);
        }
        Scheme::StrideTwo | Scheme::BackwardOfStrideTwo { .. } => {
            use stride_two::{TAP_FACTORS, Taps};
            transform_taps::<Taps, L, TAP_FACTORS, W>(weights, ks, groups, u_stride, u);
        }
    }
}

#[inline(always)]
fn transform_taps<M: Transform<R, 3>, L: Vector<W>, const R: usize, const W: usize>(
    weights: &Weights<'_>,
    ks: Range<usize>,
    groups: Range<usize>,
    u_stride: usize,
    u: &SharedSlice<'_, [f32; LANES]>,
) {
    for group in groups.clone() {
        let index = group - groups.start;
        // Lanes without a channel repeat the last one; their results are not written.
        let last = LANES.min(weights.channels_out - group * LANES) - 1;
        for k in ks.clone() {
            let at = panel_at(weights.channels_in, groups.len() * LANES, k, index * LANES).0 / LANES;
            let first = group * LANES * weights.out_stride + k * weights.in_stride;
            // SAFETY: tasks take disjoint channels in, or have a U of their own, so nobody else accesses these elements while `to` lives.
            let mut to = unsafe { u.strided(at, u_stride, R * R) };
            for part in 0..LANES / W {
                let window = |i: usize| {
                    let start = first + (part * W + i).min(last) * weights.out_stride;
                    weights.w[start..].first_chunk::<WINDOW>().expect("all windows are inside")
                };
                // `W` taps at a time of `W` channels, transposed; the last group overlaps the one before.
                let start = |group: usize| (group * W).min(WINDOW.saturating_sub(W));
                let mut taps = [[L::zero(); W]; MOST_GROUPS];
                for group in 0..WINDOW.div_ceil(W) {
                    for i in 0..W {
                        taps[group][i] = L::load_some(&window(i)[start(group)..]);
                    }
                    taps[group] = L::transpose(taps[group]);
                }
                for i in 0..W {
                    L::prefetch(window(i).as_ptr().wrapping_add(STEPS_AHEAD * weights.in_stride));
                }
                sandwich::<M, L, R, 3, W>(
                    #[inline(always)]
                    |r, c| {
                        let tap = if weights.mirrored { 8 - 3 * r - c } else { 3 * r + c };
                        taps[tap / W][tap - start(tap / W)]
                    },
                    #[inline(always)]
                    |r, c, value| value.store_part(to.get(r * R + c), part),
                );
            }
        }
    }
}
