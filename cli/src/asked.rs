//! What a command line asks for, option by option.

use crate::args::Cli;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, Id};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

/// Options that may differ from rank to rank of a job: whose rank it is, how it computes and prints, and files that are compared
/// by what they hold, or that rank 0 alone needs.
const OWN: [&str; 12] = [
    "rank",
    "world_size",
    "master",
    "secret_file",
    "join_timeout",
    "peer_timeout",
    "elastic",
    "threads",
    "json",
    "quiet",
    "model",
    "classifier",
];

/// Options that name a file of which all that counts is what it holds.
const FILES: [&str; 3] = ["noise", "features", "description"];

/// Every option of this process's command line but a rank's own, with its value: of a file, a digest.
pub(crate) fn asked() -> BTreeMap<String, String> {
    let matches = Cli::command().try_get_matches().ok();
    matches.as_ref().map(of_command).unwrap_or_default()
}

fn of_command(matches: &ArgMatches) -> BTreeMap<String, String> {
    if let Some((name, matches)) = matches.subcommand() {
        let mut asked = of_command(matches);
        asked.entry("the command".to_string()).or_insert_with(|| name.to_string());
        return asked;
    }
    let is_given = |id: &&Id| {
        matches.value_source(id.as_str()) == Some(ValueSource::CommandLine)
            // A group of options is listed beside them.
            && matches.try_get_many::<Id>(id.as_str()).is_err()
            && !OWN.contains(&id.as_str())
    };
    let value = |id: &Id| {
        let values = matches.get_raw(id.as_str()).into_iter().flatten();
        let is_file = FILES.contains(&id.as_str());
        let text =
            |value: &OsStr| if is_file { digest(value.as_ref()) } else { value.to_string_lossy().into() };
        let values: Vec<String> = values.map(text).collect();
        (format!("--{}", id.as_str().replace('_', "-")), values.join(" "))
    };
    matches.ids().filter(is_given).map(value).collect()
}

/// A digest of a file, the same in every process of this program; none of one that cannot be read, which whoever needs it
/// reports.
fn digest(path: &Path) -> String {
    let mut hash = DefaultHasher::new();
    hash.write(&std::fs::read(path).unwrap_or_default());
    format!("{:016x}", hash.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_what_all_ranks_must_agree_on() {
        let asked = |line: &str| {
            let words = std::iter::once("tweedie").chain(line.split(' '));
            of_command(&Cli::command().try_get_matches_from(words).unwrap())
        };
        let told = |line: &str| {
            asked(line)
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            told(
                "sample m --n 4 --class 1 --class 2 --rank 1 --world-size 2 --threads 1 --json --seed 3 --no-ema"
            ),
            "--class=1 2 --n=4 --no-ema=true --seed=3 the command=sample"
        );
        assert_eq!(told("eval bpd m --ode"), "--ode=true the command=bpd");
        assert_eq!(asked("sample m --seed 3"), asked("--seed 3 sample other"));
        // Of files, what they hold.
        let folder = tempfile::tempdir().unwrap();
        let noise = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            asked(&format!("sample m --noise {}", path.display()))
        };
        assert_eq!(noise("a", "one"), noise("b", "one"));
        assert_ne!(noise("a", "one"), noise("b", "two"));
    }
}
