//! Bands, which are rows of tiles: from planes to sixteen channels side by side, and back.

use super::layout::LANES;
use super::shared::SharedSlice;
use crate::simd::conv::addend::Onto;
use crate::simd::vector::Vector;
use std::ops::Range;

/// How many pixels ahead planes are prefetched: sixteen planes are read at once, more streams than the processor foresees.
const PIXELS_AHEAD: usize = 64;

/// Tiles over a plane, each `span` pixels in size and `step` pixels from the next.
pub(super) struct Tiles {
    pub(super) plane: [usize; 2],
    /// Zeros above and left of the plane, where the first tile begins.
    pub(super) before: [usize; 2],
    /// Rows and columns of tiles.
    pub(super) count: [usize; 2],
    pub(super) span: usize,
    pub(super) step: usize,
}

/// Some rows of tiles of one sample.
pub(super) struct Band {
    pub(super) sample: usize,
    pub(super) first: usize,
    pub(super) rows: usize,
}

impl Band {
    /// The bands that make up a range of rows of tiles, numbered through all samples.
    pub(super) fn all(rows: Range<usize>, rows_in_sample: usize) -> impl Iterator<Item = Band> {
        let mut at = rows.start;
        std::iter::from_fn(move || {
            let (sample, first) = (at / rows_in_sample, at % rows_in_sample);
            let count = (rows.end - at).min(rows_in_sample - first);
            at += count;
            (count > 0).then_some(Band { sample, first, rows: count })
        })
    }
}

impl Tiles {
    /// How many pixels so many neighbouring tiles cover.
    fn reach(&self, tiles: usize) -> usize {
        (tiles - 1) * self.step + self.span
    }

    /// Whether the tiles cover all pixels.
    pub(super) fn cover(&self) -> bool {
        (0..2).all(|axis| self.before[axis] + self.plane[axis] <= self.reach(self.count[axis]))
    }

    /// Height and width of a band in pixels, zeros included.
    pub(super) fn band_size(&self, band: &Band) -> [usize; 2] {
        [band.rows, self.count[1]].map(|tiles| self.reach(tiles))
    }

    pub(super) fn band_len(&self, band: &Band) -> usize {
        self.band_size(band).iter().product()
    }

    /// Prepares memory for the pixels of a band: writes zeros where tiles reach beyond the plane, which are the same for all channels.
    pub(super) fn pixels<'a>(&self, band: &Band, pixels: &'a mut [[f32; LANES]]) -> Pixels<'a> {
        let [high, wide] = self.band_size(band);
        let ([height, width], [above, left]) = (self.plane, self.before);
        assert!(left + width <= wide && pixels.len() == high * wide, "tiles cover the plane");
        let top = band.first * self.step;
        let rows = top.saturating_sub(above)..height.min((top + high).saturating_sub(above));
        let mut places = Vec::with_capacity(rows.len() * width);
        let mut next = 0;
        for y in rows.clone() {
            let first = (y + above - top) * wide + left;
            pixels[next..first].iter_mut().for_each(|zero| *zero = [0.0; LANES]);
            places.extend(first as u32..(first + width) as u32);
            next = first + width;
        }
        pixels[next..].iter_mut().for_each(|zero| *zero = [0.0; LANES]);
        Pixels { pixels, wide, step: self.step, first: rows.start * width, places }
    }
}

/// The planes of a group of channels, up to sixteen, one behind the other.
pub(super) struct GroupPlanes<'a> {
    planes: &'a [f32],
    size: usize,
    count: usize,
}

impl<'a> GroupPlanes<'a> {
    /// The planes of group number `group`, of a sample's `planes` of `size` pixels each.
    pub(super) fn new(planes: &'a [f32], size: usize, channels: usize, group: usize) -> GroupPlanes<'a> {
        let count = LANES.min(channels - group * LANES);
        GroupPlanes { planes: &planes[group * LANES * size..][..count * size], size, count }
    }

    /// `W` neighbouring pixels of part number `part` of the channels; zeros where there is no such channel or pixel.
    #[inline(always)]
    fn load<L: Vector<W>, const W: usize>(&self, part: usize, start: usize) -> [L; W] {
        // Loops over all of `W`, which the compiler unrolls, keep the values in registers.
        let mut block = [L::zero(); W];
        if self.count == LANES && start + W <= self.size {
            for i in 0..W {
                let from = (part * W + i) * self.size + start;
                // SAFETY: `new` cut `planes` to `count` planes of `size` numbers; here `count` is LANES, the plane's index is less than
                // that, and start + W ≤ size. A check for each row would take longer than reading it.
                block[i] = L::load(unsafe { &*self.planes.as_ptr().add(from).cast() });
            }
            return block;
        }
        for i in 0..W {
            let channel = part * W + i;
            if channel < self.count {
                block[i] = L::load_some(&self.planes[channel * self.size + start..(channel + 1) * self.size]);
            }
        }
        block
    }

    /// Prefetches pixel `at` of all planes, or of half of them in turn, if that is often enough; after the last of the pixels that are
    /// read, the first ones of the next sixteen planes.
    #[inline(always)]
    fn fetch<L: Vector<W>, const W: usize>(&self, at: usize, read: Range<usize>) {
        let at = if at < read.end { at } else { at - read.len() + LANES * self.size };
        let turns = (8 / W).max(1);
        let first = at / W % turns * (LANES / turns);
        for channel in first..first + LANES / turns {
            L::prefetch(self.planes.as_ptr().wrapping_add(channel * self.size + at));
        }
    }
}

/// The pixels of a band, sixteen channels side by side. They are read a few rows at a time, so that they are still in the L1 cache
/// when their tiles are transformed.
pub(super) struct Pixels<'a> {
    pixels: &'a mut [[f32; LANES]],
    wide: usize,
    /// From one tile to the next.
    step: usize,
    /// The first pixel of the plane that the band covers.
    first: usize,
    /// Where that pixel and those after it go in `pixels`, in ascending order.
    places: Vec<u32>,
}

impl Pixels<'_> {
    /// Reads the pixels that tiles of `span` rows need in row of tiles `down`, from pixel number `at` on, where the rows above ended.
    /// Returns the pixel number from which the next row of tiles continues.
    #[inline(always)]
    pub(super) fn read<L: Vector<W>, const W: usize>(
        &mut self,
        planes: &GroupPlanes<'_>,
        mut at: usize,
        (down, span): (usize, usize),
    ) -> usize {
        let end = ((down * self.step + span) * self.wide) as u32;
        while at < self.places.len() && self.places[at] < end {
            planes.fetch::<L, W>(self.first + at + PIXELS_AHEAD, self.first..self.first + self.places.len());
            let places = &self.places[at..];
            for part in 0..LANES / W {
                let columns = L::transpose(planes.load::<L, W>(part, self.first + at));
                for i in 0..W {
                    if i < places.len() {
                        columns[i].store_part(&mut self.pixels[places[i] as usize], part);
                    }
                }
            }
            at += W;
        }
        at
    }

    /// The pixels of the tile in row `down` and column `right`.
    #[inline(always)]
    pub(super) fn tile<const SPAN: usize>(&self, down: usize, right: usize) -> [&[[f32; LANES]; SPAN]; SPAN] {
        let corner = (down * self.wide + right) * self.step;
        std::array::from_fn(|r| {
            self.pixels[corner + r * self.wide..].first_chunk().expect("tiles are inside their band")
        })
    }
}

/// Writes neighbouring pixels of `used` channels to planes that are `plane` numbers apart, the first pixel of the first at `first`.
#[inline(always)]
pub(super) fn write_planes<L: Vector<W>, const W: usize>(
    pixels: &[[f32; LANES]],
    y: &SharedSlice<'_, f32>,
    at: (usize, usize, usize),
    onto: Onto<'_, f32>,
) {
    match onto {
        Onto::Nothing => write_sums::<L, W>(pixels, y, at, |row, _, _| row),
        Onto::Itself => write_sums::<L, W>(pixels, y, at, |row, to, _| L::load_some(to).add(row)),
        Onto::Other(other) => write_sums::<L, W>(pixels, y, at, |row, to, start| {
            L::load_some(&other[start..][..to.len()]).add(row)
        }),
    }
}

/// [`write_planes`], where `sum(row, to, start)` is what is written to `to`, which begins at `start` in `y`.
#[inline(always)]
fn write_sums<L: Vector<W>, const W: usize>(
    pixels: &[[f32; LANES]],
    y: &SharedSlice<'_, f32>,
    (first, plane, used): (usize, usize, usize),
    sum: impl Fn(L, &[f32], usize) -> L,
) {
    assert!(used == 0 || first + (used - 1) * plane + pixels.len() <= y.len());
    let write = |row: L, start: usize, len: usize| {
        // SAFETY: tasks write disjoint bands, or disjoint groups of channels, and each writes one row of tiles at a time: nobody else
        // accesses these pixels while `to` lives.
        let to = unsafe { y.slice(start, len) };
        sum(row, to, start).store_some(to);
    };
    for (index, some) in pixels.chunks(W).enumerate() {
        for part in 0..LANES / W {
            let start = first + part * W * plane + index * W;
            let mut block = [L::zero(); W];
            for i in 0..W {
                if i < some.len() {
                    block[i] = L::load_part(&some[i], part);
                }
            }
            let rows = L::transpose(block);
            if used == LANES && some.len() == W {
                for i in 0..W {
                    // SAFETY: tasks write disjoint bands, or disjoint groups of channels, so nobody else accesses these pixels while `to`
                    // lives. The assertion above found the last pixel of the last channel inside `y`, and this one is not after it.
                    let to = unsafe { y.slice_unchecked(start + i * plane, W) };
                    sum(rows[i], to, start + i * plane).store_some(to);
                }
                continue;
            }
            for i in 0..W {
                if part * W + i < used {
                    write(rows[i], start + i * plane, some.len());
                }
            }
        }
    }
}
