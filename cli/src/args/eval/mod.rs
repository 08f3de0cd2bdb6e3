mod bpd;
mod classes;
mod frechet;
mod real;

pub(crate) use bpd::{BpdArgs, VarianceName};
pub(crate) use classes::ClassesArgs;
pub(crate) use frechet::FrechetArgs;
pub(crate) use real::RealArgs;

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
    Frechet(Box<FrechetArgs>),
    Classes(Box<ClassesArgs>),
}
