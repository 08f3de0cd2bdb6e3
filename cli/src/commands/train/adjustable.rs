//! What the command line leaves open for the run to adjust.

use crate::args::TrainArgs;
use tweedie_train::Adjustable;

/// What a new run with these arguments may adjust: nothing that was asked for.
pub(super) fn of(args: &TrainArgs) -> Adjustable {
    let is_set = |key: &str| args.set.iter().any(|setting| sets(setting, key));
    let batch = args.batch.is_none() && !is_set("train.batch");
    let paced =
        args.steps.is_none() && args.preset.is_none() && args.config.is_none() && !is_set("train.steps");
    Adjustable {
        batch,
        warmup: paced && !is_set("optimizer.warmup"),
        network: paced && batch && !is_set("model"),
    }
}

/// Whether an assignment is to this key, to one below it, or to the section that it is in.
fn sets(assignment: &str, key: &str) -> bool {
    let name: Vec<&str> =
        assignment.split('=').next().unwrap_or_default().split('.').map(str::trim).collect();
    name.iter().zip(key.split('.')).all(|(a, b)| *a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn adjustable(more: &[&str]) -> Option<Adjustable> {
        let cli = Cli::try_parse_from([&["tweedie", "train"], more].concat()).ok()?;
        let Command::Train(args) = cli.command else { return None };
        Some(of(&args))
    }

    #[test]
    fn what_was_asked_for_is_left_alone() {
        let of = |batch, warmup, network| Some(Adjustable { batch, warmup, network });
        for (arguments, expected) in [
            (&[][..], of(true, true, true)),
            (&["--data=shapes", "--time-budget=9m"], of(true, true, true)),
            (&["--steps=9"], of(true, false, false)),
            (&["--preset=small"], of(true, false, false)),
            (&["--config=a.toml"], of(true, false, false)),
            (&["--batch=8"], of(false, true, false)),
            (&["--set=train.batch=8"], of(false, true, false)),
            (&["--set", "model.layers_per_block = 2"], of(true, true, false)),
            (&["--set=optimizer.warmup=2"], of(true, false, true)),
            (&["--set=optimizer.learning_rate=1"], of(true, true, true)),
        ] {
            assert_eq!(adjustable(arguments), expected, "{arguments:?}");
        }
    }
}
