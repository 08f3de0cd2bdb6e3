//! Pillow's arithmetic, to the bit: its grey, and its resizing by the triangle filter in whole numbers.

use image::{DynamicImage, GrayImage, RgbImage};

/// Bits after the point of a filter's weight.
const PRECISION: u32 = 22;

/// The luma of ITU-R 601-2, as Pillow rounds it: (299 R + 587 G + 114 B) / 1000 in 16 bits.
pub(super) fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

/// Torchvision's `Resize(side)` and `CenterCrop(side)`.
pub(super) fn resize_and_crop(picture: &DynamicImage, side: u32) -> DynamicImage {
    let (w, h) = (u64::from(picture.width()), u64::from(picture.height()));
    let along = |long: u64, short: u64| (u64::from(side) * long / short) as u32;
    let (to_w, to_h) = if w <= h { (side, along(h, w)) } else { (along(w, h), side) };
    let (left, top) = (middle(to_w - side), middle(to_h - side));
    if picture.color().has_color() {
        let bytes = resize::<3>(picture.to_rgb8().as_raw(), [w as usize, h as usize], [to_w, to_h]);
        match RgbImage::from_raw(to_w, to_h, bytes) {
            Some(resized) => DynamicImage::from(resized).crop_imm(left, top, side, side),
            None => picture.clone(),
        }
    } else {
        let bytes = resize::<1>(picture.to_luma8().as_raw(), [w as usize, h as usize], [to_w, to_h]);
        match GrayImage::from_raw(to_w, to_h, bytes) {
            Some(resized) => DynamicImage::from(resized).crop_imm(left, top, side, side),
            None => picture.clone(),
        }
    }
}

/// Half of `spare`, rounded as Python rounds: to the even neighbour.
fn middle(spare: u32) -> u32 {
    spare / 2 + u32::from(spare % 4 == 3)
}

/// Rows first, then columns, each pass rounded to bytes; a side that keeps its length is left alone.
fn resize<const C: usize>(bytes: &[u8], [w, h]: [usize; 2], [to_w, to_h]: [u32; 2]) -> Vec<u8> {
    let (to_w, to_h) = (to_w as usize, to_h as usize);
    let across = if to_w == w {
        bytes.to_vec()
    } else {
        let weights = weights(w, to_w);
        let mut out = Vec::with_capacity(to_w * h * C);
        for row in bytes.chunks_exact(w * C) {
            for (first, weights) in &weights {
                for c in 0..C {
                    out.push(sum(weights.iter().enumerate().map(|(i, &k)| (row[(first + i) * C + c], k))));
                }
            }
        }
        out
    };
    if to_h == h {
        return across;
    }
    let stride = to_w * C;
    let mut out = Vec::with_capacity(stride * to_h);
    for (first, weights) in &weights(h, to_h) {
        for x in 0..stride {
            out.push(sum(weights.iter().enumerate().map(|(i, &k)| (across[(first + i) * stride + x], k))));
        }
    }
    out
}

fn sum(terms: impl Iterator<Item = (u8, i32)>) -> u8 {
    let half = 1i64 << (PRECISION - 1);
    let sum = terms.fold(half, |sum, (value, weight)| sum + i64::from(value) * i64::from(weight));
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// For each place of `to`: the first place of `from` that it sees, and the weights from there on.
fn weights(from: usize, to: usize) -> Vec<(usize, Vec<i32>)> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = stretch;
    let one_over = 1.0 / stretch;
    let of = |place: usize| {
        let centre = (place as f64 + 0.5) * scale;
        let first = ((centre - support + 0.5) as i64).max(0) as usize;
        let last = ((centre + support + 0.5) as usize).min(from);
        let raw: Vec<f64> =
            (first..last).map(|x| (1.0 - ((x as f64 - centre + 0.5) * one_over).abs()).max(0.0)).collect();
        let total: f64 = raw.iter().sum();
        let norm = if total == 0.0 { 1.0 } else { total };
        let whole = raw.iter().map(|k| (0.5 + k / norm * f64::from(1 << PRECISION)) as i32);
        (first, whole.collect())
    };
    (0..to).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pure_colours_have_pillows_grey() {
        let made = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [7, 7, 7]].map(luma);
        assert_eq!(made, [76, 150, 29, 255, 7]);
    }

    #[test]
    fn halves_are_rounded_to_even() {
        assert_eq!([0, 1, 2, 3, 4, 5, 7].map(middle), [0, 0, 1, 2, 2, 2, 4]);
    }
}
