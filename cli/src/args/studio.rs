use clap::Args;
use std::net::IpAddr;
use std::path::PathBuf;

/// Open a local page: watch runs, paint, and look inside
///
/// The page trains, stops and resumes runs, paints with any model and shows every step, draws schedules, shows a network from
/// inside, and holds every formula against what this machine computes. It is served to this machine alone, and asks nothing
/// of the internet. Ctrl-C closes it; runs that were started from it are saved and stop.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tweedie studio                       the runs in runs/; new ones are made there
  tweedie studio runs/mnist            one run
  tweedie studio models/ --port 8080   every run and model in a folder

From another machine, forward the port: ssh -L 4173:127.0.0.1:4173 HOST")]
pub(crate) struct StudioArgs {
    /// A run directory, a MODEL, or a folder of them [default: runs]
    #[arg(value_name = "RUN|MODEL|FOLDER")]
    pub(crate) place: Option<PathBuf>,
    /// The port of the page; 0 takes any that is free [default: 4173, or another where that is taken]
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// The address of the page: one of this machine's own
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) host: IpAddr,
}
