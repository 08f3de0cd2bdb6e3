//! Bands of tile rows: from planes to sixteen channels side by side, and back.

use super::lanes::{LANES, Lanes};
use super::transform::OUT;
use crate::Accumulate;
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

    /// Reads sixteen channels of a sample's planes into the pixels of a band, zeros where the plane ends.
    #[inline(always)]
    pub(super) fn read_band<L: Lanes>(
        &self,
        band: &Band,
        planes: &[f32],
        channels: usize,
        group: usize,
        pixels: &mut [[f32; LANES]],
    ) {
        let [high, wide] = self.band_size(band);
        let ([height, width], [above, left]) = (self.plane, self.before);
        let top = band.first * OUT;
        // Rows of the plane that the band has.
        let rows = top.saturating_sub(above)..height.min((top + high).saturating_sub(above));
        let place = |y: usize| (y + above - top) * wide + left;
        let in_row = width.min(wide - left);

        let begin = if rows.is_empty() { pixels.len() } else { place(rows.start) };
        pixels[..begin].fill([0.0; LANES]);
        for y in rows.clone() {
            let next = if y + 1 < rows.end { place(y + 1) } else { pixels.len() };
            pixels[place(y) + in_row..next].fill([0.0; LANES]);
        }

        let size = height * width;
        let used = LANES.min(channels - group * LANES);
        let planes = &planes[group * LANES * size..][..used * size];
        let (mut y, mut x) = (rows.start, 0);
        let end = rows.end.max(rows.start) * width;
        for start in (rows.start * width..end).step_by(LANES) {
            let count = LANES.min(end - start);
            let mut block = [L::zero(); LANES];
            for (row, plane) in block.iter_mut().zip(planes.chunks_exact(size)) {
                *row = match plane[start..].first_chunk() {
                    Some(all) => L::load(all),
                    None => {
                        let mut some = [0.0; LANES];
                        some[..count].copy_from_slice(&plane[start..start + count]);
                        L::load(&some)
                    }
                };
            }
            for pixel in L::transpose(block).into_iter().take(count) {
                if x < in_row {
                    pixel.store(&mut pixels[place(y) + x]);
                }
                x += 1;
                if x == width {
                    (x, y) = (0, y + 1);
                }
            }
        }
    }
}

/// Writes neighbouring pixels of `used` channels to planes `plane` apart, from `first` on.
#[inline(always)]
pub(super) fn write_planes<L: Lanes>(
    pixels: &[[f32; LANES]],
    y: &Shared<'_, f32>,
    (first, plane, used): (usize, usize, usize),
    how: Accumulate,
) {
    for (index, some) in pixels.chunks(LANES).enumerate() {
        let mut block = [L::zero(); LANES];
        for (row, pixel) in block.iter_mut().zip(some) {
            *row = L::load(pixel);
        }
        for (channel, row) in L::transpose(block).into_iter().take(used).enumerate() {
            // SAFETY: the band's pixels, which no other task has.
            let to = unsafe { y.slice(first + channel * plane + index * LANES, some.len()) };
            if let Ok(all) = <&mut [f32; LANES]>::try_from(&mut *to) {
                match how {
                    Accumulate::Overwrite => row.store(all),
                    Accumulate::Add => L::load(all).add(row).store(all),
                }
                continue;
            }
            let mut numbers = [0.0; LANES];
            row.store(&mut numbers);
            match how {
                Accumulate::Overwrite => to.copy_from_slice(&numbers[..some.len()]),
                Accumulate::Add => to.iter_mut().zip(numbers).for_each(|(to, x)| *to += x),
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
