//! Pictures of scenes read by rule, to count how many show what their captions ask for.

use super::caption::{Caption, Thing, words};
use super::colour::{PALETTE, Rgb};
use super::figure::Figure;
use super::scene::Placed;
use super::scenes::LEAN;

/// A colour this far from the ground is a figure's, not the ground's.
const FOREGROUND: f64 = 0.22;
/// The fewest pixels of a figure, as a share of the picture: less is a speck.
const LEAST: f64 = 0.012;
/// Angles that are tried for a figure, between those at which scenes are drawn.
const ANGLES: usize = 5;

/// What of a caption a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// As many figures as asked for.
    pub count: bool,
    /// Those colours, and no others.
    pub colours: bool,
    /// Each colour on the figure that should have it.
    pub figures: bool,
    /// The colours where they should be, seen from each other.
    pub places: bool,
}

impl Marks {
    /// Whether the picture shows all that was asked for.
    pub fn all(self) -> bool {
        self.count && self.colours && self.figures && self.places
    }
}

/// Reads a square colour picture, 3 · side · side numbers in \[−1, 1\], against a caption of [`Scenes`](super::Scenes).
/// `None` for what is no such caption.
///
/// # Panics
/// When the picture is not of that length.
pub fn marks(picture: &[f32], side: usize, caption: &[usize]) -> Option<Marks> {
    let Caption { first, second } = Caption::parse(caption, &words())?;
    let seen = read(picture, side);
    let find = |thing: Thing| seen.iter().find(|seen| seen.thing.colour == thing.colour);
    let wanted: Vec<Thing> = [first].into_iter().chain(second.map(|(_, thing)| thing)).collect();
    let found: Vec<Option<&Seen>> = wanted.iter().map(|&thing| find(thing)).collect();
    let count = seen.len() == wanted.len();
    let mut figures = wanted.iter().zip(&found);
    Some(Marks {
        count,
        colours: count && found.iter().all(Option::is_some),
        figures: figures.all(|(thing, seen)| seen.is_some_and(|seen| seen.thing == *thing)),
        places: match (second, &found[..]) {
            (Some((relation, _)), [Some(a), Some(b)]) => relation.holds(a.centre, b.centre),
            (None, [Some(_)]) => true,
            _ => false,
        },
    })
}

/// A figure that was found.
#[derive(Debug, Clone, Copy)]
struct Seen {
    thing: Thing,
    centre: (f64, f64),
}

/// A picture with its ground taken off.
struct Relief {
    side: usize,
    colours: Vec<Rgb>,
    ground: Vec<Rgb>,
}

fn distance(a: Rgb, b: Rgb) -> f64 {
    let [r, g, b] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    (r * r + g * g + b * b).sqrt()
}

fn read(picture: &[f32], side: usize) -> Vec<Seen> {
    let area = side * side;
    assert_eq!(picture.len(), 3 * area, "reading: a colour picture");
    let colours =
        (0..area).map(|i| [0, 1, 2].map(|c| 0.5 * (f64::from(picture[c * area + i]) + 1.0))).collect();
    let mut relief = Relief { side, colours, ground: Vec::new() };
    relief.find_ground();
    relief.parts().into_iter().map(|part| relief.recognise(&part)).collect()
}

impl Relief {
    /// A place from −1 to 1.
    fn place(&self, i: usize) -> (f64, f64) {
        let to = |k: usize| (k as f64 + 0.5) * 2.0 / self.side as f64 - 1.0;
        (to(i % self.side), to(i / self.side))
    }

    /// Fits a plane to each channel: to the border first, then to whatever is near to that plane, again and again.
    fn find_ground(&mut self) {
        let last = self.side - 1;
        let border = |i: usize| [i % self.side, i / self.side].iter().any(|&k| k == 0 || k == last);
        let mut used: Vec<usize> = (0..self.colours.len()).filter(|&i| border(i)).collect();
        for _ in 0..6 {
            self.ground = self.plane(&used);
            let near = |&i: &usize| distance(self.colours[i], self.ground[i]) < 0.75 * FOREGROUND;
            let kept: Vec<usize> = (0..self.colours.len()).filter(near).collect();
            if kept.len() < self.side {
                break;
            }
            used = kept;
        }
    }

    /// The plane a + b x + c y through each channel of some pixels, by least squares, at every pixel.
    fn plane(&self, used: &[usize]) -> Vec<Rgb> {
        let mut normal = [[0.0; 3]; 3];
        let mut right = [[0.0; 3]; 3];
        for &i in used {
            let (x, y) = self.place(i);
            let row = [1.0, x, y];
            for a in 0..3 {
                for b in 0..3 {
                    normal[a][b] += row[a] * row[b];
                    right[a][b] += row[a] * self.colours[i][b];
                }
            }
        }
        let solved = solve(normal, right);
        (0..self.colours.len())
            .map(|i| {
                let (x, y) = self.place(i);
                [0, 1, 2].map(|c| solved[0][c] + solved[1][c] * x + solved[2][c] * y)
            })
            .collect()
    }

    /// The connected parts that are not ground, each a list of pixels.
    fn parts(&self) -> Vec<Vec<usize>> {
        let (side, area) = (self.side, self.colours.len());
        let mut open: Vec<bool> =
            (0..area).map(|i| distance(self.colours[i], self.ground[i]) > FOREGROUND).collect();
        let mut parts = Vec::new();
        for start in 0..area {
            let (mut part, mut waiting) = (Vec::new(), Vec::new());
            if std::mem::take(&mut open[start]) {
                waiting.push(start);
            }
            while let Some(i) = waiting.pop() {
                part.push(i);
                let (x, y) = (i % side, i / side);
                let near = [
                    (x > 0).then(|| i - 1),
                    (x + 1 < side).then_some(i + 1),
                    (y > 0).then(|| i.wrapping_sub(side)),
                    (y + 1 < side).then_some(i + side),
                ];
                waiting.extend(near.into_iter().flatten().filter(|&j| std::mem::take(&mut open[j])));
            }
            if part.len() as f64 >= LEAST * area as f64 {
                parts.push(part);
            }
        }
        parts
    }

    /// The colour of most of a part, and the figure whose drawing at the part's place and size covers it best.
    fn recognise(&self, part: &[usize]) -> Seen {
        let own = self.own_colour(part);
        let colour = nearest(own);
        // How much of each pixel around the part the figure covers, from how far its colour went from the ground's.
        let covered: Vec<(usize, f64)> = self
            .around(part)
            .into_iter()
            .map(|i| {
                let (mut dot, mut all) = (0.0, 1e-9);
                for c in 0..3 {
                    let whole = own[c] - self.ground[i][c];
                    dot += whole * (self.colours[i][c] - self.ground[i][c]);
                    all += whole * whole;
                }
                (i, (dot / all).clamp(0.0, 1.0))
            })
            .collect();
        let mass: f64 = covered.iter().map(|(_, share)| share).sum();
        let mean = |of: &dyn Fn((f64, f64)) -> f64| {
            covered.iter().map(|&(i, share)| share * of(self.place(i))).sum::<f64>() / mass.max(1e-9)
        };
        let centre = (mean(&|place| place.0), mean(&|place| place.1));
        let pixel = 2.0 / self.side as f64;
        let mut best = (f64::INFINITY, 0);
        for (figure, &kind) in Figure::ALL.iter().enumerate() {
            let Shape { area, centroid } = Shape::of(kind);
            let size = (mass * pixel * pixel / area).sqrt();
            for k in 0..ANGLES {
                let angle = (2.0 * (k as f64 + 0.5) / ANGLES as f64 - 1.0) * LEAN;
                let (sin, cos) = (libm::sin(angle), libm::cos(angle));
                let off = (
                    size * (cos * centroid.0 - sin * centroid.1),
                    size * (sin * centroid.0 + cos * centroid.1),
                );
                let at = (centre.0 - off.0, centre.1 - off.1);
                let drawn = Placed { figure: kind, colour: own, centre: at, size, angle };
                let unlike: f64 = covered
                    .iter()
                    .map(|&(i, share)| {
                        let (x, y) = self.place(i);
                        (share - drawn.covers((cos, sin), x, y, pixel)).powi(2)
                    })
                    .sum();
                if unlike < best.0 {
                    best = (unlike, figure);
                }
            }
        }
        Seen { thing: Thing { colour, figure: best.1 }, centre }
    }

    /// The mean colour of the half of a part that is furthest from the ground.
    fn own_colour(&self, part: &[usize]) -> Rgb {
        let mut part = part.to_vec();
        let height = |i: &usize| distance(self.colours[*i], self.ground[*i]);
        part.sort_by(|a, b| height(b).total_cmp(&height(a)));
        part.truncate(part.len().div_ceil(2));
        [0, 1, 2].map(|c| part.iter().map(|&i| self.colours[i][c]).sum::<f64>() / part.len() as f64)
    }

    /// The pixels of a part's frame, one wider on each side.
    fn around(&self, part: &[usize]) -> Vec<usize> {
        let span = |of: fn(usize, usize) -> usize| {
            let least = part.iter().map(|&i| of(i, self.side)).min().unwrap_or(0);
            let most = part.iter().map(|&i| of(i, self.side)).max().unwrap_or(0);
            least.saturating_sub(1)..=(most + 1).min(self.side - 1)
        };
        let columns = span(|i, side| i % side);
        span(|i, side| i / side).flat_map(|y| columns.clone().map(move |x| y * self.side + x)).collect()
    }
}

fn nearest(colour: Rgb) -> usize {
    let far = |k: &usize| distance(colour, PALETTE[*k].1);
    (0..PALETTE.len()).min_by(|a, b| far(a).total_cmp(&far(b))).unwrap_or(0)
}

/// The area of a figure of size 1, and its centre of mass.
struct Shape {
    area: f64,
    centroid: (f64, f64),
}

impl Shape {
    fn of(figure: Figure) -> Shape {
        const CELLS: usize = 64;
        let step = 2.2 / CELLS as f64;
        let (mut count, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
        for i in 0..CELLS * CELLS {
            let to = |k: usize| (k as f64 + 0.5) * step - 1.1;
            let (x, y) = (to(i % CELLS), to(i / CELLS));
            if figure.distance(x, y) < 0.0 {
                (count, x_sum, y_sum) = (count + 1.0, x_sum + x, y_sum + y);
            }
        }
        Shape { area: count * step * step, centroid: (x_sum / count, y_sum / count) }
    }
}

/// X in A X = B for a positive A, by elimination.
fn solve(mut a: [[f64; 3]; 3], mut b: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    for k in 0..3 {
        let pivot = a[k][k].max(1e-12);
        for row in (0..3).filter(|&row| row != k) {
            let factor = a[row][k] / pivot;
            for c in 0..3 {
                a[row][c] -= factor * a[k][c];
                b[row][c] -= factor * b[k][c];
            }
        }
    }
    std::array::from_fn(|k| b[k].map(|value| value / a[k][k].max(1e-12)))
}

#[cfg(test)]
mod tests {
    use super::super::Scenes;
    use super::*;
    use crate::data::{Split, read_batch};

    #[test]
    fn what_the_source_draws_is_read_as_its_captions_say() {
        const PICTURES: usize = 400;
        let scenes = Scenes::new(Split::Test, 32);
        let indices: Vec<usize> = (0..PICTURES).collect();
        let batch = read_batch(&scenes, &indices).unwrap();
        let mut right = [0; 5];
        let mut crossed = 0;
        for (i, picture) in batch.x.as_slice().chunks(3072).enumerate() {
            let all = marks(picture, 32, &batch.captions[i]).unwrap();
            for (count, is) in
                right.iter_mut().zip([all.count, all.colours, all.figures, all.places, all.all()])
            {
                *count += usize::from(is);
            }
            let other = &batch.captions[(i + 1) % PICTURES];
            crossed += usize::from(marks(picture, 32, other).unwrap().all());
        }
        assert!(right[4] * 100 >= 99 * PICTURES, "count, colours, figures, places, all: {right:?}");
        assert!(crossed <= 2, "{crossed} pictures show what the next one's caption asks for");
    }
}
