//! Small products of matrices that already lie in memory as the microkernel reads them, so that nothing is packed.

use crate::simd::Isa;
use crate::simd::gemm::{ColumnsOfB, LINE, Prefetch, RowsOfA, Start, Strip, TileShape, Words, share};

/// Columns of B's panels: four AVX-512 registers.
pub(super) const PANEL: usize = 64;

/// The most steps of the sum before a tile's numbers are stored. Every tile of a strip reads the same part of B's panel, and it must
/// stay in the L1 cache: a tile's width of each of so many rows, which lie a panel's width apart.
fn most_steps(isa: Isa) -> usize {
    match isa {
        Isa::Avx512 => 96,
        Isa::Avx2 | Isa::Neon | Isa::Simd128 | Isa::Portable => 128,
    }
}

/// C (rows × cols, rows `c_row_stride` apart) ← or += A·B. A(i, k) is at `i · a_row_stride + k · a_step_stride`. B lies in panels of
/// [`PANEL`] columns, the last one narrower, and each panel is row-major: see [`panel_at`].
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub(super) rows: usize,
    /// A multiple of 16.
    pub(super) cols: usize,
    pub(super) depth: usize,
    pub(super) a_row_stride: usize,
    pub(super) a_step_stride: usize,
    /// How many rows B's panels have, and below it the first of them that is summed over.
    pub(super) b_rows: usize,
    pub(super) b_first: usize,
    pub(super) c_row_stride: usize,
    /// Whether C is added to.
    pub(super) add: bool,
}

/// Where the element (row, col) of a matrix of `rows` × `cols` is that lies in panels, and how far apart the rows of its panel are.
#[inline(always)]
pub(super) fn panel_at(rows: usize, cols: usize, row: usize, col: usize) -> (usize, usize) {
    let first = col / PANEL * PANEL;
    let width = PANEL.min(cols - first);
    (first * rows + row * width + col - first, width)
}

impl Product {
    /// Computes the product. `next` is the B of the product after this one, which is prefetched.
    pub(super) fn run(&self, isa: Isa, a: &[f32], [b, next]: [&[f32]; 2], c: &mut [f32]) {
        let p = self;
        if p.rows == 0 || p.cols == 0 {
            return;
        }
        assert!(p.cols.is_multiple_of(16) && p.c_row_stride >= p.cols);
        assert!((p.rows - 1) * p.c_row_stride + p.cols <= c.len());
        assert!(p.b_first + p.depth <= p.b_rows && p.b_rows * p.cols <= b.len());
        assert!(p.depth == 0 || (p.rows - 1) * p.a_row_stride + (p.depth - 1) * p.a_step_stride < a.len());
        let shape = TileShape::of(isa);
        let widest = shape.max_cols();
        if p.depth == 0 && !p.add {
            c.chunks_mut(p.c_row_stride).take(p.rows).for_each(|row| row[..p.cols].fill(0.0));
        }
        let at_once = share(p.depth, most_steps(isa), 1);
        for step in (0..p.depth).step_by(at_once) {
            let steps = at_once.min(p.depth - step);
            for col in (0..p.cols).step_by(widest) {
                let cols = widest.min(p.cols - col);
                let b_at = |step: usize, col: usize| panel_at(p.b_rows, p.cols, p.b_first + step, col);
                let (b_start, b_step) = b_at(step, col);
                // While the tiles of a strip read this panel of B again and again, the next one is prefetched, a part by each strip.
                let panel = col / PANEL * PANEL;
                let next_panel = match (panel + PANEL, step + steps) {
                    (col, _) if col < p.cols => b[b_at(step, col).0..].as_ptr(),
                    (_, step) if step < p.depth => b[b_at(step, 0).0..].as_ptr(),
                    _ => next.as_ptr(),
                };
                let lines = cols.min(b_step) / LINE;
                let first = (col - panel) / LINE;
                let strip = Strip {
                    rows: p.rows,
                    steps,
                    a: RowsOfA {
                        start: a[step * p.a_step_stride..].as_ptr(),
                        row_stride: p.a_row_stride,
                        step_stride: p.a_step_stride,
                        tile_stride: shape.max_rows(cols / shape.lanes) * p.a_row_stride,
                        words: Words::Numbers,
                    },
                    b: ColumnsOfB { start: b[b_start..].as_ptr(), step_stride: b_step, copy: None },
                    c: c[col..].as_mut_ptr(),
                    c_row_stride: p.c_row_stride,
                    start: if p.add || step > 0 { Start::Current } else { Start::Zero },
                    prefetch: Prefetch {
                        start: next_panel.wrapping_add(first * steps * LINE),
                        step_stride: LINE,
                        line_stride: steps * LINE,
                        lines,
                    },
                    late_steps: 0,
                };
                // SAFETY: the assertions above found the last elements of A, of B's panels and of C inside their slices, the strip is
                // part of them, and C is borrowed mutably. There is no copy of B. `TileShape::of` checked the processor.
                unsafe { strip.compute(isa, cols / shape.lanes) };
            }
        }
    }
}
