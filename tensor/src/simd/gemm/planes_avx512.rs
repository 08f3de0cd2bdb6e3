//! Sixteen positions at a time.

use super::Planes;
use std::arch::x86_64::*;
use std::ops::Range;

const LANES: usize = 16;

/// The largest window whose masks are kept on the stack.
pub(super) const MOST_TAPS: usize = 64;

/// Vectors in the widest panel.
const MOST_VECTORS: usize = 3;

/// Sixteen consecutive positions, and how to read one feature of them all.
#[derive(Clone, Copy)]
struct Run {
    /// Row and column of the window's first tap; far outside for positions beyond the last.
    y: __m512i,
    x: __m512i,
    /// Stretches of positions whose numbers are neighbours: where lane 0 would read, and the lanes.
    pieces: [(isize, __mmask16); LANES],
    count: usize,
    /// Where each lane reads, relative to the first piece.
    indices: __m512i,
}

/// Beyond this many pieces, gathering each lane is faster.
const MOST_PIECES: usize = 4;

impl Run {
    #[target_feature(enable = "avx512f")]
    fn new(planes: &Planes<'_>, start: usize, count: usize) -> Run {
        const OUTSIDE: i32 = i32::MIN / 2;
        let (mut ys, mut xs, mut indices) = ([OUTSIDE; LANES], [OUTSIDE; LANES], [0; LANES]);
        let mut pieces = [(0, 0); LANES];
        let mut used = 0;
        let [down, across] = planes.window.places;
        let stride = planes.window.stride as isize;
        let mut at = planes.origin(start);
        if stride == 1 && start % across + count <= across {
            // In one row: neighbours, whatever the tap.
            let first = ((1u32 << count) - 1) as __mmask16;
            let steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let xs = _mm512_add_epi32(_mm512_set1_epi32(at.2 as i32), steps);
            pieces[0] = (planes.offset(at), first);
            let outside = _mm512_set1_epi32(OUTSIDE);
            return Run {
                y: _mm512_mask_set1_epi32(outside, first, at.1 as i32),
                x: _mm512_mask_mov_epi32(outside, first, xs),
                pieces,
                count: 1,
                indices: steps,
            };
        }
        let last = [
            (down as isize - 1) * stride - planes.window.before[0],
            (across as isize - 1) * stride - planes.window.before[1],
        ];
        for lane in 0..count {
            (ys[lane], xs[lane]) = (at.1 as i32, at.2 as i32);
            let base = planes.offset(at) - lane as isize;
            if used == 0 || pieces[used - 1].0 != base {
                pieces[used] = (base, 0);
                used += 1;
            }
            pieces[used - 1].1 |= 1 << lane;
            indices[lane] = (base + lane as isize - pieces[0].0) as i32;
            if at.2 < last[1] {
                at.2 += stride;
            } else {
                at.2 = -planes.window.before[1];
                if at.1 < last[0] {
                    at.1 += stride;
                } else {
                    at.1 = -planes.window.before[0];
                    at.0 += 1;
                }
            }
        }
        // SAFETY: the arrays hold sixteen numbers each.
        unsafe {
            Run {
                y: _mm512_loadu_epi32(ys.as_ptr()),
                x: _mm512_loadu_epi32(xs.as_ptr()),
                pieces,
                count: used,
                indices: _mm512_loadu_epi32(indices.as_ptr()),
            }
        }
    }

    /// The lanes whose tap (down, right) lies inside the plane.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn inside(&self, planes: &Planes<'_>, down: usize, right: usize) -> __mmask16 {
        let [height, width] = planes.window.plane;
        let y = _mm512_add_epi32(self.y, _mm512_set1_epi32(down as i32));
        let x = _mm512_add_epi32(self.x, _mm512_set1_epi32(right as i32));
        _mm512_cmplt_epu32_mask(y, _mm512_set1_epi32(height as i32))
            & _mm512_cmplt_epu32_mask(x, _mm512_set1_epi32(width as i32))
    }

    /// One feature: `step` elements from the first tap of channel 0, zeros outside `inside`.
    ///
    /// # Safety
    /// The lanes of `inside` are inside the planes' data.
    #[target_feature(enable = "avx512f")]
    #[inline]
    unsafe fn load(&self, data: *const f32, inside: __mmask16, step: isize) -> __m512 {
        let at = |piece: usize| data.wrapping_offset(self.pieces[piece].0 + step);
        // SAFETY: masked lanes are not read, and the others are inside, as the caller promises.
        unsafe {
            if self.count > MOST_PIECES {
                let base = at(0);
                return _mm512_mask_i32gather_ps::<4>(_mm512_setzero_ps(), inside, self.indices, base);
            }
            let mut numbers = _mm512_maskz_loadu_ps(inside & self.pieces[0].1, at(0));
            for piece in 1..self.count {
                numbers = _mm512_mask_loadu_ps(numbers, inside & self.pieces[piece].1, at(piece));
            }
            numbers
        }
    }
}

/// One panel whose lanes are positions.
///
/// # Safety
/// AVX-512F. The ranges are inside the planes, at most `width` lanes, `panel` holds `width` × `depth`.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn position_lanes(
    planes: &Planes<'_>,
    lanes: Range<usize>,
    depth: Range<usize>,
    width: usize,
    panel: &mut [f32],
) {
    let data = planes.data.as_ptr();
    let taps = planes.taps();
    let [_, taps_wide] = planes.window.taps;
    let vectors = width.div_ceil(LANES);
    let mut runs = [Run::new(planes, lanes.start, 0); MOST_VECTORS];
    // A narrow panel takes the first lanes of its only vector.
    let mut stored = [0; MOST_VECTORS];
    for vector in 0..vectors {
        let start = lanes.start + vector * LANES;
        runs[vector] = Run::new(planes, start.min(lanes.end), lanes.end.saturating_sub(start).min(LANES));
        stored[vector] = ((1u32 << (width - vector * LANES).min(LANES)) - 1) as __mmask16;
    }
    for tap in 0..taps {
        let (down, right) = (tap / taps_wide, tap % taps_wide);
        let mut inside = [0; MOST_VECTORS];
        for vector in 0..vectors {
            inside[vector] = runs[vector].inside(planes, down, right);
        }
        let shift = (down * planes.window.plane[1] + right) as isize;
        // The features of this tap: one for each channel.
        let first = depth.start.saturating_sub(tap).div_ceil(taps);
        let mut feature = first * taps + tap;
        let mut step = (first * planes.channel_stride) as isize + shift;
        while feature < depth.end {
            let place = (feature - depth.start) * width;
            for vector in 0..vectors {
                // SAFETY: `inside` masks what lies outside the plane; the place is inside the panel.
                unsafe {
                    let numbers = runs[vector].load(data, inside[vector], step);
                    let to = panel.as_mut_ptr().add(place + vector * LANES);
                    _mm512_mask_storeu_ps(to, stored[vector], numbers);
                }
            }
            feature += taps;
            step += planes.channel_stride as isize;
        }
    }
}

/// Panels whose lanes are features: sixteen positions of sixteen features at a time, transposed in registers.
///
/// # Safety
/// AVX-512F. The ranges are inside the planes, `panels` holds all panels, missing lanes are zero.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn feature_lanes(
    planes: &Planes<'_>,
    lanes: Range<usize>,
    depth: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    // A multiple of every panel's width.
    const TOGETHER: usize = 384;
    for start in lanes.clone().step_by(TOGETHER) {
        let some = start..lanes.end.min(start + TOGETHER);
        let begin = (start - lanes.start) * depth.len();
        let end = panels.len().min(begin + TOGETHER * depth.len());
        let panels = &mut panels[begin..end];
        let mut features = [Feature { tap: 0, step: 0 }; TOGETHER];
        for (feature, lane) in features.iter_mut().zip(some.clone()) {
            *feature = Feature::of(planes, lane);
        }
        // SAFETY: as this function's.
        unsafe { some_feature_lanes(planes, &features[..some.len()], depth.clone(), width, panels) };
    }
}

/// A channel and tap: the tap's number, and how far from the position's origin in channel 0 it reads.
#[derive(Clone, Copy)]
struct Feature {
    tap: usize,
    step: isize,
}

impl Feature {
    fn of(planes: &Planes<'_>, index: usize) -> Feature {
        let (channel, tap) = (index / planes.taps(), index % planes.taps());
        let [down, right] = [tap / planes.window.taps[1], tap % planes.window.taps[1]];
        let step = channel * planes.channel_stride + down * planes.window.plane[1] + right;
        Feature { tap, step: step as isize }
    }
}

/// # Safety
/// As [`feature_lanes`].
#[target_feature(enable = "avx512f")]
unsafe fn some_feature_lanes(
    planes: &Planes<'_>,
    features: &[Feature],
    depth: Range<usize>,
    width: usize,
    panels: &mut [f32],
) {
    let data = planes.data.as_ptr();
    let taps_wide = planes.window.taps[1];
    let mut inside = [0; MOST_TAPS];
    for start in depth.clone().step_by(LANES) {
        let steps = (depth.end - start).min(LANES);
        let run = Run::new(planes, start, steps);
        for (tap, mask) in inside[..planes.taps()].iter_mut().enumerate() {
            *mask = run.inside(planes, tap / taps_wide, tap % taps_wide);
        }
        for (index, panel_features) in features.chunks(width).enumerate() {
            for (group, features) in panel_features.chunks(LANES).enumerate() {
                let place = (index * depth.len() + start - depth.start) * width + group * LANES;
                assert!(place + (steps - 1) * width + features.len() <= panels.len());
                // SAFETY: the place was checked; the masks leave out what lies outside the plane.
                unsafe {
                    let place = panels.as_mut_ptr().add(place);
                    match features.try_into() {
                        Ok(all) if steps == LANES && run.count == 1 => {
                            let numbers = sixteen(&run, data, all, &inside);
                            for (k, row) in transpose(numbers).into_iter().enumerate() {
                                _mm512_storeu_ps(place.add(k * width), row);
                            }
                        }
                        _ => {
                            let mut numbers = [_mm512_setzero_ps(); LANES];
                            for (row, feature) in numbers.iter_mut().zip(features) {
                                *row = run.load(data, inside[feature.tap], feature.step);
                            }
                            let stored = ((1u32 << features.len()) - 1) as __mmask16;
                            for (k, row) in transpose(numbers).into_iter().take(steps).enumerate() {
                                _mm512_mask_storeu_ps(place.add(k * width), stored, row);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Sixteen features of a run of one piece.
///
/// # Safety
/// As [`Run::load`].
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn sixteen(
    run: &Run,
    data: *const f32,
    features: &[Feature; LANES],
    inside: &[__mmask16; MOST_TAPS],
) -> [__m512; LANES] {
    let data = data.wrapping_offset(run.pieces[0].0);
    let mut numbers = [_mm512_setzero_ps(); LANES];
    for i in 0..LANES {
        let Feature { tap, step } = features[i];
        // SAFETY: masked lanes are not read, and the others are inside.
        numbers[i] = unsafe { _mm512_maskz_loadu_ps(inside[tap % MOST_TAPS], data.wrapping_offset(step)) };
    }
    numbers
}

/// The transpose of a 16 × 16 matrix: in pairs, in fours, then by quarters of a register.
#[target_feature(enable = "avx512f")]
#[inline]
pub(in crate::simd) fn transpose(rows: [__m512; LANES]) -> [__m512; LANES] {
    let mut pairs = rows;
    for i in 0..8 {
        pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    // Quarter q of fours[4 i + j]: column 4 q + j of rows 4 i to 4 i + 3.
    let mut fours = pairs;
    for i in 0..4 {
        let (a, b) = (_mm512_castps_pd(pairs[4 * i]), _mm512_castps_pd(pairs[4 * i + 1]));
        let (c, d) = (_mm512_castps_pd(pairs[4 * i + 2]), _mm512_castps_pd(pairs[4 * i + 3]));
        fours[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        fours[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        fours[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        fours[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
    const EVEN: i32 = 0b10_00_10_00;
    const ODD: i32 = 0b11_01_11_01;
    let mut columns = fours;
    for j in 0..4 {
        let even_low = _mm512_shuffle_f32x4::<EVEN>(fours[j], fours[4 + j]);
        let odd_low = _mm512_shuffle_f32x4::<ODD>(fours[j], fours[4 + j]);
        let even_high = _mm512_shuffle_f32x4::<EVEN>(fours[8 + j], fours[12 + j]);
        let odd_high = _mm512_shuffle_f32x4::<ODD>(fours[8 + j], fours[12 + j]);
        columns[j] = _mm512_shuffle_f32x4::<EVEN>(even_low, even_high);
        columns[8 + j] = _mm512_shuffle_f32x4::<ODD>(even_low, even_high);
        columns[4 + j] = _mm512_shuffle_f32x4::<EVEN>(odd_low, odd_high);
        columns[12 + j] = _mm512_shuffle_f32x4::<ODD>(odd_low, odd_high);
    }
    columns
}
