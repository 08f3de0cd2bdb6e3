use crate::{Condition, Denoiser, Prediction, Result, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// Classifier-free guidance (Ho and Salimans 2022, eq. 6): the prediction moved away from the unconditional one,
/// y = y_∅ + w (y_c − y_∅). w = 1 is the condition alone, w = 0 none; Ho and Salimans write 1 + w for this w.
///
/// The predictions are linear in each other at a given x_t, so guiding ε, x_0 or v comes to the same.
///
/// A large w stretches the prediction beyond what the model ever predicts. Rescaled by φ, y is
/// φ y std(y_c)/std(y) + (1 − φ) y, each sample by its own deviations (Lin et al. 2024, eqs. 15 and 16; they take φ = 0.7);
/// of what is predicted, unlike guidance itself.
#[derive(Debug, Clone)]
pub struct Guided<D> {
    /// Who predicts; trained with and without its condition.
    pub denoiser: D,
    /// The condition that stands for none.
    pub unconditional: Condition,
    /// w.
    pub weight: f64,
    /// φ; 0 leaves the prediction as it is.
    pub rescale: f64,
}

impl<D> Guided<D> {
    /// Guidance by `weight`, not rescaled.
    pub fn new(denoiser: D, unconditional: Condition, weight: f64) -> Guided<D> {
        Guided { denoiser, unconditional, weight, rescale: 0.0 }
    }

    /// The same, rescaled by φ.
    pub fn rescaled(self, rescale: f64) -> Guided<D> {
        Guided { rescale, ..self }
    }
}

impl<T: Element, D: Denoiser<T>> Denoiser<T> for Guided<D> {
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], condition: &Condition) -> Result<Prediction<T>> {
        let with = self.denoiser.predict(x_t, t, condition)?;
        let without = self.denoiser.predict(x_t, t, &self.unconditional)?;
        let terms: [(&[f64], &Tensor<T>); 2] =
            [(&[self.weight], &with.value), (&[1.0 - self.weight], &without.value)];
        let guided = ops::combine(&terms)?;
        if self.rescale == 0.0 {
            return Ok(Prediction { value: guided, ..with });
        }
        let factors: Vec<f64> = deviations(&with.value, t.len())
            .zip(deviations(&guided, t.len()))
            // A sample without spread has none to give back.
            .map(|(own, now)| if now > 0.0 { self.rescale * own / now + 1.0 - self.rescale } else { 1.0 })
            .collect();
        Ok(Prediction { value: ops::combine(&[(&factors, &guided)])?, ..with })
    }
}

/// The standard deviation of each sample's values.
fn deviations<T: Element>(x: &Tensor<T>, samples: usize) -> impl Iterator<Item = f64> {
    let each = (x.numel() / samples.max(1)).max(1);
    x.as_slice().chunks(each).map(move |sample| {
        let mean = sample.iter().map(|x| x.to_f64()).sum::<f64>() / each as f64;
        let square = |x: &T| (x.to_f64() - mean) * (x.to_f64() - mean);
        (sample.iter().map(square).sum::<f64>() / each as f64).sqrt()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, PredictionKind};

    /// Answers with the class everywhere.
    struct Echo;

    impl Denoiser<f64> for Echo {
        fn predict(&self, x: &Tensor<f64>, _: &[Timestep], condition: &Condition) -> Result<Prediction<f64>> {
            let class = condition.classes.as_ref().map_or(0, |classes| classes[0]);
            Ok(Prediction::new(PredictionKind::Epsilon, Tensor::full(*x.shape(), class as f64)))
        }
    }

    #[test]
    fn the_weight_extrapolates_from_the_unconditional_answer() {
        let condition = |class| Condition::of_classes(vec![class]);
        let time = [Timestep::new(5.0, Level { signal: 0.6, noise: 0.8 })];
        for (weight, expected) in [(0.0, 2.0), (1.0, 5.0), (3.0, 11.0)] {
            let guided = Guided::new(Echo, condition(2), weight);
            let answer = guided.predict(&Tensor::zeros([1, 3]), &time, &condition(5)).unwrap();
            assert_eq!(answer.value.as_slice(), [expected; 3]);
        }
    }
    /// Answers with the class times x.
    struct Scale;

    impl Denoiser<f64> for Scale {
        fn predict(&self, x: &Tensor<f64>, _: &[Timestep], condition: &Condition) -> Result<Prediction<f64>> {
            let class = condition.classes.as_ref().map_or(0, |classes| classes[0]);
            let value = ops::combine(&[(&[class as f64], x)])?;
            Ok(Prediction::new(PredictionKind::V, value))
        }
    }

    #[test]
    fn rescaling_takes_each_samples_deviation_back_to_the_conditional_one() {
        let condition = |class| Condition::of_classes(vec![class; 2]);
        let time = [Timestep::new(5.0, Level { signal: 0.6, noise: 0.8 }); 2];
        let x = Tensor::from_slice([2, 3], &[1.0, -2.0, 4.0, 0.5, 0.5, 0.5]).unwrap();
        // x + 2 (3 x − x) = 5 x, where the condition alone predicts 3 x.
        for (rescale, factor) in [(0.0, 5.0), (1.0, 3.0), (0.5, 4.0)] {
            let guided = Guided::new(Scale, condition(1), 2.0).rescaled(rescale);
            let answer = guided.predict(&x, &time, &condition(3)).unwrap();
            for (y, x) in answer.value.as_slice().iter().zip(x.as_slice()).take(3) {
                assert!((y - factor * x).abs() < 1e-12, "{y} is not {factor} times {x}");
            }
            assert_eq!(answer.value.as_slice()[3..], [2.5; 3], "a sample without spread");
        }
    }
}
