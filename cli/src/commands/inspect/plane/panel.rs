//! A square of the plane in a drawing.

use crate::error::Result;
use crate::pictures::heat_png;
use crate::report::Drawing;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;
use tweedie_diffusion::plane::Grid;

/// The side of a panel.
pub(super) const SIDE: f64 = 172.0;

/// Where a panel stands, and which part of the plane it shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) window: Grid,
}

impl Panel {
    /// Draws the frame and the ground.
    pub(super) fn frame(&self, drawing: &mut Drawing) {
        let Panel { left, top, .. } = self;
        drawing.draw(format_args!(
            "<rect class=\"panel\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{SIDE}\" height=\"{SIDE}\"/>"
        ));
    }

    /// Draws a density over the cells of `window`, `strength` at its highest: the root of it, so that thin places are seen.
    ///
    /// # Errors
    /// Values that are not whole rows.
    pub(super) fn heat(&self, drawing: &mut Drawing, density: &[f64], strength: f64) -> Result<()> {
        let highest = density.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let values: Vec<f64> = density.iter().map(|value| strength * (value / highest).sqrt()).collect();
        let png = STANDARD.encode(heat_png(&values, self.window.columns)?);
        let Panel { left, top, .. } = self;
        drawing.draw(format_args!(
            "<image x=\"{left:.1}\" y=\"{top:.1}\" width=\"{SIDE}\" height=\"{SIDE}\" href=\"data:image/png;base64,{png}\"/>"
        ));
        Ok(())
    }

    /// Draws an arrow at the centre of each cell of `cells`. Arrows grow with vectors, ever more slowly, up to the size of a cell;
    /// a vector of length 1 has half of that.
    pub(super) fn arrows(&self, drawing: &mut Drawing, class: &str, cells: &Grid, vectors: &[[f64; 2]]) {
        let most = 1.15 * SIDE / cells.columns as f64;
        let mut path = String::new();
        for (centre, vector) in cells.centres().into_iter().zip(vectors) {
            let length = vector[0].hypot(vector[1]);
            // The plane's y goes up, that of a drawing goes down.
            let along = [vector[0] / length, -vector[1] / length];
            let drawn = most * length / (1.0 + length);
            let Some([x, y]) = self.place(centre).filter(|_| drawn > 0.6) else { continue };
            let at = |ahead: f64, aside: f64| {
                [x + ahead * along[0] - aside * along[1], y + ahead * along[1] + aside * along[0]]
            };
            let (half, head) = (drawn / 2.0, (0.34 * drawn).min(3.2));
            let [tail, tip] = [at(-half, 0.0), at(half, 0.0)];
            let [one, other] = [at(half - head, 0.6 * head), at(half - head, -0.6 * head)];
            // Writing into a string does not fail, here and below.
            let _ = write!(
                path,
                "M{:.1} {:.1}L{:.1} {:.1}M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}",
                tail[0], tail[1], tip[0], tip[1], one[0], one[1], tip[0], tip[1], other[0], other[1]
            );
        }
        drawing.draw(format_args!("<path class=\"stroke {class}\" d=\"{path}\"/>"));
    }

    /// Draws a dot for each point that the panel shows.
    pub(super) fn points(&self, drawing: &mut Drawing, class: &str, points: impl Iterator<Item = [f64; 2]>) {
        let mut path = String::new();
        for [x, y] in points.filter_map(|point| self.place(point)) {
            let _ = write!(path, "M{x:.1} {y:.1}h0");
        }
        drawing.draw(format_args!("<path class=\"points {class}\" d=\"{path}\"/>"));
    }

    /// Draws a line through the points of each way, as far as the panel shows them.
    pub(super) fn ways(&self, drawing: &mut Drawing, class: &str, ways: &[Vec<[f64; 2]>]) {
        let mut path = String::new();
        for way in ways {
            let mut pen = 'M';
            for &point in way {
                match self.place(point) {
                    Some([x, y]) => {
                        let _ = write!(path, "{pen}{x:.1} {y:.1}");
                        pen = 'L';
                    }
                    None => pen = 'M',
                }
            }
        }
        drawing.draw(format_args!("<path class=\"stroke {class}\" opacity=\"0.45\" d=\"{path}\"/>"));
    }

    /// Where a point stands in the drawing; `None` outside of the panel.
    fn place(&self, point: [f64; 2]) -> Option<[f64; 2]> {
        let Panel { left, top, window: Grid { low, high, .. } } = self;
        let [x, y] = [0, 1].map(|axis| (point[axis] - low[axis]) / (high[axis] - low[axis]));
        let is_inside = (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y);
        is_inside.then(|| [left + SIDE * x, top + SIDE * (1.0 - y)])
    }
}
