use super::grid::Grid;
use crate::{Error, Level, Result};
use std::f64::consts::TAU;
use tweedie_tensor::{Element, Number, Tensor, ops};

/// The density at a level of noise of points that are clean there: at the centre x of each cell of `grid`, row by row,
/// q_t(x) = 1/n Σ_i N(x; s x_i, (n_t² + `blur`²) I), with signal s and noise n_t.
///
/// With `blur` = 0 it is the exact marginal of the forward process over the data set `points` \[n, 2, 1, 1\] (Ho et al. 2020, eq. 4,
/// averaged over x_0). Where n_t is below the size of a cell, peaks fall between centres; a `blur` of about a cell keeps them in
/// sight. At [`Level::CLEAN`] it is the kernel estimate of the density of any points, sampled ones say.
///
/// A round Gaussian is a function of x times one of y, so that all cells together are one product of two matrices.
///
/// # Errors
/// [`Error::Parameter`] when there is no point, or neither noise nor blur.
pub fn density<T: Element>(points: &Tensor<T>, level: Level, blur: f64, grid: &Grid) -> Result<Vec<f64>> {
    const OP: &str = "density";
    let n = points.numel() / 2;
    let variance = level.noise * level.noise + blur * blur;
    if n == 0 {
        return Err(Error::parameter(OP, "points", points.shape(), "there must be at least one"));
    }
    if !(variance > 0.0 && variance.is_finite()) {
        return Err(Error::parameter(OP, "variance", variance, "a density needs noise, or a blur"));
    }
    let along = |axis: usize, places: Vec<f64>, factor: f64| {
        let across = places.len();
        Tensor::from_fn([n, across], |i| {
            let distance =
                places[i % across] - level.signal * points.as_slice()[2 * (i / across) + axis].to_f64();
            factor * Number::exp(-0.5 * distance * distance / variance)
        })
    };
    let down = along(1, grid.ys(), 1.0 / (TAU * variance * n as f64));
    Ok(ops::matmul(&down, true, &along(0, grid.xs(), 1.0), false)?.as_slice().to_vec())
}
