//! `tweedie completions` and `tweedie man`: the command line, as shells and `man` read it.

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::console::{self, Console};
use crate::error::{Failure, Result};
use crate::output;
use clap::{Command, CommandFactory};
use std::io;

const NAME: &str = "tweedie";

/// Prints a shell's completions.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    console::write_text(&String::from_utf8_lossy(&script))
}

/// Prints the manual page, or writes one for each command into a folder.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn man(args: &ManArgs, console: Console) -> Result<()> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = &args.out else {
        return console::write_text(&String::from_utf8_lossy(&page(command)?));
    };
    output::claim_folder(folder, "--out")?;
    for (name, command) in pages(command) {
        output::write(&folder.join(format!("{name}.1")), &page(command)?)?;
    }
    console.say(format!("in {}", folder.display()));
    Ok(())
}

/// The command itself and all below it, each with the name of its page: `tweedie-inspect-data`.
fn pages(command: Command) -> Vec<(String, Command)> {
    let name = command.get_display_name().unwrap_or(NAME).to_string();
    let below: Vec<Command> =
        command.get_subcommands().filter(|below| below.get_name() != "help").cloned().collect();
    [(name, command)].into_iter().chain(below.into_iter().flat_map(pages)).collect()
}

fn page(command: Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    let rendered: io::Result<()> = clap_mangen::Man::new(command).render(&mut page);
    rendered.map_err(|error| {
        Failure::user(format!("the manual cannot be written ({error})"), "man", "report it")
    })?;
    Ok(page)
}
