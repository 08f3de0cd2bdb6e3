//! The command line: its options, and their explanations.

mod bench;
mod duration;
mod edit;
mod eval;
mod inspect;
mod launch;
mod plan;
mod precision;
mod predict;
mod ranks;
mod sample;
mod sampler;
mod shell;
mod studio;
mod train;
mod verify;

pub(crate) use bench::{BenchArgs, BenchWhat, ProductsArgs, RatesArgs, ReduceArgs, SaveArgs, StepArgs};
pub(crate) use edit::{
    CurveName, EditArgs, EditCommon, EditWhat, InpaintArgs, InterpolateArgs, InversionArgs, InvertArgs,
    VaryArgs,
};
pub(crate) use eval::{
    BpdArgs, CaptionsArgs, ClassesArgs, EvalArgs, EvalWhat, FrechetArgs, RealArgs, VarianceName,
};
pub(crate) use inspect::{
    ChartFile, InspectArgs, InspectDataArgs, InspectForwardArgs, InspectModelArgs, InspectPlaneArgs,
    InspectRunArgs, InspectScheduleArgs, InspectSpectrumArgs, InspectWhat, PictureFile, PicturePlace,
    PicturesArgs,
};
pub(crate) use launch::LaunchArgs;
pub(crate) use plan::PlanArgs;
pub(crate) use precision::PrecisionName;
pub(crate) use predict::PredictArgs;
pub(crate) use ranks::{EngineName, RanksArgs};
pub(crate) use sample::{Out, SampleArgs};
pub(crate) use sampler::SamplerArgs;
pub(crate) use shell::{CompletionsArgs, ManArgs};
pub(crate) use studio::StudioArgs;
pub(crate) use train::{SplitName, TrainArgs};
pub(crate) use verify::VerifyArgs;

use clap::{Args, Parser, Subcommand};

/// A diffusion-model laboratory in pure Rust: it trains, paints, and shows its workings.
///
/// MODEL is a run directory (its newest checkpoint), a checkpoint file, or a diffusers folder. DATA is `glyphs`, `shapes` or
/// `scenes` (drawn by the program; scenes have captions), a folder of IDX files (MNIST and its kin), a folder of CIFAR-10
/// binary batches, or a folder of pictures, whose subfolders are classes; or points of the plane: `moons`, `swissroll`, `dino`,
/// `checkerboard`, or a text file of two columns.
#[derive(Debug, Parser)]
#[command(
    name = "tweedie",
    version,
    arg_required_else_help = true,
    args_override_self = true,
    after_help = "Examples:
  tweedie train                              learn handwritten-looking digits in three minutes
  tweedie sample runs/glyphs --class 7       paint sevens with the model
  tweedie verify                             hold every formula against what this machine computes
  tweedie COMMAND --help                     everything a command can do

Exit status: 0 done; 1 something to mend, said in one line; 2 wrong usage; 75 a rank of a cluster run was lost: start it
again with --resume; 130 interrupted, after saving."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) everywhere: Everywhere,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Train(Box<TrainArgs>),
    Plan(Box<PlanArgs>),
    Sample(Box<SampleArgs>),
    Predict(PredictArgs),
    Edit(EditArgs),
    Eval(EvalArgs),
    Inspect(InspectArgs),
    Verify(VerifyArgs),
    Bench(BenchArgs),
    Launch(LaunchArgs),
    Studio(StudioArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Everywhere {
    /// Threads to compute with; no result depends on it [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// The seed that every random number follows from [default: 0]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Print the result as one JSON object on stdout; everything else goes to stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing on stderr but errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

impl Everywhere {
    /// What was given, as arguments for another process of this program.
    pub(crate) fn given(&self) -> Vec<String> {
        let &Everywhere { threads, seed, json, quiet } = self;
        let mut given = Vec::new();
        given.extend(threads.map(|n| format!("--threads={n}")));
        given.extend(seed.map(|n| format!("--seed={n}")));
        given.extend(json.then(|| "--json".to_string()));
        given.extend(quiet.then(|| "--quiet".to_string()));
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_every_command_may_stand_after_it() {
        let cli = Cli::try_parse_from(["tweedie", "sample", "m", "--seed", "3", "--json", "--threads", "2"]);
        let everywhere = cli.map(|cli| cli.everywhere);
        assert!(matches!(
            everywhere,
            Ok(Everywhere { threads: Some(2), seed: Some(3), json: true, quiet: false })
        ));
    }

    #[test]
    fn the_help_of_train_names_every_preset() {
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("train").map(|train| train.render_long_help().to_string());
        for preset in tweedie_train::PRESETS {
            let line = format!("\n  {preset} ");
            assert!(help.as_ref().is_some_and(|help| help.contains(&line)), "{preset}");
        }
    }

    /// The words of a line as a shell would cut it; of quotes, only double ones are known.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().into_iter().for_each(|word| word.push(c)),
            }
        }
        words
    }

    #[test]
    fn every_command_of_the_readme_and_the_book_is_one() {
        use clap::error::ErrorKind;
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let mut pages = vec![root.join("README.md")];
        let mut folders = vec![root.join("docs")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                match entry.is_dir() {
                    true => folders.push(entry),
                    false if entry.extension().is_some_and(|end| end == "md") => pages.push(entry),
                    false => {}
                }
            }
        }
        let mut count = 0;
        for page in pages {
            let text = std::fs::read_to_string(&page).unwrap();
            // Every second piece between backquotes is code; a block of code has several lines.
            let code = text.split('`').skip(1).step_by(2).flat_map(str::lines);
            for line in code.filter(|line| line.starts_with("tweedie ") && !line.contains('…')) {
                // A command may be named without what it needs.
                let named = [
                    ErrorKind::MissingRequiredArgument,
                    ErrorKind::MissingSubcommand,
                    ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
                ];
                let right = match Cli::try_parse_from(words(line)) {
                    Ok(_) => true,
                    Err(error) if named.contains(&error.kind()) => !line.contains(" -"),
                    Err(error) => error.exit_code() == 0,
                };
                assert!(right, "{}: {line}", page.display());
                count += 1;
            }
        }
        assert!(count > 45, "{count} commands");
    }

    #[test]
    fn a_number_below_zero_is_a_value_and_no_option() {
        for line in ["sample m --guidance -1", "sample m --eta -0.5", "predict m --noise n --timesteps -3"] {
            let words = std::iter::once("tweedie").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn the_last_of_an_option_counts_but_settings_add_up() {
        let line = "train --batch 3 --set a.b=1 --batch 4 --set c.d=2 --resume --resume";
        let words = std::iter::once("tweedie").chain(line.split(' '));
        let Ok(Cli { command: Command::Train(train), .. }) = Cli::try_parse_from(words) else {
            panic!("refused")
        };
        assert_eq!(
            (train.batch, train.set, train.resume),
            (Some(4), vec!["a.b=1".into(), "c.d=2".into()], true)
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "train --batch x",
            "train --batch 0",
            "train --time-budget soon",
            "train --steps 0",
            "sample m --sampler magic",
            "sample m --steps 0",
            "sample",
            "sample m --out picture.jpg",
            "bench conv --out picture.png",
            "predict m",
            "predict m --noise n --timesteps a",
            "verify --schedule magic",
            "--threads 0 train",
            "paint",
        ] {
            let words = std::iter::once("tweedie").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_err_and(|error| error.exit_code() == 2), "{line}");
        }
    }
}
