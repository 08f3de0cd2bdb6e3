//! Transposes of weights, by blocks in registers.

use crate::simd::vector::Vector;

/// Transposes as many columns of `from` as there are `lines`: column i becomes line `lines[i]` of `to`. Rows of `from` are `pitch`
/// apart. Blocks of `W` × `W` are transposed in registers.
#[inline(always)]
pub(super) fn transpose<L: Vector<W>, const W: usize>(
    from: &[f32],
    pitch: usize,
    lines: &[usize],
    to: &mut [f32],
) {
    let (taps, channels) = (lines.len(), to.len() / lines.len());
    for channel in (0..channels).step_by(W) {
        let together = W.min(channels - channel);
        for tap in (0..taps).step_by(W) {
            let mut numbers = [L::zero(); W];
            for i in 0..W {
                numbers[i] = L::load_some(&from[(channel + i.min(together - 1)) * pitch + tap..]);
            }
            let columns = L::transpose(numbers);
            for (column, line) in columns.iter().zip(&lines[tap..]) {
                column.store_some(&mut to[line * channels + channel..][..together]);
            }
        }
    }
}
