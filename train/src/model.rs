//! A trained network with what is needed to use it: its schedule, what it predicts, its classes.

use crate::config::{DataConfig, SamplerKind, SamplingConfig};
use crate::{Config, Error, Result, checkpoint, diffusers};
use std::path::{Path, PathBuf};
use tweedie_autograd::Var;
use tweedie_diffusion::{
    Churn, Condition, Ddim, Ddpm, Denoiser, DpmSolver, Euler, Grid, Guided, Heun, NoiseSource, Plan, Pndm,
    Prediction, PredictionKind, Sampler, Schedule, SchedulerConfig, Spacing, State, Timestep, UniPc,
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
    /// Whether the second half of its output channels says the variance of the reverse step.
    pub(crate) learns_variance: bool,
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
            learns_variance: config.diffusion.learned_variance,
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

    /// Channels of its output: as many as its pictures have, or twice that where it says the variance of the reverse step
    /// as well.
    pub fn output_channels(&self) -> usize {
        self.config.out_channels
    }

    /// The names of its classes; `None` for an unconditional model.
    pub fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// The class that stands for none, where the model learnt one.
    pub fn null_class(&self) -> Option<usize> {
        self.null_class
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
        let condition = Condition { classes: request.classes.clone() };
        let noise = NoiseSource { seed: request.seed, first_sample: request.first as u64 };
        let (denoiser, sampler) = (self.denoiser(request)?, self.sampler(&request.sampling)?);
        let mut last = None;
        for state in sampler.run(&*denoiser, self.start(request), &condition, noise) {
            let state = state?;
            each(&state)?;
            last = Some(state.x);
        }
        last.ok_or_else(|| Error::config("no steps to take", "--steps", "give at least 1"))
    }

    /// The noise that a request starts from.
    pub(crate) fn start(&self, request: &SampleRequest) -> Tensor<f32> {
        let [c, h, w] = self.shape();
        match &request.x_t {
            Some(x) => x.clone(),
            None => {
                let SampleRequest { n, first, seed, .. } = *request;
                random::normal([n, c, h, w], seed, Purpose::Start, 0, first as u64)
            }
        }
    }

    /// The network itself, or under guidance where a request asks for it.
    ///
    /// # Errors
    /// Guidance of a model that does not know what a picture of no class is.
    pub(crate) fn denoiser<'a>(&'a self, request: &SampleRequest) -> Result<Box<dyn Denoiser<f32> + 'a>> {
        let SampleRequest { n, sampling, .. } = request;
        if sampling.guidance == 1.0 || request.classes.is_none() {
            return Ok(Box::new(self));
        }
        let Some(null) = self.null_class else {
            return Err(Error::config(
                "the model was trained without label dropout, which guidance needs",
                "--guidance",
                "leave it at 1",
            ));
        };
        let unconditional = Condition { classes: Some(vec![null; *n]) };
        let guided = Guided::new(self, unconditional, sampling.guidance);
        Ok(Box::new(guided.rescaled(sampling.guidance_rescale)))
    }

    /// The times of this many steps, by this program's conventions.
    pub(crate) fn plan(&self, sampling: &SamplingConfig) -> Result<Plan> {
        let spacing = sampling.spacing.unwrap_or(Spacing::Trailing);
        let grid = Grid::new(self.schedule.num_timesteps(), sampling.steps, spacing, 0)?;
        Ok(Plan::new(&self.schedule, &grid)?)
    }

    /// The sampler with these settings, at the model's own times.
    pub(crate) fn sampler(&self, sampling: &SamplingConfig) -> Result<Box<dyn Sampler<f32>>> {
        if let Scheduling::Diffusers(config) = &self.scheduling {
            return diffusers::sampler(config, sampling);
        }
        let (schedule, plan) = (&self.schedule, self.plan(sampling)?);
        let (clip, churn) = (sampling.clip(), Churn::new(sampling.churn));
        let at = |sigma| schedule.at_sigma(sigma);
        Ok(match sampling.sampler {
            SamplerKind::Ddpm => Box::new(Ddpm::over(plan, sampling.variance).clip(clip)),
            // Guidance drives x̂_0 past what pictures can be. If the clip took that away and ε̂ still answered for
            // it, each step would leave less of the picture in x_t than it should, until nothing of it remained.
            SamplerKind::Ddim => {
                Box::new(Ddim::over(plan, sampling.eta)?.clip(clip).epsilon_from_clipped(true))
            }
            SamplerKind::Euler => Box::new(Euler::new(plan).churn(churn, at)?.clip(clip)),
            SamplerKind::Heun => Box::new(Heun::new(plan).churn(churn, at)?.clip(clip)),
            SamplerKind::Dpmpp2m => Box::new(DpmSolver::new(plan).clip(clip)),
            SamplerKind::Dpmpp2mSde => Box::new(DpmSolver::new(plan).stochastic(true).clip(clip)),
            SamplerKind::UniPc => Box::new(UniPc::new(plan, 2)?.clip(clip)),
            SamplerKind::Pndm => Box::new(Pndm::new(&plan)?.clip(clip)),
        })
    }
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
        Prediction::from_output(self.prediction, value, self.learns_variance)
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
