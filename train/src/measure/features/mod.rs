//! Features to compare pictures by: a small classifier that the program trains on a data set computes them, and its class
//! for a picture tells whether that shows what was asked for.

mod file;
mod shift;
mod trained;
mod training;

pub use trained::{Judgement, TrainedClassifier};
pub use training::{ClassifierRun, ClassifierStep, ClassifierTraining};
