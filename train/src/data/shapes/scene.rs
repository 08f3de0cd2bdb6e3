//! What a picture shows, and its drawing.

use super::colour::{Ground, Rgb};
use super::figure::Figure;

/// A figure with a colour and a place. Lengths are in halves of the picture's side, from its middle.
pub(super) struct Placed {
    pub(super) figure: Figure,
    pub(super) colour: Rgb,
    pub(super) centre: (f64, f64),
    pub(super) size: f64,
    pub(super) angle: f64,
}

/// Figures on a ground, the later ones in front.
pub(super) struct Scene {
    pub(super) ground: Ground,
    pub(super) figures: Vec<Placed>,
}

impl Scene {
    /// Writes the picture, `side` by `side` pixels, channels first.
    pub(super) fn draw(&self, side: usize, out: &mut [u8]) {
        let pixel = 2.0 / side as f64;
        let area = side * side;
        let turns: Vec<_> = self.figures.iter().map(|f| (libm::cos(f.angle), libm::sin(f.angle))).collect();
        for row in 0..side {
            let y = (row as f64 + 0.5) * pixel - 1.0;
            for column in 0..side {
                let x = (column as f64 + 0.5) * pixel - 1.0;
                let mut colour = self.ground.at(x, y);
                for (figure, turn) in self.figures.iter().zip(&turns) {
                    let covered = figure.covers(*turn, x, y, pixel);
                    for (c, value) in colour.iter_mut().enumerate() {
                        *value += covered * (figure.colour[c] - *value);
                    }
                }
                for (c, value) in colour.into_iter().enumerate() {
                    out[c * area + row * side + column] = (255.0 * value.clamp(0.0, 1.0)).round() as u8;
                }
            }
        }
    }
}

impl Placed {
    /// How much of the pixel at `(x, y)` the figure covers, 0 to 1.
    pub(super) fn covers(&self, (cos, sin): (f64, f64), x: f64, y: f64, pixel: f64) -> f64 {
        let (x, y) = (x - self.centre.0, y - self.centre.1);
        let reach = 1.05 * self.size + pixel;
        if x * x + y * y > reach * reach {
            return 0.0;
        }
        let (u, v) = ((cos * x + sin * y) / self.size, (cos * y - sin * x) / self.size);
        (0.5 - self.figure.distance(u, v) * self.size / pixel).clamp(0.0, 1.0)
    }
}
