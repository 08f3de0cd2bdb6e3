//! The loops around the microkernel.
//!
//! ```text
//! for each block of `depth` steps              of A and B
//!   pack A's rows, unless they are packed already
//!   for each block of `cols` columns           of C and B
//!     pack B's block: it stays in the L2 cache
//!     for each block of `rows` rows            of C and A: A's panels stay in the L2 cache
//!       for each panel of B in the block: it stays in the L1 cache
//!         for each panel of A in the block
//!           the microkernel: a tile of C in registers, all steps of the block
//! ```

use super::blocks::Blocks;
use super::cut::{Cut, parts, parts_of_groups, share, slices};
use super::microkernel::TileShape;
use super::output::Output;
use super::pack::{InMemory, Operand, Packed};
use super::source::Source;
use super::start::Start;
use super::streamed::Streamed;
use crate::Buffer;
use crate::simd::{Isa, vectorized};
use rayon::prelude::*;
use std::ops::Range;

/// How many rows of A are packed at once.
const PACKED_ROWS: usize = 4096;

/// C ← start + A·B on the calling thread.
pub(super) fn multiply(isa: Isa, a: &dyn Operand, b: &dyn Operand, c: &Output<'_>, start: Start<'_>) {
    check(a, b, c, start);
    // SAFETY: `check` found that C has A's rows and B's columns, so the ranges are inside all three. The output borrows C's numbers
    // mutably, and this thread alone works on it.
    unsafe { block(isa, Source::of_a(a, c.cols), b, (0..c.rows, 0..c.cols, 0..a.depth()), c, start) };
}

/// C ← start + A·B, cut into blocks of C for the threads of the pool.
pub(crate) fn multiply_parallel(
    isa: Isa,
    a: &dyn Operand,
    b: &dyn Operand,
    c: &Output<'_>,
    start: Start<'_>,
) {
    check(a, b, c, start);
    let depth = a.depth();
    let cut = Cut::of(&TileShape::of(isa), c.rows, c.cols, depth, rayon::current_num_threads());
    if cut.tasks() <= 1 {
        return multiply(isa, a, b, c, start);
    }
    let source = Source::of_a(a, c.cols);
    let packed = match source {
        Source::ByBlock(a) if cut.across() > 1 => Some(Packed::whole(isa, a, TileShape::of(isa).rows)),
        _ => None,
    };
    (0..cut.tasks()).into_par_iter().for_each(|task| {
        let (rows, cols) = cut.part(task, c.rows, c.cols);
        let a = packed.as_ref().map_or(source, Source::Packed);
        // SAFETY: `check` found that C has A's rows and B's columns, so the task's ranges are inside all three. The parts of a cut
        // are disjoint and begin at whole panels, and the output borrows C's numbers mutably.
        unsafe { block(isa, a, b, (rows, cols, 0..depth), c, start) };
    });
}

/// C ← start + A·B for a small C and a long sum. The sum is cut into slices, how many is a function of the shape alone, and the
/// slices' results are added in order.
pub(crate) fn multiply_sliced(isa: Isa, a: &dyn Operand, b: &dyn Operand, c: &mut [f32], start: Start<'_>) {
    let (rows, cols, depth) = (a.outer(), b.outer(), a.depth());
    let slices = slices(rows, cols, depth);
    if slices <= 1 || rows * cols == 0 {
        return multiply_parallel(isa, a, b, &Output::matrix(c, rows, cols, cols), start);
    }
    check(a, b, &Output::matrix(c, rows, cols, cols), start);
    let size = rows * cols;
    let mut partial = Buffer::<f32>::scratch(slices * size);
    let step = depth.div_ceil(slices);
    partial.par_chunks_exact_mut(size).enumerate().for_each(|(slice, part)| {
        let steps = (slice * step).min(depth)..((slice + 1) * step).min(depth);
        let part = Output::matrix(part, rows, cols, cols);
        // SAFETY: the rows and columns are all of A's and B's, and those of `part`, which is this slice's own memory; the steps end
        // at `depth`, which `check` found to be that of both operands.
        unsafe { block(isa, Source::of_a(a, cols), b, (0..rows, 0..cols, steps), &part, Start::Zero) };
    });
    const FOLDED: usize = 1 << 14;
    c[..size].par_chunks_mut(FOLDED).enumerate().for_each(|(chunk, c)| {
        vectorized(
            #[inline(always)]
            || {
                for slice in 0..slices {
                    let from = &partial[slice * size + chunk * FOLDED..][..c.len()];
                    match (slice, start) {
                        (0, Start::Zero) => c.copy_from_slice(from),
                        (0, Start::Rows(bias)) => {
                            for (i, (c, p)) in c.iter_mut().zip(from).enumerate() {
                                *c = bias[(chunk * FOLDED + i) / cols] + p;
                            }
                        }
                        (0, Start::Columns(bias)) => {
                            for (i, (c, p)) in c.iter_mut().zip(from).enumerate() {
                                *c = bias[(chunk * FOLDED + i) % cols] + p;
                            }
                        }
                        _ => c.iter_mut().zip(from).for_each(|(c, p)| *c += p),
                    }
                }
            },
        );
    });
}

fn check(a: &dyn Operand, b: &dyn Operand, c: &Output<'_>, start: Start<'_>) {
    assert_eq!(a.depth(), b.depth(), "both operands have the same depth");
    assert_eq!((a.outer(), b.outer()), (c.rows, c.cols), "the product has A's rows and B's columns");
    match start {
        Start::Rows(bias) => assert_eq!(bias.len(), c.rows, "one bias for each row"),
        Start::Columns(bias) => assert_eq!(bias.len(), c.cols, "one bias for each column"),
        Start::Zero | Start::Current => {}
    }
}

/// The product's part over these rows, columns and steps.
///
/// # Safety
/// The ranges are inside the operands and C, and no other thread accesses this block of C during the call. If A is packed
/// as a whole, the rows begin at a whole panel.
unsafe fn block(
    isa: Isa,
    a: Source<'_>,
    b: &dyn Operand,
    (rows, cols, steps): (Range<usize>, Range<usize>, Range<usize>),
    c: &Output<'_>,
    start: Start<'_>,
) {
    if rows.is_empty() || cols.is_empty() {
        return;
    }
    let (shape, blocks) = (TileShape::of(isa), Blocks::of(isa));
    let (mr, nr) = (shape.rows, shape.cols);
    // A streamed product addresses A's rows once, so all steps must be in one matrix.
    let steps_together = a.groups()[1];
    let streamed =
        |b: &InMemory<'_>| steps.end <= steps_together && Streamed::applies(b, rows.len(), steps.len());
    if let Some(b) = b.in_memory().filter(streamed) {
        let mut panels = a.panels(rows.len().next_multiple_of(mr), steps.len());
        a.pack(isa, &rows, &steps, mr, &mut panels);
        let a = a.rows(&rows, &steps, mr, &panels, rows.start);
        // SAFETY: the caller vouches for the ranges, and that this block of C is this thread's alone; `Source::rows` checked that
        // A's numbers hold all rows and steps, and `panels` outlives the call.
        return unsafe { Streamed { a, b, rows, cols, steps }.multiply(isa, c, start) };
    }
    let b = Source::of_b(b, rows.len(), shape.lanes, &blocks);
    let ([_, steps_together], [cols_together, _]) = (a.groups(), b.groups());
    let max_steps = share(steps.len().min(steps_together), blocks.depth, 1);
    let max_cols = share(cols.len(), blocks.cols, nr);
    let max_rows = share(rows.len(), PACKED_ROWS, mr);
    let mut a_panels = a.panels(max_rows, max_steps);
    let mut b_panels = match b {
        // Just the panel that the tiles of a strip read.
        Source::InMemory(_) => Buffer::scratch(nr * max_steps),
        _ => b.panels(max_cols, max_steps),
    };

    for rows in parts(rows, max_rows) {
        let first_row = rows.start;
        // A sum without terms still has a start to be stored: one part without steps.
        let first_step = steps.start;
        let no_steps = steps.is_empty().then_some(steps.clone());
        for steps in parts_of_groups(steps.clone(), max_steps, steps_together).chain(no_steps) {
            a.pack(isa, &rows, &steps, mr, &mut a_panels);
            let start_of = |rows: &Range<usize>| match start {
                _ if steps.start > first_step => Start::Current,
                _ => start.at_row(rows.start),
            };
            for cols in parts_of_groups(cols.clone(), max_cols, cols_together) {
                let first_col = cols.start;
                b.pack(isa, &cols, &steps, nr, &mut b_panels);
                for rows in parts(rows.clone(), share(rows.len(), blocks.rows, mr)) {
                    let a_rows = a.rows(&rows, &steps, mr, &a_panels, first_row);
                    for cols in parts(cols.clone(), nr) {
                        let b_cols = b.columns(&cols, &steps, nr, &mut b_panels, first_col);
                        let (row, col) = ((rows.start, rows.len()), (cols.start, cols.len()));
                        let start = start_of(&rows).at_column(cols.start);
                        // SAFETY: `Source::rows` checked that both operands' numbers hold these rows, columns and steps; the strip
                        // is part of the block of C that the caller leaves to this thread.
                        unsafe { c.strip(isa, row, col, steps.len(), (a_rows, b_cols), start) };
                    }
                }
            }
        }
    }
}
