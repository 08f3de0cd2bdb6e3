//! Whether the bytes of a picture are all there, where a decoder fills what is missing instead of saying so.

mod jpeg;
mod tiff;

use image::ImageFormat;

pub(super) use tiff::claim;

/// What is missing from `bytes`, a file of `format`; `None` if nothing is, or if the format's decoder says so itself.
///
/// What follows the pixels (metadata, more frames, anything after the end) may be missing.
pub(super) fn missing(format: ImageFormat, bytes: &[u8]) -> Option<&'static str> {
    match format {
        ImageFormat::Jpeg => jpeg::missing(bytes),
        ImageFormat::WebP => (!webp_is_whole(bytes)).then_some("the WebP stops before its end"),
        ImageFormat::Gif => (!gif_is_whole(bytes)).then_some("the GIF stops before its end"),
        ImageFormat::Pnm => (!pnm_text_ends(bytes)).then_some("its last number has no end"),
        _ => None,
    }
}

/// Of a PNM of text, whether white space follows its last number, as the format has it: else digits may be missing. In a
/// bitmap each digit is a pixel, and in a comment none is.
fn pnm_text_ends(bytes: &[u8]) -> bool {
    let line = bytes.rsplit(|&byte| byte == b'\n').next().unwrap_or(bytes);
    let text = bytes.starts_with(b"P2") || bytes.starts_with(b"P3");
    !text || line.contains(&b'#') || !bytes.last().is_some_and(u8::is_ascii_digit)
}

/// Walks the chunks of a WebP's RIFF container to the first that holds pixels: whether they are all there.
fn webp_is_whole(bytes: &[u8]) -> bool {
    let mut at = 12;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let Some(end) = (at + 8).checked_add(length).filter(|&end| end <= bytes.len()) else { return false };
        if matches!(&head[..4], b"VP8 " | b"VP8L" | b"ANMF") {
            return true;
        }
        at = end + length % 2;
    }
    false
}

/// Walks the blocks of a GIF to the end of its first picture.
fn gif_is_whole(bytes: &[u8]) -> bool {
    let table = |packed: u8| if packed & 0x80 == 0 { 0 } else { 3 << ((packed & 7) + 1) };
    let Some(&packed) = bytes.get(10) else { return false };
    let mut at = 13 + table(packed);
    loop {
        let picture = match bytes.get(at) {
            Some(0x2c) => {
                let Some(&packed) = bytes.get(at + 9) else { return false };
                // A descriptor of ten bytes, colours, the width of the first code.
                at += 10 + table(packed) + 1;
                true
            }
            Some(0x21) => {
                at += 2;
                false
            }
            // The decoder has its own words for what is no block.
            Some(_) => return true,
            None => return false,
        };
        loop {
            match bytes.get(at) {
                Some(0) => break at += 1,
                Some(&length) => at += 1 + usize::from(length),
                None => return false,
            }
        }
        if picture {
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_no_whole_picture() {
        for format in [ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
            assert!(missing(format, &[]).is_some());
        }
        assert!(missing(ImageFormat::Png, &[]).is_none());
    }
}
