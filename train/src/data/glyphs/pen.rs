//! Ink on paper: the grey values of a pen's path.

/// A place of the pen, in pixels, and how wide it writes there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) radius: f64,
}

/// Darkens `ink` (side · side, 0 to 1) along the polyline `path`: full within the pen's radius, none beyond, with
/// an edge `soft` pixels wide between them.
pub(super) fn draw(path: &[Point], soft: f64, side: usize, ink: &mut [f64]) {
    for ends in path.windows(2) {
        let [a, b] = [ends[0], ends[1]];
        let reach = a.radius.max(b.radius) + soft;
        let columns = span(a.x.min(b.x) - reach, a.x.max(b.x) + reach, side);
        for row in span(a.y.min(b.y) - reach, a.y.max(b.y) + reach, side) {
            for column in columns.clone() {
                let pixel = (column as f64 + 0.5, row as f64 + 0.5);
                let place = &mut ink[row * side + column];
                *place = place.max(0.5 - signed_distance(a, b, pixel) / soft).min(1.0);
            }
        }
    }
}

/// The pixels whose centres may lie between `low` and `high`.
fn span(low: f64, high: f64, side: usize) -> std::ops::Range<usize> {
    // A float's conversion saturates: what lies left of the paper begins at 0.
    (low + 0.5) as usize..((high + 0.5).max(0.0) as usize).min(side)
}

/// From `(x, y)` to the edge of the ink between `a` and `b`; negative inside.
fn signed_distance(a: Point, b: Point, (x, y): (f64, f64)) -> f64 {
    let (along_x, along_y) = (b.x - a.x, b.y - a.y);
    let square = along_x * along_x + along_y * along_y;
    let t = (((x - a.x) * along_x + (y - a.y) * along_y) / square.max(1e-12)).clamp(0.0, 1.0);
    let (off_x, off_y) = (x - a.x - t * along_x, y - a.y - t * along_y);
    (off_x * off_x + off_y * off_y).sqrt() - (a.radius + t * (b.radius - a.radius))
}
