//! Features to compare pictures by: those of a small classifier that the program trains on a data set, and whose reading
//! also tells whether a picture shows the class that was asked for.

mod file;
mod shift;
mod trained;
mod training;

pub use trained::{Judgement, TrainedClassifier};
pub use training::{ClassifierRun, ClassifierStep, ClassifierTraining};
