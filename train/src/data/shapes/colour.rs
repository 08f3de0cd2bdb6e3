//! Colours by name, and the smooth grounds that figures lie on.

use std::f64::consts::TAU;
use tweedie_tensor::random::Stream;

/// Red, green and blue, each 0 to 1.
pub(super) type Rgb = [f64; 3];

/// The colours that figures have, by the names that captions use.
pub(super) const PALETTE: [(&str, Rgb); 9] = [
    ("red", [0.87, 0.13, 0.13]),
    ("orange", [0.96, 0.55, 0.10]),
    ("yellow", [0.96, 0.87, 0.18]),
    ("green", [0.17, 0.65, 0.24]),
    ("cyan", [0.15, 0.78, 0.82]),
    ("blue", [0.16, 0.30, 0.86]),
    ("purple", [0.52, 0.20, 0.72]),
    ("pink", [0.96, 0.50, 0.70]),
    ("white", [0.96, 0.96, 0.96]),
];

/// The colour, a little off.
pub(super) fn shade(colour: Rgb, stream: &mut Stream) -> Rgb {
    let light = stream.range(-0.06, 0.06);
    colour.map(|value| (value + light + stream.range(-0.04, 0.04)).clamp(0.0, 1.0))
}

/// How far apart two colours look, roughly: the eye sees green best and blue least.
pub(super) fn contrast(a: Rgb, b: Rgb) -> f64 {
    let [r, g, b] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    (0.3 * r * r + 0.55 * g * g + 0.15 * b * b).sqrt()
}

/// A ground that goes smoothly from one colour to another, with a slow wave in its brightness.
pub(super) struct Ground {
    from: Rgb,
    to: Rgb,
    along: (f64, f64),
    wave: (f64, f64),
    phase: f64,
    depth: f64,
}

impl Ground {
    /// A muted ground that every colour of `figures` stands out from.
    pub(super) fn draw(figures: &[Rgb], stream: &mut Stream) -> Ground {
        let angle = stream.range(0.0, TAU);
        let wave = stream.range(0.0, TAU);
        let turns = stream.range(1.5, 5.0);
        let mut ground = Ground {
            from: [0.0; 3],
            to: [0.0; 3],
            along: (libm::cos(angle), libm::sin(angle)),
            wave: (turns * libm::cos(wave), turns * libm::sin(wave)),
            phase: stream.range(0.0, TAU),
            depth: stream.range(0.0, 0.05),
        };
        // Nearly every second draw is kept; should none be, the darkest ground serves all colours.
        for _ in 0..64 {
            let (from, to) = (muted(stream), muted(stream));
            let clear = |ground: Rgb| figures.iter().all(|&figure| contrast(figure, ground) > 0.3);
            let middle = [0, 1, 2].map(|c| 0.5 * (from[c] + to[c]));
            if clear(from) && clear(to) && clear(middle) {
                (ground.from, ground.to) = (from, to);
                break;
            }
        }
        ground
    }

    /// The colour at a place, both coordinates from −1 to 1.
    pub(super) fn at(&self, x: f64, y: f64) -> Rgb {
        let t = (0.5 + 0.4 * (self.along.0 * x + self.along.1 * y)).clamp(0.0, 1.0);
        let light = self.depth * libm::sin(self.wave.0 * x + self.wave.1 * y + self.phase);
        [0, 1, 2].map(|c| self.from[c] + t * (self.to[c] - self.from[c]) + light)
    }
}

/// A colour near to grey.
fn muted(stream: &mut Stream) -> Rgb {
    let light = stream.range(0.05, 0.9);
    [0.0; 3].map(|_: f64| (light + stream.range(-0.16, 0.16)).clamp(0.0, 1.0))
}
