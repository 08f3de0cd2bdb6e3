//! What a new run adjusts to its data and to the machine, once, before its first step.

use super::observer::{Event, Observer, Task};
use super::trainer::Trainer;
use crate::Result;
use crate::config::{Config, ENOUGH_STEPS, Smaller, smaller_digits};
use crate::data::Source;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a new run may adjust to its data and to this machine. What it adjusted is written into its configuration, which
/// repeats the run without adjusting anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Adjustable {
    /// To learn in smaller batches than the configuration says from fewer pictures than one batch has.
    pub batch: bool,
    /// To warm up over fewer steps where a time budget rules and this machine's pace makes few of it.
    pub warmup: bool,
    /// To learn with a smaller network, in smaller batches, where a time budget rules and this machine's pace makes too few
    /// steps of it for the preset `digits`.
    pub network: bool,
}

/// The largest share of the foreseen steps that warm-up may take.
const WARMUP_SHARE: f64 = 0.1;
/// The share of a time budget that measuring may take once two steps are done, and the most steps of it.
const TRIAL_SHARE: f64 = 0.008;
const TRIAL_STEPS: u32 = 10;

/// Below so many steps, no network of a preset has learnt more than blurs.
const TOO_FEW_STEPS: f64 = 150.0;

fn steps(number: f64) -> String {
    let number = number.round();
    if number == 1.0 { "1 step".to_string() } else { format!("{number:.0} steps") }
}

/// Adjusts what may be adjusted, and adds a line to `notes` for each thing that is not as the configuration says.
///
/// # Errors
/// As training itself.
pub fn adjust(
    mut config: Config,
    adjustable: Adjustable,
    source: &Arc<dyn Source>,
    observer: &mut dyn Observer,
    notes: &mut Vec<String>,
) -> Result<Config> {
    if adjustable.batch && config.train.batch > source.len() {
        // A power of two, as every other batch that was not asked for.
        let batch = 1 << source.len().ilog2();
        notes.push(format!("batches of {batch}: there are fewer pictures than {}", config.train.batch));
        config.train.batch = batch;
    }
    let (None, Some(budget)) = (config.train.steps, config.train.time_budget) else { return Ok(config) };
    if !adjustable.warmup && !adjustable.network {
        return Ok(config);
    }
    observer.observe(Event::Busy(Task::MeasuringPace));
    let mut foreseen = budget / seconds_a_step(&config, source, budget)?;
    let mut decided = None;
    let is_digits = Config::preset("digits").is_ok_and(|preset| preset.model == config.model);
    if adjustable.network && is_digits && foreseen < ENOUGH_STEPS {
        let of_preset = foreseen;
        let usual = Config::default();
        let rate_is_open = config.optimizer.learning_rate == usual.optimizer.learning_rate;
        let guidance_is_open = config.sampling.guidance == usual.sampling.guidance;
        for Smaller { model, batch, learning_rate, guidance, enough, description } in smaller_digits() {
            config.model = model;
            config.train.batch = config.train.batch.min(batch).max(config.train.shards);
            if rate_is_open {
                config.optimizer.learning_rate = learning_rate;
            }
            if guidance_is_open {
                config.sampling.guidance = guidance;
            }
            foreseen = budget / seconds_a_step(&config, source, budget)?;
            let note = format!(
                "a network of {description} in batches of {}: in this time, this machine takes about {} of the preset's, \
                 which are larger, and {foreseen:.0} of these",
                config.train.batch,
                steps(of_preset)
            );
            decided = Some(note);
            if foreseen >= enough {
                break;
            }
        }
    }
    if decided.is_none() && adjustable.network && foreseen < TOO_FEW_STEPS {
        decided = Some(format!(
            "this machine takes about {} in this time, too few to learn a picture from: give a longer --time-budget, or \
             smaller pictures",
            steps(foreseen)
        ));
    }
    notes.extend(decided);
    let most = ((WARMUP_SHARE * foreseen) as u64).max(1);
    if adjustable.warmup && config.optimizer.warmup > most {
        notes.push(format!("warm-up over {}, a tenth of those that there is time for", steps(most as f64)));
        config.optimizer.warmup = most;
    }
    Ok(config)
}

/// A note that a run which goes on learns with the smaller network that its first time budget had room for.
pub(super) fn smaller_than_preset(config: &Config, source: &dyn Source) -> Option<String> {
    config.train.time_budget?;
    let is_its = |smaller: &Smaller| {
        let model = smaller.model.clone();
        Config { model, ..config.clone() }.resolved(source).model == config.model
    };
    let Smaller { description, .. } = smaller_digits().into_iter().find(is_its)?;
    Some(format!(
        "this run keeps its network of {description}, which was chosen for the time that it had at first: for the whole \
         network of the preset, begin another run with this time"
    ))
}

/// The time of a step of this configuration, by a few of a run that is thrown away. The first step counts only if there is
/// no time for others: it allocates what the others use again.
fn seconds_a_step(config: &Config, source: &Arc<dyn Source>, budget: f64) -> Result<f64> {
    let mut trainer = Trainer::new(config.clone().resolved(&**source))?;
    let mut loader = trainer.loader(Arc::clone(source))?;
    let limit = Duration::from_secs_f64(TRIAL_SHARE * budget);
    let mut steps = 0;
    let mut after_first = Instant::now();
    let began = after_first;
    loop {
        trainer.step(&loader.next()?)?;
        if steps == 0 {
            after_first = Instant::now();
            // Slow enough to be known by now.
            if after_first - began > 2 * limit {
                return Ok((after_first - began).as_secs_f64());
            }
        }
        steps += 1;
        if steps > TRIAL_STEPS || (steps >= 3 && after_first.elapsed() > limit) {
            return Ok((after_first.elapsed().as_secs_f64() / f64::from(steps - 1)).max(1e-6));
        }
    }
}
