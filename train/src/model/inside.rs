//! A network from inside, at work on a picture.

use super::trained::Model;
use crate::Result;
use tweedie_autograd::{Tape, Var};
use tweedie_diffusion::{Condition, purpose};
use tweedie_nn::{Ctx, Params};
use tweedie_tensor::{Tensor, random};

impl Model {
    /// T, the number of times of its schedule.
    ///
    /// # Errors
    /// As [`Model::sampling`].
    pub fn num_timesteps(&self) -> Result<usize> {
        Ok(self.schedule()?.num_timesteps())
    }

    /// Pictures x_0 \[n, c, h, w\] at index `t` of the schedule, x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε with noise that follows from the
    /// seed, and the clock value that the network is told, for each.
    ///
    /// # Errors
    /// As [`Model::sampling`]; an index outside the schedule.
    pub fn noised(&self, x_0: &Tensor<f32>, t: usize, seed: u64) -> Result<(Tensor<f32>, Vec<f64>)> {
        let schedule = self.schedule()?;
        let times = vec![t; x_0.dims().first().copied().unwrap_or(0)];
        let noise = random::normal(*x_0.shape(), seed, purpose::NOISE, 0, 0);
        let x_t = schedule.q_sample(x_0, &times, &noise)?;
        let clocks = schedule.timesteps_at(&times)?.iter().map(|time| time.clock()).collect();
        Ok((x_t, clocks))
    }

    /// Its weights.
    pub fn params(&self) -> &Params<f32> {
        &self.params
    }

    /// Records one pass of the network, as [`Model::predict`] makes it, on a tape, which may
    /// [keep every value](Tape::keeping_values).
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn record(
        &self,
        tape: &Tape,
        x: &Tensor<f32>,
        timesteps: &[f64],
        condition: &Condition,
    ) -> Result<()> {
        let ctx = Ctx::training(&self.params, tape);
        self.forward(&ctx, Var::constant(x.clone()), timesteps, condition)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_diffusion::{PredictionKind, Schedule};
    use tweedie_nn::unet::SampleSize;
    use tweedie_nn::{Builder, Network, NetworkConfig, UNetConfig};

    fn model() -> Model {
        let unet = UNetConfig {
            sample_size: Some(SampleSize::Square(8)),
            block_out_channels: vec![8, 8, 8],
            norm_num_groups: 4,
            attention_head_dim: Some(8),
            ..UNetConfig::small()
        };
        let config = NetworkConfig::from(unet);
        let builder = Builder::new();
        Network::new(&config, &builder).unwrap();
        Model::new(config, builder.draw(3), Schedule::linear(50, 1e-4, 0.2).unwrap(), PredictionKind::Epsilon)
            .unwrap()
    }

    #[test]
    fn a_recorded_pass_ends_with_what_is_predicted_and_runs_through_the_traced_layers() {
        let model = model();
        let x_0 = Tensor::from_fn([1, 1, 8, 8], |i| (i % 5) as f32 / 2.0 - 1.0);
        let (x_t, clocks) = model.noised(&x_0, 20, 7).unwrap();
        let tape = Tape::keeping_values();
        let none = Condition::default();
        model.record(&tape, &x_t, &clocks, &none).unwrap();
        let (values, graph) = (tape.values(), tape.graph());
        assert_eq!(values.len(), graph.len());
        assert!(values.iter().zip(&graph).all(|(value, node)| *value.shape() == node.shape));
        assert_eq!(
            values.last().unwrap().as_slice(),
            model.predict(&x_t, &clocks, &none).unwrap().as_slice()
        );
        let trace = model.network_config().trace(model.shape()).unwrap();
        for layer in trace.layers {
            let tweedie_autograd::NodeOrigin::Operation(operation) = &graph[layer.node].origin else {
                panic!()
            };
            assert_eq!(operation.name, layer.kind, "{}", layer.name);
        }
    }

    #[test]
    fn noise_leaves_the_share_of_the_picture_that_the_schedule_says() {
        let model = model();
        let zero = Tensor::zeros([1, 1, 8, 8]);
        let one = Tensor::full([1, 1, 8, 8], 1.0);
        let signal = model.schedule().unwrap().level(30).signal as f32;
        let [a, b] = [&zero, &one].map(|x| model.noised(x, 30, 1).unwrap().0);
        for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
            assert!((b - a - signal).abs() < 1e-6);
        }
    }
}
