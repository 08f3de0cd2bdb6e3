//! Whose features pictures are compared in.

use super::classifier;
use super::real::Real;
use crate::args::FrechetArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::spread::spread;
use std::path::Path;
use tweedie_nn::described::FeatureNetwork;
use tweedie_tensor::Tensor;
use tweedie_train::cluster::{Team, Turn};
use tweedie_train::data::{Source, read_batch};
use tweedie_train::measure::features::TrainedClassifier;

/// Pictures that go through the network at a time.
const AT_A_TIME: usize = 128;

/// A network whose features tell pictures apart.
pub(super) enum Judge<'a> {
    /// The program's own.
    Classifier(Box<TrainedClassifier>),
    /// The user's, and the file of its weights.
    Network(FeatureNetwork, &'a Path),
}

impl<'a> Judge<'a> {
    /// The network that the command line names, else the classifier of `real`.
    ///
    /// # Errors
    /// Files that do not go together or do not take pictures of `shape`; what the classifier's training meets.
    pub(super) fn obtain(
        args: &'a FrechetArgs,
        real: &Real,
        shape: [usize; 3],
        team: &mut Team,
        console: Console,
        interrupt: &Interrupt,
    ) -> Result<Judge<'a>> {
        if let (Some(weights), Some(description)) = (&args.features, &args.description) {
            return Ok(Judge::Network(FeatureNetwork::open(weights, description, shape)?, weights));
        }
        let given = args.real.classifier.as_deref();
        let classifier = classifier::obtain(given, &args.model, real, shape, team, console, interrupt)?;
        Ok(Judge::Classifier(Box::new(classifier)))
    }

    /// The length of the features.
    pub(super) fn width(&self) -> usize {
        match self {
            Judge::Classifier(classifier) => classifier.width(),
            Judge::Network(network, _) => network.width(),
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        match self {
            Judge::Classifier(_) => "classifier".to_string(),
            Judge::Network(_, weights) => weights.display().to_string(),
        }
    }

    /// The share of the test pictures that it tells right, if telling is what it learnt.
    pub(super) fn accuracy(&self) -> Option<f64> {
        match self {
            Judge::Classifier(classifier) => Some(classifier.accuracy()),
            Judge::Network(..) => None,
        }
    }

    /// The features of pictures, a row each.
    ///
    /// # Errors
    /// Pictures that the network does not take.
    pub(super) fn features(&self, x: &Tensor<f32>) -> Result<Tensor<f32>> {
        match self {
            Judge::Classifier(classifier) => Ok(classifier.judge(x)?.features),
            Judge::Network(network, _) => Ok(network.features(x)?),
        }
    }

    /// The features of the pictures of `source` at `indices`, on rank 0 of `team`; `what` they are, for the progress.
    ///
    /// # Errors
    /// Pictures that cannot be read; [`Failure::Interrupted`] on Ctrl-C.
    pub(super) fn features_of(
        &self,
        source: &dyn Source,
        indices: &[usize],
        what: &str,
        team: &mut Team,
        console: Console,
        interrupt: &Interrupt,
    ) -> Result<Tensor<f32>> {
        let (turn, n) = (Turn::among(team), indices.len());
        let mut progress = Progress::new(console);
        let batches = turn.ranges(n, AT_A_TIME).map(|part| {
            let done = n.min(part.start + turn.size() * part.len());
            let features = self.features(&read_batch(source, &indices[part])?.x)?;
            progress.update(done as f64 / n as f64, || format!("looking at {what} pictures"));
            match interrupt.asked() {
                true => Err(Failure::Interrupted("nothing was measured".to_string())),
                false => Ok(Some(features)),
            }
        });
        self.gathered(spread(team, interrupt, batches))
    }

    /// The rows of all batches.
    ///
    /// # Errors
    /// Those of the batches.
    pub(super) fn gathered(&self, batches: impl Iterator<Item = Result<Tensor<f32>>>) -> Result<Tensor<f32>> {
        let mut rows = Vec::new();
        for batch in batches {
            rows.extend_from_slice(batch?.as_slice());
        }
        Ok(Tensor::from_slice([rows.len() / self.width().max(1), self.width()], &rows)?)
    }
}
