//! The loops around the microkernel, and how a product is cut among threads.
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
use super::output::Output;
use super::pack::{InMemory, Operand, Packed};
use super::streamed::Streamed;
use crate::Buffer;
use crate::simd::Isa;
use crate::simd::gemm::microkernel::{Begin, Columns, LINE, Rows, Shape};
use rayon::prelude::*;
use std::ops::Range;

/// As many rows of A as are packed at once.
const PACKED_ROWS: usize = 4096;

/// What C starts from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<'a> {
    /// Zeros: what C held is never read.
    Zero,
    /// What C holds.
    Current,
    /// A bias for each row.
    Rows(&'a [f32]),
}

/// C ← start + A·B on the calling thread.
pub(crate) fn multiply(isa: Isa, a: &dyn Operand, b: &dyn Operand, c: &Output<'_>, start: Start<'_>) {
    check(a, b, c, start);
    // SAFETY: the ranges are those of C, and C is borrowed mutably: nobody else has it.
    unsafe { block(isa, Side::of_a(a, c.cols), b, (0..c.rows, 0..c.cols, 0..a.depth()), c, start) };
}

/// C ← start + A·B, cut among the threads of the pool into blocks of C.
pub(crate) fn multiply_parallel(
    isa: Isa,
    a: &dyn Operand,
    b: &dyn Operand,
    c: &Output<'_>,
    start: Start<'_>,
) {
    check(a, b, c, start);
    let depth = a.depth();
    let cut = Cut::of(&Shape::of(isa), c.rows, c.cols, depth, rayon::current_num_threads());
    if cut.tasks() <= 1 {
        return multiply(isa, a, b, c, start);
    }
    let once = Side::of_a(a, c.cols);
    let packed = match once {
        Side::Fresh(a) if cut.across > 1 => Some(Packed::whole(isa, a, Shape::of(isa).rows)),
        _ => None,
    };
    (0..cut.tasks()).into_par_iter().for_each(|task| {
        let (rows, cols) = cut.part(task, c.rows, c.cols);
        let side = packed.as_ref().map_or(once, Side::Packed);
        // SAFETY: tasks are disjoint blocks of C, and C is borrowed mutably.
        unsafe { block(isa, side, b, (rows, cols, 0..depth), c, start) };
    });
}

/// C ← start + A·B for a small C and a long sum: the sum is cut into slices, whose number depends on the shape
/// alone, and the slices' results are added in order.
pub(crate) fn multiply_sliced(isa: Isa, a: &dyn Operand, b: &dyn Operand, c: &mut [f32], start: Start<'_>) {
    let (rows, cols, depth) = (a.lanes(), b.lanes(), a.depth());
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
        // SAFETY: the ranges are those of this slice's own C.
        unsafe { block(isa, Side::of_a(a, cols), b, (0..rows, 0..cols, steps), &part, Start::Zero) };
    });
    const FOLDED: usize = 1 << 14;
    c[..size].par_chunks_mut(FOLDED).enumerate().for_each(|(chunk, c)| {
        crate::simd::vectorized(
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
                        _ => c.iter_mut().zip(from).for_each(|(c, p)| *c += p),
                    }
                }
            },
        );
    });
}

/// How many slices of the sum: as many as give each a fair length, fewer when C is large enough to be cut
/// itself (each slice holds a C of its own).
fn slices(rows: usize, cols: usize, depth: usize) -> usize {
    const LEAST_DEPTH: usize = 1024;
    let most = match rows * cols {
        0..=65_536 => 16,
        65_537..=262_144 => 8,
        _ => 1,
    };
    (depth / LEAST_DEPTH).next_power_of_two().min(most)
}

/// A grid of blocks over C, one for each task, whose panels are whole.
struct Cut {
    down: usize,
    across: usize,
    row_step: usize,
    col_step: usize,
}

impl Cut {
    /// Equal tasks: one for each thread from a million multiply-adds on, ten microseconds; some for each, so that one that is held
    /// up leaves its share to the others, where each has sixteen million. Columns are cut first: a block packs its own part of B, so
    /// where rows are cut too, B is packed again for each. No bit depends on the cut.
    fn of(shape: &Shape, rows: usize, cols: usize, depth: usize, threads: usize) -> Cut {
        const WORK_OF_ONE: usize = 1 << 20;
        const WORK_OF_SOME: usize = 1 << 24;
        const LEAST_ROWS: usize = 64;
        const LEAST_PANELS: usize = 2;
        let (row_step, col_step) = (shape.rows, shape.lanes);
        let (enough, most) = if threads == 1 { (1, 1) } else { (2 * threads, 8 * threads) };
        let work = rows.saturating_mul(cols).saturating_mul(depth.max(1));
        let wanted = (work / WORK_OF_ONE).min(threads).max(work / WORK_OF_SOME).clamp(1, most);
        let across = (cols / shape.cols / LEAST_PANELS).clamp(1, wanted);
        let across = if across > threads { across - across % threads } else { across };
        let down = wanted.min(enough).div_ceil(across).min(rows / LEAST_ROWS).max(1);
        Cut { down, across, row_step, col_step }
    }

    fn tasks(&self) -> usize {
        self.down * self.across
    }

    fn part(&self, task: usize, rows: usize, cols: usize) -> (Range<usize>, Range<usize>) {
        let part = |index: usize, of: usize, len: usize, step: usize| {
            let panels = len.div_ceil(step);
            let from = |index: usize| (index * panels / of * step).min(len);
            from(index)..from(index + 1)
        };
        (
            part(task % self.down, self.down, rows, self.row_step),
            part(task / self.down, self.across, cols, self.col_step),
        )
    }
}

/// An operand's numbers: packed block by block as they are needed, packed before, or as they lie in memory.
#[derive(Clone, Copy)]
enum Side<'a> {
    Fresh(&'a dyn Operand),
    Packed(&'a Packed),
    InMemory(InMemory<'a>),
}

impl<'a> Side<'a> {
    /// A. Where C has so few columns that its panels are hardly used again, packing would be most of the work. A block of the
    /// sum ends where a matrix does, so these must not be too short.
    fn of_a(a: &'a dyn Operand, cols: usize) -> Side<'a> {
        const FEW_COLS: usize = 512;
        const LEAST_STEPS: usize = 128;
        let fits = |matrices: &InMemory<'_>| {
            let InMemory { lanes, steps, .. } = matrices;
            lanes.group >= a.lanes() && a.depth() > 0 && steps.group >= LEAST_STEPS.min(a.depth())
        };
        match a.in_memory() {
            Some(matrices) if cols <= FEW_COLS && fits(&matrices) => Side::InMemory(matrices),
            _ => Side::Fresh(a),
        }
    }

    /// B, likewise, where C has few rows, and the microkernel's vectors end where B's rows do. The first tile of a strip
    /// copies what the others read; for fewer rows there would be no others, for many the copy would be made again and
    /// again.
    fn of_b(b: &'a dyn Operand, rows: usize, lanes: usize, blocks: &Blocks) -> Side<'a> {
        const LEAST_ROWS: usize = 8;
        let few = LEAST_ROWS..=blocks.few_rows;
        // Rows share places of a cache by the power of two in their distance, and each takes a line at least.
        let held = |apart: usize| {
            let together = (apart & apart.wrapping_neg()).max(LINE);
            b.depth().min(blocks.depth).saturating_mul(together) <= blocks.cache
        };
        let fits = |matrices: &InMemory<'_>| {
            matrices.lanes.apart == 1
                && matrices.lanes.group.is_multiple_of(lanes)
                && held(matrices.steps.apart)
                && matrices.steps.group >= b.depth()
                && b.depth() > 0
        };
        match b.in_memory() {
            Some(matrices) if few.contains(&rows) && fits(&matrices) => Side::InMemory(matrices),
            _ => Side::Fresh(b),
        }
    }

    /// How many lanes, and how many steps of the sum, are in one matrix.
    fn groups(&self) -> [usize; 2] {
        match self {
            Side::InMemory(matrices) => [matrices.lanes.group, matrices.steps.group],
            Side::Fresh(_) | Side::Packed(_) => [usize::MAX; 2],
        }
    }

    /// Room for the panels of so many lanes and steps, if they are to be packed.
    fn room(&self, lanes: usize, steps: usize) -> Buffer<f32> {
        let fresh = matches!(self, Side::Fresh(_));
        Buffer::scratch(if fresh { lanes * steps } else { 0 })
    }

    /// Packs these lanes and steps into `room`, if that is to be done.
    fn prepare(&self, isa: Isa, lanes: &Range<usize>, steps: &Range<usize>, width: usize, room: &mut [f32]) {
        if let Side::Fresh(operand) = self {
            let size = lanes.len().next_multiple_of(width) * steps.len();
            operand.pack(isa, lanes.clone(), steps.clone(), width, &mut room[..size]);
        }
    }

    /// How the microkernel reads these lanes as rows of A; `room` was prepared from lane `first` on.
    fn rows(
        &self,
        lanes: &Range<usize>,
        steps: &Range<usize>,
        width: usize,
        room: &[f32],
        first: usize,
    ) -> Rows {
        let k = steps.len();
        let last_panel = (lanes.len() - 1) / width;
        let (numbers, apart, step, next) = match self {
            Side::Fresh(_) => (&room[(lanes.start - first) * k..], 1, width, width * k),
            Side::Packed(packed) => {
                (packed.panel(lanes.start / width, steps.start), 1, width, width * packed.depth())
            }
            Side::InMemory(matrices) => {
                let (apart, step) = (matrices.lanes.apart, matrices.steps.apart);
                (matrices.from(lanes.start, steps.start), apart, step, width * apart)
            }
        };
        let last_row = last_panel * next + (lanes.len() - 1) % width * apart;
        assert!(k == 0 || last_row + (k - 1) * step < numbers.len(), "rows of A beyond its numbers");
        Rows { start: numbers.as_ptr(), apart, step, next }
    }

    /// How the microkernel reads a tile's lanes as columns of B; `room` was prepared from lane `first` on.
    fn columns(
        &self,
        lanes: &Range<usize>,
        steps: &Range<usize>,
        width: usize,
        room: &mut [f32],
        first: usize,
    ) -> Columns {
        let Rows { start, apart, step, .. } = self.rows(lanes, steps, width, room, first);
        assert_eq!(apart, 1, "columns of B are neighbours");
        let copy = match self {
            Side::InMemory(_) => Some(room[..width * steps.len()].as_mut_ptr()),
            Side::Fresh(_) | Side::Packed(_) => None,
        };
        Columns { start, step, copy }
    }
}

fn check(a: &dyn Operand, b: &dyn Operand, c: &Output<'_>, start: Start<'_>) {
    assert_eq!(a.depth(), b.depth(), "both operands have the same depth");
    assert_eq!((a.lanes(), b.lanes()), (c.rows, c.cols), "the product has A's rows and B's columns");
    if let Start::Rows(bias) = start {
        assert_eq!(bias.len(), c.rows, "one bias for each row");
    }
}

/// The product's part over these rows, columns and steps.
///
/// # Safety
/// The ranges are inside the operands and C, and no other thread touches this block of C. Rows begin at a
/// whole panel when A is packed already.
unsafe fn block(
    isa: Isa,
    a: Side<'_>,
    b: &dyn Operand,
    (rows, cols, steps): (Range<usize>, Range<usize>, Range<usize>),
    c: &Output<'_>,
    start: Start<'_>,
) {
    if rows.is_empty() || cols.is_empty() {
        return;
    }
    let (shape, blocks) = (Shape::of(isa), Blocks::of(isa));
    let (mr, nr) = (shape.rows, shape.cols);
    // Rows of A are found once, so all steps must be in one matrix.
    let steps_together = a.groups()[1];
    let streamed =
        |b: &InMemory<'_>| steps.end <= steps_together && Streamed::applies(b, rows.len(), steps.len());
    if let Some(b) = b.in_memory().filter(streamed) {
        let mut room = a.room(rows.len().next_multiple_of(shape.rows), steps.len());
        a.prepare(isa, &rows, &steps, shape.rows, &mut room);
        let a = a.rows(&rows, &steps, shape.rows, &room, rows.start);
        // SAFETY: as this function's.
        return unsafe { Streamed { a, b, rows, cols, steps }.multiply(isa, c, start) };
    }
    let b = Side::of_b(b, rows.len(), shape.lanes, &blocks);
    let ([_, steps_together], [cols_together, _]) = (a.groups(), b.groups());
    let most_steps = share(steps.len().min(steps_together), blocks.depth, 1);
    let most_cols = share(cols.len(), blocks.cols, nr);
    let most_rows = share(rows.len(), PACKED_ROWS, mr);
    let mut a_room = a.room(most_rows, most_steps);
    let mut b_room = match b {
        // Just the panel that tiles read at the time.
        Side::InMemory(_) => Buffer::scratch(nr * most_steps),
        _ => b.room(most_cols, most_steps),
    };

    for rows in parts(rows, most_rows) {
        let first_row = rows.start;
        // A sum of nothing still has a start to be stored: one part without steps.
        let first_step = steps.start;
        let no_steps = steps.is_empty().then_some(steps.clone());
        for steps in parts_of_groups(steps.clone(), most_steps, steps_together).chain(no_steps) {
            a.prepare(isa, &rows, &steps, mr, &mut a_room);
            let begin = |rows: &Range<usize>| match start {
                _ if steps.start > first_step => Begin::Current,
                Start::Zero => Begin::Zero,
                Start::Current => Begin::Current,
                Start::Rows(bias) => Begin::Rows(bias[rows.clone()].as_ptr()),
            };
            for cols in parts_of_groups(cols.clone(), most_cols, cols_together) {
                let first_col = cols.start;
                b.prepare(isa, &cols, &steps, nr, &mut b_room);
                for rows in parts(rows.clone(), share(rows.len(), blocks.rows, mr)) {
                    let a_rows = a.rows(&rows, &steps, mr, &a_room, first_row);
                    for cols in parts(cols.clone(), nr) {
                        let b_cols = b.columns(&cols, &steps, nr, &mut b_room, first_col);
                        let (row, col) = ((rows.start, rows.len()), (cols.start, cols.len()));
                        // SAFETY: both operands were just cut to these steps; the strip is in the caller's block.
                        unsafe { c.strip(isa, row, col, steps.len(), (a_rows, b_cols), begin(&rows)) };
                    }
                }
            }
        }
    }
}

/// The size of equal parts of `len`, each at most `most`, in multiples of `unit`.
pub(crate) fn share(len: usize, most: usize, unit: usize) -> usize {
    let parts = len.div_ceil(most).max(1);
    len.div_ceil(parts).next_multiple_of(unit).max(unit)
}

/// A range in pieces of `size`, the last one shorter.
fn parts(range: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(size).map(move |start| start..end.min(start + size))
}

/// The same, where each piece also ends at a multiple of `group`.
fn parts_of_groups(range: Range<usize>, size: usize, group: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        let part = start..range.end.min(start + size).min((start / group + 1).saturating_mul(group));
        start = part.end;
        (!part.is_empty()).then_some(part)
    })
}
