use crate::{Condition, Denoiser, Prediction, Result, Timestep};
use tweedie_tensor::{Element, Tensor, ops};

/// Classifier-free guidance (Ho and Salimans 2022, eq. 6): the prediction moved away from the unconditional one,
/// y = y_∅ + w (y_c − y_∅). w = 1 is the condition alone, w = 0 none; Ho and Salimans write 1 + w for this w.
///
/// The predictions are linear in each other at a given x_t, so guiding ε, x_0 or v comes to the same.
#[derive(Debug, Clone)]
pub struct Guided<D> {
    /// Who predicts; trained with and without its condition.
    pub denoiser: D,
    /// The condition that stands for none.
    pub unconditional: Condition,
    /// w.
    pub weight: f64,
}

impl<T: Element, D: Denoiser<T>> Denoiser<T> for Guided<D> {
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], condition: &Condition) -> Result<Prediction<T>> {
        let with = self.denoiser.predict(x_t, t, condition)?;
        let without = self.denoiser.predict(x_t, t, &self.unconditional)?;
        let terms: [(&[f64], &Tensor<T>); 2] =
            [(&[self.weight], &with.value), (&[1.0 - self.weight], &without.value)];
        Ok(Prediction { value: ops::combine(&terms)?, ..with })
    }
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
        let condition = |class| Condition { classes: Some(vec![class]) };
        let time = [Timestep::new(5.0, Level { signal: 0.6, noise: 0.8 })];
        for (weight, expected) in [(0.0, 2.0), (1.0, 5.0), (3.0, 11.0)] {
            let guided = Guided { denoiser: Echo, unconditional: condition(2), weight };
            let answer = guided.predict(&Tensor::zeros([1, 3]), &time, &condition(5)).unwrap();
            assert_eq!(answer.value.as_slice(), [expected; 3]);
        }
    }
}
