//! Pictures as sixels (DEC VT340, chapter 14 of its programmer's manual): bands of six rows, a character for each column and
//! colour, whose bits are the rows.

use color_quant::NeuQuant;
use std::fmt::Write;

/// Colours of the palette; every terminal with sixels has as many.
const COLOURS: usize = 64;
/// Of how many pixels one is looked at to choose them.
const SAMPLING: i32 = 1;
/// The offset of the characters.
const ZERO: u8 = b'?';

/// What paints `pixels`, row by row of `width`, at the cursor.
pub(super) fn encode(pixels: &[[u8; 3]], width: usize) -> String {
    let rgba: Vec<u8> = pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
    let (indices, palette) = indexed(&rgba);
    let height = pixels.len() / width.max(1);
    // Pixels are square, and those that are not painted stay as they are.
    let mut out = format!("\x1bP0;1;0q\"1;1;{width};{height}");
    // Writing into a string does not fail, here and below.
    for (i, [r, g, b]) in palette.iter().enumerate() {
        let percent = |byte: u8| (u32::from(byte) * 100 + 127) / 255;
        let _ = write!(out, "#{i};2;{};{};{}", percent(*r), percent(*g), percent(*b));
    }
    for band in indices.chunks(6 * width.max(1)) {
        let mut used: Vec<u8> = band.to_vec();
        used.sort_unstable();
        used.dedup();
        for (i, &colour) in used.iter().enumerate() {
            // Back to the band's left edge for each colour but the first.
            let _ = write!(out, "{}#{colour}", if i > 0 { "$" } else { "" });
            let columns: Vec<u8> = (0..width)
                .map(|x| {
                    let rows = band.iter().skip(x).step_by(width).enumerate();
                    ZERO + rows.map(|(y, &index)| u8::from(index == colour) << y).sum::<u8>()
                })
                .collect();
            for run in columns.chunk_by(|a, b| a == b) {
                match run.len() {
                    few @ 1..=3 => (0..few).for_each(|_| out.push(char::from(run[0]))),
                    many => {
                        let _ = write!(out, "!{many}{}", char::from(run[0]));
                    }
                }
            }
        }
        out.push('-');
    }
    out.push_str("\x1b\\");
    out
}

/// Each pixel's index into a palette: its own colours where they are few.
fn indexed(rgba: &[u8]) -> (Vec<u8>, Vec<[u8; 3]>) {
    let colour = |pixel: &[u8]| [pixel[0], pixel[1], pixel[2]];
    let mut own: Vec<[u8; 3]> = rgba.chunks_exact(4).map(colour).collect();
    own.sort_unstable();
    own.dedup();
    if own.len() <= COLOURS {
        let index = |pixel: &[u8]| own.binary_search(&colour(pixel)).unwrap_or(0) as u8;
        return (rgba.chunks_exact(4).map(index).collect(), own);
    }
    let quantised = NeuQuant::new(SAMPLING, COLOURS, rgba);
    let indices = rgba.chunks_exact(4).map(|pixel| quantised.index_of(pixel) as u8).collect();
    (indices, quantised.color_map_rgb().chunks_exact(3).map(colour).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads sixels back: the palette's percentages at each pixel.
    fn decode(text: &str, width: usize, height: usize) -> Vec<Option<[u32; 3]>> {
        let body = text.trim_start_matches("\x1bP0;1;0q").trim_end_matches("\x1b\\");
        let mut out = vec![None; width * height];
        let (mut palette, mut colour) = (std::collections::HashMap::new(), 0u32);
        let (mut x, mut band, mut rest) = (0, 0, body);
        let number = |text: &mut &str| {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let (digits, after) = text.split_at(end);
            *text = after;
            digits.parse::<u32>().unwrap_or(0)
        };
        while let Some(first) = rest.chars().next() {
            rest = &rest[1..];
            let mut repeat = 1;
            let mut sixel = Some(first);
            match first {
                '"' => {
                    let end = rest.find('#').unwrap_or(0);
                    assert_eq!(&rest[..end], format!("1;1;{width};{height}"));
                    rest = &rest[end..];
                    continue;
                }
                '#' => {
                    colour = number(&mut rest);
                    if rest.starts_with(";2;") {
                        rest = &rest[3..];
                        let part = |rest: &mut &str| {
                            let value = number(rest);
                            *rest = rest.strip_prefix(';').unwrap_or(rest);
                            value
                        };
                        palette.insert(colour, [part(&mut rest), part(&mut rest), part(&mut rest)]);
                    }
                    continue;
                }
                '$' => (x, sixel) = (0, None),
                '-' => (x, band, sixel) = (0, band + 1, None),
                '!' => {
                    repeat = number(&mut rest);
                    sixel = rest.chars().next();
                    rest = &rest[1..];
                }
                _ => {}
            }
            let Some(sixel) = sixel else { continue };
            for _ in 0..repeat {
                for y in 0..6 {
                    if (sixel as u8 - ZERO) >> y & 1 == 1 {
                        out[(band * 6 + y) * width + x] = palette.get(&colour).copied();
                    }
                }
                x += 1;
            }
        }
        out
    }

    #[test]
    fn what_is_encoded_reads_back() {
        let (width, height) = (23, 14);
        let few: Vec<[u8; 3]> =
            (0..width * height).map(|i| [(i % 5 * 51) as u8, (i / width % 3 * 102) as u8, 255]).collect();
        let percent = |byte: u8| (u32::from(byte) * 100 + 127) / 255;
        let expected: Vec<_> = few.iter().map(|pixel| Some(pixel.map(percent))).collect();
        assert_eq!(decode(&encode(&few, width), width, height), expected);
        // More colours than the palette has: near, not the same.
        let many: Vec<[u8; 3]> = (0..width * height).map(|i| [(i % 256) as u8; 3]).collect();
        for (read, pixel) in decode(&encode(&many, width), width, height).into_iter().zip(many) {
            let Some(read) = read else { panic!("a pixel was left out") };
            assert!(read[0].abs_diff(percent(pixel[0])) <= 6, "{read:?} is not {pixel:?}");
        }
    }
}
