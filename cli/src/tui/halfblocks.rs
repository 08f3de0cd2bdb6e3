//! Pictures in half-blocks: two pixels, one above the other, for each character.

use super::state::Grid;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

/// How a terminal is told a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// By red, green and blue.
    True,
    /// By one of the 240 colours that all terminals of 256 colours share.
    Indexed,
}

impl Depth {
    /// What the terminal says of itself.
    pub(super) fn of_terminal() -> Depth {
        let says = std::env::var("COLORTERM").unwrap_or_default();
        if says == "truecolor" || says == "24bit" { Depth::True } else { Depth::Indexed }
    }

    fn colour(self, [r, g, b]: [u8; 3]) -> Color {
        match self {
            Depth::True => Color::Rgb(r, g, b),
            Depth::Indexed => Color::Indexed(nearest([r, g, b])),
        }
    }
}

/// Of the cube of 6 × 6 × 6 colours and the ramp of 24 greys, the nearest.
fn nearest(rgb: [u8; 3]) -> u8 {
    const LEVELS: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let by_distance = |wanted: u8| {
        let distance = |level: &usize| (LEVELS[*level] - i32::from(wanted)).abs();
        (0..LEVELS.len()).min_by_key(distance).unwrap_or(0)
    };
    let distance =
        |other: [i32; 3]| -> i32 { rgb.iter().zip(other).map(|(&a, b)| (i32::from(a) - b).pow(2)).sum() };
    let [r, g, b] = rgb.map(by_distance);
    let cube = distance([LEVELS[r], LEVELS[g], LEVELS[b]]);
    let mean = rgb.iter().map(|&byte| i32::from(byte)).sum::<i32>() / 3;
    let grey = ((mean - 3) / 10).clamp(0, 23);
    match distance([8 + 10 * grey; 3]) < cube {
        true => 232 + grey as u8,
        false => (16 + 36 * r + 6 * g + b) as u8,
    }
}

/// Paints the grid into the upper left of `area`, as large as fits.
pub(super) fn paint(grid: &Grid, area: Rect, depth: Depth, buffer: &mut Buffer) {
    if area.is_empty() || grid.rgb.is_empty() {
        return;
    }
    let (width, height) = grid.fitted(usize::from(area.width), 2 * usize::from(area.height));
    let pixels = grid.resized(width, height);
    for y in (0..height).step_by(2) {
        for x in 0..width {
            let upper = pixels[y * width + x];
            let cell = &mut buffer[(area.x + x as u16, area.y + (y / 2) as u16)];
            cell.set_char('▀').set_fg(depth.colour(upper));
            if let Some(&lower) = pixels.get((y + 1) * width + x) {
                cell.set_bg(depth.colour(lower));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pixels_stand_in_a_cell_and_nothing_outside() {
        let rgb = (0..12).map(|i| [i * 20, 0, 0]).collect();
        let grid = Grid { step: 0, width: 4, height: 3, rgb, png: Vec::new() };
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 6));
        paint(&grid, Rect::new(2, 1, 4, 2), Depth::True, &mut buffer);
        let cell = &buffer[(3, 1)];
        assert_eq!((cell.symbol(), cell.fg, cell.bg), ("▀", Color::Rgb(20, 0, 0), Color::Rgb(100, 0, 0)));
        // The last row has no second pixel.
        assert_eq!((buffer[(2, 2)].fg, buffer[(2, 2)].bg), (Color::Rgb(160, 0, 0), Color::Reset));
        let painted = buffer.content().iter().filter(|cell| cell.symbol() == "▀").count();
        assert_eq!(painted, 8);
        paint(&grid, Rect::new(0, 0, 0, 4), Depth::True, &mut buffer);
    }

    #[test]
    fn indexed_colours_are_the_nearest() {
        assert_eq!([nearest([0, 0, 0]), nearest([255, 255, 255]), nearest([255, 0, 0])], [16, 231, 196]);
        assert_eq!([nearest([128, 128, 128]), nearest([8, 8, 8]), nearest([95, 135, 175])], [244, 232, 67]);
    }
}
