use crate::layers::{Conv2d, GroupNorm, Linear};
use crate::{Builder, Ctx, Error, Layer, Result};
use serde::{Deserialize, Serialize};
use tweedie_autograd::Var;
use tweedie_tensor::{Element, ops};

/// The configuration of a classifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierConfig {
    /// Channels of the pictures.
    pub in_channels: usize,
    /// The number of classes.
    pub classes: usize,
    /// Channels at each picture size, from the full size downwards by halves; the last is the length of the features.
    pub widths: Vec<usize>,
    /// Groups of its normalisations; divides every width.
    pub norm_num_groups: usize,
}

/// A small convolutional network that classifies pictures of any size.
///
/// 3×3 convolutions with a normalisation and a SiLU before each but the first: one at the full size and two at each
/// smaller size, the first of which halves it. The features of a picture are the mean over all pixels of the last output,
/// and its logits a linear map of the features.
#[derive(Debug, Clone)]
pub struct Classifier {
    config: ClassifierConfig,
    conv_in: Conv2d,
    levels: Vec<[(GroupNorm, Conv2d); 2]>,
    norm_out: GroupNorm,
    head: Linear,
}

/// The output of a classifier.
#[derive(Debug, Clone)]
pub struct Reading<T: Element> {
    /// The mean activations of the last convolution, \[n, width\]: the input of the linear map to logits.
    pub features: Var<T>,
    /// Log-probabilities of the classes up to a constant, \[n, classes\].
    pub logits: Var<T>,
}

impl Classifier {
    /// Registers its parameters.
    ///
    /// # Errors
    /// [`Error::Config`] for no widths, no classes or channels, or groups that do not divide a width.
    pub fn new(config: &ClassifierConfig, b: &Builder) -> Result<Classifier> {
        let ClassifierConfig { in_channels, classes, widths, norm_num_groups } = config;
        for (key, value) in [("in_channels", *in_channels), ("classes", *classes)] {
            if value == 0 {
                let (key, value, why) =
                    (key.to_string(), value.to_string(), "must be at least 1".to_string());
                return Err(Error::Config { key, value, why });
            }
        }
        let (Some(&first), Some(&last)) = (widths.first(), widths.last()) else {
            let why = "must name at least one width".to_string();
            return Err(Error::Config { key: "widths".into(), value: "[]".into(), why });
        };
        let norm = |b: Builder, width| GroupNorm::new(&b, *norm_num_groups, width, 1e-5);
        let halving = ops::Conv2dOptions { stride: 2, padding: ops::Padding::same(1) };
        let conv_in = Conv2d::same3(&b.pp("conv_in"), *in_channels, first);
        let mut levels = Vec::new();
        for (i, pair) in widths.windows(2).enumerate() {
            let (b, inputs, outputs) = (b.pp("levels").pp(i), pair[0], pair[1]);
            levels.push([
                (norm(b.pp("norm1"), inputs)?, Conv2d::new(&b.pp("conv1"), inputs, outputs, 3, halving)),
                (norm(b.pp("norm2"), outputs)?, Conv2d::same3(&b.pp("conv2"), outputs, outputs)),
            ]);
        }
        let norm_out = norm(b.pp("norm_out"), last)?;
        let head = Linear::new(&b.pp("head"), last, *classes);
        Ok(Classifier { config: config.clone(), conv_in, levels, norm_out, head })
    }

    /// Its configuration.
    pub fn config(&self) -> &ClassifierConfig {
        &self.config
    }

    /// Classifies pictures x \[n, `in_channels`, h, w\].
    ///
    /// # Errors
    /// [`Error::Input`] when x has other channels or no pixels.
    pub fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Reading<T>> {
        let [n, channels, height, width] = x.shape().nchw("classifier")?;
        if channels != self.config.in_channels || height * width == 0 {
            let why = format!("it reads pictures of {} channels", self.config.in_channels);
            return Err(Error::Input { network: "classifier", what: format!("pictures {}", x.shape()), why });
        }
        let mut x = self.conv_in.forward(ctx, x)?;
        for (norm, conv) in self.levels.iter().flatten() {
            x = conv.forward(ctx, norm.forward_silu(ctx, x)?)?;
        }
        let x = self.norm_out.forward_silu(ctx, x)?;
        let [_, channels, height, width] = x.shape().nchw("classifier")?;
        let places = height * width;
        let features = x.reshape([n, channels, places])?.sum_axis(2)?.scale(1.0 / places as f64)?;
        Ok(Reading { logits: self.head.forward(ctx, features.clone())?, features })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Params;
    use crate::check::slopes;
    use tweedie_autograd::ops::cross_entropy;
    use tweedie_autograd::{ParamId, Tape};
    use tweedie_tensor::Tensor;
    use tweedie_tensor::random::{self, Purpose};

    fn config() -> ClassifierConfig {
        ClassifierConfig { in_channels: 2, classes: 3, widths: vec![4, 8, 6], norm_num_groups: 2 }
    }

    #[test]
    fn any_size_is_read() {
        let b = Builder::new();
        let classifier = Classifier::new(&config(), &b).unwrap();
        let params = b.draw(0);
        for (height, width) in [(1, 1), (7, 5), (12, 16)] {
            let x = Var::constant(random::normal([3, 2, height, width], 0, Purpose::TEST, 0, 0));
            let Reading { features, logits } = classifier.forward(&Ctx::inference(&params), x).unwrap();
            assert_eq!((features.dims(), logits.dims()), (&[3, 6][..], &[3, 3][..]));
            assert!(features.value().all_finite() && logits.value().all_finite());
        }
    }

    /// One weight of each parameter, by central differences in f64.
    #[test]
    fn every_parameter_has_its_gradient() {
        let b = Builder::new();
        let classifier = Classifier::new(&config(), &b).unwrap();
        let params = b.draw(1).cast::<f64>();
        let x: Tensor<f64> = random::normal([3, 2, 6, 6], 0, Purpose::TEST, 0, 0);
        let loss = |ctx: &Ctx<f64>| {
            let logits = classifier.forward(ctx, Var::constant(x.clone())).unwrap().logits;
            cross_entropy(logits, &[2, 0, 1]).unwrap()
        };
        let tape = Tape::new();
        let gradients = params.collect(loss(&Ctx::training(&params, &tape)).backward().unwrap());
        for (i, gradient) in gradients.iter().enumerate() {
            let gradient = gradient.as_ref().unwrap().as_slice();
            let place = gradient.len() / 2;
            let value = |params: &Params<f64>| loss(&Ctx::inference(params)).value().item().unwrap();
            let numeric = slopes(&params, ParamId(i), [place], value)[0];
            assert!((numeric - gradient[place]).abs() < 1e-8, "{}: {numeric}", params.names()[i]);
        }
    }

    #[test]
    fn what_cannot_be_built_or_read_is_named() {
        let build = |config| Classifier::new(&config, &Builder::new()).unwrap_err().to_string();
        assert!(build(ClassifierConfig { classes: 0, ..config() }).starts_with("classes = 0"));
        assert!(build(ClassifierConfig { widths: vec![], ..config() }).starts_with("widths = []"));
        assert!(build(ClassifierConfig { norm_num_groups: 4, ..config() }).contains("does not divide 6"));
        let b = Builder::new();
        let classifier = Classifier::new(&config(), &b).unwrap();
        let x = Var::constant(Tensor::zeros([1, 3, 4, 4]));
        let error = classifier.forward(&Ctx::inference(&b.draw(0)), x).unwrap_err().to_string();
        assert_eq!(error, "classifier: pictures [1, 3, 4, 4]: it reads pictures of 2 channels");
    }
}
