//! Smooth curves through knots.

use super::skeletons::Knot;

/// Points a piece of curve between two knots is drawn with.
const PIECES: usize = 5;

/// The centripetal Catmull–Rom spline through `knots`, as a polyline; at corners, one spline ends and another
/// begins. Centripetal, because it makes neither loops nor cusps where knots lie close together (Yuksel, Schaefer
/// and Keyser 2011).
pub(super) fn through(knots: &[Knot]) -> Vec<(f64, f64)> {
    let mut path = Vec::with_capacity(knots.len() * PIECES);
    let mut from = 0;
    for at in 1..knots.len() {
        if knots[at].corner || at + 1 == knots.len() {
            spline(&knots[from..=at], &mut path);
            from = at;
        }
    }
    path
}

fn spline(knots: &[Knot], path: &mut Vec<(f64, f64)>) {
    let last = knots.len() - 1;
    let point = |i: usize| (knots[i].x, knots[i].y);
    // Beyond the ends, the curve keeps its direction.
    let beyond = |end: (f64, f64), before: (f64, f64)| (2.0 * end.0 - before.0, 2.0 * end.1 - before.1);
    for i in 0..last {
        let (p1, p2) = (point(i), point(i + 1));
        let p0 = if i == 0 { beyond(p1, p2) } else { point(i - 1) };
        let p3 = if i + 1 == last { beyond(p2, p1) } else { point(i + 2) };
        let (d0, d1, d2) = (interval(p0, p1), interval(p1, p2), interval(p2, p3));
        let slope = |a: f64, b: f64, c: f64, before: f64, after: f64| {
            ((b - a) / before - (c - a) / (before + after) + (c - b) / after) * d1
        };
        let (m1x, m2x) = (slope(p0.0, p1.0, p2.0, d0, d1), slope(p1.0, p2.0, p3.0, d1, d2));
        let (m1y, m2y) = (slope(p0.1, p1.1, p2.1, d0, d1), slope(p1.1, p2.1, p3.1, d1, d2));
        for piece in 0..PIECES {
            let t = piece as f64 / PIECES as f64;
            path.push((hermite(p1.0, p2.0, m1x, m2x, t), hermite(p1.1, p2.1, m1y, m2y, t)));
        }
    }
    path.push(point(last));
}

/// How much parameter the spline spends between two knots: the square root of their distance.
fn interval(a: (f64, f64), b: (f64, f64)) -> f64 {
    let square = (b.0 - a.0) * (b.0 - a.0) + (b.1 - a.1) * (b.1 - a.1);
    square.sqrt().sqrt().max(1e-6)
}

/// The cubic from `a` to `b` with slopes `m` and `n`.
fn hermite(a: f64, b: f64, m: f64, n: f64, t: f64) -> f64 {
    let (t2, t3) = (t * t, t * t * t);
    a * (2.0 * t3 - 3.0 * t2 + 1.0) + m * (t3 - 2.0 * t2 + t) + b * (3.0 * t2 - 2.0 * t3) + n * (t3 - t2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_passes_through_its_knots() {
        let knots = [(0.0, 0.0, false), (1.0, 0.5, false), (1.5, 2.0, true), (0.0, 2.0, false)]
            .map(|(x, y, corner)| Knot { x, y, corner });
        let path = through(&knots);
        for knot in &knots {
            let near = |p: &(f64, f64)| (p.0 - knot.x).abs() < 1e-12 && (p.1 - knot.y).abs() < 1e-12;
            assert!(path.iter().any(near), "{knot:?}");
        }
        // From the corner on there are two knots, and between two knots the curve is straight.
        assert!(path[2 * PIECES + 1..].iter().all(|p| (p.1 - 2.0).abs() < 1e-12));
    }
}
