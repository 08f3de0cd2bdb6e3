use super::convention::Convention;
use super::convention::square;
use super::decode::decode;
use super::error::DataError;
use image::imageops::FilterType;
use std::path::Path;
use tweedie_tensor::Tensor;

/// Reads one picture of any format as a tensor \[channels, height, width\] of numbers in \[−1, 1\], as batches have it.
/// With `resize`, the largest part in its middle of that form is brought to that size.
///
/// # Errors
/// A file that is no picture; without `resize`, [`DataError::PictureSize`] for another size.
pub fn read_picture(
    path: &Path,
    [channels, height, width]: [usize; 3],
    resize: bool,
) -> Result<Tensor<f32>, DataError> {
    let mut picture = decode(path, Convention::default())?;
    let found = [picture.width() as usize, picture.height() as usize];
    if found != [width, height] {
        if !resize {
            return Err(DataError::PictureSize {
                path: path.to_path_buf(),
                found,
                expected: [width, height],
            });
        }
        picture = if width == height {
            square(&picture, width as u32)
        } else {
            picture.resize_to_fill(width as u32, height as u32, FilterType::Lanczos3)
        };
    }
    let mut bytes = vec![0; channels * height * width];
    Convention::default().write_planes(&picture, channels, &mut bytes);
    Ok(Tensor::from_fn([channels, height, width], |i| f32::from(bytes[i]) / 127.5 - 1.0))
}
