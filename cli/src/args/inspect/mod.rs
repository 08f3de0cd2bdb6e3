mod data;
mod file;
mod forward;
mod model;
mod pictures;
mod plane;
mod run;
mod schedule;
mod spectrum;

pub(crate) use data::InspectDataArgs;
pub(crate) use file::{ChartFile, PictureFile, PicturePlace};
pub(crate) use forward::InspectForwardArgs;
pub(crate) use model::InspectModelArgs;
pub(crate) use pictures::PicturesArgs;
pub(crate) use plane::InspectPlaneArgs;
pub(crate) use run::InspectRunArgs;
pub(crate) use schedule::InspectScheduleArgs;
pub(crate) use spectrum::InspectSpectrumArgs;

use clap::{Args, Subcommand};

/// Look inside: tables, charts and pictures
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(subcommand)]
    pub(crate) what: InspectWhat,
}

/// What is looked at.
#[derive(Debug, Subcommand)]
pub(crate) enum InspectWhat {
    Schedule(InspectScheduleArgs),
    Forward(InspectForwardArgs),
    Spectrum(Box<InspectSpectrumArgs>),
    Model(InspectModelArgs),
    Data(InspectDataArgs),
    Run(InspectRunArgs),
    Plane(InspectPlaneArgs),
}
