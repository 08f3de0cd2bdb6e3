//! Numbers over the plane as one colour, ever less transparent.

use crate::error::{Failure, Result};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// Legible on light and on dark ground.
const COLOUR: [u8; 3] = [52, 120, 226];

/// The bytes of a PNG file of `values` from 0 to 1, in rows of `width`, the last row on top. Where a value is 0 the picture is
/// transparent.
///
/// # Errors
/// When there are not whole rows of them.
pub(crate) fn heat_png(values: &[f64], width: usize) -> Result<Vec<u8>> {
    let [r, g, b] = COLOUR;
    let rows = values.chunks(width.max(1)).rev();
    let height = rows.len();
    // A saturating cast.
    let pixels: Vec<u8> = rows.flatten().flat_map(|value| [r, g, b, (255.0 * value).round() as u8]).collect();
    let mut file = Vec::new();
    let refused = || Failure::user("a map without whole rows", "--out", "report it with the command");
    let [width, height] = [width, height].map(|side| u32::try_from(side).unwrap_or(0));
    PngEncoder::new(&mut file)
        .write_image(&pixels, width, height, ExtendedColorType::Rgba8)
        .map_err(|_| refused())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_is_at_the_bottom() -> Result<()> {
        let file = heat_png(&[0.0, 1.0, 0.2, 0.4, 2.0, -1.0], 2)?;
        let Ok(read) = image::load_from_memory(&file) else { panic!("the file is no picture") };
        assert_eq!((read.width(), read.height()), (2, 3));
        let alpha: Vec<u8> = read.to_rgba8().pixels().map(|pixel| pixel.0[3]).collect();
        assert_eq!(alpha, [255, 0, 51, 102, 0, 255]);
        Ok(())
    }
}
