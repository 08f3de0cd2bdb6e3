use super::distribution::batch;
use tweedie_tensor::{Element, Tensor};

/// A rectangle of the plane, cut into equal cells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// The corner of the least x and y.
    pub low: [f64; 2],
    /// The corner of the greatest.
    pub high: [f64; 2],
    /// Cells along x.
    pub columns: usize,
    /// Cells along y.
    pub rows: usize,
}

impl Grid {
    /// The square from −`half` to `half` both ways, of `side` by `side` cells.
    ///
    /// ```
    /// use tweedie_diffusion::plane::Grid;
    /// let grid = Grid::square(3.0, 2);
    /// assert_eq!(grid.centres(), [[-1.5, -1.5], [1.5, -1.5], [-1.5, 1.5], [1.5, 1.5]]);
    /// assert_eq!(grid.cell(), [3.0, 3.0]);
    /// ```
    pub fn square(half: f64, side: usize) -> Grid {
        Grid { low: [-half; 2], high: [half; 2], columns: side, rows: side }
    }

    /// Width and height of a cell.
    pub fn cell(&self) -> [f64; 2] {
        [(self.high[0] - self.low[0]) / self.columns as f64, (self.high[1] - self.low[1]) / self.rows as f64]
    }

    /// The x of the cells' centres, one a column.
    pub fn xs(&self) -> Vec<f64> {
        (0..self.columns).map(|i| self.low[0] + (i as f64 + 0.5) * self.cell()[0]).collect()
    }

    /// The y of the cells' centres, one a row.
    pub fn ys(&self) -> Vec<f64> {
        (0..self.rows).map(|i| self.low[1] + (i as f64 + 0.5) * self.cell()[1]).collect()
    }

    /// The cells' centres, row by row from the least y.
    pub fn centres(&self) -> Vec<[f64; 2]> {
        let xs = self.xs();
        self.ys().into_iter().flat_map(|y| xs.iter().map(move |&x| [x, y])).collect()
    }

    /// The same as a batch, \[rows · columns, 2, 1, 1\].
    pub fn points<T: Element>(&self) -> Tensor<T> {
        batch(&self.centres())
    }
}
