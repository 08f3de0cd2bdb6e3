use tweedie_tensor::{Element, Tensor};

/// What is done to x̂_0 before a reverse step uses it. Pictures are known to lie in a range, here usually [−1, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clip {
    /// Nothing.
    Off,
    /// Values beyond ±range are set to ±range.
    At(f64),
    /// Dynamic thresholding (Saharia et al. 2022, section 2.3): each sample is clipped at s, the `ratio` quantile of its
    /// |x̂_0|, and divided by s, so that guidance saturates less. s is at least 1, and at most `max`: with 1, it is `At(1)`.
    Dynamic {
        /// The quantile's rank, from 0 to 1; Saharia et al. take 0.995.
        ratio: f64,
        /// The largest s; Saharia et al. set no limit.
        max: f64,
    },
}

impl Clip {
    /// Applies it to a batch, whose leading axis counts samples. NaN stays NaN.
    pub fn apply<T: Element>(self, mut x0: Tensor<T>) -> Tensor<T> {
        match self {
            Clip::Off => {}
            Clip::At(range) => clamp(x0.as_mut_slice(), T::from_f64(range)),
            Clip::Dynamic { ratio, max } => {
                let samples = x0.dims().first().copied().unwrap_or(1).max(1);
                let each = (x0.numel() / samples).max(1);
                for sample in x0.as_mut_slice().chunks_mut(each) {
                    let threshold = T::from_f64(quantile_of_magnitudes(sample, ratio).max(1.0).min(max));
                    clamp(sample, threshold);
                    for x in sample {
                        *x /= threshold;
                    }
                }
            }
        }
        x0
    }
}

fn clamp<T: Element>(values: &mut [T], range: T) {
    for x in values {
        // Written so that NaN stays NaN.
        *x = if *x < -range { -range } else { *x };
        *x = if *x > range { range } else { *x };
    }
}

/// The quantile of |x|, linear between the two order statistics that it lies between.
fn quantile_of_magnitudes<T: Element>(values: &[T], ratio: f64) -> f64 {
    let mut magnitudes: Vec<f64> = values.iter().map(|x| x.to_f64().abs()).collect();
    let rank = ratio * (magnitudes.len() - 1) as f64;
    let (_, &mut low, above) = magnitudes.select_nth_unstable_by(rank as usize, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + rank.fract() * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_the_samples_own_quantile_within_its_bounds() {
        // |x| of the first sample: 0, 1, 2, 3, 4; its quantile of rank 0.625 lies half way from 2 to 3.
        let x = [[4.0, -3.0, 2.0, 1.0, 0.0], [0.5, -0.5, 0.25, 0.0, 0.5]];
        let x = Tensor::from_slice([2, 5], x.as_flattened()).unwrap();
        let clipped = |max| Clip::Dynamic { ratio: 0.625, max }.apply::<f64>(x.clone());
        let free = clipped(f64::INFINITY);
        assert_eq!(free.as_slice()[..5], [1.0, -1.0, 0.8, 0.4, 0.0]);
        assert_eq!(free.as_slice()[5..], x.as_slice()[5..], "no sample is stretched");
        assert_eq!(clipped(2.0).as_slice()[..5], [1.0, -1.0, 1.0, 0.5, 0.0]);
        assert_eq!(clipped(1.0).as_slice(), Clip::At(1.0).apply(x).as_slice());
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let x = Tensor::from_slice([1, 3], &[f64::NAN, 5.0, -0.5]).unwrap();
        for clip in [Clip::At(1.0), Clip::Dynamic { ratio: 0.5, max: 9.0 }] {
            assert!(clip.apply(x.clone()).as_slice()[0].is_nan(), "{clip:?}");
        }
    }
}
