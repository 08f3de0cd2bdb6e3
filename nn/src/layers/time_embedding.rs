use super::Linear;
use crate::{Builder, Ctx, Layer};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::{Element, Number, Tensor};

/// The sinusoidal embedding of a time (Vaswani et al. 2017, section 3.5, for positions).
///
/// With h = ⌊d/2⌋ frequencies ω_i = `max_period`^(−i / (h − `downscale_freq_shift`)), the embedding of t holds
/// all sin ω_i t and all cos ω_i t; an odd d ends with a zero. Two conventions are in use: DDPM's (sines first, shift 1)
/// and the transformer's (cosines first, shift 0).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sinusoid {
    /// The length d of an embedding.
    pub width: usize,
    /// Whether cosines come first.
    pub flip_sin_to_cos: bool,
    /// With 1, the slowest frequency is exactly 1/`max_period`; with 0, a little faster.
    pub downscale_freq_shift: f64,
    /// The slowest period is about 2π times this.
    pub max_period: f64,
}

impl Sinusoid {
    /// The convention of Ho et al. 2020: sines first, shift 1.
    pub fn ddpm(width: usize) -> Sinusoid {
        Sinusoid { width, flip_sin_to_cos: false, downscale_freq_shift: 1.0, max_period: 10_000.0 }
    }

    /// The convention of transformers, and the default of diffusers: cosines first, shift 0.
    pub fn transformer(width: usize) -> Sinusoid {
        Sinusoid { width, flip_sin_to_cos: true, downscale_freq_shift: 0.0, max_period: 10_000.0 }
    }

    /// The embeddings of `times`, \[`times.len()`, d\]. They are computed in f64 and rounded once.
    pub fn embed<T: Element>(&self, times: &[f64]) -> Tensor<T> {
        let half = self.width / 2;
        let rate = -Number::ln(self.max_period) / (half as f64 - self.downscale_freq_shift);
        let mut out = Tensor::zeros([times.len(), self.width]);
        for (&t, row) in times.iter().zip(out.as_mut_slice().chunks_mut(self.width.max(1))) {
            for i in 0..half {
                let angle = t * Number::exp(rate * i as f64);
                let (sine, cosine) = (T::from_f64(Number::sin(angle)), T::from_f64(Number::cos(angle)));
                let (first, second) = if self.flip_sin_to_cos { (cosine, sine) } else { (sine, cosine) };
                row[i] = first;
                row[half + i] = second;
            }
        }
        out
    }
}

/// The map from a sinusoidal embedding to the one that blocks read: linear, SiLU, linear.
#[derive(Debug, Clone)]
pub struct TimestepEmbedding {
    linear_1: Linear,
    linear_2: Linear,
}

impl TimestepEmbedding {
    /// Registers `linear_1`, from `inputs` to `width` numbers, and `linear_2`, from `width` to `width`.
    pub fn new(b: &Builder, inputs: usize, width: usize) -> TimestepEmbedding {
        TimestepEmbedding {
            linear_1: Linear::new(&b.pp("linear_1"), inputs, width),
            linear_2: Linear::new(&b.pp("linear_2"), width, width),
        }
    }
}

impl Layer for TimestepEmbedding {
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        self.linear_2.forward(ctx, self.linear_1.forward(ctx, x)?.silu()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_row(sinusoid: Sinusoid, t: f64, expected: &[f64]) {
        let got = sinusoid.embed::<f64>(&[t]);
        assert_eq!(got.dims(), [1, expected.len()]);
        for (got, expected) in got.as_slice().iter().zip(expected) {
            assert!((got - expected).abs() < 5.1e-7, "{got} is not {expected}");
        }
    }

    #[test]
    fn both_conventions_at_one() {
        let ddpm = [0.841471, 0.046399, 0.002154, 0.0001, 0.540302, 0.998923, 0.999998, 1.0];
        assert_row(Sinusoid::ddpm(8), 1.0, &ddpm);
        let transformer = [0.540302, 0.995004, 0.99995, 1.0, 0.841471, 0.099833, 0.01, 0.001];
        assert_row(Sinusoid::transformer(8), 1.0, &transformer);
    }

    #[test]
    fn an_odd_width_ends_with_a_zero() {
        assert_row(Sinusoid::transformer(5), 0.0, &[1.0, 1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn late_times_are_as_exact_as_early_ones() {
        let got = Sinusoid::transformer(64).embed::<f32>(&[999.0]);
        for i in 0..32 {
            let angle = 999.0 * 10_000f64.powf(-f64::from(i) / 32.0);
            let (cosine, sine) = (got.as_slice()[i as usize], got.as_slice()[32 + i as usize]);
            assert!((f64::from(cosine) - angle.cos()).abs() < 1e-7);
            assert!((f64::from(sine) - angle.sin()).abs() < 1e-7);
        }
    }

    /// ‖e(t) − e(s)‖² = 2 Σ (1 − cos ω_i (t − s)): all embeddings lie on one sphere, and how far apart two of them are is a
    /// function of the difference of their times.
    #[test]
    fn distances_depend_on_the_difference_of_times_alone() {
        for (sinusoid, shift) in [(Sinusoid::ddpm(64), 1.0), (Sinusoid::transformer(64), 0.0)] {
            let square = |s: f64, t: f64| -> f64 {
                let both = sinusoid.embed::<f64>(&[s, t]);
                let (a, b) = both.as_slice().split_at(64);
                a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
            };
            for difference in [0.5, 1.0, 17.0, 999.0] {
                let omega = |i: u32| 10_000f64.powf(-f64::from(i) / (32.0 - shift));
                let expected: f64 = (0..32).map(|i| 2.0 * (1.0 - (omega(i) * difference).cos())).sum();
                for s in [0.0, 3.25, 400.0, 1500.0] {
                    assert!(
                        (square(s, s + difference) - expected).abs() < 1e-9,
                        "{s} and {difference} later"
                    );
                }
            }
        }
    }
}
