//! Pictures as PNG.

use super::grid::Layout;
use super::pixels::{Canvas, Colour, Pictures};
use crate::error::{Failure, Result};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

/// The bytes of a PNG file of the picture.
///
/// # Errors
/// When the picture is larger than the format can say.
pub(crate) fn encode_png(bytes: &[u8], colour: Colour, height: usize, width: usize) -> Result<Vec<u8>> {
    let colour = match colour {
        Colour::Grey => ExtendedColorType::L8,
        Colour::Rgb => ExtendedColorType::Rgb8,
        Colour::Point => {
            return Err(Failure::user(
                "a point alone is no picture",
                "--out",
                "give one file, --out FILE.png",
            ));
        }
    };
    let mut file = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Default, FilterType::Adaptive);
    let too_large = || {
        Failure::user(
            format!("a picture of {width} × {height} pixels does not fit into a PNG"),
            "--out",
            "ask for fewer pictures, or write a file each, --out DIR/",
        )
    };
    let (w, h) =
        (u32::try_from(width).map_err(|_| too_large())?, u32::try_from(height).map_err(|_| too_large())?);
    encoder.write_image(bytes, w, h, colour).map_err(|_| too_large())?;
    Ok(file)
}

/// The bytes of a PNG file of picture `i`.
///
/// # Errors
/// As [`encode_png`].
pub(crate) fn picture_png(pictures: &Pictures, i: usize) -> Result<Vec<u8>> {
    encode_png(pictures.get(i), pictures.colour, pictures.height, pictures.width)
}

/// The file of picture `i` of `n`: numbers of one width, so that names sort as numbers do.
pub(crate) fn file_name(i: usize, n: usize) -> String {
    let width = n.saturating_sub(1).to_string().len().max(4);
    format!("{i:0width$}.png")
}

/// The bytes of a PNG file of the pictures in rows of `columns`.
///
/// # Errors
/// When the grid is larger than the format can say.
pub(crate) fn grid_png(pictures: &Pictures, columns: usize) -> Result<Vec<u8>> {
    let layout = Layout::new(pictures.len(), columns, pictures.height, pictures.width);
    let Canvas { colour, height, width, bytes } = layout.draw(pictures);
    encode_png(&bytes, colour, height, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_numbers() {
        assert_eq!((file_name(7, 16), file_name(7, 20_000)), ("0007.png".into(), "00007.png".into()));
    }
    use tweedie_tensor::Tensor;

    #[test]
    fn a_png_reads_back_as_it_was() -> Result<()> {
        for channels in [1, 3] {
            let batch = Tensor::from_fn([1, channels, 3, 5], |i| (i * 5 % 255) as f32 / 127.5 - 1.0);
            let pictures = Pictures::from_tensor(&batch)?;
            let file = encode_png(pictures.get(0), pictures.colour, 3, 5)?;
            let Ok(read) = image::load_from_memory(&file) else { panic!("the file is no picture") };
            assert_eq!((read.width(), read.height()), (5, 3));
            assert_eq!(read.as_bytes(), pictures.get(0));
        }
        Ok(())
    }
}
