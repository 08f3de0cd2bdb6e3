//! A trained network with what is needed to use it: its schedule, what it predicts, its classes.

use crate::config::{DataConfig, SamplerKind, SamplingConfig};
use crate::diffusers::{self, Asked, FolderScheduler};
use crate::{Config, Error, Result, checkpoint};
use std::path::{Path, PathBuf};
use tweedie_autograd::Var;
use tweedie_diffusion::{
    Churn, Condition, Ddim, Ddpm, Denoiser, DpmSolver, Euler, Grid, Guided, Heun, NoiseSource, Plan, Pndm,
    Prediction, PredictionKind, Sampler, Schedule, Spacing, State, Timestep, UniPc,
};
use tweedie_nn::unet::SampleSize;
use tweedie_nn::{Builder, Ctx, Network, NetworkConfig, Params};
use tweedie_tensor::random::{self, Purpose};
use tweedie_tensor::{Tensor, ops};

/// A network that is a [`Denoiser`].
pub struct Model {
    pub(crate) network: Network,
    pub(crate) params: Params<f32>,
    pub(crate) config: NetworkConfig,
    /// Whether the second half of its output channels says the variance of the reverse step.
    pub(crate) learns_variance: bool,
    pub(crate) classes: Option<Vec<String>>,
    /// The label that stands for "no class", in models that were trained with label dropout.
    pub(crate) null_class: Option<usize>,
    /// The words that it reads captions of, and whether it was trained without them at times.
    pub(crate) words: Option<Vec<String>>,
    pub(crate) null_caption: bool,
    pub(crate) scheduling: Scheduling,
    /// What was chosen when it was opened, for a person.
    pub(crate) notes: Vec<String>,
    pub(crate) data: Option<DataConfig>,
}

/// What a model is sampled by, and whose conventions lay out the times.
#[derive(Debug)]
pub(crate) enum Scheduling {
    /// This program's: the first step leaves the noisiest level, the last one reaches the clean picture.
    Own {
        /// The schedule that it was trained with.
        schedule: Box<Schedule>,
        /// What the network predicts.
        prediction: PredictionKind,
        /// The settings that it came with.
        sampling: Box<SamplingConfig>,
    },
    /// Those of a diffusers folder's scheduler, where it has one that can be used.
    Diffusers(Box<FolderScheduler>),
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
    /// What each is to show.
    pub condition: Condition,
    /// The seed of the starting noise and of what stochastic samplers add.
    pub seed: u64,
    /// The sampler and its settings.
    pub sampling: SamplingConfig,
}

impl SampleRequest {
    /// The same request as several of at most `at_a_time` pictures each, in order. What is painted does not depend on the
    /// cut.
    pub fn parts(&self, at_a_time: usize) -> impl Iterator<Item = Result<SampleRequest>> + '_ {
        (0..self.n).step_by(at_a_time).map(move |start| {
            let n = at_a_time.min(self.n - start);
            let x_t = self.x_t.as_ref().map(|x| ops::narrow(x, 0, start, n)).transpose()?;
            let (first, condition) = (self.first + start, self.condition.part(start, n));
            Ok(SampleRequest { n, first, x_t, condition, ..self.clone() })
        })
    }
}

impl Model {
    /// Opens a MODEL: a run directory (its newest checkpoint), a checkpoint file, or a diffusers folder in any of its
    /// layouts, or a file of weights in one. `ema` takes the moving average of the weights where there is one.
    ///
    /// # Errors
    /// Something else, or files that are damaged, naming which.
    pub fn open(path: &Path, ema: bool) -> Result<Model> {
        if diffusers::is_one(path) {
            return diffusers::open(path, ema);
        }
        if path.is_file() {
            return Model::from_checkpoint(path, ema);
        }
        Model::from_checkpoint(&newest_checkpoint(path)?, ema)
    }

    fn from_checkpoint(path: &Path, ema: bool) -> Result<Model> {
        let (header, weights) = checkpoint::read(path)?;
        let builder = Builder::new();
        let network = Network::new(&header.config.model, &builder)?;
        let prefix = if ema { checkpoint::EMA } else { checkpoint::MODEL };
        let params = checkpoint::params(&weights, prefix, &builder)?;
        Model::of_run(&header.config, network, params)
    }

    /// The model of a run, with these weights.
    pub(crate) fn of_run(config: &Config, network: Network, params: Params<f32>) -> Result<Model> {
        let classes = (!config.data.classes.is_empty() && config.train.class_conditional)
            .then(|| config.data.classes.clone());
        let null_class = classes.as_ref().map(Vec::len).filter(|_| config.train.label_dropout > 0.0);
        let words = config.model.caption.as_ref().map(|_| config.data.words.clone());
        let null_caption = words.is_some() && config.train.label_dropout > 0.0;
        let mut sampling = config.sampling.clone();
        if null_class.is_none() && !null_caption {
            sampling.guidance = 1.0;
        }
        Ok(Model {
            network,
            params,
            config: config.model.clone(),
            learns_variance: config.diffusion.learned_variance,
            classes,
            null_class,
            words,
            null_caption,
            scheduling: Scheduling::Own {
                schedule: Box::new(config.diffusion.schedule()?),
                prediction: config.diffusion.prediction,
                sampling: Box::new(sampling),
            },
            notes: Vec::new(),
            data: Some(config.data.clone()),
        })
    }

    /// Channels, height and width of its pictures; where it does not say their size, height and width are 0
    /// ([`Model::set_size`]).
    pub fn shape(&self) -> [usize; 3] {
        let backbone = &self.config.backbone;
        let [height, width] = backbone.sample_size().map_or([0, 0], SampleSize::sides);
        [backbone.in_channels(), height, width]
    }

    /// Channels of its output: as many as its pictures have, or twice that where it says the variance of the reverse step
    /// as well.
    pub fn output_channels(&self) -> usize {
        self.config.backbone.out_channels()
    }

    /// The names of its classes; `None` for an unconditional model.
    pub fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// The words of the captions that it reads; `None` for a model that reads none. A word's number counts from 1.
    pub fn words(&self) -> Option<&[String]> {
        self.words.as_deref()
    }

    /// The condition that stands for `condition` not being there; `None` if the model was never trained without its
    /// conditions.
    pub fn unconditional(&self, condition: &Condition) -> Option<Condition> {
        let classes = match &condition.classes {
            Some(classes) => Some(vec![self.null_class?; classes.len()]),
            None => None,
        };
        let captions = match &condition.captions {
            Some(captions) if self.null_caption => Some(vec![Vec::new(); captions.len()]),
            Some(_) => return None,
            None => None,
        };
        Some(Condition { classes, captions })
    }

    /// The condition of n pictures of these classes that are asked for nothing in words.
    pub fn without_words(&self, classes: Option<Vec<usize>>, n: usize) -> Condition {
        Condition { classes, captions: self.words.as_ref().map(|_| vec![Vec::new(); n]) }
    }

    /// The class that stands for none, where the model learnt one.
    pub fn null_class(&self) -> Option<usize> {
        self.null_class
    }

    /// What its network is.
    pub fn network_config(&self) -> &NetworkConfig {
        &self.config
    }

    /// How many numbers its weights are.
    pub fn num_parameters(&self) -> usize {
        self.params.numel()
    }

    /// Says the height and width of its pictures, where the model does not.
    ///
    /// # Errors
    /// Sides that cannot be halved as often as the network halves them.
    pub fn set_size(&mut self, [height, width]: [usize; 2]) -> Result<()> {
        let backbone = &mut self.config.backbone;
        let multiple = backbone.size_multiple();
        if [height, width].iter().any(|&side| side == 0 || !side.is_multiple_of(multiple)) {
            return Err(Error::config(
                format!("pictures of {height}x{width} do not fit the network"),
                "their size",
                format!("height and width must be multiples of {multiple}"),
            ));
        }
        let (inputs, outputs) = (backbone.in_channels(), backbone.out_channels());
        backbone.set_pictures(inputs, outputs, SampleSize::Sides([height, width]));
        Ok(())
    }

    /// What was chosen when it was opened, for a person: a line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What to tell a person who samples it with these settings, of which some were asked for: a line each.
    pub fn sampling_notes(&self, sampling: &SamplingConfig, asked: Asked) -> Vec<String> {
        match &self.scheduling {
            Scheduling::Own { .. } => Vec::new(),
            Scheduling::Diffusers(scheduler) => scheduler.notes(sampling, asked),
        }
    }

    /// The sampling settings that it came with.
    ///
    /// # Errors
    /// A diffusers folder without a scheduler, or with one that is not supported.
    pub fn sampling(&self) -> Result<SamplingConfig> {
        self.sampling_by(None)
    }

    /// As [`Model::sampling`], with another sampler where one is given: of a diffusers folder's scheduler, only the betas
    /// and what the network predicts must then be of a kind that is known.
    ///
    /// # Errors
    /// As [`Model::sampling`].
    pub fn sampling_by(&self, sampler: Option<SamplerKind>) -> Result<SamplingConfig> {
        match &self.scheduling {
            Scheduling::Own { sampling, .. } => {
                let sampler = sampler.unwrap_or(sampling.sampler);
                Ok(SamplingConfig { sampler, ..(**sampling).clone() })
            }
            Scheduling::Diffusers(scheduler) => scheduler.sampling(sampler),
        }
    }

    /// The schedule of its noise.
    ///
    /// # Errors
    /// As [`Model::sampling`].
    pub(crate) fn schedule(&self) -> Result<&Schedule> {
        match &self.scheduling {
            Scheduling::Own { schedule, .. } => Ok(schedule),
            Scheduling::Diffusers(scheduler) => scheduler.schedule(),
        }
    }

    /// What the network predicts.
    ///
    /// # Errors
    /// As [`Model::sampling`].
    pub(crate) fn prediction(&self) -> Result<PredictionKind> {
        match &self.scheduling {
            Scheduling::Own { prediction, .. } => Ok(*prediction),
            Scheduling::Diffusers(scheduler) => scheduler.prediction(),
        }
    }

    /// The pictures that it learnt from, where that is known.
    pub fn data(&self) -> Option<&DataConfig> {
        self.data.as_ref()
    }

    /// One pass of the network: its output as it is, for noisy pictures `x` \[n, c, h, w\], n timesteps in the
    /// network's own counting (0..T), and what each is to show.
    ///
    /// # Errors
    /// Shapes or counts that do not fit, a class or a word that does not exist.
    pub fn predict(&self, x: &Tensor<f32>, timesteps: &[f64], condition: &Condition) -> Result<Tensor<f32>> {
        Ok(self
            .answer(&Ctx::inference(&self.params), Var::constant(x.clone()), timesteps, condition)?
            .into_value())
    }

    /// Where the network looks for each word of the captions in such a pass: \[n, tokens, h, w\] for each
    /// cross-attention, the mean over its heads. At each place the tokens' shares sum to 1.
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn attention_maps(
        &self,
        x: &Tensor<f32>,
        timesteps: &[f64],
        condition: &Condition,
    ) -> Result<Vec<Tensor<f32>>> {
        let ctx = Ctx::inference(&self.params).with_attention_maps();
        self.answer(&ctx, Var::constant(x.clone()), timesteps, condition)?;
        Ok(ctx.take_attention_maps())
    }

    /// The network's pass over pictures that may stand on a tape.
    pub(crate) fn answer(
        &self,
        ctx: &Ctx,
        x: Var<f32>,
        timesteps: &[f64],
        condition: &Condition,
    ) -> Result<Var<f32>> {
        let Condition { classes, captions } = condition;
        Ok(self.network.forward(ctx, x, timesteps, classes.as_deref(), captions.as_deref())?)
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
        let noise = NoiseSource { seed: request.seed, first_sample: request.first as u64 };
        let (denoiser, sampler) = (self.denoiser(request)?, self.sampler(&request.sampling)?);
        let mut last = None;
        for state in sampler.run(&*denoiser, self.start(request, &sampler)?, &request.condition, noise) {
            let state = state?;
            each(&state)?;
            last = Some((state.x, state.level.signal));
        }
        let no_steps = || Error::config("no steps to take", "--steps", "give at least 1");
        let (x, signal) = last.ok_or_else(no_steps)?;
        match sampler.ends_without_signal() && signal != 1.0 {
            true => Ok(ops::combine(&[(&[1.0 / signal], &x)])?),
            false => Ok(x),
        }
    }

    /// What the sampler makes of the noise that a request starts from.
    pub(crate) fn start(&self, request: &SampleRequest, sampler: &impl Sampler<f32>) -> Result<Tensor<f32>> {
        let [c, h, w] = self.shape();
        let noise = match &request.x_t {
            Some(x) => x.clone(),
            None => {
                let SampleRequest { n, first, seed, .. } = *request;
                random::normal([n, c, h, w], seed, Purpose::Start, 0, first as u64)
            }
        };
        match sampler.start_deviation() {
            1.0 => Ok(noise),
            deviation => Ok(ops::combine(&[(&[deviation], &noise)])?),
        }
    }

    /// The network itself, or under guidance where a request asks for it.
    ///
    /// # Errors
    /// Guidance of a model that does not know what a picture of no class is.
    pub(crate) fn denoiser<'a>(&'a self, request: &SampleRequest) -> Result<Box<dyn Denoiser<f32> + 'a>> {
        let SampleRequest { condition, sampling, .. } = request;
        if sampling.guidance == 1.0 || condition.is_none() {
            return Ok(Box::new(self));
        }
        let Some(unconditional) = self.unconditional(condition) else {
            return Err(Error::config(
                "the model was trained without label dropout, which guidance needs",
                "--guidance",
                "leave it at 1",
            ));
        };
        let guided = Guided::new(self, unconditional, sampling.guidance);
        Ok(Box::new(guided.rescaled(sampling.guidance_rescale)))
    }

    /// The times of this many steps, by this program's conventions.
    pub(crate) fn plan(&self, sampling: &SamplingConfig) -> Result<Plan> {
        let spacing = sampling.spacing.unwrap_or(Spacing::Trailing);
        let schedule = self.schedule()?;
        let grid = Grid::new(schedule.num_timesteps(), sampling.steps, spacing, 0)?;
        if sampling.sampler == SamplerKind::Heun && sampling.spacing.is_none() {
            // A trapezoid in σ over a hop from pure noise would be most of the picture.
            return Ok(Plan::karras(schedule, sampling.steps, 7.0)?);
        }
        Ok(Plan::new(schedule, &grid)?)
    }

    /// The sampler with these settings, at the model's own times.
    pub(crate) fn sampler(&self, sampling: &SamplingConfig) -> Result<Box<dyn Sampler<f32>>> {
        if let Scheduling::Diffusers(scheduler) = &self.scheduling {
            return diffusers::sampler(scheduler.config()?, sampling);
        }
        let (schedule, plan) = (self.schedule()?, self.plan(sampling)?);
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
        let refused = |error: Error| tweedie_diffusion::Error::Denoiser(Box::new(error));
        let value = Model::predict(self, x_t, &clocks, condition).map_err(refused)?;
        if !value.all_finite() {
            // Once more, to say where: watching every layer costs too much to be done each time.
            let ctx = Ctx::inference(&self.params).watching();
            self.answer(&ctx, Var::constant(x_t.clone()), &clocks, condition).map_err(refused)?;
            let layer = ctx.first_not_finite().unwrap_or("after the last").to_string();
            return Err(refused(Error::NotFinite { t: clocks[0], layer }));
        }
        Prediction::from_output(self.prediction().map_err(refused)?, value, self.learns_variance)
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
