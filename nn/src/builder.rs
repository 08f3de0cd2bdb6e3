use crate::{Init, Params, Spec};
use std::cell::RefCell;
use std::fmt::Display;
use std::rc::Rc;
use tweedie_autograd::ParamId;
use tweedie_tensor::Shape;

/// Where layers register their parameters, under a dotted prefix. Nothing is allocated before
/// [`Builder::draw`], so a model's size can be known without its memory.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    prefix: String,
    specs: Rc<RefCell<Vec<Spec>>>,
}

impl Builder {
    /// A builder without a prefix and without parameters.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// The same list of parameters under a longer prefix: after `pp("conv1")`, names begin with `conv1.`.
    pub fn pp(&self, name: impl Display) -> Builder {
        Builder { prefix: self.full(&name), specs: Rc::clone(&self.specs) }
    }

    /// Registers a parameter, and returns its index.
    pub fn param(&self, name: &str, shape: impl Into<Shape>, init: Init) -> ParamId {
        let mut specs = self.specs.borrow_mut();
        specs.push(Spec { name: self.full(&name), shape: shape.into(), init });
        ParamId(specs.len() - 1)
    }

    /// The parameters registered so far, in order.
    pub fn specs(&self) -> Vec<Spec> {
        self.specs.borrow().clone()
    }

    /// The total number of values in the registered parameters; the largest number that there is where it is beyond that.
    pub fn numel(&self) -> usize {
        let of = |spec: &Spec| spec.shape.dims().iter().fold(1, |n: usize, &side| n.saturating_mul(side));
        self.specs.borrow().iter().map(of).fold(0, usize::saturating_add)
    }

    /// Initial values. Each depends only on the seed, on the parameter's index and on its own shape.
    pub fn draw(&self, seed: u64) -> Params<f32> {
        Params::from_specs(&self.specs.borrow(), |index, spec| spec.draw(seed, index))
    }

    fn full(&self, name: &impl Display) -> String {
        if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_join_and_draws_depend_on_seed_and_index_alone() {
        let b = Builder::new();
        b.param("first", [2], Init::Ones);
        let id = b.pp("block").pp(3).param("weight", [40, 100], Init::FanIn(100));
        assert_eq!(b.numel(), 4002);
        let params = b.draw(7);
        assert_eq!(params.name(id), "block.3.weight");
        assert_eq!(params.find("block.3.weight"), Some(id));
        let weight = params.get(id);
        assert!(weight.as_slice().iter().all(|w| w.abs() <= 0.1));
        // The variance of U(−b, b) is b²/3; five standard deviations of its estimate from 4000 draws.
        let variance = weight.as_slice().iter().map(|w| f64::from(w * w)).sum::<f64>() / 4000.0;
        assert!((variance / (0.01 / 3.0) - 1.0).abs() < 5.0 * (0.8f64 / 4000.0).sqrt(), "{variance}");

        let other = Builder::new();
        other.param("something else", [3, 3], Init::Normal);
        let same = other.param("another name", [40, 100], Init::FanIn(100));
        assert_eq!(other.draw(7).get(same).as_slice(), weight.as_slice());
        assert_ne!(other.draw(8).get(same).as_slice(), weight.as_slice());
    }
}
