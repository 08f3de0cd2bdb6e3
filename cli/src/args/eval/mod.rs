mod bpd;

pub(crate) use bpd::{BpdArgs, VarianceName};

use clap::{Args, Subcommand};

/// Measure a model
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(subcommand)]
    pub(crate) what: EvalWhat,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum EvalWhat {
    Bpd(Box<BpdArgs>),
}
