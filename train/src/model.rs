//! A trained network with what is needed to use it: its schedule, what it predicts, its classes.

use crate::config::{DataConfig, SamplerKind, SamplingConfig};
use crate::{Config, Error, Result, checkpoint, diffusers};
use std::path::{Path, PathBuf};
use tweedie_autograd::Var;
use tweedie_diffusion::{
    Clip, Condition, Ddim, Ddpm, Denoiser, Grid, Guided, NoiseSource, Prediction, PredictionKind, Sampler,
    Schedule, SchedulerConfig, Spacing, State, Timestep,
};
use tweedie_nn::unet::SampleSize;
use tweedie_nn::{Builder, Ctx, Params, UNet, UNetConfig};
use tweedie_tensor::Tensor;
use tweedie_tensor::random::{self, Purpose};

/// A network that is a [`Denoiser`].
pub struct Model {
    pub(crate) network: UNet,
    pub(crate) params: Params<f32>,
    pub(crate) config: UNetConfig,
    pub(crate) schedule: Schedule,
    pub(crate) prediction: PredictionKind,
    pub(crate) classes: Option<Vec<String>>,
    /// The label that stands for "no class", in models that were trained with label dropout.
    pub(crate) null_class: Option<usize>,
    pub(crate) scheduling: Scheduling,
    pub(crate) sampling: SamplingConfig,
    pub(crate) data: Option<DataConfig>,
}

/// Whose conventions lay out a model's sampling times.
#[derive(Debug, Clone)]
pub(crate) enum Scheduling {
    /// This program's: the first step leaves the noisiest level, the last one reaches the clean picture.
    Own,
    /// Those of a diffusers scheduler with this configuration.
    Diffusers(Box<SchedulerConfig>),
}

/// What to paint.
#[derive(Debug, Clone)]
pub struct SampleRequest {
    /// How many pictures.
    pub n: usize,
    /// The number of the first one: picture i depends on (seed, first + i) alone.
    pub first: usize,
    /// Where to start, n·c·h·w; drawn from the seed if not given.
    pub x_t: Option<Tensor<f32>>,
    /// One class a picture; `None` for an unconditional model.
    pub classes: Option<Vec<usize>>,
    /// The seed of the starting noise and of what stochastic samplers add.
    pub seed: u64,
    /// The sampler and its settings.
    pub sampling: SamplingConfig,
}

impl Model {
    /// Opens a MODEL: a run directory (its newest checkpoint), a checkpoint file, or a diffusers folder.
    /// `ema` takes the moving average of the weights where there is one.
    ///
    /// # Errors
    /// Something else, or files that are damaged, naming which.
    pub fn open(path: &Path, ema: bool) -> Result<Model> {
        if path.is_file() {
            return Model::from_checkpoint(path, ema);
        }
        if diffusers::is_folder(path) {
            return diffusers::open(path);
        }
        Model::from_checkpoint(&newest_checkpoint(path)?, ema)
    }

    fn from_checkpoint(path: &Path, ema: bool) -> Result<Model> {
        let (header, weights) = checkpoint::read(path)?;
        let network = Builder::new();
        let unet = UNet::new(&header.config.model, &network)?;
        let prefix = if ema { checkpoint::EMA } else { checkpoint::MODEL };
        let params = checkpoint::params(&weights, prefix, &network)?;
        Model::of_run(&header.config, unet, params)
    }

    /// The model of a run, with these weights.
    pub(crate) fn of_run(config: &Config, network: UNet, params: Params<f32>) -> Result<Model> {
        let classes = (!config.data.classes.is_empty() && config.train.class_conditional)
            .then(|| config.data.classes.clone());
        let null_class = classes.as_ref().map(Vec::len).filter(|_| config.train.label_dropout > 0.0);
        let mut sampling = config.sampling.clone();
        if null_class.is_none() {
            sampling.guidance = 1.0;
        }
        Ok(Model {
            network,
            params,
            config: config.model.clone(),
            schedule: config.diffusion.schedule()?,
            prediction: config.diffusion.prediction,
            classes,
            null_class,
            scheduling: Scheduling::Own,
            sampling,
            data: Some(config.data.clone()),
        })
    }

    /// Channels, height and width of its pictures.
    pub fn shape(&self) -> [usize; 3] {
        let [height, width] = self.config.sample_size.map_or([0, 0], SampleSize::sides);
        [self.config.in_channels, height, width]
    }

    /// The names of its classes; `None` for an unconditional model.
    pub fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// How many numbers its weights are.
    pub fn num_parameters(&self) -> usize {
        self.params.numel()
    }

    /// The sampling settings that it came with.
    pub fn sampling(&self) -> &SamplingConfig {
        &self.sampling
    }

    /// The pictures that it learnt from, where that is known.
    pub fn data(&self) -> Option<&DataConfig> {
        self.data.as_ref()
    }

    /// One pass of the network: its output as it is, for noisy pictures `x` \[n, c, h, w\], n timesteps in the
    /// network's own counting (0..T), and n classes if it has any.
    ///
    /// # Errors
    /// Shapes or counts that do not fit, or a class that does not exist.
    pub fn predict(
        &self,
        x: &Tensor<f32>,
        timesteps: &[f64],
        classes: Option<&[usize]>,
    ) -> Result<Tensor<f32>> {
        let ctx = Ctx::inference(&self.params);
        Ok(self.network.forward(&ctx, Var::constant(x.clone()), timesteps, classes)?.into_value())
    }

    /// Paints pictures, calling `each` with every state on the way.
    ///
    /// # Errors
    /// A request that does not fit the model, an output that is not finite, or an error of `each`.
    pub fn sample(
        &self,
        request: &SampleRequest,
        mut each: impl FnMut(&State<f32>) -> Result<()>,
    ) -> Result<Tensor<f32>> {
        let SampleRequest { n, first, seed, sampling, .. } = request;
        let [c, h, w] = self.shape();
        let x_t = match &request.x_t {
            Some(x) => x.clone(),
            None => random::normal([*n, c, h, w], *seed, Purpose::Start, 0, *first as u64),
        };
        let condition = Condition { classes: request.classes.clone() };
        let noise = NoiseSource { seed: *seed, first_sample: *first as u64 };
        let guided;
        let denoiser: &dyn Denoiser<f32> = if sampling.guidance == 1.0 || request.classes.is_none() {
            self
        } else {
            let Some(null) = self.null_class else {
                return Err(Error::config(
                    "the model was trained without label dropout, which guidance needs",
                    "--guidance",
                    "leave it at 1",
                ));
            };
            let unconditional = Condition { classes: Some(vec![null; *n]) };
            guided = Guided { denoiser: self, unconditional, weight: sampling.guidance };
            &guided
        };
        let mut last = None;
        let mut consume = |state: tweedie_diffusion::Result<State<f32>>| -> Result<()> {
            let state = state?;
            each(&state)?;
            last = Some(state.x);
            Ok(())
        };
        match sampling.sampler {
            SamplerKind::Ddpm => {
                self.ddpm(sampling)?.run(denoiser, x_t, &condition, noise).try_for_each(&mut consume)?;
            }
            SamplerKind::Ddim => {
                self.ddim(sampling)?.run(denoiser, x_t, &condition, noise).try_for_each(&mut consume)?;
            }
        }
        last.ok_or_else(|| Error::config("no steps to take", "--steps", "give at least 1"))
    }

    fn ddpm(&self, sampling: &SamplingConfig) -> Result<Ddpm> {
        let sampler = match &self.scheduling {
            Scheduling::Own => Ddpm::new(&self.schedule, &self.own_grid(sampling)?, sampling.variance)?,
            Scheduling::Diffusers(config) => config.ddpm(sampling.steps)?,
        };
        Ok(sampler.clip(clip(sampling)))
    }

    fn ddim(&self, sampling: &SamplingConfig) -> Result<Ddim> {
        let sampler = match &self.scheduling {
            // Guidance drives x̂_0 past what pictures can be. If the clip took that away and ε̂ still answered for
            // it, each step would leave less of the picture in x_t than it should, until nothing of it remained.
            Scheduling::Own => {
                Ddim::new(&self.schedule, &self.own_grid(sampling)?, sampling.eta)?.epsilon_from_clipped(true)
            }
            Scheduling::Diffusers(config) => config.ddim(sampling.steps, sampling.eta)?,
        };
        Ok(sampler.clip(clip(sampling)))
    }

    fn own_grid(&self, sampling: &SamplingConfig) -> Result<Grid> {
        Ok(Grid::new(self.schedule.num_timesteps(), sampling.steps, Spacing::Trailing, 0)?)
    }
}

fn clip(sampling: &SamplingConfig) -> Clip {
    if sampling.clip > 0.0 { Clip::At(sampling.clip) } else { Clip::Off }
}

impl Denoiser<f32> for Model {
    fn predict(
        &self,
        x_t: &Tensor<f32>,
        t: &[Timestep],
        condition: &Condition,
    ) -> tweedie_diffusion::Result<Prediction<f32>> {
        let clocks: Vec<f64> = t.iter().map(Timestep::clock).collect();
        let value = Model::predict(self, x_t, &clocks, condition.classes.as_deref())
            .map_err(|error| tweedie_diffusion::Error::Denoiser(Box::new(error)))?;
        Ok(Prediction::new(self.prediction, value))
    }
}

/// The newest checkpoint of a run directory.
///
/// # Errors
/// A folder that is missing, or is neither a run nor anything else that holds a model.
pub fn newest_checkpoint(run: &Path) -> Result<PathBuf> {
    if !run.exists() {
        return Err(Error::model(
            "no such file or folder",
            run,
            "give a run directory, a checkpoint file, or a diffusers folder",
        ));
    }
    match checkpoint::steps(run)?.last() {
        Some(&step) => Ok(checkpoint::path_of(run, step)),
        None => Err(Error::model(
            "no checkpoint in the folder",
            run,
            "give a run directory that was trained, a checkpoint file, or a diffusers folder",
        )),
    }
}
