//! Pictures brought to another size or number of channels as they are read.

use super::{DataError, DataOptions, Source};
use image::{DynamicImage, GrayImage, RgbImage, imageops::FilterType};
use std::sync::Arc;

struct Fitted {
    inner: Arc<dyn Source>,
    shape: [usize; 3],
}

/// `source` itself if it has the shape that `options` ask for, else a view of it that has.
pub(super) fn fit(source: Arc<dyn Source>, options: &DataOptions) -> Arc<dyn Source> {
    let [channels, height, width] = source.shape();
    let channels = options.channels.unwrap_or(channels);
    let [height, width] = options.image_size.map_or([height, width], |side| [side, side]);
    let shape = [channels, height, width];
    if shape == source.shape() { source } else { Arc::new(Fitted { inner: source, shape }) }
}

/// The largest central square of `picture`, resized to `side`: Lanczos' filter, wide enough not to alias.
pub(super) fn square(picture: &DynamicImage, side: u32) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    let shorter = width.min(height);
    let square = picture.crop_imm((width - shorter) / 2, (height - shorter) / 2, shorter, shorter);
    if shorter == side { square } else { square.resize_exact(side, side, FilterType::Lanczos3) }
}

/// Writes `picture` channels first; `out` holds one channel (grey) or three.
pub(super) fn write_planes(picture: &DynamicImage, channels: usize, out: &mut [u8]) {
    if channels == 1 {
        out.copy_from_slice(picture.to_luma8().as_raw());
        return;
    }
    let interleaved = picture.to_rgb8();
    for (c, plane) in out.chunks_mut(out.len() / 3).enumerate() {
        for (to, pixel) in plane.iter_mut().zip(interleaved.as_raw().chunks(3)) {
            *to = pixel[c];
        }
    }
}

/// The picture whose planes `bytes` holds; `None` when their number is not that of `shape`.
fn from_planes([channels, height, width]: [usize; 3], bytes: &[u8]) -> Option<DynamicImage> {
    let (w, h) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    if channels == 1 {
        return GrayImage::from_raw(w, h, bytes.to_vec()).map(DynamicImage::ImageLuma8);
    }
    let area = height * width;
    let interleaved = (0..area).flat_map(|i| [0, 1, 2].map(|c| bytes[c * area + i])).collect();
    RgbImage::from_raw(w, h, interleaved).map(DynamicImage::ImageRgb8)
}

impl Source for Fitted {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn classes(&self) -> &[String] {
        self.inner.classes()
    }

    fn words(&self) -> &[String] {
        self.inner.words()
    }

    fn caption_length(&self) -> usize {
        self.inner.caption_length()
    }

    fn caption(&self, index: usize) -> Vec<usize> {
        self.inner.caption(index)
    }

    fn held(&self) -> u64 {
        self.inner.held()
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        let inner = self.inner.shape();
        let mut bytes = vec![0; inner.iter().product()];
        let label = self.inner.read(index, &mut bytes)?;
        if let Some(mut picture) = from_planes(inner, &bytes) {
            if self.shape[1..] != inner[1..] {
                picture = square(&picture, self.shape[1] as u32);
            }
            write_planes(&picture, self.shape[0], out);
        }
        Ok(label)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Memory;
    use super::*;

    fn read(source: &dyn Source) -> Vec<u8> {
        let mut out = vec![0; source.shape().iter().product()];
        source.read(0, &mut out).unwrap();
        out
    }

    #[test]
    fn sizes_and_channels_are_brought_together() {
        let bytes: Vec<u8> = [[10; 6], [20; 6], [30; 6]].concat();
        let set: Arc<dyn Source> = Arc::new(Memory::new([3, 2, 3], bytes, vec![0], vec!["a".into()]));
        assert_eq!(fit(set.clone(), &DataOptions::default()).shape(), [3, 2, 3]);
        let larger = fit(set.clone(), &DataOptions { image_size: Some(4), channels: None });
        assert_eq!(larger.shape(), [3, 4, 4]);
        assert_eq!(read(&*larger), [[10; 16], [20; 16], [30; 16]].concat());
        let grey = fit(set, &DataOptions { image_size: None, channels: Some(1) });
        assert_eq!(grey.shape(), [1, 2, 3]);
        assert!(read(&*grey).iter().all(|&x| (17..=20).contains(&x)));
    }

    #[test]
    fn the_central_square_is_kept() {
        let bytes = vec![0, 50, 100, 150, 200, 250, 1, 51, 101, 151, 201, 251];
        let set: Arc<dyn Source> = Arc::new(Memory::new([1, 2, 6], bytes, vec![0], vec!["a".into()]));
        let middle = fit(set, &DataOptions { image_size: Some(2), channels: Some(3) });
        assert_eq!(read(&*middle), [100, 150, 101, 151].repeat(3));
    }
}
