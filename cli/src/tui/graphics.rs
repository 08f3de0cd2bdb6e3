//! The newest pictures, by whatever protocol the terminal has.

use super::halfblocks::Depth;
use super::query::{Protocol, protocol};
use super::state::Grid;
use super::{kitty, sixel};
use ratatui::crossterm::terminal::window_size;
use ratatui::layout::Rect;
use std::io::{self, Write};

/// Pixels of a cell, where the terminal does not tell.
const CELL: (usize, usize) = (8, 16);

/// How pictures are shown, and what is shown where.
#[derive(Debug)]
pub(super) struct Graphics {
    protocol: Protocol,
    depth: Depth,
    /// The step of the picture that stands on the terminal, and its place.
    shown: Option<(u64, Rect)>,
}

impl Graphics {
    pub(super) fn of_terminal() -> Graphics {
        Graphics { protocol: protocol(), depth: Depth::of_terminal(), shown: None }
    }

    /// The colours of half-blocks, if pictures are painted with characters; else their place is left free.
    pub(super) fn paints_cells(&self) -> Option<Depth> {
        (self.protocol == Protocol::HalfBlocks).then_some(self.depth)
    }

    /// The terminal has lost what it showed.
    pub(super) fn forget(&mut self) {
        self.shown = None;
    }

    /// Brings `grid` to `place`; takes away what was there where there is none.
    pub(super) fn show(
        &mut self,
        to: &mut impl Write,
        grid: Option<&Grid>,
        place: Option<Rect>,
    ) -> io::Result<()> {
        if self.protocol == Protocol::HalfBlocks {
            return Ok(());
        }
        let wanted = grid.zip(place).filter(|(_, place)| !place.is_empty());
        let now = wanted.map(|(grid, place)| (grid.step, place));
        if now == self.shown {
            return Ok(());
        }
        if self.protocol == Protocol::Kitty && self.shown.is_some() {
            to.write_all(kitty::delete().as_bytes())?;
        }
        self.shown = now;
        if let Some((grid, place)) = wanted {
            // Rows and columns count from 1.
            write!(to, "\x1b[{};{}H", place.y + 1, place.x + 1)?;
            to.write_all(self.picture(grid, place).as_bytes())?;
        }
        to.flush()
    }

    fn picture(&self, grid: &Grid, place: Rect) -> String {
        let (columns, rows) = (usize::from(place.width), usize::from(place.height));
        let cell = match window_size() {
            Ok(size) if size.width > 0 && size.height > 0 && size.columns > 0 && size.rows > 0 => {
                (usize::from(size.width / size.columns), usize::from(size.height / size.rows))
            }
            _ => CELL,
        };
        let cell = (cell.0.max(1), cell.1.max(1));
        let (width, height) = grid.fitted(columns * cell.0, rows * cell.1);
        match self.protocol {
            Protocol::Kitty => {
                let cells = |pixels: usize, cell: usize, most: usize| pixels.div_ceil(cell).clamp(1, most);
                kitty::show(
                    &grid.png,
                    cells(width, cell.0, columns) as u16,
                    cells(height, cell.1, rows) as u16,
                )
            }
            // A band that begins in the last row would scroll the screen.
            _ => {
                let height = (height / 6 * 6).max(6).min(height);
                sixel::encode(&grid.resized(width, height), width)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_sent_once_and_taken_away() -> io::Result<()> {
        let grid = |step| Grid { step, width: 2, height: 2, rgb: vec![[9; 3]; 4], png: vec![1, 2, 3] };
        let mut graphics = Graphics { protocol: Protocol::Kitty, depth: Depth::True, shown: None };
        let place = Rect::new(3, 4, 10, 5);
        let mut sent = |grid: Option<&Grid>, place| {
            let mut out = Vec::new();
            graphics.show(&mut out, grid, place).map(|()| String::from_utf8_lossy(&out).into_owned())
        };
        assert!(sent(Some(&grid(1)), Some(place))?.starts_with("\x1b[5;4H\x1b_Ga=T"));
        assert_eq!(sent(Some(&grid(1)), Some(place))?, "");
        assert!(sent(Some(&grid(2)), Some(place))?.starts_with("\x1b_Ga=d"));
        assert_eq!(sent(Some(&grid(2)), None)?, kitty::delete());
        assert_eq!(sent(None, Some(place))?, "");
        Ok(())
    }
}
