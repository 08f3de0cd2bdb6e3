//! Where programs differ in what they read from the same picture.

use super::pillow;
use image::{DynamicImage, imageops::FilterType};
use serde::{Deserialize, Serialize};

/// Whose choices are followed where programs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// This program's: a picture is turned as its camera says and laid on white where it is transparent; grey is the
    /// luminance of ITU-R 709 (pure red 54); the central square is cut out first, then resized by Lanczos' filter.
    #[default]
    Tweedie,
    /// That of torchvision's `ImageFolder`, `Grayscale`, `Resize(N)` and `CenterCrop(N)` on Pillow's pictures: neither
    /// turned nor laid on anything (transparency is dropped); grey is the luma of ITU-R 601 (pure red 76); the shorter
    /// side is resized by Pillow's bilinear filter, then the middle is cut out.
    Torchvision,
}

impl Convention {
    /// The square of `side` in the middle of `picture`.
    pub(super) fn square(self, picture: &DynamicImage, side: u32) -> DynamicImage {
        match self {
            Convention::Tweedie => square(picture, side),
            Convention::Torchvision => pillow::resize_and_crop(picture, side),
        }
    }

    /// Writes `picture` channels first; `out` holds one channel (grey) or three.
    pub(super) fn write_planes(self, picture: &DynamicImage, channels: usize, out: &mut [u8]) {
        if channels == 1 {
            match self {
                Convention::Torchvision if picture.color().has_color() => {
                    let rgb = picture.to_rgb8();
                    for (to, pixel) in out.iter_mut().zip(rgb.pixels()) {
                        *to = pillow::luma(pixel.0);
                    }
                }
                _ => out.copy_from_slice(picture.to_luma8().as_raw()),
            }
            return;
        }
        let interleaved = picture.to_rgb8();
        for (c, plane) in out.chunks_mut(out.len() / 3).enumerate() {
            for (to, pixel) in plane.iter_mut().zip(interleaved.as_raw().chunks(3)) {
                *to = pixel[c];
            }
        }
    }
}

/// The largest central square of `picture`, resized to `side`: Lanczos' filter, wide enough not to alias.
pub(super) fn square(picture: &DynamicImage, side: u32) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    let shorter = width.min(height);
    let square = picture.crop_imm((width - shorter) / 2, (height - shorter) / 2, shorter, shorter);
    if shorter == side { square } else { square.resize_exact(side, side, FilterType::Lanczos3) }
}
