use super::index;
use super::json::read_json;
use super::layout::{self, Layout};
use super::scheduler::FolderScheduler;
use super::weights::Weights;
use crate::model::scheduling::Scheduling;
use crate::model::trained::Model;
use crate::{Error, Result};
use std::path::Path;
use tweedie_nn::unet::DiffusersConfig;
use tweedie_nn::{Builder, Network, UNetConfig};

/// Opens such a model. With `average`, the moving average of its weights is taken where one lies beside them. Its
/// scheduler may be missing, or of a kind that is not known: that is an error of what needs it.
pub(in crate::model) fn open(path: &Path, average: bool) -> Result<Model> {
    let mut layout = Layout::of(path, average)?;
    let (config, note) = network_config(&layout.network.join(layout::CONFIG))?;
    layout.notes.extend(note);
    let weights = match layout.weights.take() {
        Some(weights) => weights,
        None => {
            let (weights, note) = Weights::of(&layout.network)?;
            layout.notes.extend(note);
            weights
        }
    };
    let classes = config.num_class_embeds.map(|n| (0..n).map(|class| class.to_string()).collect());
    let config = config.into();
    let builder = Builder::new();
    let asked_by = Error::asked_by(&layout.network.join(layout::CONFIG));
    let network = Network::new(&config, &builder).map_err(|error| asked_by(error.into()))?;
    let params = weights.load(&builder.specs())?;
    let learns_variance = config.backbone.out_channels() == 2 * config.backbone.in_channels();
    Ok(Model {
        network,
        params,
        config,
        learns_variance,
        classes,
        null_class: None,
        words: None,
        null_caption: false,
        notes: std::mem::take(&mut layout.notes),
        scheduling: Scheduling::Diffusers(Box::new(FolderScheduler::of(layout))),
        data: None,
    })
}

/// A network's `config.json`, and what to say of it.
fn network_config(path: &Path) -> Result<(UNetConfig, Option<String>)> {
    let DiffusersConfig { network, ignored } =
        UNetConfig::from_json(read_json(path)?).map_err(|error| match error {
            tweedie_nn::Error::Config { key, value, .. } if key == "_class_name" => Error::model(
                format!("a model of the class {value} is not supported (_class_name)"),
                path,
                index::SUPPORTED,
            ),
            other => Error::model(other.to_string(), path, "take another model, or correct the file"),
        })?;
    let note = (!ignored.is_empty()).then(|| {
        let keys = ignored.join(", ");
        format!("{}: keys that UNet2DModel does not have mean nothing: {keys}", path.display())
    });
    Ok((network, note))
}
