use super::shift::shift;
use super::{TrainedClassifier, fingerprint};
use crate::data::{Loader, Source};
use crate::{Error, Result};
use std::sync::Arc;
use tweedie_autograd::{Tape, Var, ops::cross_entropy};
use tweedie_nn::lr::LearningRate;
use tweedie_nn::optim::{OptimConfig, Optimizer};
use tweedie_nn::{Builder, Classifier, ClassifierConfig, Ctx, Ema};

/// How a classifier is trained. The result is a function of this and of the data, whatever the number of threads.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassifierTraining {
    /// Channels at each size of the picture; the last is the length of the features.
    pub widths: Vec<usize>,
    /// Steps of AdamW, the learning rate falling along half a cosine.
    pub steps: u64,
    /// Pictures a step; fewer where the set has fewer.
    pub batch: usize,
    /// The largest learning rate.
    pub learning_rate: f64,
    /// Pictures are moved by up to this many pixels.
    pub shift: usize,
    /// What initial weights, order and shifts follow from.
    pub seed: u64,
}

impl ClassifierTraining {
    /// What suits pictures of this shape.
    pub fn for_shape([channels, height, width]: [usize; 3]) -> ClassifierTraining {
        let widths = if channels == 1 { vec![16, 32, 64] } else { vec![32, 64, 128] };
        // Two pixels of 28; of a picture of 8, one more would lose what it shows.
        let shift = height.min(width) / 14;
        ClassifierTraining { widths, steps: 700, batch: 128, learning_rate: 4e-3, shift, seed: 0 }
    }

    /// Trains on one set and measures on another, saying the share of steps that are done and the loss after each.
    ///
    /// # Errors
    /// Data without classes to tell apart, sets that do not go together, a loss that is no longer finite, or an
    /// error of `each`.
    pub fn run(
        &self,
        train: Arc<dyn Source>,
        test: &dyn Source,
        mut each: impl FnMut(f64, f64) -> Result<()>,
    ) -> Result<TrainedClassifier> {
        let (shape, classes) = (train.shape(), train.classes().to_vec());
        if classes.len() < 2 {
            return Err(Error::config(
                "the data has no classes to tell apart",
                "the classifier",
                "give data with classes, such as a folder with a subfolder for each",
            ));
        }
        if test.shape() != shape || test.classes() != classes {
            return Err(Error::config(
                "the test split has pictures of another shape, or other classes, than the train split",
                "the classifier",
                "give data whose splits go together",
            ));
        }
        let config = ClassifierConfig {
            in_channels: shape[0],
            classes: classes.len(),
            widths: self.widths.clone(),
            norm_num_groups: 8,
        };
        let builder = Builder::new();
        let network = Classifier::new(&config, &builder)?;
        let mut params = builder.draw(self.seed);
        let rule = OptimConfig::AdamW { beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.05 };
        let mut optimizer = Optimizer::new(rule, &params)?;
        let mut average = Ema::new(&params, 0.99)?;
        let rate = LearningRate::Cosine {
            peak: self.learning_rate,
            warmup: self.steps / 20,
            total: self.steps,
            floor: 0.0,
        };
        let data = fingerprint(&*train)?;
        let mut loader = Loader::new(train.clone(), self.seed, self.batch.min(train.len()), 0, false)?;
        for step in 0..self.steps {
            let batch = loader.next()?;
            let x = shift(&batch.x, self.shift, self.seed, step);
            let tape = Tape::new();
            let ctx = Ctx::training(&params, &tape);
            let logits = network.forward(&ctx, Var::constant(x))?.logits;
            drop(ctx);
            let loss = cross_entropy(logits, &batch.labels)?;
            let value = f64::from(loss.value().item()?);
            let gradients = params.collect(loss.backward()?);
            let report =
                optimizer.step(&mut params, &gradients, rate.at(step), Some(1.0), Some(&mut average))?;
            if !value.is_finite() || !report.grad_norm.is_finite() {
                return Err(Error::config(
                    format!("the classifier's loss is no longer a finite number (step {step})"),
                    "the classifier",
                    "look for broken pictures in the data",
                ));
            }
            each((step + 1) as f64 / self.steps as f64, value)?;
        }
        let params = average.params().clone();
        let mut trained = TrainedClassifier { network, params, shape, classes, accuracy: 0.0, data };
        trained.accuracy = trained.accuracy_on(test)?;
        Ok(trained)
    }
}
