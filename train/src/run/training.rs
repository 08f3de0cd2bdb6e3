//! A run from its configuration to its last picture.

use super::adjust::{Adjustable, adjust, smaller_than_preset};
use super::amounts::steps_between_validations;
use super::budget::{Budget, is_done};
use super::directory::{Directory, Left, SoFar};
use super::grace::Grace;
use super::journal::Journal;
use super::lock::RunLock;
use super::observer::{Event, Observer, Summary, Watched};
use super::pictures::Pictures;
use super::session::{Painter, Session};
use super::team;
use super::trainable::Trainable;
use super::trainer::Trainer;
use super::validation::Validation;
use super::{checks, grids};
use crate::cluster::{Collective, Team};
use crate::config::{Change, Config};
use crate::data::{self, Fingerprint, Source};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tweedie_nn::{Builder, Network};

/// How a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At step 0, as its configuration says, but for what it may adjust.
    New(Adjustable),
    /// From its newest checkpoint.
    Resumed,
}

/// Trains as `config` says, in the run directory `out`.
///
/// # Errors
/// As [`Training::run`].
pub fn train(config: Config, out: &Path, begin: Begin, observer: &mut dyn Observer) -> Result<Summary> {
    Ok(Training::new(config).out(out).begin(begin).run(observer)?.summary)
}

/// A run that is about to begin.
///
/// ```
/// use std::sync::Arc;
/// use tweedie_train::data::{DataError, Source};
/// use tweedie_train::{Config, Training};
/// use tweedie_nn::UNetConfig;
///
/// /// Sixteen pictures of 8 x 8 that brighten from left to right or from top to bottom.
/// struct Ramps;
///
/// impl Source for Ramps {
///     fn len(&self) -> usize {
///         16
///     }
///     fn shape(&self) -> [usize; 3] {
///         [1, 8, 8]
///     }
///     fn classes(&self) -> &[String] {
///         &[]
///     }
///     fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
///         for (i, byte) in out.iter_mut().enumerate() {
///             let place = if index % 2 == 0 { i % 8 } else { i / 8 };
///             *byte = (32 * place) as u8;
///         }
///         Ok(0)
///     }
/// }
///
/// let mut config = Config::default();
/// (config.train.steps, config.train.batch, config.train.grids) = (Some(3), 4, 0);
/// config.model = UNetConfig::plain(&[16, 32]).into();
/// // Without a directory, nothing is written to the disk; `()` does not look at what happens.
/// let trained = Training::new(config).source(Arc::new(Ramps)).run(&mut ())?;
/// assert_eq!(trained.summary.steps, 3);
/// let model = trained.trainer.model()?;
/// # assert!(model.classes().is_none());
/// # Ok::<(), tweedie_train::Error>(())
/// ```
pub struct Training {
    config: Config,
    source: Option<Arc<dyn Source>>,
    /// Whether the source is what the configuration names.
    is_named: bool,
    out: Option<PathBuf>,
    lock: Option<RunLock>,
    begin: Begin,
    since: Option<Instant>,
    changed_data: bool,
    grace: Option<Duration>,
    team: Team,
}

/// What training left.
pub struct Trained<N = Network> {
    /// What the run came to.
    pub summary: Summary,
    /// The network after the last step.
    pub trainer: Trainer<N>,
}

impl Training {
    /// A new run on the data that `config` names, which leaves nothing on the disk.
    pub fn new(config: Config) -> Training {
        let begin = Begin::New(Adjustable::default());
        Training {
            config,
            source: None,
            is_named: true,
            out: None,
            lock: None,
            begin,
            since: None,
            grace: None,
            changed_data: false,
            team: Team::default(),
        }
    }

    /// Learns from `source`, whatever data the configuration names. There is a validation if `data.hold_out` is above 0.
    #[must_use]
    pub fn source(mut self, source: Arc<dyn Source>) -> Training {
        self.config.data.source = "(a source of the program's own)".to_string();
        Training { source: Some(source), is_named: false, ..self }
    }

    /// Learns from `source`, which the caller has opened as the configuration's section `data` says. It is not opened a
    /// second time; its test part, if it has one, serves for validation.
    #[must_use]
    pub fn opened(self, source: Arc<dyn Source>) -> Training {
        Training { source: Some(source), is_named: true, ..self }
    }

    /// Leaves configuration, metrics and checkpoints in the directory `out`, which no other process may train in meanwhile.
    #[must_use]
    pub fn out(self, out: impl Into<PathBuf>) -> Training {
        Training { out: Some(out.into()), ..self }
    }

    /// Leaves them in the directory that is locked already.
    #[must_use]
    pub fn locked(self, lock: RunLock) -> Training {
        Training { out: Some(lock.run().to_path_buf()), lock: Some(lock), ..self }
    }

    /// Begins otherwise than at step 0 with nothing to adjust.
    #[must_use]
    pub fn begin(self, begin: Begin) -> Training {
        Training { begin, ..self }
    }

    /// Counts the time budget from an earlier time than the call of [`Training::run`].
    #[must_use]
    pub fn since(self, began: Instant) -> Training {
        Training { since: Some(began), ..self }
    }

    /// Whether a run that is resumed may go on with other pictures than those it has learnt from, which is refused otherwise.
    #[must_use]
    pub fn changed_data(self, may_differ: bool) -> Training {
        Training { changed_data: may_differ, ..self }
    }

    /// Notes it, once, if what comes between a wish to end and the end of the run, a step and a checkpoint, takes longer
    /// than `grace`: what Kubernetes calls the termination grace period and Slurm `KillWait`.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Training {
        Training { grace: Some(grace), ..self }
    }

    /// Takes each step together with the other ranks of a job. All must be given the same configuration, data and beginning;
    /// rank 0 alone may have a directory, and what it finds there holds for all.
    #[must_use]
    pub fn together(self, team: Team) -> Training {
        Training { team, ..self }
    }

    /// Trains the network of the configuration.
    ///
    /// # Errors
    /// A configuration, data or a directory that cannot be used, as one that another process trains in; a loss that is no longer finite.
    pub fn run(self, observer: &mut dyn Observer) -> Result<Trained> {
        let build = |config: &Config, builder: &Builder| Ok(Network::new(&config.model, builder)?);
        self.run_on(build, Some(grids::sample), observer)
    }

    /// Trains the network that `build` makes. The section `model` of the configuration is not read: whether there is
    /// memory is not checked, only the batch is adjusted, and no grids are painted. A directory has checkpoints that
    /// such a run resumes from, and which [`Model::open`](crate::Model::open) does not know.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tweedie_autograd::Var;
    /// use tweedie_nn::layers::Linear;
    /// use tweedie_nn::{Builder, Ctx, Inputs, Layer};
    /// use tweedie_train::data::Memory;
    /// use tweedie_train::{Config, Training};
    ///
    /// let source = Memory::new([1, 4, 4], (0..=255).collect(), vec![0; 16], vec!["ramp".into()]);
    /// let mut config = Config::default();
    /// (config.train.steps, config.train.batch) = (Some(2), 8);
    /// let one_layer = |_: &Config, builder: &Builder| {
    ///     let layer = Linear::new(builder, 16, 16);
    ///     Ok(move |ctx: &Ctx, x: Var, _: Inputs<'_>| {
    ///         let n = x.dims()[0];
    ///         let pixels = x.reshape([n, 16])?;
    ///         layer.forward(ctx, pixels)?.reshape([n, 1, 4, 4])
    ///     })
    /// };
    /// let trained = Training::new(config).source(Arc::new(source)).run_with(one_layer, &mut ())?;
    /// assert_eq!(trained.trainer.params().numel(), 16 * 17);
    /// # Ok::<(), tweedie_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Training::run`].
    pub fn run_with<N: Trainable>(
        mut self,
        build: impl FnOnce(&Config, &Builder) -> Result<N>,
        observer: &mut dyn Observer,
    ) -> Result<Trained<N>> {
        if let Begin::New(Adjustable { warmup, network, .. }) = &mut self.begin {
            (*warmup, *network) = (false, false);
        }
        self.run_on(build, None, observer)
    }

    /// Without a `painter`, the network is not that of the configuration.
    fn run_on<N: Trainable>(
        self,
        build: impl FnOnce(&Config, &Builder) -> Result<N>,
        painter: Option<Painter<N>>,
        observer: &mut dyn Observer,
    ) -> Result<Trained<N>> {
        let mut team = self.team.clone();
        let ran = self.run_with_team(&mut team, build, painter, observer);
        match &ran {
            Ok(_) => team.end()?,
            // All ranks have found it, each by itself.
            Err(Error::Diverged(_)) => drop(team.end()),
            Err(error) => team.fail(&error.to_string()),
        }
        ran
    }

    fn run_with_team<N: Trainable>(
        self,
        team: &mut Team,
        build: impl FnOnce(&Config, &Builder) -> Result<N>,
        painter: Option<Painter<N>>,
        observer: &mut dyn Observer,
    ) -> Result<Trained<N>> {
        let Training { config, source, is_named, out, lock, begin, since, grace, changed_data, .. } = self;
        // Rank 0 alone writes, paints, validates, and decides what depends on time.
        let is_first = team.rank() == 0;
        // The time budget is for all that follows, from opening the data to the last picture.
        let began = since.unwrap_or_else(Instant::now);
        config.check()?;
        let source = match source {
            Some(source) => source,
            None => data::open(&config.data.source, config.data.split, &config.data.options())?,
        };
        if team.size() > 1 {
            checks::team(&config, team)?;
            team::check_data(team, Fingerprint::of(&*source)?, "data.source")?;
        }
        // Before anything else is held: the pace is measured with the whole network, and pictures are held out.
        if let Begin::New(Adjustable { batch: false, .. }) = begin {
            checks::batch(&config, &*source)?;
        }
        let in_memory = match painter {
            Some(_) => checks::pictures(&config.clone().resolved(&*source), &*source)?,
            None => config.data.cache().unwrap_or_else(data::usually_held),
        };

        // Before anything is read or written there that another process may write.
        let lock = match (lock, &out) {
            (None, Some(out)) => Some(RunLock::take(out)?),
            (lock, _) => lock,
        };
        let mut directory = out.map(Directory::at);
        let (source, compared) = match &mut directory {
            Some(directory) => {
                let fits = checks::fills_batch(&config, &*source);
                directory.recognise(source, &config, begin == Begin::Resumed, changed_data, fits)?
            }
            None => (source, None),
        };
        let mut watched = Watched::by(observer);
        let Pictures { learnt: source, held_out, mut notes } =
            Pictures::of(&config, source, is_named, in_memory)?;
        notes.extend(compared);
        notes.extend(lock.as_ref().and_then(RunLock::note).map(String::from));
        let config = match begin {
            Begin::New(adjustable) if is_first => {
                adjust(config, adjustable, &source, &mut watched, &mut notes)?
            }
            _ => config,
        };
        let config = team::told(team, config)?.resolved(&*source);
        let validation = match held_out.filter(|_| is_first) {
            Some(held_out) => Validation::new(&*held_out, source.classes())?,
            None => None,
        };
        match begin {
            Begin::New(_) => checks::batch(&config, &*source)?,
            Begin::Resumed => checks::resumed_batch(&config, &*source)?,
        }

        let builder = Builder::new();
        let mut config = with_validations(config);
        let network = build(&config, &builder)?;
        let own = match is_first {
            true => Some(left(&mut config, &builder, begin, directory.as_mut())?),
            false => None,
        };
        let schedule = config.diffusion.schedule()?;
        let left = team::share_left(team, own, &mut config, &schedule, &builder)?;
        let Left { state, so_far, earlier_changes, notes: damaged } = left;
        let SoFar { seconds, validation: last_validation, journal, changes, .. } = so_far;
        notes.extend(damaged);
        notes.extend(Change::in_words(&changes[earlier_changes..]));
        if begin == Begin::Resumed {
            notes.extend(smaller_than_preset(&config, &*source));
        }
        let trainer = Trainer::at(config, network, schedule, state).with_team(team.clone());
        if let Some(directory) = &directory {
            let unwritten = directory.create(trainer.config())?;
            notes.extend(
                unwritten.map(|error| format!("the next checkpoint holds the configuration: {error}")),
            );
        }
        watched.report(Event::Started {
            config: trainer.config(),
            parameters: trainer.params().numel(),
            pictures: source.len(),
            shape: source.shape(),
            held_out: validation.as_ref().map(|validation| (validation.len(), validation.of)),
            notes: &notes,
            resumed_at: (begin == Begin::Resumed).then_some(trainer.steps()),
        });

        let metrics = directory.as_ref().map(Directory::metrics);
        let is_done = is_done(trainer.config(), trainer.steps());
        // What came before the first step is no part of one.
        let (_, sent) = (team.take_wait(), team.traffic());
        let mut session = Session {
            captions: grids::captions(trainer.config(), &*source),
            journal: Journal::open(metrics.as_deref(), trainer.steps(), journal, !is_done)?,
            budget: Budget::new(began, seconds, trainer.steps(), validation.is_some()),
            waited: Duration::ZERO,
            last_validation,
            grids_due: 0,
            keeps_grids: !changed_data && changes[earlier_changes..].iter().all(Change::keeps_pictures),
            changes,
            started_with: trainer.config().clone(),
            builder,
            last_batch: None,
            grace: grace.map(Grace::of),
            lock,
            painter: painter.filter(|_| is_first),
            agreed_to_stop: false,
            sent,
            trainer,
            validation,
            directory,
            watched,
        };
        let mut loader = session.trainer.loader(Arc::clone(&source))?;
        session.take_up()?;
        while !session.is_done() && !session.is_stopped() {
            match session.advance(&mut loader) {
                Err(Error::Diverged(found)) => {
                    session.roll_back(*found)?;
                    loader = session.trainer.loader(Arc::clone(&source))?;
                }
                advanced => advanced?,
            }
        }
        drop(loader);
        let summary = session.finish()?;
        session.trainer.team = Team::default();
        Ok(Trained { summary, trainer: session.trainer })
    }
}

/// The configuration with how often it validates, where it leaves that open.
fn with_validations(mut config: Config) -> Config {
    config.train.validate_every.get_or_insert(steps_between_validations(config.train.batch));
    config
}

/// What stands before the first step of a session. `config` keeps to the end that was planned for it.
fn left(
    config: &mut Config,
    builder: &Builder,
    begin: Begin,
    directory: Option<&mut Directory>,
) -> Result<Left> {
    match (begin, directory) {
        (Begin::New(_), _) => Left::fresh(config, builder),
        (Begin::Resumed, Some(directory)) => {
            let schedule = config.diffusion.schedule()?;
            directory.resume(config, &schedule, builder)
        }
        (Begin::Resumed, None) => {
            Err(Error::config("no run directory to resume from", "Training::out", "give one"))
        }
    }
}
