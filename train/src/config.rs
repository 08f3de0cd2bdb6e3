//! What a run is: every choice that its result depends on, in one TOML file.

use crate::data::{Convention, DataOptions, Source, Split};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tweedie_diffusion::{
    Clip, Loss, Objective, PredictionKind, Schedule, ScheduleConfig, ScheduleKind, Spacing, TimestepSampling,
    VarianceKind, Weighting,
};
use tweedie_nn::NetworkConfig;
use tweedie_nn::optim::OptimConfig;
use tweedie_nn::unet::SampleSize;

/// A run's configuration. Running it again gives the same weights, bit for bit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Which pictures.
    pub data: DataConfig,
    /// The forward process, and what the network predicts of it.
    pub diffusion: DiffusionConfig,
    /// How weights are moved.
    pub optimizer: OptimizerConfig,
    /// How long, how much at once, and what is kept.
    pub train: TrainConfig,
    /// How pictures are painted unless the command line says otherwise.
    pub sampling: SamplingConfig,
    /// The network. Channels, picture size and number of classes follow from the data.
    pub model: NetworkConfig,
}

/// Which pictures a run learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// `glyphs`, `shapes`, or a folder.
    pub source: String,
    /// Which part of it, where it has parts.
    pub split: Split,
    /// Pictures are resized and cropped to this square; unset, they are taken as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// Whose choices are followed where programs read pictures differently: `tweedie` or `torchvision`.
    pub convention: Convention,
    /// Whether rows are taken for columns; unset, where the files' names say EMNIST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transpose: Option<bool>,
    /// Of CIFAR-100, whether the twenty coarse classes are taken instead of the hundred fine ones.
    pub coarse: bool,
    /// Whether each picture is mirrored left to right at random. Not for digits.
    pub flips: bool,
    /// The share of the pictures that training leaves out, for validation; 0 leaves out none. Validation then looks at the
    /// test part, where the data have one.
    pub hold_out: f64,
    /// The names of the classes, found in the data; empty for an unconditional model.
    pub classes: Vec<String>,
    /// The words of the pictures' captions, found in the data. A word's number counts from 1; 0 is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

/// The forward process and the training target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiffusionConfig {
    /// T, the number of noise levels.
    pub timesteps: usize,
    /// The family of β_t.
    pub schedule: ScheduleKind,
    /// β_1, where the schedule is given by its end points.
    pub beta_start: f64,
    /// β_T, likewise.
    pub beta_end: f64,
    /// Every β_t, where the schedule is `betas`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub betas: Option<Vec<f64>>,
    /// Whether the schedule is rescaled so that no signal is left at its end.
    pub zero_terminal_snr: bool,
    /// What the network's output stands for.
    pub prediction: PredictionKind,
    /// What is minimised.
    pub objective: Objective,
    /// How the squared error is weighted over t.
    pub weighting: Weighting,
    /// Whether the network also says the variance of the reverse step, in as many channels again.
    pub learned_variance: bool,
    /// The variance in the bound where the network does not say it.
    pub variance: VarianceKind,
    /// How t is drawn.
    pub timestep_sampling: TimestepSampling,
}

/// How weights are moved, after a linear warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Which optimizer, with its constants.
    pub rule: OptimConfig,
    /// The learning rate after the warm-up.
    pub learning_rate: f64,
    /// Gradients are scaled down to this global norm.
    pub clip: f64,
    /// Steps over which the learning rate rises from 0.
    pub warmup: u64,
    /// The step from which the learning rate falls to 0 at `train.steps`; unset, it stays. A time budget sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay_start: Option<u64>,
}

/// How long, how much at once, and what is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Every random number of the run follows from it.
    pub seed: u64,
    /// Pictures a step.
    pub batch: usize,
    /// The last step. Unset, the time budget ends the run, and then it is written here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Seconds of training, after which the run ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_budget: Option<f64>,
    /// The share of a time budget, at its end, over which the learning rate falls to 0.
    pub decay_share: f64,
    /// Whether the network is told each picture's class.
    pub class_conditional: bool,
    /// The share of samples that are shown without their class, which guidance needs.
    pub label_dropout: f64,
    /// The largest decay of the moving average of the weights; it starts lower and rises with the steps.
    pub ema_decay: f64,
    /// Steps between checkpoints; there is always one at the end.
    pub checkpoint_every: u64,
    /// How many of the newest checkpoints stay.
    pub keep: usize,
    /// Steps between lines of the metrics.
    pub log_every: u64,
    /// Steps between validations with the averaged weights, each at the first line of the metrics from there on; 0 for none.
    /// Unset, the batch decides at the start, so that they take the same small share of any run, and it is written here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_every: Option<u64>,
    /// How many times a grid of samples is painted, evenly over the run.
    pub grids: u64,
}

/// How pictures are painted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SamplingConfig {
    /// The sampler.
    pub sampler: SamplerKind,
    /// Its steps.
    pub steps: usize,
    /// How they are spread over time. Unset: trailing, or as a diffusers folder's scheduler has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spacing: Option<Spacing>,
    /// DDIM's η: 0 is deterministic, 1 adds as much noise as DDPM.
    pub eta: f64,
    /// Noise that Euler's and Heun's steps add and take away again: S_churn (Karras et al. 2022, algorithm 2).
    pub churn: f64,
    /// Weight of classifier-free guidance: 1 is none (Ho, Salimans 2022, with w = `guidance` − 1).
    pub guidance: f64,
    /// How far guidance's stretch of the prediction is taken back, from 0 to 1 (Lin et al. 2024, eq. 16).
    pub guidance_rescale: f64,
    /// x̂_0 is kept within ± this; 0 leaves it alone.
    pub clip: f64,
    /// The quantile of |x̂_0| that takes the place of `clip` where it is above 1 (Saharia et al. 2022); 0 for none.
    pub threshold: f64,
    /// The variance of DDPM's reverse steps.
    pub variance: VarianceKind,
}

/// The samplers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplerKind {
    /// Ancestral sampling (Ho et al. 2020, algorithm 2).
    Ddpm,
    /// Song, Meng, Ermon 2021.
    Ddim,
    /// Euler's method (Karras et al. 2022).
    Euler,
    /// Heun's method (Karras et al. 2022, algorithm 2).
    Heun,
    /// DPM-Solver++ of two steps (Lu et al. 2022).
    #[serde(rename = "dpmpp-2m")]
    Dpmpp2m,
    /// The same for the reverse SDE.
    #[serde(rename = "dpmpp-2m-sde")]
    Dpmpp2mSde,
    /// Zhao et al. 2023.
    #[serde(rename = "unipc")]
    UniPc,
    /// Liu et al. 2022.
    Pndm,
}

impl SamplerKind {
    /// Whether it reads `churn`.
    pub fn churns(self) -> bool {
        matches!(self, SamplerKind::Euler | SamplerKind::Heun)
    }
}

impl SamplingConfig {
    /// What is done to x̂_0.
    pub fn clip(&self) -> Clip {
        if self.threshold > 0.0 {
            Clip::Dynamic { ratio: self.threshold, max: f64::INFINITY }
        } else if self.clip > 0.0 {
            Clip::At(self.clip)
        } else {
            Clip::Off
        }
    }
}

impl DataConfig {
    /// How the pictures are read.
    pub fn options(&self) -> DataOptions {
        let DataConfig { image_size, convention, transpose, coarse, .. } = *self;
        DataOptions { image_size, channels: None, convention, transpose, coarse }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        DataConfig {
            source: "glyphs".into(),
            split: Split::Train,
            image_size: None,
            convention: Convention::default(),
            transpose: None,
            coarse: false,
            flips: false,
            hold_out: 0.0,
            classes: Vec::new(),
            words: Vec::new(),
        }
    }
}

impl Default for DiffusionConfig {
    fn default() -> Self {
        DiffusionConfig {
            timesteps: 1000,
            schedule: ScheduleKind::Cosine,
            beta_start: 1e-4,
            beta_end: 0.02,
            betas: None,
            zero_terminal_snr: false,
            prediction: PredictionKind::V,
            objective: Objective::SquaredError,
            weighting: Weighting::Simple,
            learned_variance: false,
            variance: VarianceKind::FixedSmall,
            timestep_sampling: TimestepSampling::Stratified,
        }
    }
}

impl DiffusionConfig {
    /// The schedule of these settings.
    ///
    /// # Errors
    /// End points or a T that make none.
    pub fn schedule(&self) -> Result<Schedule> {
        let end = |beta| self.schedule.has_end_points().then_some(beta);
        let schedule = ScheduleConfig {
            kind: self.schedule,
            timesteps: self.timesteps,
            beta_start: end(self.beta_start),
            beta_end: end(self.beta_end),
            betas: self.betas.clone(),
            zero_terminal_snr: self.zero_terminal_snr,
        };
        Ok(schedule.build()?)
    }

    /// The training loss of these settings.
    pub fn loss(&self) -> Loss {
        let DiffusionConfig { objective, weighting, learned_variance, variance, prediction, .. } = *self;
        Loss { kind: prediction, learns_variance: learned_variance, objective, weighting, variance }
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        OptimizerConfig {
            rule: OptimConfig::AdamW { beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.01 },
            learning_rate: 1e-3,
            clip: 1.0,
            warmup: 100,
            decay_start: None,
        }
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        TrainConfig {
            seed: 0,
            batch: 64,
            steps: None,
            time_budget: None,
            decay_share: 0.4,
            class_conditional: true,
            label_dropout: 0.1,
            ema_decay: 0.999,
            checkpoint_every: 500,
            keep: 2,
            log_every: 10,
            validate_every: None,
            grids: 5,
        }
    }
}

impl Default for SamplingConfig {
    fn default() -> Self {
        SamplingConfig {
            sampler: SamplerKind::Ddim,
            steps: 50,
            spacing: None,
            eta: 0.0,
            churn: 0.0,
            guidance: 1.5,
            guidance_rescale: 0.0,
            clip: 1.0,
            threshold: 0.0,
            variance: VarianceKind::FixedSmall,
        }
    }
}

impl Config {
    /// Reads a configuration; what it does not mention keeps its default.
    ///
    /// # Errors
    /// A file that cannot be read, is no TOML, or has a key that means nothing.
    pub fn from_file(path: &Path) -> Result<Config> {
        // To open a pipe that nobody writes to would wait for ever.
        if std::fs::metadata(path).is_ok_and(|about| !about.is_file()) {
            return Err(Error::config(
                "no plain file",
                path.display().to_string(),
                "put a configuration there",
            ));
        }
        let text = crate::files::read_text(path).map_err(Error::io("read", path))?;
        Config::from_toml(&text, &path.display().to_string())
    }

    /// Reads a configuration from TOML text; `place` is what errors call it.
    ///
    /// # Errors
    /// As [`Config::from_file`].
    pub fn from_toml(text: &str, place: &str) -> Result<Config> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
            let place = line.map_or(place.to_string(), |line| format!("{place} line {line}"));
            Error::config(
                format!("cannot use the configuration: {}", one_line(error.message())),
                place,
                "correct the key",
            )
        })
    }

    /// The configuration with what follows from the data: channels, picture size, classes, words. Data without
    /// classes to tell apart make an unconditional run.
    pub fn resolved(mut self, source: &dyn Source) -> Config {
        let [channels, height, width] = source.shape();
        let size = match height == width {
            true => SampleSize::Square(height),
            false => SampleSize::Sides([height, width]),
        };
        let outputs = if self.diffusion.learned_variance { 2 * channels } else { channels };
        self.model.backbone.set_pictures(channels, outputs, size);
        self.data.classes = source.classes().to_vec();
        self.train.class_conditional &= self.data.classes.len() > 1;
        // One more label than there are classes: the last one means "no class".
        let classes = self.train.class_conditional.then_some(self.data.classes.len() + 1);
        self.model.backbone.set_classes(classes);
        if let Some(caption) = &mut self.model.caption {
            self.data.words = source.words().to_vec();
            (caption.vocabulary, caption.length) = (self.data.words.len() + 1, source.caption_length());
        }
        self
    }

    /// Refuses to go on with a run whose checkpoint was made under another configuration. How long the run lasts
    /// and what it keeps may change.
    pub(crate) fn continues(&self, earlier: &Config) -> Result<()> {
        let essence = |config: &Config| {
            let mut config = config.clone();
            config.train = TrainConfig {
                seed: config.train.seed,
                batch: config.train.batch,
                class_conditional: config.train.class_conditional,
                label_dropout: config.train.label_dropout,
                ema_decay: config.train.ema_decay,
                ..TrainConfig::default()
            };
            config.optimizer.decay_start = None;
            config.sampling = SamplingConfig::default();
            config.data.source = String::new();
            // The only class of a folder without subfolders is called as the folder, which may have been moved.
            if config.data.classes.len() == 1 {
                config.data.classes.clear();
            }
            config.to_table()
        };
        let (now, then) = (essence(self)?, essence(earlier)?);
        match first_difference(&now, &then) {
            None => Ok(()),
            Some(Difference { key, values: [now, then] }) => Err(Error::config(
                format!("the run to resume was made with {then}, and now it is {now}"),
                key,
                "leave it as it was, or begin a new run with another --out",
            )),
        }
    }

    /// This configuration with what makes the preset `name` differ from the default.
    ///
    /// # Errors
    /// A name that is none of [`PRESETS`](crate::PRESETS), or a preset for another network than this configuration's.
    pub fn with_preset(&self, name: &str) -> Result<Config> {
        let (preset, default) = (Config::preset(name)?.to_table()?, Config::default().to_table()?);
        let mut table = self.to_table()?;
        merge(&mut table, what_differs(preset, &default));
        Config::from_table(table, &format!("--preset {name}"))
    }

    /// Lays this configuration's text over a preset: keys of `text` replace the preset's.
    ///
    /// # Errors
    /// As [`Config::from_file`].
    pub fn overlaid_with(&self, text: &str, place: &str) -> Result<Config> {
        // Read alone first, so that an error has its line in the user's own file.
        Config::from_toml(text, place)?;
        let mut base = self.to_table()?;
        let over: toml::Table =
            text.parse().map_err(|_| Error::config("not TOML", place, "correct the file"))?;
        merge(&mut base, over);
        Config::from_table(base, place)
    }

    /// Sets one key from `section.key=value`, the value in TOML's notation; a bare word counts as a string.
    ///
    /// # Errors
    /// An assignment without `=`, a key that means nothing, or a value of the wrong type.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let place = format!("--set {assignment}");
        let Some((key, value)) = assignment.split_once('=') else {
            return Err(Error::config("no '=' in the setting", place, "write SECTION.KEY=VALUE"));
        };
        let (key, value) = (key.trim(), value.trim());
        let parsed = format!("value = {value}")
            .parse::<toml::Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| toml::Value::String(value.to_string()));
        let over = key.rsplit('.').fold(parsed, |inner, name| {
            toml::Value::Table(toml::Table::from_iter([(name.trim().to_string(), inner)]))
        });
        let toml::Value::Table(over) = over else {
            return Err(Error::config("no key in the setting", place, "write SECTION.KEY=VALUE"));
        };
        let mut table = self.to_table()?;
        merge(&mut table, over);
        *self = Config::from_table(table, &place)?;
        Ok(())
    }

    /// The configuration as TOML, every key written out.
    ///
    /// # Errors
    /// [`Error::Config`] if a value has no form in TOML, as a number that is not finite.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self)
            .map_err(|error| Error::config(error.to_string(), "the configuration", "correct the value"))
    }

    fn to_table(&self) -> Result<toml::Table> {
        toml::Table::try_from(self)
            .map_err(|error| Error::config(error.to_string(), "the configuration", "correct the value"))
    }

    fn from_table(table: toml::Table, place: &str) -> Result<Config> {
        table.try_into().map_err(|error: toml::de::Error| {
            Error::config(
                format!("cannot use the setting: {}", one_line(error.message())),
                place,
                "correct the key or its value",
            )
        })
    }

    /// Refuses values that no run can use, naming the key.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        let refuse = |bad: bool, key: &str, what: String, remedy: &str| {
            if bad { Err(Error::config(what, key.to_string(), remedy)) } else { Ok(()) }
        };
        let (train, optimizer, sampling) = (&self.train, &self.optimizer, &self.sampling);
        let positive = |x: f64| x.is_finite() && x > 0.0;
        let share = |x: f64| (0.0..=1.0).contains(&x);
        self.diffusion.loss().check()?;
        let last = self.diffusion.schedule()?;
        let last = last.level(last.num_timesteps() - 1);
        refuse(
            !self.diffusion.prediction.determines_x0(last),
            "diffusion.prediction",
            format!(
                "a prediction of {} says nothing about the picture where no signal is left, as at this schedule's end",
                self.diffusion.prediction
            ),
            "predict v_prediction or sample, or leave zero_terminal_snr off",
        )?;
        refuse(
            self.data.flips && self.data.source == "scenes",
            "data.flips",
            "mirrored scenes would belie their captions".into(),
            "leave it off",
        )?;
        refuse(train.batch == 0, "train.batch", "a batch of 0 pictures".into(), "give at least 1")?;
        refuse(train.steps == Some(0), "train.steps", "0 steps".into(), "give at least 1")?;
        refuse(
            train.time_budget.is_some_and(|seconds| !positive(seconds)),
            "train.time_budget",
            format!("a budget of {} seconds", train.time_budget.unwrap_or(0.0)),
            "give more than 0",
        )?;
        refuse(
            train.steps.is_none() && train.time_budget.is_none(),
            "train.steps",
            "nothing ends the run".into(),
            "give --steps N or --time-budget 10m",
        )?;
        for (key, value) in [
            ("train.decay_share", train.decay_share),
            ("train.label_dropout", train.label_dropout),
            ("train.ema_decay", train.ema_decay),
            ("sampling.eta", sampling.eta),
            ("sampling.guidance_rescale", sampling.guidance_rescale),
            ("sampling.threshold", sampling.threshold),
        ] {
            refuse(!share(value), key, format!("{value} is not a share"), "give a number from 0 to 1")?;
        }
        for (key, value) in
            [("optimizer.learning_rate", optimizer.learning_rate), ("optimizer.clip", optimizer.clip)]
        {
            refuse(!positive(value), key, format!("{value} is not above 0"), "give a positive number")?;
        }
        for (key, value) in
            [("train.checkpoint_every", train.checkpoint_every), ("train.log_every", train.log_every)]
        {
            refuse(value == 0, key, "every 0 steps".into(), "give at least 1")?;
        }
        refuse(
            !(0.0..1.0).contains(&self.data.hold_out),
            "data.hold_out",
            format!("{} leaves nothing to learn from, or is no share", self.data.hold_out),
            "give a number from 0 to below 1",
        )?;
        refuse(
            !(sampling.churn >= 0.0 && sampling.churn.is_finite()),
            "sampling.churn",
            format!("{} is no amount of noise", sampling.churn),
            "give 0 or more",
        )?;
        refuse(train.keep == 0, "train.keep", "no checkpoint would stay".into(), "give at least 1")?;
        refuse(
            optimizer.decay_start.is_some_and(|start| train.steps.is_none_or(|steps| start > steps)),
            "optimizer.decay_start",
            "the decay begins after the last step".into(),
            "give train.steps, and a start no later",
        )?;
        Ok(())
    }
}

fn merge(base: &mut toml::Table, over: toml::Table) {
    // The keys of one architecture mean nothing to another.
    let architecture = |table: &toml::Table| table.get("architecture").cloned();
    if architecture(&over).is_some_and(|new| architecture(base).is_some_and(|old| old != new)) {
        base.clear();
    }
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// What of `table` is not the same in `base`.
fn what_differs(table: toml::Table, base: &toml::Table) -> toml::Table {
    let part = |(key, value): (String, toml::Value)| match (value, base.get(&key)) {
        (toml::Value::Table(inner), Some(toml::Value::Table(base))) => {
            Some((key, what_differs(inner, base).into()))
                .filter(|(_, part): &(_, toml::Value)| part.as_table().is_some_and(|part| !part.is_empty()))
        }
        (value, other) => (other != Some(&value)).then_some((key, value)),
    };
    table.into_iter().filter_map(part).collect()
}

/// A key, and what it is set to in either of two configurations.
struct Difference {
    key: String,
    values: [String; 2],
}

/// The first key, in order, whose values differ.
fn first_difference(a: &toml::Table, b: &toml::Table) -> Option<Difference> {
    let text = |value: Option<&toml::Value>| value.map_or("unset".to_string(), ToString::to_string);
    let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    // Of two architectures, all other keys differ as well.
    let architecture = keys.get(&"architecture".to_string()).copied();
    architecture.into_iter().chain(keys).find_map(|key| match (a.get(key), b.get(key)) {
        (Some(toml::Value::Table(a)), Some(toml::Value::Table(b))) => {
            first_difference(a, b).map(|inner| Difference { key: format!("{key}.{}", inner.key), ..inner })
        }
        (a, b) => (a != b).then(|| Difference { key: key.clone(), values: [text(a), text(b)] }),
    })
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_nn::TransformerConfig;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let mut config = Config::default();
        config.train.steps = Some(7);
        config.optimizer.learning_rate = 0.1 + 0.2;
        let text = config.to_toml().unwrap();
        assert_eq!(Config::from_toml(&text, "text").unwrap(), config);
    }

    #[test]
    fn settings_reach_their_key_or_are_refused_by_name() {
        let mut config = Config::default();
        config.set("optimizer.learning_rate = 2e-4").unwrap();
        config.set("diffusion.prediction=epsilon").unwrap();
        config.set("model.block_out_channels=[8, 16]").unwrap();
        assert_eq!(config.optimizer.learning_rate, 2e-4);
        assert_eq!(config.diffusion.prediction, PredictionKind::Epsilon);
        config.set("model.architecture=transformer").unwrap();
        config.set("model.depth=3").unwrap();
        assert_eq!(config.model, TransformerConfig { depth: 3, ..TransformerConfig::default() }.into());
        for wrong in ["optimizer.lr=1", "train.batch=many", "train.batch", "=3", "sampling.sampler=magic"] {
            let error = config.set(wrong).unwrap_err().to_string();
            assert!(error.contains(wrong) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Config::from_toml("[train]\nbatch = 3\nbacth = 4\n", "c.toml").unwrap_err().to_string();
        assert!(error.contains("bacth") && error.contains("c.toml line 3"), "{error}");
    }

    #[test]
    fn an_overlay_keeps_what_it_does_not_mention() {
        let mut base = Config::default();
        base.train.batch = 17;
        let config = base.overlaid_with("[optimizer]\nwarmup = 5\n", "c.toml").unwrap();
        assert_eq!((config.train.batch, config.optimizer.warmup), (17, 5));
    }

    #[test]
    fn a_preset_changes_what_it_is_about_and_leaves_the_rest() {
        let mut config = Config::default();
        (config.train.batch, config.optimizer.warmup, config.data.flips) = (12, 7, true);
        let changed = config.with_preset("small").unwrap();
        let small = Config::preset("small").unwrap();
        assert_eq!((changed.model, changed.diffusion), (small.model.clone(), small.diffusion));
        assert_eq!((changed.optimizer.warmup, changed.data.flips), (7, true));
        assert_eq!(
            Config::default().with_preset("transformer").unwrap(),
            Config::preset("transformer").unwrap()
        );
        assert!(config.with_preset("huge").is_err());
    }

    #[test]
    fn a_run_goes_on_from_a_moved_folder_but_not_with_other_values() {
        let mut run = Config::default();
        run.data.classes = vec!["pictures".into()];
        let mut moved = run.clone();
        (moved.data.source, moved.data.classes) = ("elsewhere/moved".into(), vec!["moved".into()]);
        moved.continues(&run).unwrap();
        moved.train.batch = 12;
        let error = moved.continues(&run).unwrap_err().to_string();
        assert!(error.contains("made with 64, and now it is 12, train.batch: "), "{error}");
        let mut classes = run.clone();
        classes.data.classes = vec!["cat".into(), "dog".into()];
        assert!(classes.continues(&run).unwrap_err().to_string().contains("data.classes"));
    }

    #[test]
    fn noise_is_not_predicted_where_there_is_nothing_else() {
        let mut config = Config::preset("small").unwrap();
        config.train.steps = Some(1);
        config.check().unwrap();
        config.diffusion.zero_terminal_snr = true;
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("diffusion.prediction") && error.contains('ε'), "{error}");
        config.diffusion.prediction = PredictionKind::V;
        config.check().unwrap();
    }

    #[test]
    fn a_run_that_nothing_ends_is_refused() {
        assert!(Config::default().check().unwrap_err().to_string().contains("train.steps"));
    }
}
