//! `tweedie inspect model`: a network from inside.

use crate::args::{ChartFile, InspectModelArgs};
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::models::{open_any, sizeless};
use crate::output;
use crate::report::{grouped, network};
use serde::Serialize;
use tweedie_nn::NetworkConfig;
use tweedie_nn::trace::Trace;
use tweedie_train::{Config, data};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Inspected<'a> {
    model: &'a str,
    /// Channels, height and width of the picture that was traced.
    picture: [usize; 3],
    #[serde(flatten)]
    trace: &'a Trace,
}

/// Traces a network, and shows its layers.
///
/// # Errors
/// No model; a configuration that makes no network.
pub(super) fn model(args: &InspectModelArgs, console: Console) -> Result<()> {
    if let Some(out) = &args.out {
        output::claim_file(out.path(), "--out")?;
    }
    let (name, config, picture) = network_of(args, console)?;
    let trace = config.trace(picture).map_err(tweedie_train::Error::from)?;
    if args.blocks {
        blocks(&trace, console)?;
    } else {
        layers(&trace, console)?;
    }
    console.print(format!(
        "{name}, a picture of {}: {} parameters, {} multiplications and additions, {} kept for the backward pass",
        network::shape(&picture),
        grouped(trace.parameters as u64),
        network::flops(trace.flops),
        network::kept(trace.saved_bytes)
    ))?;
    for unused in &trace.unused {
        console.print(format!("not read by the forward pass: {unused}"))?;
    }
    if let Some(out) = &args.out {
        let text = match out {
            ChartFile::Svg(_) => network::drawing(&name, &trace),
            ChartFile::Html(_) => network::page(&name, picture, &trace),
        };
        output::write(out.path(), text.as_bytes())?;
        console.say(format!("in {}", out.path().display()));
    }
    console.result(&Inspected { model: &name, picture, trace: &trace })
}

/// The network that is asked for, what it is called, and the shape of its pictures.
fn network_of(args: &InspectModelArgs, console: Console) -> Result<(String, NetworkConfig, [usize; 3])> {
    let square = |[channels, height, width]: [usize; 3]| {
        let side = args.image_size.map(|side| side as usize);
        [channels, side.unwrap_or(height), side.unwrap_or(width)]
    };
    if let Some(path) = &args.model {
        let model = open_any(path, true, console)?;
        let shape = square(model.shape());
        if shape[1] == 0 {
            return Err(sizeless(path, "give --image-size N"));
        }
        return Ok((path.display().to_string(), model.network_config().clone(), shape));
    }
    let preset = args.preset.as_deref().map_or_else(|| Ok(Config::default()), Config::preset)?;
    let mut config = match &args.config {
        Some(path) => {
            let place = format!("--config {}", path.display());
            let text = tweedie_train::files::read_text(path).map_err(|error| {
                Failure::user(format!("cannot read ({error})"), &place, "give a file of TOML")
            })?;
            preset.overlaid_with(&text, &place)?
        }
        None => preset,
    };
    args.set.iter().try_for_each(|setting| config.set(setting))?;
    if let Some(data) = &args.data {
        config.data.source.clone_from(data);
    }
    if let Some(side) = args.image_size {
        config.data.image_size = Some(side as usize);
    }
    let source = data::open(&config.data.source, config.data.split, &config.data.options())?;
    let config = config.resolved(&*source);
    let file = || args.config.as_ref().map(|path| path.display().to_string());
    let name = args.preset.clone().or_else(file).unwrap_or_default();
    Ok((name, config.model, source.shape()))
}

fn layers(trace: &Trace, console: Console) -> Result<()> {
    let width = |of: &dyn Fn(usize) -> usize| (0..trace.layers.len()).map(of).max().unwrap_or(0);
    let (names, kinds) = (
        width(&|i| trace.layers[i].name.chars().count()),
        width(&|i| network::of_kind(&trace.layers[i]).chars().count()),
    );
    console.print(row(["layer", "kind", "output", "parameters", "flop", "kept"], names, kinds))?;
    for layer in &trace.layers {
        let cells = [
            layer.name.clone(),
            network::of_kind(layer),
            network::shape(&layer.output),
            grouped(layer.parameters as u64),
            network::flops(layer.flops),
            network::kept(layer.saved_bytes),
        ];
        console.print(row(cells.each_ref().map(String::as_str), names, kinds))?;
    }
    console.print("")?;
    blocks(trace, console)
}

fn blocks(trace: &Trace, console: Console) -> Result<()> {
    let names = trace.blocks.iter().map(|block| block.name.chars().count()).max().unwrap_or(0);
    console.print(row(["block", "layers", "output", "parameters", "flop", "kept"], names, 6))?;
    for block in &trace.blocks {
        let cells = [
            block.name.clone(),
            block.layers.to_string(),
            network::shape(&block.output),
            grouped(block.parameters as u64),
            network::flops(block.flops),
            network::kept(block.saved_bytes),
        ];
        console.print(row(cells.each_ref().map(String::as_str), names, 6))?;
    }
    console.print("")
}

fn row([name, kind, output, parameters, flop, kept]: [&str; 6], names: usize, kinds: usize) -> String {
    format!("{name:<names$}  {kind:<kinds$}  {output:>11}  {parameters:>11}  {flop:>8}  {kept:>9}")
}
