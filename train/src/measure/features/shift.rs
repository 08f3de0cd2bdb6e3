use crate::purpose;
use tweedie_tensor::Tensor;
use tweedie_tensor::random::Stream;

/// Moves each of the pictures `x` \[n, c, h, w\] by up to `most` pixels in each direction, as (seed, step, its place)
/// say. What comes in at the border repeats it.
pub(super) fn shift(x: &Tensor<f32>, most: usize, seed: u64, step: u64) -> Tensor<f32> {
    let &[n, channels, height, width] = x.dims() else { return x.clone() };
    let area = height * width;
    let mut out = Tensor::scratch(*x.shape());
    let pairs =
        out.as_mut_slice().chunks_exact_mut(channels * area).zip(x.as_slice().chunks_exact(channels * area));
    for (i, (to, from)) in (0..n).zip(pairs) {
        let mut stream = Stream::new(seed, purpose::AUGMENT, step, i as u64);
        let mut draw = || stream.below(2 * most as u32 + 1) as usize;
        let (down, right) = (draw(), draw());
        let moved = |place: usize, by: usize, size: usize| (place + by).saturating_sub(most).min(size - 1);
        for (to, from) in to.chunks_exact_mut(area).zip(from.chunks_exact(area)) {
            for (y, line) in to.chunks_exact_mut(width).enumerate() {
                let from = &from[moved(y, down, height) * width..][..width];
                for (x, value) in line.iter_mut().enumerate() {
                    *value = from[moved(x, right, width)];
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_moved_whole_by_every_distance() {
        let x = Tensor::from_fn([400, 2, 3, 4], |i| (i % 24) as f32);
        let y = shift(&x, 1, 7, 3);
        let mut seen = [0; 9];
        for picture in y.as_slice().chunks_exact(24) {
            // The pixel in the second line and column tells where the picture went: it was the sixth.
            let (down, right) = ((picture[5] as usize) / 4, (picture[5] as usize) % 4);
            seen[down * 3 + right] += 1;
            for (i, &value) in picture.iter().enumerate() {
                let (plane, line, column) = (i / 12, i / 4 % 3, i % 4);
                let from =
                    |place: usize, by: usize, size: usize| (place + by).saturating_sub(1).min(size - 1);
                assert_eq!(value as usize, plane * 12 + from(line, down, 3) * 4 + from(column, right, 4));
            }
        }
        assert!(seen.iter().all(|&count| count > 20), "{seen:?}");
        assert_eq!(shift(&x, 1, 7, 3).as_slice(), y.as_slice());
        assert_ne!(shift(&x, 1, 7, 4).as_slice(), y.as_slice());
        assert_eq!(shift(&x, 0, 7, 3).as_slice(), x.as_slice());
    }
}
