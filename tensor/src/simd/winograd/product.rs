//! Small products of matrices that lie in memory as the microkernel can use them: nothing is packed.

use crate::simd::Isa;

/// Columns of B that lie together: four AVX-512 registers.
pub(super) const PANEL: usize = 64;
/// Steps of the sum after which a tile's numbers go back to memory, so that the part of B's panel that is read again
/// for every row of tiles stays in the L1 cache.
const DEPTH: usize = 96;

/// C (rows × cols, rows `c_row` apart) ← or += A·B. A(i, k) is at `i · a_row + k · a_step`. B lies in panels of
/// [`PANEL`] columns, the last one narrower, and each panel is row-major: see [`panel_at`].
#[derive(Clone, Copy)]
pub(super) struct Product {
    pub(super) rows: usize,
    /// A multiple of 16.
    pub(super) cols: usize,
    pub(super) depth: usize,
    pub(super) a_row: usize,
    pub(super) a_step: usize,
    /// Rows that B's panels have room for, at least `depth`.
    pub(super) b_rows: usize,
    /// From this B to the one that will be multiplied next, so that it can be fetched ahead.
    pub(super) b_next: usize,
    pub(super) c_row: usize,
    /// Whether C is added to.
    pub(super) add: bool,
}

/// Where in a matrix of `rows` × `cols` that lies in panels the element (row, col) is, and how far apart its panel's
/// rows are.
#[inline(always)]
pub(super) fn panel_at(rows: usize, cols: usize, row: usize, col: usize) -> (usize, usize) {
    let first = col / PANEL * PANEL;
    let width = PANEL.min(cols - first);
    (first * rows + row * width + col - first, width)
}

impl Product {
    pub(super) fn run(&self, isa: Isa, a: &[f32], b: &[f32], c: &mut [f32]) {
        let p = self;
        if p.rows == 0 || p.cols == 0 {
            return;
        }
        assert!(p.cols.is_multiple_of(16) && p.c_row >= p.cols && isa <= Isa::detected());
        assert!((p.rows - 1) * p.c_row + p.cols <= c.len());
        assert!(p.depth <= p.b_rows && p.b_rows * p.cols <= b.len());
        assert!(p.depth == 0 || (p.rows - 1) * p.a_row + (p.depth - 1) * p.a_step < a.len());
        if p.depth == 0 && !p.add {
            c.chunks_mut(p.c_row).take(p.rows).for_each(|row| row[..p.cols].fill(0.0));
        }
        match isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: every element was checked to be inside, and the processor to have the instructions.
            Isa::Avx512 => unsafe { x86::avx512(p, a.as_ptr(), b.as_ptr(), c.as_mut_ptr()) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe { x86::avx2(p, a.as_ptr(), b.as_ptr(), c.as_mut_ptr()) },
            _ => p.plain(a, b, c),
        }
    }

    fn plain(&self, a: &[f32], b: &[f32], c: &mut [f32]) {
        for i in 0..self.rows {
            let row = &mut c[i * self.c_row..][..self.cols];
            if !self.add {
                row.fill(0.0);
            }
            for k in 0..self.depth {
                let x = a[i * self.a_row + k * self.a_step];
                for (panel, row) in row.chunks_mut(PANEL).enumerate() {
                    let (start, _) = panel_at(self.b_rows, self.cols, k, panel * PANEL);
                    for (c, b) in row.iter_mut().zip(&b[start..]) {
                        *c = x.mul_add(*b, *c);
                    }
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{DEPTH, Product, panel_at};
    use std::arch::x86_64::*;

    /// Some steps of one tile.
    #[derive(Clone, Copy)]
    struct Tile {
        steps: usize,
        a_row: usize,
        a_step: usize,
        b_step: usize,
        c_row: usize,
        add: bool,
        /// Where fetching ahead goes on: a line a step.
        ahead: *const f32,
    }

    /// Numbers in a cache line.
    const LINE: usize = 16;

    macro_rules! strided_kernel {
        ($name:ident, $tile:ident, $features:literal, $lanes:literal, $vectors:literal,
         $register:ty, $zero:ident, $load:ident, $store:ident, $set:ident, $fma:ident,
         [$(($rows:literal, $wide:literal)),*]) => {
            /// # Safety
            /// All elements of the product are inside their slices; the processor has the instructions.
            pub(super) unsafe fn $name(p: &Product, a: *const f32, b: *const f32, c: *mut f32) {
                for step in (0..p.depth).step_by(DEPTH) {
                    let steps = DEPTH.min(p.depth - step);
                    let add = p.add || step > 0;
                    let a = a.wrapping_add(step * p.a_step);
                    let mut col = 0;
                    while col < p.cols {
                        let (b_start, b_step) = panel_at(p.b_rows, p.cols, step, col);
                        let wide = (($vectors * $lanes).min(p.cols - col)) / $lanes;
                        let next = match (col + wide * $lanes, step + steps) {
                            (col, _) if col < p.cols => panel_at(p.b_rows, p.cols, step, col).0,
                            (_, step) if step < p.depth => panel_at(p.b_rows, p.cols, step, 0).0,
                            _ => p.b_next,
                        };
                        let (next, b) = (b.wrapping_add(next), b.wrapping_add(b_start));
                        let (mut fetched, to_fetch) = (0, steps * b_step);
                        let mut row = 0;
                        while row < p.rows {
                            let a = a.wrapping_add(row * p.a_row);
                            let c = c.wrapping_add(row * p.c_row + col);
                            // While rows of tiles use this part of B again and again, the next one comes nearer.
                            let ahead = if fetched < to_fetch { next.wrapping_add(fetched) } else { b };
                            fetched += steps * LINE;
                            let (a_row, a_step, c_row) = (p.a_row, p.a_step, p.c_row);
                            let t = Tile { steps, a_row, a_step, b_step, c_row, add, ahead };
                            // SAFETY: a tile inside the product.
                            let done = unsafe {
                                match (p.rows - row, wide) {
                                    $((left, $wide) if left >= $rows => { $tile::<$rows, $wide>(t, a, b, c); $rows })*
                                    (_, 4) => { $tile::<1, 4>(t, a, b, c); 1 }
                                    (_, 3) => { $tile::<1, 3>(t, a, b, c); 1 }
                                    (_, 2) => { $tile::<1, 2>(t, a, b, c); 1 }
                                    _ => { $tile::<1, 1>(t, a, b, c); 1 }
                                }
                            };
                            row += done;
                        }
                        col += wide * $lanes;
                    }
                }
            }

            /// # Safety
            /// `R` rows and `V` vectors from these places on are inside the product.
            #[target_feature(enable = $features)]
            unsafe fn $tile<const R: usize, const V: usize>(
                p: Tile,
                a: *const f32,
                b: *const f32,
                c: *mut f32,
            ) {
                let mut sums: [[$register; V]; R] = [[$zero(); V]; R];
                // SAFETY: inside the product, as the caller promises.
                unsafe {
                    if p.add {
                        for r in 0..R {
                            for v in 0..V {
                                sums[r][v] = $load(c.add(r * p.c_row + v * $lanes));
                            }
                        }
                    }
                    let (mut a, mut b, mut ahead) = (a, b, p.ahead);
                    for _ in 0..p.steps {
                        _mm_prefetch::<_MM_HINT_T1>(ahead.cast());
                        ahead = ahead.wrapping_add(LINE);
                        let mut row_of_b = [$zero(); V];
                        for v in 0..V {
                            row_of_b[v] = $load(b.add(v * $lanes));
                        }
                        for r in 0..R {
                            let x = $set(*a.add(r * p.a_row));
                            for v in 0..V {
                                sums[r][v] = $fma(x, row_of_b[v], sums[r][v]);
                            }
                        }
                        a = a.wrapping_add(p.a_step);
                        b = b.wrapping_add(p.b_step);
                    }
                    for r in 0..R {
                        for v in 0..V {
                            $store(c.add(r * p.c_row + v * $lanes), sums[r][v]);
                        }
                    }
                }
            }
        };
    }

    strided_kernel!(
        avx512,
        tile_avx512,
        "avx512f",
        16,
        4,
        __m512,
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps,
        [
            (6, 4),
            (5, 4),
            (4, 4),
            (3, 4),
            (2, 4),
            (8, 3),
            (6, 3),
            (4, 3),
            (2, 3),
            (8, 2),
            (6, 2),
            (4, 2),
            (2, 2),
            (8, 1),
            (4, 1),
            (2, 1)
        ]
    );
    strided_kernel!(
        avx2,
        tile_avx2,
        "avx,fma",
        8,
        2,
        __m256,
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps,
        [(6, 2), (4, 2), (2, 2)]
    );
}
