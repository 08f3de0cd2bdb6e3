use super::pass::Pass;
use super::pictures::Pictures;
use crate::cluster::Turn;
use crate::data::Source;
use crate::model::Model;
use crate::purpose;
use crate::{Error, Result};
use std::f64::consts::LN_2;
use std::ops::Range;
use tweedie_autograd::{Tape, Var};
use tweedie_diffusion::{Condition, JacobianProbe, Mean, Prediction, ProbabilityFlow, Timestep};
use tweedie_nn::Ctx;
use tweedie_tensor::random;
use tweedie_tensor::{Number, Tensor, ops};

/// The distance between neighbours of the 256 levels in [−1, 1].
const LEVEL: f64 = 2.0 / 255.0;

/// Pictures that go through the network at a time at most: its passes are kept for their gradients.
const AT_A_TIME: usize = 16;

/// How the likelihood is to be measured.
#[derive(Debug, Clone)]
pub struct LikelihoodRequest {
    /// How many pictures; the set's length if it has fewer.
    pub pictures: usize,
    /// Steps of the solver.
    pub steps: usize,
    /// Which pictures, where in their levels they lie, and the probes.
    pub seed: u64,
}

/// What it came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LikelihoodEstimate {
    /// How many pictures it is over.
    pub pictures: usize,
    /// Bits a dimension.
    pub bits: Mean,
    /// By how much the solver is off, in bits: a third of what half the steps change (its order is two).
    pub solver_error: f64,
}

/// What one picture came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureLikelihood {
    /// Bits a dimension.
    pub bits: f64,
    /// What half the steps of the solver change of them.
    pub change: f64,
}

impl LikelihoodEstimate {
    /// What pictures come to together. The last bits depend on their order.
    pub fn of(pictures: &[PictureLikelihood]) -> LikelihoodEstimate {
        let mean = |number: fn(&PictureLikelihood) -> f64| {
            Mean::of(&pictures.iter().map(number).collect::<Vec<f64>>())
        };
        let solver_error = (mean(|picture| picture.change).mean / 3.0).abs();
        LikelihoodEstimate { pictures: pictures.len(), bits: mean(|picture| picture.bits), solver_error }
    }
}

/// Measures −log p of pictures of `source` under the probability-flow ODE, a byte spread evenly over its level, so that
/// the mean is a bound on the bits of the bytes: of `turn`'s part of the pictures.
///
/// # Errors
/// As [`bound`](super::bound()).
pub fn likelihood<'a>(
    model: &'a Model,
    source: &'a dyn Source,
    request: &LikelihoodRequest,
    turn: Turn,
) -> Result<LikelihoodMeasurement<'a>> {
    let ranges: Vec<Range<usize>> = turn.ranges(request.pictures.min(source.len()), AT_A_TIME).collect();
    Ok(LikelihoodMeasurement {
        model,
        flow: ProbabilityFlow::new(model.schedule()?, request.steps)?,
        coarse: ProbabilityFlow::new(model.schedule()?, (request.steps / 2).max(1))?,
        pictures: Pictures::new(model, source, request.seed)?,
        seed: request.seed,
        all: ranges.iter().map(Range::len).sum(),
        ranges: ranges.into_iter(),
        read: 0,
    })
}

/// A measurement of the likelihood: an iterator over batches of pictures, and what they [come to](LikelihoodEstimate::of).
pub struct LikelihoodMeasurement<'a> {
    model: &'a Model,
    flow: ProbabilityFlow,
    /// The same in half the steps.
    coarse: ProbabilityFlow,
    pictures: Pictures<'a>,
    seed: u64,
    /// The batches that are not read.
    ranges: std::vec::IntoIter<Range<usize>>,
    /// Pictures that have been read, and all.
    read: usize,
    all: usize,
}

impl LikelihoodMeasurement<'_> {
    fn batch(&mut self, numbers: Range<usize>) -> Result<Pass<Vec<PictureLikelihood>>> {
        let (first, seed) = (numbers.start as u64, self.seed);
        self.read += numbers.len();
        let (batch, condition) = self.pictures.read(numbers)?;
        let (shape, half) = (*batch.x.shape(), (0.5 * LEVEL) as f32);
        let dims = batch.x.numel() as f64 / batch.x.dims()[0].max(1) as f64;
        let within = random::uniform(shape, seed, purpose::DEQUANTISE, 0, first, -half, half);
        let x = ops::combine(&[(&[1.0], &batch.x), (&[1.0], &within)])?;
        let density = |flow: &ProbabilityFlow| -> Result<Vec<f64>> {
            let ln_p = flow.log_density(self.model, &x, &condition, seed, first)?;
            Ok(ln_p.into_iter().map(|ln_p| -(ln_p / dims + Number::ln(LEVEL)) / LN_2).collect())
        };
        let (fine, coarse) = (density(&self.flow)?, density(&self.coarse)?);
        let each = |(bits, coarse)| PictureLikelihood { bits, change: bits - coarse };
        let done = Some(fine.into_iter().zip(coarse).map(each).collect());
        Ok(Pass { share: self.read as f64 / self.all as f64, done })
    }
}

impl Iterator for LikelihoodMeasurement<'_> {
    type Item = Result<Pass<Vec<PictureLikelihood>>>;

    fn next(&mut self) -> Option<Result<Pass<Vec<PictureLikelihood>>>> {
        let numbers = self.ranges.next()?;
        let done = self.batch(numbers);
        if done.is_err() {
            self.ranges = Vec::new().into_iter();
        }
        Some(done)
    }
}

impl JacobianProbe<f32> for Model {
    /// By one pass backward, with the pictures as the leaf.
    fn predict_with_probe(
        &self,
        x_t: &Tensor<f32>,
        t: &[Timestep],
        condition: &Condition,
        probe: &Tensor<f32>,
    ) -> tweedie_diffusion::Result<(Prediction<f32>, Vec<f64>)> {
        let clocks: Vec<f64> = t.iter().map(Timestep::clock).collect();
        let pulled = || -> Result<(Prediction<f32>, Vec<f64>)> {
            let tape = Tape::new();
            let x: Var<f32> = tape.leaf(x_t.clone());
            let ctx = Ctx::inference(&self.params);
            let output = self.forward(&ctx, x.clone(), &clocks, condition)?;
            let prediction =
                Prediction::from_output(self.prediction()?, output.value().clone(), self.learns_variance)?;
            // What the output says of the variance is no part of what is predicted.
            let seed = match &prediction.range {
                Some(range) => ops::concat(&[probe, &Tensor::zeros(*range.shape())], 1)?,
                None => probe.clone(),
            };
            let mut gradients = output.vjp(seed)?;
            let pulled = gradients.take(&x).unwrap_or_else(|| Tensor::zeros(*x_t.shape()));
            let each = (pulled.numel() / t.len().max(1)).max(1);
            let pairs = pulled.as_slice().chunks(each).zip(probe.as_slice().chunks(each));
            let dots = pairs.map(|(a, b)| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum());
            Ok((prediction, dots.collect()))
        };
        pulled().map_err(|error: Error| tweedie_diffusion::Error::Denoiser(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::data::{Glyphs, Split};
    use tweedie_diffusion::Denoiser;
    use tweedie_nn::{Builder, Network};
    use tweedie_tensor::random::Purpose;

    /// The network's own product with its Jacobian is what central differences make it.
    #[test]
    fn the_probe_is_the_slope_of_the_output() {
        let mut config = Config::preset("digits").unwrap();
        for setting in ["block_out_channels=[16, 16]", "attention_head_dim=16", "zero_init_output=false"] {
            config.set(&format!("model.{setting}")).unwrap();
        }
        let config = config.resolved(&Glyphs::new(Split::Test, 8));
        let builder = Builder::new();
        let network = Network::new(&config.model, &builder).unwrap();
        let model = Model::of_run(&config, network, builder.draw(3)).unwrap();
        let draw = |step| random::normal::<f32>([2, 1, 8, 8], 0, Purpose::TEST, step, 0);
        let (x, z) = (draw(0), draw(1));
        let t: Vec<Timestep> = [200, 700].map(|t| model.schedule().unwrap().timestep(t)).to_vec();
        let condition = Condition::of_classes(vec![3, 5]);
        let (_, probed) = model.predict_with_probe(&x, &t, &condition, &z).unwrap();
        let at = |h: f64| {
            let moved = ops::combine(&[(&[1.0], &x), (&[h], &z)]).unwrap();
            Denoiser::predict(&model, &moved, &t, &condition).unwrap().value
        };
        let slopes = |h: f64| {
            let (ahead, behind) = (at(h), at(-h));
            let changes = ahead.as_slice().iter().zip(behind.as_slice());
            let terms = changes.zip(z.as_slice()).map(|((a, b), z)| f64::from(a - b) * f64::from(*z));
            let terms: Vec<f64> = terms.collect();
            terms.chunks(64).map(|sample| sample.iter().sum::<f64>() / (2.0 * h)).collect::<Vec<f64>>()
        };
        // Of two steps the error of second order is taken out.
        let (wide, narrow) = (slopes(1e-2), slopes(5e-3));
        for ((wide, narrow), probed) in wide.iter().zip(&narrow).zip(&probed) {
            let slope = (4.0 * narrow - wide) / 3.0;
            assert!((probed - slope).abs() < 1e-3 * slope.abs().max(1.0), "{probed} is not {slope}");
        }
    }
}
