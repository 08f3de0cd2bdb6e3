use crate::Result;
use crate::data::{Source, hex, read_batch};
use sha2::{Digest, Sha256};
use tweedie_autograd::Var;
use tweedie_nn::{Classifier, Ctx, Params};
use tweedie_tensor::Tensor;

/// Pictures that go through the network at a time.
const AT_A_TIME: usize = 128;
/// Pictures that stand for a data set in its fingerprint.
const WITNESSES: usize = 64;

/// A classifier that has learnt.
#[derive(Debug, Clone)]
pub struct TrainedClassifier {
    pub(super) network: Classifier,
    pub(super) params: Params<f32>,
    pub(super) shape: [usize; 3],
    pub(super) classes: Vec<String>,
    pub(super) accuracy: f64,
    /// The fingerprint of what it learnt from.
    pub(super) data: String,
}

/// What a classifier makes of pictures.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// \[n, width\].
    pub features: Tensor<f32>,
    /// The most likely class of each picture.
    pub classes: Vec<usize>,
}

impl TrainedClassifier {
    /// Reads pictures x \[n, c, h, w\] in \[−1, 1\].
    ///
    /// # Errors
    /// Pictures of other channels.
    pub fn judge(&self, x: &Tensor<f32>) -> Result<Judgement> {
        let reading = self.network.forward(&Ctx::inference(&self.params), Var::constant(x.clone()))?;
        let logits = reading.logits.value().as_slice();
        let classes = logits.chunks_exact(self.classes.len()).map(largest).collect();
        Ok(Judgement { features: reading.features.into_value(), classes })
    }

    /// Channels, height and width of the pictures that it learnt from.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The names of its classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The length of its features.
    pub fn width(&self) -> usize {
        self.network.config().widths.last().copied().unwrap_or(0)
    }

    /// The share of the test pictures that it tells right.
    pub fn accuracy(&self) -> f64 {
        self.accuracy
    }

    /// Whether it learnt from these pictures.
    ///
    /// # Errors
    /// Pictures that cannot be read.
    pub fn knows(&self, source: &dyn Source) -> Result<bool> {
        Ok(self.data == fingerprint(source)?)
    }

    /// The share of a set that it tells right.
    pub(super) fn accuracy_on(&self, source: &dyn Source) -> Result<f64> {
        let mut right = 0;
        for first in (0..source.len()).step_by(AT_A_TIME) {
            let indices: Vec<usize> = (first..source.len().min(first + AT_A_TIME)).collect();
            let batch = read_batch(source, &indices)?;
            let read = self.judge(&batch.x)?.classes;
            right += read.iter().zip(&batch.labels).filter(|(a, b)| a == b).count();
        }
        Ok(right as f64 / source.len() as f64)
    }
}

/// The place of the largest number; the first of equal ones.
fn largest(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// SHA-256 over a set's size, shape and classes, and over pictures spread evenly through it.
pub(super) fn fingerprint(source: &dyn Source) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(format!("{} {:?} {:?}", source.len(), source.shape(), source.classes()));
    let mut bytes = vec![0; source.shape().iter().product()];
    let witnesses = WITNESSES.min(source.len());
    for i in 0..witnesses {
        let label = source.read(i * source.len() / witnesses, &mut bytes)?;
        hash.update(label.to_le_bytes());
        hash.update(&bytes);
    }
    Ok(hex(&hash.finalize()))
}
