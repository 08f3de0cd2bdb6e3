//! The embedding of times, classes and contexts inside a network, and the checks of a network's inputs.

use crate::layers::{Embedding, Linear, Sinusoid, TimestepEmbedding};
use crate::{Builder, Ctx, Error, Layer, Result};
use tweedie_autograd::Var;
use tweedie_tensor::Element;

/// The sum of the embedding of times, the embedding of classes if the network has classes, and a linear map of the mean
/// token if it has a context: that tells what the picture shows, if not where (Saharia et al. 2022, section 2.3).
#[derive(Debug, Clone)]
pub(crate) struct ConditionEmbedding {
    network: &'static str,
    sinusoid: Sinusoid,
    time_embedding: TimestepEmbedding,
    class_embedding: Option<Embedding>,
    context_embedding: Option<Linear>,
}

/// The conditions of a forward pass: what a network is given besides the pictures.
#[derive(Debug)]
pub(crate) struct ConditionInputs<'a, T: Element> {
    /// One per sample, or one for all.
    pub(crate) timesteps: &'a [f64],
    /// One per sample, or one for all; `None` for a network without classes.
    pub(crate) classes: Option<&'a [usize]>,
    /// \[n, tokens, numbers\]; `None` for a network without a context.
    pub(crate) context: Option<&'a Var<T>>,
}

impl ConditionEmbedding {
    /// Registers `time_embedding`, `class_embedding` for so many classes, and `context_embedding` for a context of so many
    /// numbers a token. Each maps to `width` numbers. Errors name the network.
    pub(crate) fn new(
        b: &Builder,
        network: &'static str,
        sinusoid: Sinusoid,
        width: usize,
        classes: Option<usize>,
        context: Option<usize>,
    ) -> ConditionEmbedding {
        ConditionEmbedding {
            network,
            sinusoid,
            time_embedding: TimestepEmbedding::new(&b.pp("time_embedding"), sinusoid.width, width),
            class_embedding: classes.map(|count| Embedding::new(&b.pp("class_embedding"), count, width)),
            context_embedding: context.map(|numbers| Linear::new(&b.pp("context_embedding"), numbers, width)),
        }
    }

    /// The embedding of each of `n` samples, \[n, `width`\], after a SiLU: every block would start with it, so it is computed
    /// once.
    ///
    /// # Errors
    /// [`Error::Input`] when there are not as many times or classes as samples; when classes are missing, uncalled
    /// for, or out of range.
    pub(crate) fn forward<T: Element>(
        &self,
        ctx: &Ctx<T>,
        n: usize,
        inputs: &ConditionInputs<'_, T>,
    ) -> Result<Var<T>> {
        let timesteps = self.per_sample(inputs.timesteps, n, "timesteps")?;
        let time = self.time_embedding.forward(ctx, Var::constant(self.sinusoid.embed(&timesteps)))?;
        let embedding = match (&self.class_embedding, inputs.classes) {
            (None, None) => time,
            (Some(table), Some(classes)) => {
                let classes = self.per_sample(classes, n, "classes")?;
                if let Some(class) = classes.iter().find(|&&class| class >= table.count()) {
                    let why = format!("the model has classes 0 to {}", table.count() - 1);
                    return Err(input_error(self.network, format!("class {class}"), why));
                }
                time.add(table.forward(ctx, &classes)?)?
            }
            (Some(table), None) => {
                let why = format!("the model has {} classes, and needs one per sample", table.count());
                return Err(input_error(self.network, "no classes", why));
            }
            (None, Some(_)) => return Err(input_error(self.network, "classes", "the model has none")),
        };
        let embedding = match (&self.context_embedding, inputs.context) {
            (Some(map), Some(context)) => {
                let tokens = context.dims()[1].max(1) as f64;
                let mean = context.clone().sum_axis(1)?.scale(1.0 / tokens)?;
                embedding.add(map.forward(ctx, mean)?)?
            }
            _ => embedding,
        };
        Ok(embedding.silu()?)
    }

    /// One value per sample, from as many or from one for all.
    fn per_sample<V: Copy>(&self, values: &[V], n: usize, what: &str) -> Result<Vec<V>> {
        match values {
            [one] => Ok(vec![*one; n]),
            _ if values.len() == n => Ok(values.to_vec()),
            _ => {
                let why = format!("one for each of {n} samples is needed, or one for all");
                Err(input_error(self.network, format!("{} {what}", values.len()), why))
            }
        }
    }
}

/// Checks pictures x \[n, c, h, w\], and returns n.
///
/// # Errors
/// [`Error::Input`] when c is not `channels`, or a side is not a multiple of `multiple`.
pub(crate) fn check_picture<T: Element>(
    network: &'static str,
    x: &Var<T>,
    channels: usize,
    multiple: usize,
) -> Result<usize> {
    let [n, c, height, width] = x.shape().nchw(network)?;
    let refuse = |why| Err(input_error(network, format!("pictures {}", x.shape()), why));
    if c != channels {
        return refuse(format!("the model takes {channels} channels"));
    }
    if height == 0 || width == 0 || !height.is_multiple_of(multiple) || !width.is_multiple_of(multiple) {
        return refuse(format!("height and width must be multiples of {multiple}"));
    }
    Ok(n)
}

/// An [`Error::Input`] of this network.
pub(crate) fn input_error(network: &'static str, what: impl Into<String>, why: impl Into<String>) -> Error {
    Error::Input { network, what: what.into(), why: why.into() }
}
