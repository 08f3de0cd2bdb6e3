//! The training loop.

use crate::checkpoint::{self, Header};
use crate::data::{self, Batch, Loader, Source};
use crate::metrics::{Metrics, MetricsFile, Window};
use crate::model::{Model, SampleRequest};
use crate::observer::{Control, Event, Observer, Progress, Summary};
use crate::{Config, Error, Result, files, memory, plan};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tweedie_autograd::{Tape, Var};
use tweedie_diffusion::{Condition, LossValue, Schedule, TimestepSampler};
use tweedie_nn::lr::{Decay, LearningRate};
use tweedie_nn::optim::Optimizer;
use tweedie_nn::{Builder, Ctx, Ema, Network, Params};
use tweedie_tensor::Tensor;
use tweedie_tensor::random::{self, Purpose, Stream};

/// How many recent losses the reported loss is the mean of.
const RECENT: usize = 100;
/// Rows of the sample grids; each row shows every class once.
const GRID_ROWS: usize = 2;
/// Pictures in a row of an unconditional model's grids.
const GRID_COLUMNS: usize = 8;
/// Steps of the grids' sampler: enough to judge by, few enough not to hold up the run.
const GRID_STEPS: usize = 20;

/// Trains as `config` says, in the run directory `out`; with `resume`, from its newest checkpoint.
///
/// # Errors
/// A configuration, data or a directory that cannot be used; a loss that is no longer finite.
pub fn train(config: Config, out: &Path, resume: bool, observer: &mut dyn Observer) -> Result<Summary> {
    config.check()?;
    let source = data::open(&config.data.source, config.data.split, &config.data.options())?;
    let config = config.resolved(&*source);
    let run = Run::begin(config, out, &*source, resume)?;
    let resumed_at = resume.then_some(run.step);
    observer.observe(Event::Started {
        config: &run.config,
        parameters: run.params.numel(),
        pictures: source.len(),
        notes: source.notes(),
        resumed_at,
    })?;
    run.go(source, out, observer)
}

/// A run between two steps: everything that a checkpoint holds.
struct Run {
    config: Config,
    network: Network,
    schedule: Schedule,
    params: Params<f32>,
    ema: Ema,
    optimizer: Optimizer,
    times: TimestepSampler,
    /// The captions of the sample grids, for a network that reads some.
    captions: Option<Vec<Vec<usize>>>,
    step: u64,
    /// Seconds of training in earlier sessions.
    earlier: f64,
    /// The mean loss of the last steps before this session; 0 before any.
    last_loss: f64,
    metrics: MetricsFile,
    best: Option<(u64, f64)>,
}

/// What one step measured.
struct StepReport {
    loss: f64,
    grad_norm: f64,
    learning_rate: f64,
    errors: Vec<f64>,
    times: Vec<usize>,
}

impl Run {
    fn begin(mut config: Config, out: &Path, source: &dyn Source, resume: bool) -> Result<Run> {
        if config.train.batch > source.len() {
            return Err(Error::config(
                format!("a batch of {} is larger than the {} pictures", config.train.batch, source.len()),
                "train.batch",
                "give a smaller --batch",
            ));
        }
        if config.model.caption.is_some() && source.words().is_empty() {
            return Err(Error::config(
                "the network reads captions, and the pictures have none",
                "data.source",
                "give --data scenes, or another --preset",
            ));
        }
        let captions = config.model.caption.as_ref().map(|_| {
            let some = (0..GRID_ROWS * GRID_COLUMNS).map(|i| source.caption(i % source.len()));
            some.collect::<Vec<_>>()
        });
        let [_, height, width] = source.shape();
        let multiple = config.model.backbone.size_multiple();
        if !(height.is_multiple_of(multiple) && width.is_multiple_of(multiple)) {
            let nearest = height.min(width).next_multiple_of(multiple);
            return Err(Error::config(
                format!("pictures of {height}x{width} do not fit the network's patches and halvings"),
                "data.image_size",
                format!("give --image-size {nearest}, or another multiple of {multiple}"),
            ));
        }
        plan::check_training(&config, source)?;
        let schedule = config.diffusion.schedule()?;
        let mut times = TimestepSampler::new(config.diffusion.timestep_sampling, schedule.num_timesteps())?;
        let builder = Builder::new();
        let network = Network::new(&config.model, &builder)?;
        for folder in ["checkpoints", "samples"].map(|name| out.join(name)) {
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        let metrics = out.join("metrics.jsonl");
        if !resume {
            let params = builder.draw(config.train.seed);
            let run = Run {
                optimizer: Optimizer::new(config.optimizer.rule, &params)?,
                ema: Ema::new(&params, config.train.ema_decay)?,
                metrics: MetricsFile::open(&metrics, 0)?,
                params,
                network,
                schedule,
                times,
                captions,
                config,
                step: 0,
                earlier: 0.0,
                last_loss: 0.0,
                best: None,
            };
            run.write_config(out)?;
            return Ok(run);
        }
        let newest = crate::model::newest_checkpoint(out)?;
        let (header, weights) = checkpoint::read(&newest)?;
        config.continues(&header.config)?;
        // The end of this time budget may have been planned already; a plan that was made is kept to.
        if config.train.steps.is_none() && config.train.time_budget == header.config.train.time_budget {
            config.train.steps = header.config.train.steps;
            config.optimizer.decay_start = header.config.optimizer.decay_start;
        }
        let params = checkpoint::params(&weights, checkpoint::MODEL, &builder)?;
        let average = checkpoint::params(&weights, checkpoint::EMA, &builder)?;
        let moments = checkpoint::group(&weights, checkpoint::OPTIMIZER)?;
        if weights.entries().contains_key(checkpoint::TIMES) {
            times.restore(&weights.tensor(checkpoint::TIMES)?)?;
        }
        let run = Run {
            ema: Ema::restore(average, config.train.ema_decay, header.step)?,
            optimizer: Optimizer::restore(config.optimizer.rule, &params, header.step, &moments)?,
            metrics: MetricsFile::open(&metrics, header.step)?,
            params,
            network,
            schedule,
            times,
            captions,
            config,
            step: header.step,
            earlier: header.seconds,
            last_loss: header.loss,
            best: checkpoint::best(out)?,
        };
        run.write_config(out)?;
        Ok(run)
    }

    fn go(mut self, source: Arc<dyn Source>, out: &Path, observer: &mut dyn Observer) -> Result<Summary> {
        let Config { train, .. } = self.config.clone();
        let started = Instant::now();
        let first_step = self.step;
        let mut loader = Loader::new(source, train.seed, train.batch, self.step, self.config.data.flips)?;
        let mut window = Window::default();
        let mut recent = VecDeque::with_capacity(RECENT);
        let mut since_save = Window::default();
        // Time in steps alone, without the grids and checkpoints between them: all of it, and before this window.
        let mut training = Duration::ZERO;
        let mut before_window = Duration::ZERO;
        let mut grids_painted = 0;
        let mut interrupted = false;
        while !self.is_done() {
            let before = Instant::now();
            let batch = loader.next()?;
            let report = self.train_step(&batch)?;
            training += before.elapsed();
            self.step += 1;

            window.add(report.loss, &report.errors, self.shares(&report.times));
            since_save.add(report.loss, &[], std::iter::empty());
            if recent.len() == RECENT {
                recent.pop_front();
            }
            recent.push_back(report.loss);
            let elapsed = self.earlier + started.elapsed().as_secs_f64();
            if self.step.is_multiple_of(train.log_every) || self.is_done() {
                let pictures = window.steps() as usize * train.batch;
                self.metrics.write(&Metrics {
                    step: self.step,
                    loss: window.loss(),
                    loss_by_decile: window.deciles(),
                    grad_norm: report.grad_norm,
                    learning_rate: report.learning_rate,
                    images_per_second: pictures as f64 / (training - before_window).as_secs_f64(),
                    rss_mib: memory::rss_mib(),
                    seconds: elapsed,
                })?;
                (window, before_window) = (Window::default(), training);
            }
            if self.decay_begins(elapsed) {
                self.plan_the_end(elapsed);
                self.write_config(out)?;
            }
            let share = self.share(elapsed);
            let pace = ((self.step - first_step) as usize * train.batch) as f64 / training.as_secs_f64();
            let progress = Progress {
                step: self.step,
                total: self.config.train.steps,
                share,
                loss: mean(&recent),
                grad_norm: report.grad_norm,
                learning_rate: report.learning_rate,
                images_per_second: pace,
                elapsed: Duration::from_secs_f64(elapsed),
                remaining: Duration::from_secs_f64(elapsed * (1.0 - share) / share.max(1e-9)),
            };
            interrupted = observer.observe(Event::Step(progress))? == Control::Stop && !self.is_done();
            if self.step.is_multiple_of(train.checkpoint_every) && !self.is_done() && !interrupted {
                self.save(out, elapsed, since_save.loss(), observer)?;
                since_save = Window::default();
            }
            if interrupted {
                break;
            }
            // The grids stand at even shares of the run; the last one is painted at its end.
            let due = (share * train.grids as f64) as u64;
            if due > grids_painted && !self.is_done() {
                grids_painted = due;
                self.paint(observer)?;
            }
        }
        drop(loader);
        let elapsed = self.earlier + started.elapsed().as_secs_f64();
        if self.step > first_step || checkpoint::steps(out)?.is_empty() {
            self.save(out, elapsed, since_save.loss(), observer)?;
        }
        if !interrupted && train.grids > 0 {
            self.paint(observer)?;
        }
        Ok(Summary {
            run: out.to_path_buf(),
            steps: self.step,
            loss: if recent.is_empty() { self.last_loss } else { mean(&recent) },
            images_per_second: ((self.step - first_step) as usize * train.batch) as f64
                / training.as_secs_f64().max(1e-9),
            peak_rss_mib: memory::peak_rss_mib(),
            weights_digest: digest(&self.params),
            interrupted,
        })
    }

    /// One step: a batch becomes x_t, goes through the network, comes back as gradients, moves the weights.
    fn train_step(&mut self, batch: &Batch) -> Result<StepReport> {
        let Config { train, diffusion, optimizer, .. } = &self.config;
        let n = train.batch;
        let (seed, step) = (train.seed, self.step);
        let draws = self.times.draw(n, 0..n, seed, step)?;
        let times: Vec<usize> = draws.iter().map(|draw| draw.t).collect();
        let noise = random::normal(*batch.x.shape(), seed, Purpose::Noise, step, 0);
        let x_t = self.schedule.q_sample(&batch.x, &times, &noise)?;
        let at = self.schedule.timesteps_at(&times)?;
        let Condition { classes, captions } = self.shown(batch);
        let clocks: Vec<f64> = at.iter().map(|time| time.clock()).collect();
        let importance: Vec<f64> = draws.iter().map(|draw| draw.importance).collect();

        let tape = Tape::new();
        let ctx = Ctx::training(&self.params, &tape).with_dropout(seed, step, 0);
        let x_t = Var::constant(x_t);
        let output = self.network.forward(&ctx, x_t, &clocks, classes.as_deref(), captions.as_deref())?;
        drop(ctx);
        let LossValue { losses, squared_errors, gradient } = diffusion.loss().evaluate(
            &self.schedule,
            &batch.x,
            &noise,
            &times,
            output.value().clone(),
            &importance,
        )?;
        let value = losses.iter().zip(&importance).map(|(loss, times)| loss * times).sum::<f64>() / n as f64;
        let gradients = self.params.collect(output.vjp(gradient, |_, _| {})?);

        let learning_rate = self.learning_rate().at(step);
        let clip = Some(optimizer.clip);
        let ema = Some(&mut self.ema);
        let grad_norm =
            self.optimizer.step(&mut self.params, &gradients, learning_rate, clip, ema)?.grad_norm;
        if !value.is_finite() || !grad_norm.is_finite() {
            return Err(Error::Diverged { step });
        }
        self.times.record(&draws, &losses);
        Ok(StepReport { loss: value, grad_norm, learning_rate, errors: squared_errors, times })
    }

    /// What the network is told of the batch: classes and captions, some samples' replaced by the class that means
    /// "no class" and by the empty caption.
    fn shown(&self, batch: &Batch) -> Condition {
        let train = &self.config.train;
        let null = self.config.data.classes.len();
        let dropped: Vec<bool> = (0..batch.labels.len())
            .map(|i| {
                let mut stream = Stream::new(train.seed, Purpose::Guidance, self.step, i as u64);
                stream.uniform() < train.label_dropout
            })
            .collect();
        let classes = train.class_conditional.then(|| {
            let shown = batch.labels.iter().zip(&dropped);
            shown.map(|(&label, &dropped)| if dropped { null } else { label }).collect()
        });
        let captions = self.config.model.caption.as_ref().map(|_| {
            let shown = batch.captions.iter().zip(&dropped);
            shown.map(|(caption, &dropped)| if dropped { Vec::new() } else { caption.clone() }).collect()
        });
        Condition { classes, captions }
    }

    fn learning_rate(&self) -> LearningRate {
        let optimizer = &self.config.optimizer;
        let (peak, warmup) = (optimizer.learning_rate, optimizer.warmup);
        match (optimizer.decay_start, self.config.train.steps) {
            (Some(decay_start), Some(total)) => LearningRate::Trapezoidal {
                peak,
                warmup,
                decay_start,
                total,
                floor: 0.0,
                decay: Decay::Linear,
            },
            _ => LearningRate::Constant { peak, warmup },
        }
    }

    fn shares<'a>(&self, times: &'a [usize]) -> impl Iterator<Item = f64> + 'a {
        let all = self.config.diffusion.timesteps as f64;
        times.iter().map(move |&t| t as f64 / all)
    }

    fn is_done(&self) -> bool {
        self.config.train.steps.is_some_and(|steps| self.step >= steps)
    }

    /// Whether the end of the time budget has begun, over which the learning rate falls.
    fn decay_begins(&self, elapsed: f64) -> bool {
        let Config { train, optimizer, .. } = &self.config;
        optimizer.decay_start.is_none()
            && train.time_budget.is_some_and(|budget| elapsed >= budget * (1.0 - train.decay_share))
    }

    /// Turns what is left of the time budget into steps, at the pace so far. From here on the run is given by
    /// its configuration alone, and can be repeated.
    fn plan_the_end(&mut self, elapsed: f64) {
        let left = self.config.train.time_budget.map_or(0.0, |budget| (budget - elapsed).max(0.0));
        let last = self.step + (left * self.step as f64 / elapsed).round() as u64;
        self.config.optimizer.decay_start = Some(self.step);
        self.config.train.steps = Some(self.config.train.steps.map_or(last, |steps| steps.min(last)));
    }

    fn share(&self, elapsed: f64) -> f64 {
        let Config { train, .. } = &self.config;
        let share = match (train.steps, train.time_budget) {
            (Some(steps), _) => self.step as f64 / steps as f64,
            (None, Some(budget)) => elapsed / budget,
            (None, None) => 0.0,
        };
        share.min(1.0)
    }

    fn write_config(&self, out: &Path) -> Result<()> {
        files::write_whole(&out.join("config.toml"), self.config.to_toml()?.as_bytes())
    }

    fn save(&mut self, out: &Path, seconds: f64, loss: f64, observer: &mut dyn Observer) -> Result<()> {
        let header = Header { config: self.config.clone(), step: self.step, seconds, loss };
        let path = checkpoint::path_of(out, self.step);
        let moments = self.optimizer.state(&self.params);
        let times = self.times.state();
        let tensors: Vec<(String, &Tensor<f32>)> = checkpoint::named(checkpoint::MODEL, &self.params)
            .chain(checkpoint::named(checkpoint::EMA, self.ema.params()))
            .chain(moments.map(|(name, value)| (format!("{}{name}", checkpoint::OPTIMIZER), value)))
            .chain(times.iter().map(|losses| (checkpoint::TIMES.to_string(), losses)))
            .collect();
        checkpoint::write(&path, &header, &tensors)?;
        if self.best.is_none_or(|(_, best)| loss < best) {
            self.best = Some((self.step, loss));
        }
        checkpoint::prune(out, self.config.train.keep, self.best.map(|(step, _)| step))?;
        observer.observe(Event::Saved { step: self.step, path: &path })?;
        Ok(())
    }

    /// Paints a grid with the averaged weights, from the same noise each time.
    fn paint(&self, observer: &mut dyn Observer) -> Result<()> {
        let builder = Builder::new();
        let network = Network::new(&self.config.model, &builder)?;
        let model = Model::of_run(&self.config, network, self.ema.params().clone())?;
        let columns = model.classes().map_or(GRID_COLUMNS, <[String]>::len);
        let n = GRID_ROWS * columns;
        let mut sampling = model.sampling()?;
        sampling.steps = GRID_STEPS.min(self.config.diffusion.timesteps);
        let classes = model.classes().map(|classes| (0..n).map(|i| i % classes.len()).collect());
        let captions =
            self.captions.as_ref().map(|captions| captions.iter().cycle().take(n).cloned().collect());
        let request = SampleRequest {
            n,
            first: 0,
            x_t: None,
            condition: Condition { classes, captions },
            seed: self.config.train.seed,
            sampling,
        };
        let pictures = model.sample(&request, |_| Ok(()))?;
        observer.observe(Event::Sampled { step: self.step, pictures: &pictures, columns })?;
        Ok(())
    }
}

/// Pictures of a sample grid.
pub(crate) fn grid_pictures(config: &Config) -> usize {
    let classes = if config.train.class_conditional { config.data.classes.len() } else { 0 };
    GRID_ROWS * if classes > 0 { classes } else { GRID_COLUMNS }
}

fn mean(losses: &VecDeque<f64>) -> f64 {
    losses.iter().sum::<f64>() / losses.len().max(1) as f64
}

/// SHA-256 over every parameter's name, shape and little-endian bits, in order.
pub(crate) fn digest(params: &Params<f32>) -> String {
    let mut hash = Sha256::new();
    for (name, value) in params.iter() {
        hash.update(format!("{name}{}", value.shape()));
        for number in value.as_slice() {
            hash.update(number.to_le_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
