use super::diffusers::scheduler::Asked;
use super::scheduling::Scheduling;
use crate::config::{DataConfig, SamplerKind, SamplingConfig};
use crate::{Config, Error, Result};
use tweedie_diffusion::{Condition, Plan, PredictionKind, Sampler, Schedule};
use tweedie_nn::unet::SampleSize;
use tweedie_nn::{Network, NetworkConfig, Params};

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

impl Model {
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
        self.scheduling.notes(sampling, asked)
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
        self.scheduling.sampling_by(sampler)
    }

    /// The schedule of its noise.
    ///
    /// # Errors
    /// As [`Model::sampling`].
    pub(crate) fn schedule(&self) -> Result<&Schedule> {
        self.scheduling.schedule()
    }

    /// What the network predicts.
    ///
    /// # Errors
    /// As [`Model::sampling`].
    pub(crate) fn prediction(&self) -> Result<PredictionKind> {
        self.scheduling.prediction()
    }

    /// The pictures that it learnt from, where that is known.
    pub fn data(&self) -> Option<&DataConfig> {
        self.data.as_ref()
    }

    /// The times of this many steps, by this program's conventions.
    pub(crate) fn plan(&self, sampling: &SamplingConfig) -> Result<Plan> {
        self.scheduling.plan(sampling)
    }

    /// The sampler with these settings, at the model's own times.
    pub(crate) fn sampler(&self, sampling: &SamplingConfig) -> Result<Box<dyn Sampler<f32>>> {
        self.scheduling.sampler(sampling)
    }
}
