//! A hand: what makes the same digit look different each time it is written.

use super::curve;
use super::pen::Point;
use super::skeletons::{Habit, Knot};
use std::f64::consts::TAU;
use tweedie_tensor::random::Stream;

/// Lengths below are in pixels of a picture of this side, and scale with it.
const SIDE: f64 = 28.0;
/// Paper that stays white around the ink.
const MARGIN: f64 = 1.5;

/// A written digit.
pub(super) struct Writing {
    /// The pen's path, stroke by stroke, in pixels.
    pub(super) strokes: Vec<Vec<Point>>,
    /// The brightest that the ink gets, 0 to 1.
    pub(super) ink: f64,
    /// How wide the ink's edge is, in pixels.
    pub(super) soft: f64,
}

/// A normal that stays within two standard deviations, so that rare draws do not spoil a digit.
fn about(stream: &mut Stream, mean: f64, deviation: f64) -> f64 {
    mean + deviation * stream.normal().clamp(-2.0, 2.0)
}

/// Writes `habit` on a picture of `side` pixels as the hand that `stream` draws does.
pub(super) fn write(habit: Habit, side: usize, stream: &mut Stream) -> Writing {
    let unit = side as f64 / SIDE;
    let shape = Shape::draw(stream);
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::with_capacity(habit.len());
    for stroke in habit {
        let knots: Vec<Knot> = stroke
            .iter()
            .map(|knot| Knot {
                x: about(stream, knot.x, 0.02),
                y: about(stream, knot.y, 0.02),
                corner: knot.corner,
            })
            .collect();
        lines.push(curve::through(&knots).into_iter().map(|point| shape.apply(point)).collect());
    }

    let radius = unit * (0.85 + 0.9 * stream.uniform() * stream.range(0.5, 1.0));
    let height = unit * stream.range(15.5, 19.5);
    let shift = (unit * about(stream, 0.0, 0.8), unit * about(stream, 0.0, 0.8));
    place(&mut lines, height, unit * 18.5, radius + unit * MARGIN, shift, side as f64);

    let strokes = lines.into_iter().map(|line| press(&line, radius, stream)).collect();
    Writing { strokes, ink: stream.range(0.86, 1.0), soft: unit * stream.range(0.9, 1.4) }
}

/// Slant, turn, proportion and a slow bending of the paper.
struct Shape {
    slant: f64,
    turn: (f64, f64),
    width: f64,
    waves: [Wave; 4],
}

/// A sine along a direction.
struct Wave {
    size: f64,
    along: (f64, f64),
    phase: f64,
}

impl Shape {
    fn draw(stream: &mut Stream) -> Shape {
        let slant = about(stream, 0.1, 0.2);
        let angle = about(stream, 0.0, 0.07);
        let width = stream.range(0.72, 1.22);
        let waves = std::array::from_fn(|_| Wave {
            size: about(stream, 0.0, 0.022),
            along: (about(stream, 0.0, 3.5), about(stream, 0.0, 3.5)),
            phase: stream.range(0.0, TAU),
        });
        Shape { slant, turn: (libm::cos(angle), libm::sin(angle)), width, waves }
    }

    fn apply(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let [a, b, c, d] = self
            .waves
            .each_ref()
            .map(|wave| wave.size * libm::sin(wave.along.0 * x + wave.along.1 * y + wave.phase));
        let (x, y) = (x - 0.5 + a + b, y - 0.5 + c + d);
        let x = x * self.width - self.slant * y;
        (self.turn.0 * x - self.turn.1 * y, self.turn.1 * x + self.turn.0 * y)
    }
}

/// Scales the lines to a height (or, if they are wide, to `widest`) and puts their middle near the picture's, all
/// of it at least `margin` from the border.
fn place(lines: &mut [Vec<(f64, f64)>], height: f64, widest: f64, margin: f64, shift: (f64, f64), side: f64) {
    let all = || lines.iter().flatten();
    let (left, right) =
        all().fold((f64::MAX, f64::MIN), |(low, high), point| (low.min(point.0), high.max(point.0)));
    let (top, bottom) =
        all().fold((f64::MAX, f64::MIN), |(low, high), point| (low.min(point.1), high.max(point.1)));
    let room = (side - 2.0 * margin).max(0.0);
    let scale = (height.min(room) / (bottom - top)).min(widest.min(room) / (right - left).max(1e-3));
    let centre = |length: f64, shift: f64| {
        let slack = 0.5 * (room - scale * length).max(0.0);
        0.5 * side + shift.clamp(-slack, slack)
    };
    let (cx, cy) = (centre(right - left, shift.0), centre(bottom - top, shift.1));
    for point in lines.iter_mut().flatten() {
        point.0 = cx + scale * (point.0 - 0.5 * (left + right));
        point.1 = cy + scale * (point.1 - 0.5 * (top + bottom));
    }
}

/// Gives the line its width: the hand presses now more, now less, and lighter where it sets down and lifts.
fn press(line: &[(f64, f64)], radius: f64, stream: &mut Stream) -> Vec<Point> {
    let depth = stream.range(0.0, 0.25);
    let (phase, turns) = (stream.range(0.0, TAU), stream.range(2.0, 7.0));
    let (set_down, lift) = (stream.range(0.7, 1.05), stream.range(0.55, 1.0));
    let last = (line.len() - 1).max(1) as f64;
    line.iter()
        .enumerate()
        .map(|(i, &(x, y))| {
            let t = i as f64 / last;
            let wave = 1.0 + depth * libm::sin(phase + turns * t);
            // Full pressure is reached after a fifth of the stroke.
            let ends = (set_down + (1.0 - set_down) * (5.0 * t)).clamp(set_down.min(1.0), set_down.max(1.0))
                * (lift + (1.0 - lift) * (5.0 * (1.0 - t))).clamp(lift, 1.0);
            Point { x, y, radius: radius * wave * ends }
        })
        .collect()
}
