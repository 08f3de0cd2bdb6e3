//! `tweedie bench save`: what a checkpoint takes until it is on the disk.

use crate::args::SaveArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::models::open_any;
use crate::output;
use crate::progress::Progress;
use serde::Serialize;
use std::path::Path;
use tweedie_nn::UNetConfig;
use tweedie_train::measure::bench::{SaveTimes, Saving};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Measured<'a> {
    model: &'a str,
    params: usize,
    state_mib: f64,
    save_ms: f64,
    median_ms: f64,
    mib_per_second: f64,
    extra_mib: u64,
}

/// Measures.
///
/// # Errors
/// A MODEL that cannot be opened; a folder that cannot be written into.
pub(super) fn save(args: &SaveArgs, console: Console) -> Result<()> {
    let folder = args.out.as_deref().unwrap_or(Path::new("."));
    output::claim_folder(folder, "--out")?;
    let saving = match &args.model[..] {
        "small" => Saving::new(&UNetConfig::small().into())?,
        "cifar" => Saving::new(&UNetConfig::cifar().into())?,
        path => Saving::of_model(open_any(Path::new(path), false, console)?)?,
    };
    let unwritable = |error: std::io::Error| Failure::unwritable(folder, "--out", &error);
    let place = tempfile::Builder::new().prefix("bench-save-").tempdir_in(folder).map_err(unwritable)?;
    let (mut progress, mut times) = (Progress::new(console), SaveTimes::default());
    for run in 1..=args.runs {
        saving.measure(&place.path().join("checkpoint.safetensors"), &mut times)?;
        progress.update(f64::from(run) / f64::from(args.runs), || format!("run {run} of {}", args.runs));
    }
    progress.finish();
    place.close().map_err(unwritable)?;
    let mib = saving.state_bytes() as f64 / f64::from(1 << 20);
    let tenths = |x: f64| (10.0 * x).round() / 10.0;
    let measured = Measured {
        model: &args.model,
        params: saving.num_parameters(),
        state_mib: tenths(mib),
        save_ms: tenths(times.least()),
        median_ms: tenths(times.median()),
        mib_per_second: tenths(1e3 * mib / times.least()),
        extra_mib: times.extra_mib,
    };
    console.print(format!(
        "{}: a checkpoint of {} MiB in {} ms (median {} ms), {} MiB/s, with {} MiB of memory beside the state",
        measured.model,
        measured.state_mib,
        measured.save_ms,
        measured.median_ms,
        measured.mib_per_second,
        measured.extra_mib
    ))?;
    console.result(&measured)
}
