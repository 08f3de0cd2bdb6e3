//! A run that several ranks take part in.

use super::recipe::{Recipe, open};
use crate::args::TrainArgs;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use std::collections::BTreeMap;
use tweedie_train::cluster::Team;
use tweedie_train::{
    Adjustable, Begin, Config, Control, Event, Observer, Training, check_asked as check, told,
};

/// Refuses ranks that were not asked for the same run.
///
/// # Errors
/// What differs.
pub(super) fn check_asked(
    args: &TrainArgs,
    seed: Option<u64>,
    recipe: &Recipe<'_>,
    team: &mut Team,
) -> Result<()> {
    let mut asked = BTreeMap::new();
    let mut add = |name: &str, value: Option<String>| {
        asked.extend(value.map(|value| (name.to_string(), value)));
    };
    add("--data", args.data.clone());
    add("--split", args.split.map(|split| format!("{split:?}").to_lowercase()));
    add("--image-size", args.image_size.map(|n| n.to_string()));
    add("--steps", args.steps.map(|n| n.to_string()));
    add("--time-budget", args.time_budget.map(|time| format!("{time:?}")));
    add("--checkpoint-every", args.checkpoint_every.map(|n| n.to_string()));
    add("--preset", args.preset.clone());
    add("--config", recipe.file().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")));
    add("--set", (!args.set.is_empty()).then(|| args.set.join(" ")));
    add("--batch", args.batch.map(|n| n.to_string()));
    add("--shards", args.shards.map(|n| n.to_string()));
    add("--seed", seed.map(|n| n.to_string()));
    let elastic = args.ranks.elastic.as_ref();
    add("--elastic", elastic.map(|range| format!("{}..{}", range.start(), range.end())));
    add("--resume", args.resume.then(|| "it".to_string()));
    add("--changed-data", args.changed_data.then(|| "it".to_string()));
    Ok(check(team, asked)?)
}

/// Tells the others which run it is, once this rank knows.
///
/// # Errors
/// A rank that is lost or has failed.
pub(super) fn lead(team: &mut Team, config: &Config, is_resumed: bool) -> Result<()> {
    told(team, Some((config.clone(), is_resumed)))?;
    Ok(())
}

/// The run of a rank that writes nothing.
///
/// # Errors
/// As the run of the rank that it follows.
pub(super) fn follow(
    args: &TrainArgs,
    seed: Option<u64>,
    interrupt: Interrupt,
    team: &mut Team,
) -> Result<()> {
    let recipe = Recipe::read(args)?;
    check_asked(args, seed, &recipe, team)?;
    let Some((config, is_resumed)) = told::<Option<(Config, bool)>>(team, None)? else {
        return Err(Failure::Interrupted("rank 0 has nothing to train".to_string()));
    };
    let source = open(&config.data)?;
    interrupt.begin();
    // Rank 0 adjusts for all.
    let adjustable = Adjustable { batch: true, ..Adjustable::default() };
    let begin = if is_resumed { Begin::Resumed } else { Begin::New(adjustable) };
    let training = Training::new(config).opened(source).begin(begin).together(team.clone());
    let summary = training.run(&mut Wishes(interrupt))?.summary;
    match summary.interrupted {
        true => Err(Failure::Interrupted(format!("saved after step {}", summary.steps))),
        false => Ok(()),
    }
}

/// Passes on what signals ask for, and looks at nothing.
struct Wishes(Interrupt);

impl Observer for Wishes {
    fn observe(&mut self, _: Event<'_>) -> Control {
        if self.0.asked() {
            Control::Stop
        } else if self.0.takes_wish_to_save() {
            Control::Save
        } else {
            Control::Continue
        }
    }
}
