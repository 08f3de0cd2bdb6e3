use crate::{Op, Result, Sink, Var};
use tweedie_tensor::{Element, Tensor, ops};

/// The mean over all numbers of (x − target)².
struct Mse<T: Element> {
    target: Tensor<T>,
}

impl<T: Element> Op<T, 1> for Mse<T> {
    const NAME: &'static str = "mse";
    type Saved = Tensor<T>;

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, Tensor<T>)> {
        Ok((ops::mse(&x, &self.target)?, x))
    }

    fn backward(self, x: Tensor<T>, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.add(0, ops::mse_backward(&x, &self.target, dy.item()?)?)
    }
}

/// −ln softmax(x)\[label\], its mean over samples.
struct CrossEntropy {
    labels: Vec<usize>,
}

impl<T: Element> Op<T, 1> for CrossEntropy {
    const NAME: &'static str = "cross_entropy";
    /// ln softmax(x).
    type Saved = Tensor<T>;

    fn forward(&self, [x]: [Tensor<T>; 1], _: [bool; 1]) -> Result<(Tensor<T>, Tensor<T>)> {
        Ok(ops::cross_entropy(x, &self.labels)?)
    }

    fn backward(self, saved: Tensor<T>, dy: Tensor<T>, dx: &mut Sink<'_, T>) -> Result<()> {
        dx.add(0, ops::cross_entropy_backward(saved, &self.labels, dy.item()?)?)
    }
}

/// The mean over all numbers of (x − target)².
///
/// # Errors
/// Shapes that differ.
pub fn mse<T: Element>(x: Var<T>, target: Tensor<T>) -> Result<Var<T>> {
    Mse { target }.apply([x])
}

/// The mean cross-entropy, in nats, of logits \[n, k\] against n labels.
///
/// # Errors
/// Another number of labels, or a label of k or more.
pub fn cross_entropy<T: Element>(logits: Var<T>, labels: &[usize]) -> Result<Var<T>> {
    CrossEntropy { labels: labels.to_vec() }.apply([logits])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_gradients, values};

    #[test]
    fn squared_errors() {
        let (x, target) = (values(&[3, 2, 2], 1), values(&[3, 2, 2], 2));
        assert_gradients(&[x], |[x]| mse(x, target.clone()));
    }

    #[test]
    fn cross_entropies() {
        assert_gradients(&[values(&[4, 3], 3)], |[x]| cross_entropy(x, &[0, 2, 1, 2]));
    }
}
