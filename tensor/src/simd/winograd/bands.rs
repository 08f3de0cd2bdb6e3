//! Bands of tile rows: from planes to sixteen channels side by side, and back.

use super::LANES;
use super::transform::OUT;
use crate::ops::conv::Onto;
use crate::simd::lanes::Lanes;
use std::marker::PhantomData;
use std::ops::Range;

/// Tiles over a plane, each `span` pixels in size and 4 pixels from the next.
pub(super) struct Tiles {
    pub(super) plane: [usize; 2],
    /// Zeros above and left of the plane, where the first tile begins.
    pub(super) before: [usize; 2],
    /// Rows and columns of tiles.
    pub(super) count: [usize; 2],
    pub(super) span: usize,
}

/// Some rows of tiles of one sample.
pub(super) struct Band {
    pub(super) sample: usize,
    pub(super) first: usize,
    pub(super) rows: usize,
}

impl Band {
    /// The bands that make up a range of the tile rows of all samples, counted through.
    pub(super) fn all(rows: Range<usize>, rows_in_sample: usize) -> impl Iterator<Item = Band> {
        let mut at = rows.start;
        std::iter::from_fn(move || {
            let (sample, first) = (at / rows_in_sample, at % rows_in_sample);
            let count = (rows.end - at).min(rows_in_sample - first);
            at += count;
            (count > 0).then_some(Band { sample, first, rows: count })
        })
    }

    /// Row in the band and column of each tile.
    pub(super) fn tiles(&self, across: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..self.rows).flat_map(move |down| (0..across).map(move |right| (down, right)))
    }
}

impl Tiles {
    /// Height and width of a band in pixels, zeros included.
    pub(super) fn band_size(&self, band: &Band) -> [usize; 2] {
        [band.rows, self.count[1]].map(|tiles| (tiles - 1) * OUT + self.span)
    }

    pub(super) fn band_len(&self, band: &Band) -> usize {
        self.band_size(band).iter().product()
    }

    /// Where in the band each pixel of the plane that the band covers goes, in order, and the first of these pixels.
    /// Where no pixel goes there are zeros, which are written here: they are the same for all channels.
    pub(super) fn places(&self, band: &Band, pixels: &mut [[f32; LANES]]) -> (usize, Vec<u32>) {
        let [high, wide] = self.band_size(band);
        let ([height, width], [above, left]) = (self.plane, self.before);
        assert!(left + width <= wide && pixels.len() == high * wide, "tiles cover the plane");
        let top = band.first * OUT;
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
        (rows.start * width, places)
    }

    /// Reads sixteen channels of a sample's planes into the pixels of a band, at its [`Tiles::places`].
    #[inline(always)]
    pub(super) fn read_band<L: Lanes<W>, const W: usize>(
        &self,
        (first, places): &(usize, Vec<u32>),
        planes: &[f32],
        channels: usize,
        group: usize,
        pixels: &mut [[f32; LANES]],
    ) {
        let size = self.plane[0] * self.plane[1];
        let used = LANES.min(channels - group * LANES);
        let planes = &planes[group * LANES * size..][..used * size];
        for (index, places) in places.chunks(W).enumerate() {
            let start = first + index * W;
            for part in 0..LANES / W {
                // Loops over all lanes, which unroll, keep the values in registers.
                let mut block = [L::zero(); W];
                for i in 0..W {
                    let channel = part * W + i;
                    if channel < used {
                        block[i] = L::load_some(&planes[channel * size + start..(channel + 1) * size]);
                    }
                }
                let columns = L::transpose(block);
                for i in 0..W {
                    if i < places.len() {
                        columns[i].store_part(&mut pixels[places[i] as usize], part);
                    }
                }
            }
        }
    }
}

/// Writes neighbouring pixels of `used` channels to planes `plane` apart, from `first` on.
#[inline(always)]
pub(super) fn write_planes<L: Lanes<W>, const W: usize>(
    pixels: &[[f32; LANES]],
    y: &Shared<'_, f32>,
    (first, plane, used): (usize, usize, usize),
    onto: Onto<'_, f32>,
) {
    for (index, some) in pixels.chunks(W).enumerate() {
        for part in 0..LANES / W {
            let mut block = [L::zero(); W];
            for i in 0..W {
                if i < some.len() {
                    block[i] = L::load_part(&some[i], part);
                }
            }
            let rows = L::transpose(block);
            for i in 0..W {
                let channel = part * W + i;
                if channel >= used {
                    break;
                }
                let row = rows[i];
                let start = first + channel * plane + index * W;
                // SAFETY: the band's pixels, which no other task has.
                let to = unsafe { y.slice(start, some.len()) };
                match onto {
                    Onto::Nothing => row.store_some(to),
                    Onto::Itself => L::load_some(to).add(row).store_some(to),
                    Onto::Other(other) => L::load_some(&other[start..]).add(row).store_some(to),
                }
            }
        }
    }
}

/// A slice whose parts are written by several tasks at once.
pub(super) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: access is by `slice`, whose callers promise disjoint parts; numbers may go to other threads.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(super) fn new(slice: &'a mut [T]) -> Shared<'a, T> {
        Shared { start: slice.as_mut_ptr(), len: slice.len(), borrowed: PhantomData }
    }

    /// `len` elements from `start` on.
    ///
    /// # Safety
    /// Nobody else reads or writes them while the result lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn slice(&self, start: usize, len: usize) -> &mut [T] {
        assert!(start + len <= self.len);
        // SAFETY: inside the borrowed slice, and the caller's alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}
