use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// Print what a shell needs to complete the command line
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie completions bash > ~/.local/share/bash-completion/completions/tweedie
  tweedie completions zsh > \"${fpath[1]}/_tweedie\"
  tweedie completions fish > ~/.config/fish/completions/tweedie.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// Print the manual page, or write one for each command
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie man | man -l -
  tweedie man --out ~/.local/share/man/man1/")]
pub(crate) struct ManArgs {
    /// The folder that gets tweedie.1, tweedie-train.1 and so on
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
