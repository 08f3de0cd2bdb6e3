use super::diffusers::scheduler::Asked;
use super::scheduling::Scheduling;
use crate::config::{DataConfig, SamplerKind, SamplingConfig};
use crate::data::hex;
use crate::weights_digest::of_weights;
use crate::{Config, Error, Result};
use sha2::Digest;
use tweedie_diffusion::{Condition, PredictionKind, Sampler, Schedule, Times};
use tweedie_nn::unet::SampleSize;
use tweedie_nn::{Builder, Network, NetworkConfig, Params, Spec};
use tweedie_tensor::Tensor;

/// A trained network with what is needed to use it: its schedule, what it predicts, its classes. It is a
/// [`Denoiser`](tweedie_diffusion::Denoiser).
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
    /// The network of `config` with these weights, `prediction` being what it predicts, under the schedule that it was
    /// trained with. It samples by DDIM in 50 steps unless [other settings](Model::with_sampling) are given. Where the network has
    /// twice as many channels out as in, the second half says the variance of the reverse step.
    ///
    /// ```
    /// use tweedie_diffusion::{Condition, PredictionKind, Schedule};
    /// use tweedie_nn::{Builder, Network, NetworkConfig, UNetConfig, unet::SampleSize};
    /// use tweedie_train::{Model, SampleRequest};
    ///
    /// let unet = UNetConfig {
    ///     sample_size: Some(SampleSize::Square(8)),
    ///     block_out_channels: vec![8, 8, 8],
    ///     norm_num_groups: 4,
    ///     attention_head_dim: Some(8),
    ///     ..UNetConfig::small()
    /// };
    /// let config = NetworkConfig::from(unet);
    /// let builder = Builder::new();
    /// let network = Network::new(&config, &builder)?;
    /// let params = builder.draw(0);
    /// // … train `network` …
    /// let model = Model::new(config, params, Schedule::cosine(100)?, PredictionKind::V)?;
    /// let mut sampling = model.sampling()?;
    /// sampling.steps = 2;
    /// let pictures = model.sample(&SampleRequest::new(3, Condition::default(), 0, sampling))?.finish()?;
    /// assert_eq!(pictures.dims(), [3, 1, 8, 8]);
    /// # Ok::<(), tweedie_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// A configuration that makes no network; weights whose names or shapes differ from the network's.
    pub fn new(
        config: NetworkConfig,
        params: Params<f32>,
        schedule: Schedule,
        prediction: PredictionKind,
    ) -> Result<Model> {
        let builder = Builder::new();
        let network = Network::new(&config, &builder)?;
        let specs = builder.specs();
        let own = |(spec, (name, value)): (&Spec, (&str, &Tensor<f32>))| {
            spec.name == name && spec.shape == *value.shape()
        };
        if specs.len() != params.len() || !specs.iter().zip(params.iter()).all(own) {
            return Err(Error::config(
                "the names or shapes of the weights are not the network's",
                "Model::new",
                "give weights that were drawn for a network of the same configuration",
            ));
        }
        let sampling = SamplingConfig { guidance: 1.0, ..SamplingConfig::default() };
        Ok(Model {
            network,
            params,
            learns_variance: config.backbone.out_channels() == 2 * config.backbone.in_channels(),
            config,
            classes: None,
            null_class: None,
            words: None,
            null_caption: false,
            scheduling: Scheduling::Own {
                schedule: Box::new(schedule),
                prediction,
                sampling: Box::new(sampling),
            },
            notes: Vec::new(),
            data: None,
        })
    }

    /// The same, with names for its classes. Where the network has one class more than there are names, the last stands
    /// for no class, and the model can be guided.
    ///
    /// # Errors
    /// A network with another number of classes.
    pub fn with_classes(self, names: Vec<String>) -> Result<Model> {
        let known = self.config.backbone.num_class_embeds();
        let null_class = match known.and_then(|known| known.checked_sub(names.len())) {
            Some(0) => None,
            Some(1) => Some(names.len()),
            _ => {
                let (known, given) = (known.unwrap_or(0), names.len());
                return Err(Error::config(
                    format!("{given} names for the {known} classes of a network"),
                    "Model::with_classes",
                    "give a name for each class, or for each but the last, which then stands for none",
                ));
            }
        };
        Ok(Model { classes: Some(names), null_class, ..self })
    }

    /// The same, with these settings as the ones that it came with.
    #[must_use]
    pub fn with_sampling(mut self, settings: SamplingConfig) -> Model {
        if let Scheduling::Own { sampling, .. } = &mut self.scheduling {
            **sampling = settings;
        }
        self
    }

    /// The model of a run with this configuration, which is [resolved](Config::resolved), and these weights.
    ///
    /// # Errors
    /// A configuration that makes no schedule.
    pub fn of_run(config: &Config, network: Network, params: Params<f32>) -> Result<Model> {
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

    /// The condition of n pictures of these classes, each with the empty caption if the model reads captions.
    pub fn without_words(&self, classes: Option<Vec<usize>>, n: usize) -> Condition {
        Condition { classes, captions: self.words.as_ref().map(|_| vec![Vec::new(); n]) }
    }

    /// Whether it was at times trained without its conditions, so that it can be guided to them.
    pub fn can_be_guided(&self) -> bool {
        let some = self.without_words(self.classes.as_ref().map(|_| vec![0]), 1);
        !some.is_none() && self.unconditional(&some).is_some()
    }

    /// The class that stands for none, where the model learnt one.
    pub fn null_class(&self) -> Option<usize> {
        self.null_class
    }

    /// What its network is.
    pub fn network_config(&self) -> &NetworkConfig {
        &self.config
    }

    /// SHA-256 over its weights and all that says how they are used.
    pub fn digest(&self) -> String {
        let mut hash = of_weights(&self.params);
        let Model { config, classes, words, .. } = self;
        hash.update(format!("{config:?} {} {classes:?} {words:?}", self.scheduling.described()));
        hex(&hash.finalize())
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

    /// Notes for a person who samples it with these settings, `asked` being the ones that the person gave: a line each.
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
    pub(crate) fn times(&self, sampling: &SamplingConfig) -> Result<Times> {
        self.scheduling.times(sampling)
    }

    /// The sampler with these settings, at the model's own times.
    pub(crate) fn sampler(&self, sampling: &SamplingConfig) -> Result<Box<dyn Sampler<f32> + Send>> {
        self.scheduling.sampler(sampling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_nn::UNetConfig;
    use tweedie_nn::unet::SampleSize;

    fn config(classes: Option<usize>) -> NetworkConfig {
        let unet = UNetConfig {
            sample_size: Some(SampleSize::Square(8)),
            block_out_channels: vec![8, 8, 8],
            norm_num_groups: 4,
            attention_head_dim: Some(8),
            num_class_embeds: classes,
            ..UNetConfig::small()
        };
        unet.into()
    }

    fn model(classes: Option<usize>, weights: Option<usize>) -> Result<Model> {
        let builder = Builder::new();
        Network::new(&config(weights), &builder)?;
        Model::new(config(classes), builder.draw(0), Schedule::cosine(10)?, PredictionKind::V)
    }

    #[test]
    fn weights_of_another_network_are_refused() {
        assert!(model(Some(3), Some(3)).is_ok());
        for (classes, weights) in [(None, Some(3)), (Some(3), None), (Some(3), Some(4))] {
            assert!(model(classes, weights).is_err(), "{classes:?} {weights:?}");
        }
    }

    #[test]
    fn the_class_without_a_name_stands_for_none() {
        let names = |n| vec!["a".to_string(); n];
        let named = |n| model(Some(3), Some(3)).and_then(|model| model.with_classes(names(n)));
        assert_eq!(named(3).unwrap().null_class(), None);
        assert_eq!(named(2).unwrap().null_class(), Some(2));
        assert!(named(1).is_err() && named(4).is_err());
        assert!(model(None, None).unwrap().with_classes(names(0)).is_err());
    }
}
