//! Plane figures as signed distances: negative inside, positive outside, in units of the figure's size. The
//! distances are exact or nearly so close to the edge, which is where they are needed.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// A plane figure. Its size is the radius of the circle around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    Circle,
    Ring,
    Square,
    Triangle,
    Star,
    Cross,
    Heart,
    Moon,
}

impl Figure {
    /// All figures, in the order of their labels.
    pub(super) const ALL: [Figure; 8] = [
        Figure::Circle,
        Figure::Ring,
        Figure::Square,
        Figure::Triangle,
        Figure::Star,
        Figure::Cross,
        Figure::Heart,
        Figure::Moon,
    ];

    /// The name that captions and classes use.
    pub(super) fn name(self) -> &'static str {
        match self {
            Figure::Circle => "circle",
            Figure::Ring => "ring",
            Figure::Square => "square",
            Figure::Triangle => "triangle",
            Figure::Star => "star",
            Figure::Cross => "cross",
            Figure::Heart => "heart",
            Figure::Moon => "moon",
        }
    }

    /// How far the figure may be turned either way and still look like itself, in radians.
    pub(super) fn freedom(self) -> f64 {
        if self == Figure::Heart { 0.5 } else { PI }
    }

    /// The distance from `(x, y)` to the edge; y points down.
    pub(super) fn distance(self, x: f64, y: f64) -> f64 {
        let radius = length(x, y);
        match self {
            Figure::Circle => radius - 0.92,
            Figure::Ring => (radius - 0.74).abs() - 0.22,
            Figure::Square => rectangle(x, y, 0.72, 0.72),
            Figure::Triangle => polygon(x, y, 3, 0.5),
            Figure::Star => polygon(x, y, 5, 0.42),
            Figure::Cross => rectangle(x, y, 0.94, 0.31).min(rectangle(x, y, 0.31, 0.94)),
            Figure::Heart => heart(x, y),
            Figure::Moon => (radius - 0.95).max(0.74 - length(x - 0.46, y)),
        }
    }
}

fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

fn rectangle(x: f64, y: f64, half_width: f64, half_height: f64) -> f64 {
    let (dx, dy) = (x.abs() - half_width, y.abs() - half_height);
    length(dx.max(0.0), dy.max(0.0)) + dx.max(dy).min(0.0)
}

/// A star of `points` points on the unit circle whose inner corners lie `inner` from the centre. With
/// `inner` = cos(π / points) the edges are straight from point to point.
fn polygon(x: f64, y: f64, points: u32, inner: f64) -> f64 {
    let half = PI / f64::from(points);
    // Every edge is the mirror image of the one from the upper point to the inner corner next to it.
    let angle = libm::atan2(x, -y);
    let folded = (angle - (angle / (2.0 * half)).round() * 2.0 * half).abs();
    let radius = length(x, y);
    let (px, py) = (radius * libm::sin(folded), radius * libm::cos(folded));
    let (ex, ey) = (inner * libm::sin(half), inner * libm::cos(half) - 1.0);
    let t = ((px * ex + (py - 1.0) * ey) / (ex * ex + ey * ey)).clamp(0.0, 1.0);
    let off = length(px - t * ex, py - 1.0 - t * ey);
    let outside = px * ey - (py - 1.0) * ex < 0.0;
    if outside { off } else { -off }
}

/// Two half discs on a square that stands on its corner.
fn heart(x: f64, y: f64) -> f64 {
    const SIDE: f64 = 0.55;
    let (x, y) = (x.abs(), y - 0.16);
    // Along the right and the left lower edge of the square.
    let (u, v) = ((x - y) * FRAC_1_SQRT_2, (x + y) * FRAC_1_SQRT_2);
    let disc = length(u - SIDE, v) - SIDE;
    rectangle(u, v, SIDE, SIDE).min(disc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_fill_their_circle_and_stay_in_it() {
        for figure in Figure::ALL {
            let mut inside = 0;
            for row in 0..200 {
                for column in 0..200 {
                    let (x, y) = (f64::from(column) / 80.0 - 1.25, f64::from(row) / 80.0 - 1.25);
                    let distance = figure.distance(x, y);
                    assert!(distance > 0.0 || x * x + y * y < 1.1, "{figure:?} at {x}, {y}");
                    inside += usize::from(distance <= 0.0);
                }
            }
            let area = inside as f64 / 6400.0;
            assert!((0.8..2.8).contains(&area), "{figure:?} covers {area}");
        }
    }

    #[test]
    fn distances_change_no_faster_than_places() {
        for figure in Figure::ALL {
            for i in 0..4000 {
                let (x, y) = (f64::from(i % 63) / 25.0 - 1.25, f64::from(i / 63) / 25.0 - 1.25);
                let step = (figure.distance(x + 1e-4, y) - figure.distance(x, y)).abs();
                assert!(step <= 1.01e-4, "{figure:?} at {x}, {y}: {step}");
            }
        }
    }
}
