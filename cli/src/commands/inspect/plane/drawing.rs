//! Densities and scores over t, and the ways of samplers, learnt beside exact.

use super::panel::{Panel, SIDE};
use crate::error::Result;
use crate::report::Drawing;
use tweedie_diffusion::plane::Ways;
use tweedie_train::measure::plane::{Compared, Moment, Plane, Sampled};

/// Left of the panels, for what a row is; above them, for the first of what a column is.
const LEFT: f64 = 92.0;
const TOP: f64 = 44.0;
const GAP: f64 = 10.0;
/// Above each part, for what a column is.
const HEAD: f64 = 40.0;
/// Below the panels, for the units.
const BOTTOM: f64 = 26.0;
/// Ways that are drawn of all.
const WAYS: usize = 20;
/// Ends of ways that are drawn of all.
const ENDS: usize = 600;

/// Draws a row each for the density, the exact score and the learnt one, a column for each moment; and below, a column for each
/// sampler, a row each for its ways under the exact denoiser and under the model.
///
/// # Errors
/// None that a measurement leaves.
pub(super) fn draw(plane: &Plane<'_>, moments: &[Moment], compared: &[Compared]) -> Result<Drawing> {
    let columns = moments.len().max(compared.len()) as f64;
    let width = LEFT + columns * (SIDE + GAP) + 6.0;
    let second = TOP + 3.0 * (SIDE + GAP) + HEAD;
    let height = second + 2.0 * (SIDE + GAP) + BOTTOM;
    let mut drawing = Drawing::new("Exact beside learnt", width, height);
    let cells = plane.cells();
    let panel = |top: f64, row: usize, column: usize| Panel {
        left: LEFT + column as f64 * (SIDE + GAP),
        top: top + row as f64 * (SIDE + GAP),
        window: cells,
    };
    let arrows = plane.arrows();
    for (column, moment) in moments.iter().enumerate() {
        let noise = moment.scores.noise;
        // The score times the noise is −ε, whose size is about 1 at every t.
        let scaled = |field: &[[f64; 2]]| -> Vec<[f64; 2]> {
            field.iter().map(|vector| vector.map(|x| noise * x)).collect()
        };
        let density = panel(TOP, 0, column);
        density.frame(&mut drawing);
        density.heat(&mut drawing, &moment.density, 1.0)?;
        for (row, class, field) in [(1, "s4", &moment.exact), (2, "s0", &moment.learnt)] {
            let score = panel(TOP, row, column);
            score.frame(&mut drawing);
            score.heat(&mut drawing, &moment.density, 0.3)?;
            score.arrows(&mut drawing, class, &arrows, &scaled(field));
        }
        let middle = density.left + SIDE / 2.0;
        let t = format!("t = {}, noise {noise:.2}", moment.scores.t + 1);
        drawing.words("word", "middle", [middle, TOP - 10.0], &t);
    }
    for (column, of) in compared.iter().enumerate() {
        for (row, class, Sampled { ways, distance }) in [(0, "s4", &of.exact), (1, "s0", &of.learnt)] {
            let at = panel(second, row, column);
            at.frame(&mut drawing);
            at.ways(&mut drawing, class, &some(ways));
            at.points(&mut drawing, if row == 0 { "ink" } else { "s1" }, ends(ways));
            let corner = [at.left + SIDE - 6.0, at.top + SIDE - 7.0];
            drawing.words("soft", "end", corner, &format!("distance {distance:.3}"));
        }
        let middle = panel(second, 0, column).left + SIDE / 2.0;
        drawing.words("word", "middle", [middle, second - 10.0], of.kind.title());
        let corner = [panel(second, 0, column).left + 6.0, second + 14.0];
        drawing.words("soft", "start", corner, &format!("{} evaluations", of.evaluations));
    }
    let rows = [
        (panel(TOP, 0, 0), ["density", "exact"]),
        (panel(TOP, 1, 0), ["score", "exact"]),
        (panel(TOP, 2, 0), ["score", "learnt"]),
        (panel(second, 0, 0), ["samples", "exact"]),
        (panel(second, 1, 0), ["samples", "learnt"]),
    ];
    for (Panel { top, .. }, [what, which]) in rows {
        drawing.words("word", "end", [LEFT - 10.0, top + SIDE / 2.0 - 2.0], what);
        drawing.words("soft", "end", [LEFT - 10.0, top + SIDE / 2.0 + 14.0], which);
    }
    units(&mut drawing, plane, panel(second, 1, 0));
    Ok(drawing)
}

/// Writes what the edges of a panel are in the units of the data.
fn units(drawing: &mut Drawing, plane: &Plane<'_>, Panel { left, top, window }: Panel) {
    let (low, high) = (plane.units().original(window.low), plane.units().original(window.high));
    let below = top + SIDE + 14.0;
    drawing.words("soft", "start", [left, below], &short(low[0]));
    drawing.words("soft", "end", [left + SIDE, below], &short(high[0]));
    drawing.words("soft", "end", [left - 6.0, top + SIDE], &short(low[1]));
    drawing.words("soft", "end", [left - 6.0, top + 9.0], &short(high[1]));
}

/// Three digits of a number.
fn short(x: f64) -> String {
    match x.abs() {
        size if size >= 1e5 || (size < 1e-2 && size > 0.0) => format!("{x:.1e}"),
        size if size >= 100.0 => format!("{x:.0}"),
        size if size >= 10.0 => format!("{x:.1}"),
        _ => format!("{x:.2}"),
    }
}

/// The ways of the first points.
fn some(ways: &Ways<f32>) -> Vec<Vec<[f64; 2]>> {
    let points = ways.last().dims()[0].min(WAYS);
    let at = |state: &tweedie_tensor::Tensor<f32>, i: usize| {
        [0, 1].map(|axis| f64::from(state.as_slice()[2 * i + axis]))
    };
    (0..points).map(|i| ways.states.iter().map(|state| at(state, i)).collect()).collect()
}

/// Where points end.
fn ends(ways: &Ways<f32>) -> impl Iterator<Item = [f64; 2]> {
    ways.last().as_slice().chunks_exact(2).take(ENDS).map(|point| [f64::from(point[0]), f64::from(point[1])])
}
