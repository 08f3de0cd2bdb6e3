use crate::{Builder, Ctx, Init, ParamId};
use tweedie_autograd::{Result, Var};
use tweedie_tensor::{Element, Error};

/// Group normalisation (Wu, He 2018) of \[n, `channels`, ..\]: every group of channels of every sample gets mean 0
/// and variance 1, then each channel its scale `weight` and offset `bias`.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    weight: ParamId,
    bias: ParamId,
    groups: usize,
    eps: f64,
}

impl GroupNorm {
    /// Registers `weight`, ones, and `bias`, zeros. `eps` is added to the variance.
    ///
    /// # Errors
    /// A group count that does not divide the channels.
    pub fn new(b: &Builder, groups: usize, channels: usize, eps: f64) -> Result<GroupNorm> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            let why = format!("does not divide {channels} channels");
            let value = groups.to_string();
            return Err(Error::Parameter { op: "group_norm", name: "groups", value, why }.into());
        }
        let weight = b.param("weight", [channels], Init::Ones);
        let bias = b.param("bias", [channels], Init::Zeros);
        Ok(GroupNorm { weight, bias, groups, eps })
    }

    /// Normalises.
    ///
    /// # Errors
    /// An input of another number of channels.
    pub fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        let y = x.group_norm(ctx.param(self.weight), ctx.param(self.bias), self.groups, self.eps)?;
        Ok(ctx.watch(self.weight, y))
    }

    /// Normalises and applies SiLU in the same pass over memory.
    ///
    /// # Errors
    /// As [`GroupNorm::forward`].
    pub fn forward_silu<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>> {
        let y = x.group_norm_silu(ctx.param(self.weight), ctx.param(self.bias), self.groups, self.eps)?;
        Ok(ctx.watch(self.weight, y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::Tensor;

    #[test]
    fn groups_have_mean_zero_and_variance_one() {
        let b = Builder::new();
        let norm = GroupNorm::new(&b, 2, 6, 0.0).unwrap();
        let params = b.draw(0).cast::<f64>();
        let ctx = Ctx::inference(&params);
        let x = Tensor::from_fn([2, 6, 3, 3], |i| ((i * i) % 17) as f64);
        let y = norm.forward(&ctx, Var::constant(x.clone())).unwrap();
        for group in y.value().as_slice().chunks(27) {
            let mean = group.iter().sum::<f64>() / 27.0;
            let variance = group.iter().map(|v| v * v).sum::<f64>() / 27.0;
            assert!(mean.abs() < 1e-12 && (variance - 1.0).abs() < 1e-12);
        }
        let activated = norm.forward_silu(&ctx, Var::constant(x)).unwrap();
        for (a, y) in activated.value().as_slice().iter().zip(y.value().as_slice()) {
            assert!((a - y / (1.0 + (-y).exp())).abs() < 1e-12);
        }
    }

    #[test]
    fn groups_must_divide_the_channels() {
        let error = GroupNorm::new(&Builder::new(), 4, 6, 1e-5).unwrap_err().to_string();
        assert_eq!(error, "group_norm: groups = 4: does not divide 6 channels");
        assert!(GroupNorm::new(&Builder::new(), 0, 6, 1e-5).is_err());
    }
}
