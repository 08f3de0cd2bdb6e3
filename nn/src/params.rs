use crate::Spec;
use std::collections::HashMap;
use std::sync::Arc;
use tweedie_autograd::{Gradients, ParamId};
use tweedie_tensor::{Element, Tensor};

/// The parameters of a model: named tensors in the order in which the layers registered them.
///
/// Cloning is cheap: the tensors are shared until one is written. So a step that updates parameters in place
/// must be their only owner: drop every [`Ctx`](crate::Ctx) and clone before it.
#[derive(Debug, Clone)]
pub struct Params<T: Element = f32> {
    names: Arc<Names>,
    values: Vec<Tensor<T>>,
}

#[derive(Debug)]
struct Names {
    list: Vec<String>,
    index: HashMap<String, usize>,
}

impl<T: Element> Params<T> {
    /// One tensor for each of `specs`, in their order, from `value(index, spec)`.
    pub fn from_specs(specs: &[Spec], mut value: impl FnMut(usize, &Spec) -> Tensor<T>) -> Params<T> {
        let values = specs.iter().enumerate().map(|(i, spec)| value(i, spec)).collect();
        let list: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
        let index = list.iter().enumerate().map(|(i, name)| (name.clone(), i)).collect();
        Params { names: Arc::new(Names { list, index }), values }
    }

    /// The number of tensors.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The total number of values.
    pub fn numel(&self) -> usize {
        self.values.iter().map(Tensor::numel).sum()
    }

    /// A parameter's value.
    ///
    /// # Panics
    /// When the id belongs to another model with more parameters.
    pub fn get(&self, id: ParamId) -> &Tensor<T> {
        &self.values[id.0]
    }

    /// A parameter's value, mutable.
    ///
    /// # Panics
    /// As [`Params::get`].
    pub fn get_mut(&mut self, id: ParamId) -> &mut Tensor<T> {
        &mut self.values[id.0]
    }

    /// A parameter's full dotted name.
    ///
    /// # Panics
    /// As [`Params::get`].
    pub fn name(&self, id: ParamId) -> &str {
        &self.names.list[id.0]
    }

    /// The parameter of this name.
    pub fn find(&self, name: &str) -> Option<ParamId> {
        self.names.index.get(name).copied().map(ParamId)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor<T>)> {
        self.names.list.iter().map(String::as_str).zip(&self.values)
    }

    /// The names, in order.
    pub fn names(&self) -> &[String] {
        &self.names.list
    }

    /// The values, in order.
    pub fn values(&self) -> &[Tensor<T>] {
        &self.values
    }

    /// The values, in order, mutable.
    pub fn values_mut(&mut self) -> &mut [Tensor<T>] {
        &mut self.values
    }

    /// The same parameters in another element type, rounded to nearest.
    pub fn cast<U: Element>(&self) -> Params<U> {
        Params { names: Arc::clone(&self.names), values: self.values.iter().map(Tensor::cast).collect() }
    }

    /// Gradients in the order of the parameters; `None` where the loss does not depend on one.
    pub fn collect(&self, mut gradients: Gradients<T>) -> Vec<Option<Tensor<T>>> {
        (0..self.len()).map(|i| gradients.take_param(ParamId(i))).collect()
    }

    /// Whether all values are finite.
    pub fn all_finite(&self) -> bool {
        self.values.iter().all(Tensor::all_finite)
    }
}
