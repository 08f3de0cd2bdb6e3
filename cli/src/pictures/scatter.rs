//! Points of the plane as one picture: bright where there are many.

use super::pixels::{Canvas, Colour};

/// The side of the picture in pixels, and half the side of the square of the plane that it shows: standardised points lie
/// well within it.
const SIDE: usize = 480;
const HALF: f32 = 3.2;
/// How far a point shines, in pixels, and how bright one alone is where it lies, from 0 to 1.
const RADIUS: f32 = 1.7;
const BRIGHT: f32 = 0.6;
const GROUND: f32 = 14.0;
const INK: f32 = 255.0;

/// Draws the points as light on a dark ground, which adds up without ever exceeding white.
pub(super) fn draw(points: impl Iterator<Item = [f32; 2]>) -> Canvas {
    let scale = SIDE as f32 / (2.0 * HALF);
    let mut dark = vec![1.0f32; SIDE * SIDE];
    for [x, y] in points {
        let centre = [scale * (x + HALF), scale * (HALF - y)];
        // What is no number lies nowhere.
        if !centre.iter().all(|c| (-RADIUS..SIDE as f32 + RADIUS).contains(c)) {
            continue;
        }
        let reach = |c: f32| {
            let first = (c - RADIUS - 0.5).max(0.0) as usize;
            first..((c + RADIUS + 0.5).max(0.0) as usize).min(SIDE)
        };
        for row in reach(centre[1]) {
            for column in reach(centre[0]) {
                let away = (column as f32 + 0.5 - centre[0]).hypot(row as f32 + 0.5 - centre[1]);
                let covered = (RADIUS + 0.5 - away).clamp(0.0, 1.0);
                dark[row * SIDE + column] *= 1.0 - BRIGHT * covered;
            }
        }
    }
    let shade = |dark: f32| (GROUND + (INK - GROUND) * (1.0 - dark)).round() as u8;
    Canvas { colour: Colour::Grey, height: SIDE, width: SIDE, bytes: dark.into_iter().map(shade).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_shine_where_they_lie_and_nowhere_else() {
        let at = |canvas: &Canvas, row: usize, column: usize| canvas.bytes[row * SIDE + column];
        let none = draw(std::iter::empty());
        assert!(none.bytes.iter().all(|&byte| f32::from(byte) == GROUND));
        // A little right of the middle, and high.
        let one = draw([[0.4, 2.4]].into_iter());
        assert!(at(&one, 60, 270) > 150 && at(&one, 60, 260) < 20 && at(&one, 420, 270) < 20);
        let many = draw([[0.4, 2.4]; 5].into_iter());
        assert!(at(&many, 60, 270) > at(&one, 60, 270));
        let outside = [[9.0, 0.0], [0.0, -9.0], [f32::NAN, 0.0], [f32::INFINITY, f32::NEG_INFINITY]];
        assert_eq!(draw(outside.into_iter()), none);
    }
}
