mod bpd;
mod captions;
mod classes;
mod frechet;
mod real;

pub(crate) use bpd::{BpdArgs, VarianceName};
pub(crate) use captions::CaptionsArgs;
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
    Captions(CaptionsArgs),
    Frechet(Box<FrechetArgs>),
    Classes(Box<ClassesArgs>),
}
