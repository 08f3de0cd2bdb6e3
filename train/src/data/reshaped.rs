//! Pictures that are brought to another size or number of channels, or transposed, as they are read.

use super::convention::Convention;
use super::error::DataError;
use super::idx::transposed;
use super::options::DataOptions;
use super::source::Source;
use super::view::{Change, View};
use image::{DynamicImage, GrayImage, RgbImage};
use std::sync::Arc;

/// Another shape, and whose choices are followed on the way there.
struct Reshape {
    shape: [usize; 3],
    convention: Convention,
    /// Whether rows become columns.
    transpose: bool,
}

/// `source` itself if it has the shape that `options` ask for, else a view of it that has; with `transpose`, its rows
/// become columns first.
pub(super) fn fit(source: Arc<dyn Source>, options: &DataOptions, transpose: bool) -> Arc<dyn Source> {
    let [channels, mut height, mut width] = source.shape();
    if transpose {
        (height, width) = (width, height);
    }
    let channels = options.channels.unwrap_or(channels);
    let [height, width] = options.image_size.map_or([height, width], |side| [side, side]);
    let shape = [channels, height, width];
    if shape == source.shape() && !transpose {
        return source;
    }
    Arc::new(View::new(source, Reshape { shape, convention: options.convention, transpose }))
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

impl Change for Reshape {
    fn shape(&self, _: &dyn Source) -> [usize; 3] {
        self.shape
    }

    fn read(&self, of: &dyn Source, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        let mut shape = of.shape();
        let mut bytes = vec![0; shape.iter().product()];
        let label = of.read(index, &mut bytes)?;
        if self.transpose {
            bytes = transposed(&bytes, shape);
            shape = [shape[0], shape[2], shape[1]];
        }
        if let Some(mut picture) = from_planes(shape, &bytes) {
            if self.shape[1..] != shape[1..] {
                picture = self.convention.square(&picture, self.shape[1] as u32);
            }
            self.convention.write_planes(&picture, self.shape[0], out);
        }
        Ok(label)
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::Memory;
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
        assert_eq!(fit(set.clone(), &DataOptions::default(), false).shape(), [3, 2, 3]);
        let larger = fit(
            set.clone(),
            &DataOptions { image_size: Some(4), channels: None, ..DataOptions::default() },
            false,
        );
        assert_eq!(larger.shape(), [3, 4, 4]);
        assert_eq!(read(&*larger), [[10; 16], [20; 16], [30; 16]].concat());
        let grey =
            fit(set, &DataOptions { image_size: None, channels: Some(1), ..DataOptions::default() }, false);
        assert_eq!(grey.shape(), [1, 2, 3]);
        assert!(read(&*grey).iter().all(|&x| (17..=20).contains(&x)));
    }

    #[test]
    fn rows_become_columns() {
        let bytes = vec![1, 2, 3, 4, 5, 6];
        let set: Arc<dyn Source> = Arc::new(Memory::new([1, 2, 3], bytes, vec![0], vec!["a".into()]));
        let turned = fit(set, &DataOptions::default(), true);
        assert_eq!((turned.shape(), read(&*turned)), ([1, 3, 2], vec![1, 4, 2, 5, 3, 6]));
    }

    #[test]
    fn the_central_square_is_kept() {
        let bytes = vec![0, 50, 100, 150, 200, 250, 1, 51, 101, 151, 201, 251];
        let set: Arc<dyn Source> = Arc::new(Memory::new([1, 2, 6], bytes, vec![0], vec!["a".into()]));
        let middle = fit(
            set,
            &DataOptions { image_size: Some(2), channels: Some(3), ..DataOptions::default() },
            false,
        );
        assert_eq!(read(&*middle), [100, 150, 101, 151].repeat(3));
    }
}
