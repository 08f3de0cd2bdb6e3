use crate::{Builder, Ctx, Init, ParamId};
use tweedie_autograd::{Result, Var, ops};
use tweedie_tensor::Element;

/// A table of `count` learned rows of `width` numbers.
#[derive(Debug, Clone)]
pub struct Embedding {
    weight: ParamId,
    count: usize,
}

impl Embedding {
    /// Registers `weight` \[`count`, `width`\], N(0, 1).
    pub fn new(b: &Builder, count: usize, width: usize) -> Embedding {
        Embedding { weight: b.param("weight", [count, width], Init::Normal), count }
    }

    /// The number of rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The rows of `indices`, \[`indices.len()`, `width`\].
    ///
    /// # Errors
    /// An index that is not below `count`.
    pub fn forward<T: Element>(&self, ctx: &Ctx<T>, indices: &[usize]) -> Result<Var<T>> {
        ops::gather(ctx.param(self.weight), indices)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_the_order_of_the_indices() {
        let b = Builder::new();
        let layer = Embedding::new(&b, 3, 2);
        let params = b.draw(1);
        let table = params.get(layer.weight).as_slice();
        let rows = layer.forward(&Ctx::inference(&params), &[2, 0, 2]).unwrap();
        assert_eq!(rows.dims(), [3, 2]);
        assert_eq!(rows.value().as_slice(), [&table[4..], &table[..2], &table[4..]].concat());
        assert!(layer.forward(&Ctx::inference(&params), &[3]).is_err());
    }
}
