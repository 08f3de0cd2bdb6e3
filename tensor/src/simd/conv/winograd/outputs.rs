//! From the sums of tiles to the planes of a convolution's output.

use super::bands::{Band, write_planes};
use super::layout::LANES;
use super::order::TileSlots;
use super::scheme::Scheme;
use super::shared::SharedSlice;
use super::transform::{Transform, sandwich};
use super::{stride_one, stride_two};
use crate::Buffer;
use crate::simd::conv::addend::Addend;
use crate::simd::vector::Vector;
use std::ops::Range;

/// The output of a convolution, and what is added to it.
pub(super) struct Outputs<'a> {
    pub(super) y: SharedSlice<'a, f32>,
    pub(super) channels: usize,
    /// Height and width.
    pub(super) places: [usize; 2],
    /// Tiles in a row.
    pub(super) across: usize,
    pub(super) addend: Addend<'a, f32>,
}

/// The planes of a band of one sample, for some groups of channels, from M.
#[inline(always)]
pub(super) fn transform_outputs<L: Vector<W>, const W: usize>(
    scheme: Scheme,
    outputs: &Outputs<'_>,
    band: &Band,
    groups: Range<usize>,
    m: (&[[f32; LANES]], usize, TileSlots),
) {
    use stride_two::{BACK_OUT, BACK_SUMS, BackOutput};
    match scheme {
        Scheme::UnitStride => {
            use stride_one::{IN, OUT, Output};
            transform_sums::<Output, L, OUT, IN, W>(outputs, band, groups, m);
        }
        Scheme::StrideTwo => {
            use stride_two::{OUT, Output, SUMS};
            transform_sums::<Output, L, OUT, SUMS, W>(outputs, band, groups, m);
        }
        Scheme::BackwardOfStrideTwo { odd: false } => {
            transform_sums::<BackOutput<false>, L, BACK_OUT, BACK_SUMS, W>(outputs, band, groups, m);
        }
        Scheme::BackwardOfStrideTwo { odd: true } => {
            transform_sums::<BackOutput<true>, L, BACK_OUT, BACK_SUMS, W>(outputs, band, groups, m);
        }
    }
}

#[inline(always)]
fn transform_sums<
    M: Transform<OUT, SUMS>,
    L: Vector<W>,
    const OUT: usize,
    const SUMS: usize,
    const W: usize,
>(
    outputs: &Outputs<'_>,
    band: &Band,
    groups: Range<usize>,
    (m, m_stride, slots): (&[[f32; LANES]], usize, TileSlots),
) {
    let (places, channels) = (outputs.places, outputs.channels);
    let bias = outputs.addend.bias.of(band.sample, channels);
    let (across, wide, plane) = (outputs.across, places[1], places[0] * places[1]);
    // One row of tiles at a time, so that it is still in the L1 cache when its planes are written.
    let mut pixels = Buffer::<f32>::scratch(OUT * wide * LANES);
    let pixels = pixels.as_chunks_mut::<LANES>().0;
    for group in groups.clone() {
        let used = LANES.min(channels - group * LANES);
        let mut start = [0.0; LANES];
        if let Some(bias) = bias {
            start[..used].copy_from_slice(&bias[group * LANES..][..used]);
        }
        for down in 0..band.rows {
            let top = (band.first + down) * OUT;
            let high = OUT.min(places[0] - top);
            let first = (band.sample * channels + group * LANES) * plane + top * wide;
            for right in 0..across {
                // At least a cache line of each plane for each tile: the output is in the cache when the row of tiles is done.
                let pixel = right * OUT * OUT;
                if pixel.is_multiple_of(LANES) {
                    for channel in 0..LANES {
                        L::prefetch(outputs.y.start().wrapping_add(first + channel * plane + pixel));
                    }
                }
                let at = slots.of(down, right) * groups.len() + group - groups.start;
                let m = &m[at..][..(SUMS * SUMS - 1) * m_stride + 1];
                let cols = wide - right * OUT;
                for part in 0..LANES / W {
                    let start = L::load_part(&start, part);
                    sandwich::<M, L, OUT, SUMS, W>(
                        #[inline(always)]
                        |r, c| L::load_part(&m[(r * SUMS + c) * m_stride], part),
                        #[inline(always)]
                        |r, c, value| {
                            if r < high && c < cols {
                                let pixel = &mut pixels[r * wide + right * OUT + c];
                                value.add(start).store_part(pixel, part);
                            }
                        },
                    );
                }
            }
            write_planes::<L, W>(
                &pixels[..high * wide],
                &outputs.y,
                (first, plane, used),
                outputs.addend.onto,
            );
        }
    }
}
