use crate::purpose;
use tweedie_tensor::random;
use tweedie_tensor::{Shape, Tensor};

/// The initial value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Zeros.
    Zeros,
    /// Ones.
    Ones,
    /// Evenly distributed between −1/√`fan_in` and 1/√`fan_in`: what PyTorch gives weights and biases of linear
    /// and convolution layers (He et al. 2015's uniform rule with gain 1/√3, there `kaiming_uniform(a=√5)`).
    FanIn(usize),
    /// Standard normals.
    Normal,
}

/// A parameter as a layer registered it.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The full dotted name.
    pub name: String,
    /// The shape.
    pub shape: Shape,
    /// Its initial value.
    pub init: Init,
}

impl Spec {
    /// Its initial value. `index` is its place in the model's list of parameters.
    pub(crate) fn draw(&self, seed: u64, index: usize) -> Tensor<f32> {
        let step = index as u64;
        match self.init {
            Init::Zeros => Tensor::zeros(self.shape),
            Init::Ones => Tensor::full(self.shape, 1.0),
            Init::FanIn(fan_in) => {
                let bound = (1.0 / (fan_in.max(1) as f64).sqrt()) as f32;
                random::uniform(self.shape, seed, purpose::INIT, step, 0, -bound, bound)
            }
            Init::Normal => random::normal(self.shape, seed, purpose::INIT, step, 0),
        }
    }
}
