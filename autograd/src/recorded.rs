//! What a tape holds of an operation, as it is shown.

use tweedie_tensor::ops::NormStats;
use tweedie_tensor::{Element, Shape, Tensor};

/// An operation on a tape, as [`Tape::graph`](crate::Tape::graph) shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedOperation {
    /// Its name, [`Op::NAME`](crate::Op::NAME).
    pub name: &'static str,
    /// The node of each operand; `None` for a constant.
    pub operands: Vec<Option<usize>>,
    /// Multiplications and additions of convolutions, products of matrices and attention in its forward pass, by their
    /// definitions.
    pub flops: f64,
    /// What it saved for its backward pass.
    pub saved: Vec<SavedTensor>,
}

/// A tensor that an operation saved for its backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SavedTensor {
    /// Its shape.
    pub shape: Shape,
    /// The bytes of its numbers.
    pub bytes: usize,
    /// [`Tensor::identity`]: saved tensors that share their numbers have the same, and take their memory once.
    pub identity: usize,
}

impl SavedTensor {
    fn of<T: Element>(tensor: &Tensor<T>) -> SavedTensor {
        SavedTensor {
            shape: *tensor.shape(),
            bytes: tensor.numel() * size_of::<T>(),
            identity: tensor.identity(),
        }
    }
}

/// What an operation may save for its backward pass: tensors, and values that take no memory worth counting.
pub trait SavedTensors<T: Element> {
    /// Shows each tensor.
    fn each(&self, see: &mut dyn FnMut(&Tensor<T>));
}

/// The tensors of what an operation saved.
pub(crate) fn list<T: Element>(saved: &impl SavedTensors<T>) -> Vec<SavedTensor> {
    let mut list = Vec::new();
    saved.each(&mut |tensor| list.push(SavedTensor::of(tensor)));
    list
}

impl<T: Element> SavedTensors<T> for Tensor<T> {
    fn each(&self, see: &mut dyn FnMut(&Tensor<T>)) {
        see(self);
    }
}

impl<T: Element> SavedTensors<T> for NormStats<T> {
    fn each(&self, see: &mut dyn FnMut(&Tensor<T>)) {
        see(&self.mean);
        see(&self.rstd);
    }
}

impl<T: Element, S: SavedTensors<T>> SavedTensors<T> for Option<S> {
    fn each(&self, see: &mut dyn FnMut(&Tensor<T>)) {
        self.iter().for_each(|saved| saved.each(see));
    }
}

impl<T: Element, S: SavedTensors<T>, const N: usize> SavedTensors<T> for [S; N] {
    fn each(&self, see: &mut dyn FnMut(&Tensor<T>)) {
        self.iter().for_each(|saved| saved.each(see));
    }
}

impl<T: Element, S: SavedTensors<T>> SavedTensors<T> for Vec<S> {
    fn each(&self, see: &mut dyn FnMut(&Tensor<T>)) {
        self.iter().for_each(|saved| saved.each(see));
    }
}

/// Values without tensors, and tuples.
macro_rules! saved_tensors {
    (none: $($plain:ty),*) => {
        $(impl<T: Element> SavedTensors<T> for $plain {
            fn each(&self, _: &mut dyn FnMut(&Tensor<T>)) {}
        })*
    };
    (tuples: $(($($part:ident),*)),*) => {
        $(impl<T: Element, $($part: SavedTensors<T>),*> SavedTensors<T> for ($($part,)*) {
            #[allow(non_snake_case, reason = "a part is called by its type")]
            fn each(&self, see: &mut dyn FnMut(&Tensor<T>)) {
                let ($($part,)*) = self;
                $($part.each(see);)*
            }
        })*
    };
}

saved_tensors!(none: (), bool, usize, f32, f64, Shape);
saved_tensors!(tuples: (A, B), (A, B, C), (A, B, C, D));
