use super::pictures::Pictures;
use crate::data::Source;
use crate::purpose;
use crate::{Error, Model, Result};
use std::f64::consts::LN_2;
use std::ops::ControlFlow;
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

/// Measures −log p of pictures of `source` under the probability-flow ODE, a byte spread evenly over its level, so that
/// the mean is a bound on the bits of the bytes. `watch` is called with the share that is done; `None` if that stopped
/// it.
///
/// # Errors
/// As [`super::bound`].
pub fn likelihood(
    model: &Model,
    source: &dyn Source,
    request: &LikelihoodRequest,
    mut watch: impl FnMut(f64) -> ControlFlow<()>,
) -> Result<Option<LikelihoodEstimate>> {
    let flow = ProbabilityFlow::new(model.schedule()?, request.steps)?;
    let coarse = ProbabilityFlow::new(model.schedule()?, (request.steps / 2).max(1))?;
    let mut pictures = Pictures::new(model, source, request.seed)?;
    let n = request.pictures.min(source.len());
    let dims = source.shape().iter().product::<usize>() as f64;
    let (mut bits, mut changes) = (Vec::with_capacity(n), Vec::with_capacity(n));
    for first in (0..n).step_by(AT_A_TIME) {
        let numbers = first..n.min(first + AT_A_TIME);
        let end = numbers.end;
        let (batch, condition) = pictures.read(numbers)?;
        let (shape, seed, half) = (*batch.x.shape(), request.seed, (0.5 * LEVEL) as f32);
        let within = random::uniform(shape, seed, purpose::DEQUANTISE, 0, first as u64, -half, half);
        let x = ops::combine(&[(&[1.0], &batch.x), (&[1.0], &within)])?;
        let density = |flow: &ProbabilityFlow| -> Result<Vec<f64>> {
            let ln_p = flow.log_density(model, &x, &condition, seed, first as u64)?;
            Ok(ln_p.into_iter().map(|ln_p| -(ln_p / dims + Number::ln(LEVEL)) / LN_2).collect())
        };
        let fine = density(&flow)?;
        changes.extend(fine.iter().zip(density(&coarse)?).map(|(fine, coarse)| fine - coarse));
        bits.extend(fine);
        if watch(end as f64 / n as f64).is_break() {
            return Ok(None);
        }
    }
    let solver_error = (Mean::of(&changes).mean / 3.0).abs();
    Ok(Some(LikelihoodEstimate { pictures: n, bits: Mean::of(&bits), solver_error }))
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
            let output = self.answer(&ctx, x.clone(), &clocks, condition)?;
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
