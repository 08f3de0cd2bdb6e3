use super::shift::shift;
use super::trained::{TrainedClassifier, fingerprint};
use crate::data::{Batches, Loader, Source};
use crate::{Error, Result};
use std::sync::Arc;
use tweedie_autograd::{Tape, Var, ops::cross_entropy};
use tweedie_nn::lr::LearningRate;
use tweedie_nn::optim::{OptimConfig, Optimizer, StepOptions};
use tweedie_nn::{Builder, Classifier, ClassifierConfig, Ctx, Ema, Params};

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

    /// Trains on one set, to be measured on another.
    ///
    /// # Errors
    /// Data without classes to tell apart, sets that do not go together. The iterator's own errors are pictures that
    /// cannot be read, and a loss that is no longer finite.
    pub fn run<'a>(&self, train: Arc<dyn Source>, test: &'a dyn Source) -> Result<ClassifierRun<'a>> {
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
        let params = builder.draw(self.seed);
        let rule = OptimConfig::AdamW { beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.05 };
        let rate = LearningRate::Cosine {
            peak: self.learning_rate,
            warmup: self.steps / 20,
            total: self.steps,
            floor: 0.0,
        };
        Ok(ClassifierRun {
            optimizer: Optimizer::new(rule, &params)?,
            average: Ema::new(&params, 0.99)?,
            data: fingerprint(&*train)?,
            loader: Loader::new(
                train.clone(),
                Batches { seed: self.seed, size: self.batch.min(train.len()), ..Batches::default() },
            )?,
            training: self.clone(),
            network,
            params,
            rate,
            step: 0,
            failed: false,
            test,
            shape,
            classes,
        })
    }
}

/// A classifier that is being trained: an iterator over the steps. After the last one, [`ClassifierRun::finish`] returns
/// the classifier.
pub struct ClassifierRun<'a> {
    training: ClassifierTraining,
    network: Classifier,
    params: Params<f32>,
    optimizer: Optimizer,
    average: Ema,
    rate: LearningRate,
    loader: Loader,
    step: u64,
    failed: bool,
    test: &'a dyn Source,
    shape: [usize; 3],
    classes: Vec<String>,
    data: String,
}

/// What a step of a classifier's training came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassifierStep {
    /// The share of the steps that is done.
    pub share: f64,
    /// The loss, in nats.
    pub loss: f64,
}

impl ClassifierRun<'_> {
    /// Takes the steps that are left, and measures the classifier on the test set.
    ///
    /// # Errors
    /// Pictures that cannot be read; a loss that is no longer finite.
    pub fn finish(mut self) -> Result<TrainedClassifier> {
        while self.step < self.training.steps {
            self.take_step()?;
        }
        let ClassifierRun { network, average, shape, classes, data, test, .. } = self;
        let params = average.params().clone();
        let mut trained = TrainedClassifier { network, params, shape, classes, accuracy: 0.0, data };
        trained.accuracy = trained.accuracy_on(test)?;
        Ok(trained)
    }

    fn take_step(&mut self) -> Result<ClassifierStep> {
        let ClassifierTraining { steps, shift: most, seed, .. } = self.training;
        let (step, params) = (self.step, &mut self.params);
        let batch = self.loader.next()?;
        let x = shift(&batch.x, most, seed, step);
        let tape = Tape::new();
        let ctx = Ctx::training(params, &tape);
        let logits = self.network.forward(&ctx, Var::constant(x))?.logits;
        drop(ctx);
        let loss = cross_entropy(logits, &batch.labels)?;
        let value = f64::from(loss.value().item()?);
        let gradients = params.collect(loss.backward()?);
        let (rate, average) = (self.rate.at(step), &mut self.average);
        let options = StepOptions { lr: rate, clip: Some(1.0), average: Some(average) };
        let report = self.optimizer.step(params, &gradients, options)?;
        if !value.is_finite() || !report.grad_norm.is_finite() {
            return Err(Error::config(
                format!("the classifier's loss is no longer a finite number (step {step})"),
                "the classifier",
                "look for broken pictures in the data",
            ));
        }
        self.step += 1;
        Ok(ClassifierStep { share: self.step as f64 / steps as f64, loss: value })
    }
}

impl Iterator for ClassifierRun<'_> {
    type Item = Result<ClassifierStep>;

    fn next(&mut self) -> Option<Result<ClassifierStep>> {
        if self.failed || self.step >= self.training.steps {
            return None;
        }
        let step = self.take_step();
        self.failed = step.is_err();
        Some(step)
    }
}
