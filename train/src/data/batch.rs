use super::error::DataError;
use super::source::Source;
use rayon::prelude::*;
use tweedie_tensor::Tensor;

/// Pictures as the network sees them.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[n, channels, height, width]`, as [`Source::values`] has them: each byte b as b / 127.5 − 1, in [−1, 1].
    pub x: Tensor<f32>,
    /// The label of each picture.
    pub labels: Vec<usize>,
    /// The caption of each picture, the numbers of its words; empty where the source has none.
    pub captions: Vec<Vec<usize>>,
    /// Where each picture lies in its source.
    pub indices: Vec<usize>,
}

impl Batch {
    /// Samples without labels or captions: `x`, whose leading axis counts them, with values of about −1 to 1.
    ///
    /// # Panics
    /// When `x` has no axis.
    pub fn of(x: Tensor<f32>) -> Batch {
        let n = x.dims()[0];
        Batch { x, labels: vec![0; n], captions: vec![Vec::new(); n], indices: (0..n).collect() }
    }
}

/// Reads the pictures at `indices`, in that order, in parallel.
///
/// # Errors
/// The errors of [`Source::read`]; if several pictures fail, the error of the first in the order of `indices`.
pub fn read_batch(source: &dyn Source, indices: &[usize]) -> Result<Batch, DataError> {
    read_flipped(source, indices, |_| false)
}

/// [`read_batch`], with the pictures mirrored for whose place in the batch `flip` says so.
pub(super) fn read_flipped(
    source: &dyn Source,
    indices: &[usize],
    flip: impl Fn(usize) -> bool + Sync,
) -> Result<Batch, DataError> {
    let [channels, height, width] = source.shape();
    let each = channels * height * width;
    let mut x = Tensor::scratch([indices.len(), channels, height, width]);
    let read: Vec<Result<usize, DataError>> = x
        .as_mut_slice()
        .par_chunks_mut(each)
        .zip(indices)
        .enumerate()
        .map(|(place, (out, &index))| {
            let label = source.values(index, out)?;
            if flip(place) {
                out.chunks_mut(width).for_each(<[f32]>::reverse);
            }
            Ok(label)
        })
        .collect();
    let labels = read.into_iter().collect::<Result<_, _>>()?;
    let captions = indices.iter().map(|&index| source.caption(index)).collect();
    Ok(Batch { x, labels, captions, indices: indices.to_vec() })
}
