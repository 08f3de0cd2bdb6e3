//! Checkpoints of runs.

use super::scratch::{Scratch, check_error};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tweedie_diffusion::TimestepSampler;
use tweedie_nn::weights::{WeightFile, write_checked, write_safetensors};
use tweedie_nn::{Builder, Network};
use tweedie_tensor::Tensor;
use tweedie_train::data::{Memory, Source};
use tweedie_train::{Begin, Config, Model, Training, inspect_run, saved_config};

/// The most bytes of tensors that are made for a header, and the most numbers of a network.
const MOST: usize = 1 << 20;

/// The first byte of an input says what the rest is.
#[derive(Clone, Copy)]
enum Kind {
    /// A whole file.
    Whole,
    /// The header of a file, behind which as many zeros are laid as it speaks of.
    Header,
    /// What a checkpoint says of its run as JSON, with digests that are right and the tensors that it asks for.
    Run,
    /// The configuration in a checkpoint of the first format, as TOML, with the same tensors and no digests.
    First,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Whole, Kind::Header, Kind::Run, Kind::First];
}

/// The file of the only step of a run.
const NAME: &str = "checkpoints/step-00000001.safetensors";

/// A checkpoint, opened as a model, looked at as part of a run, and resumed from.
pub fn checkpoint(input: &[u8]) {
    let Some((&kind, rest)) = input.split_first() else { return };
    let folder = Scratch::new();
    let path = folder.path().join(NAME);
    let put = |bytes: &[u8]| drop(folder.put(NAME, bytes));
    match Kind::ALL[usize::from(kind) % Kind::ALL.len()] {
        Kind::Whole => put(rest),
        Kind::Header => put(&with_zeros(rest)),
        Kind::Run => {
            put(b"");
            let text = String::from_utf8_lossy(rest).into_owned();
            let metadata = [("format", "tweedie-checkpoint-2".to_string()), ("run", text)];
            let config = serde_json::from_slice::<serde_json::Value>(rest)
                .ok()
                .and_then(|run| serde_json::from_value::<Config>(run.get("config")?.clone()).ok());
            write(&path, config, metadata, write_checked);
        }
        Kind::First => {
            put(b"");
            let text = String::from_utf8_lossy(rest).into_owned();
            let config = Config::from_toml(&text, "it").ok();
            let fields =
                [("format", "tweedie-checkpoint-1"), ("step", "1"), ("seconds", "0.5"), ("loss", "nan")];
            let fields = fields.into_iter().map(|(key, value)| (key, value.to_string()));
            write(&path, config, fields.chain([("config", text)]), write_safetensors);
        }
    }
    for (model, ema) in [(folder.path(), true), (&path, false)] {
        match Model::open(model, ema) {
            Ok(model) => {
                let [channels, height, width] = model.shape();
                assert!(channels > 0 && model.output_channels() > 0, "{channels}x{height}x{width}");
            }
            Err(error) => check_error(&error.to_string(), place(&folder)),
        }
    }
    run(&folder);
}

fn place(folder: &Scratch) -> &str {
    folder.path().to_str().expect("plain names")
}

/// The run is described, and nothing is left to train of it.
fn run(folder: &Scratch) {
    let inspected = inspect_run(folder.path()).expect("it has a checkpoint");
    for problem in inspected.checkpoints.iter().filter_map(|checkpoint| checkpoint.problem.as_ref()) {
        assert!(!problem.contains(char::is_control), "{problem:?}");
    }
    let mut config = match saved_config(folder.path()) {
        Ok(config) => config,
        Err(error) => return check_error(&error.to_string(), place(folder)),
    };
    config.train.steps = Some(1);
    config.train.grids = 0;
    let resumed = Training::new(config).source(source()).out(folder.path()).begin(Begin::Resumed);
    match resumed.run(&mut ()) {
        Ok(trained) => assert_eq!(trained.summary.steps, 1),
        Err(error) => check_error(&error.to_string(), ", "),
    }
}

/// Writes a checkpoint with the tensors that `config` asks for, where its network is small.
fn write(
    path: &Path,
    config: Option<Config>,
    metadata: impl IntoIterator<Item = (&'static str, String)>,
    by: impl Fn(&Path, &[(&str, &Tensor<f32>)], &BTreeMap<String, String>) -> tweedie_nn::Result<()>,
) {
    let tensors = config.and_then(|config| tensors(&config)).unwrap_or_default();
    let tensors: Vec<(&str, &Tensor<f32>)> = tensors.iter().map(|(name, x)| (name.as_str(), x)).collect();
    let metadata = metadata.into_iter().map(|(key, value)| (key.to_string(), value)).collect();
    by(path, &tensors, &metadata).expect("room");
}

fn tensors(config: &Config) -> Option<Vec<(String, Tensor<f32>)>> {
    let builder = Builder::new();
    Network::new(&config.model, &builder).ok().filter(|_| builder.numel() <= MOST)?;
    let moments = config.optimizer.rule.moments().iter().map(|moment| format!("optimizer.{moment}."));
    let groups: Vec<String> = moments.chain(["model.".to_string(), "ema.".to_string()]).collect();
    let mut tensors = Vec::new();
    for spec in builder.specs() {
        let zeros = Tensor::zeros(spec.shape);
        tensors.extend(groups.iter().map(|group| (format!("{group}{}", spec.name), zeros.clone())));
    }
    let timesteps = config.diffusion.schedule().ok()?.num_timesteps();
    let times = TimestepSampler::new(config.diffusion.timestep_sampling, timesteps).ok()?;
    tensors.extend(times.state().map(|losses| ("times.losses".to_string(), losses)));
    Some(tensors)
}

fn with_zeros(header: &[u8]) -> Vec<u8> {
    let ends = serde_json::from_slice::<serde_json::Value>(header).ok().and_then(|header| {
        let of = |tensor: &serde_json::Value| tensor.get("data_offsets")?.get(1)?.as_u64();
        header.as_object()?.values().filter_map(of).max()
    });
    let data = usize::try_from(ends.unwrap_or(0)).map_or(MOST, |end| end.min(MOST));
    [&(header.len() as u64).to_le_bytes()[..], header, &vec![0; data]].concat()
}

/// Eight pictures.
fn source() -> Arc<dyn Source> {
    let pixels = (0..8 * 64).map(|i| (i * 37 % 251) as u8).collect();
    let labels = (0..8).map(|i| i % 2).collect();
    Arc::new(Memory::new([1, 8, 8], pixels, labels, vec!["a".into(), "b".into()]))
}

/// Checkpoints of runs of one step, whole and in their parts, one of them with everything that a checkpoint may hold: of few
/// tensors, as most of the time goes to reading them.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let others =
        ["diffusion.timesteps=20", "diffusion.timestep_sampling=\"loss_aware\"", "data.hold_out=0.25"];
    [of_run(&[]), of_run(&others)].concat()
}

/// The parts of a checkpoint of a run with these settings.
fn of_run(settings: &[&str]) -> Vec<Vec<u8>> {
    let mut config = few_tensors();
    settings.iter().for_each(|setting| config.set(setting).expect("a key and a value"));
    let folder = Scratch::new();
    let run = folder.path().join("run");
    Training::new(config).source(source()).out(&run).run(&mut ()).expect("a run of one step");
    let path = run.join(NAME);
    let file = WeightFile::read(&path).expect("it was written");
    let whole = std::fs::read(path).expect("it was read");
    let length = whole.first_chunk().map_or(0, |length| u64::from_le_bytes(*length) as usize);
    let config = saved_config(&run).and_then(|config| config.to_toml()).expect("it was written");
    let parts = [&whole[..], &whole[8..8 + length], file.metadata()["run"].as_bytes(), config.as_bytes()];
    (0u8..).zip(parts).map(|(kind, part)| [&[kind], part].concat()).collect()
}

/// The configuration of a run whose network has few tensors.
fn few_tensors() -> Config {
    let mut config = smallest();
    config.model = Config::preset("transformer").expect("a preset").model;
    for setting in ["hidden_size=4", "depth=1", "num_heads=1", "mlp_ratio=1.0"] {
        config.set(&format!("model.{setting}")).expect("a key and a value");
    }
    config
}

/// The configuration of the smallest run.
pub(crate) fn smallest() -> Config {
    let mut config = Config::preset("digits").expect("a preset");
    for setting in [
        "model.block_out_channels=[4]",
        "model.down_block_types=[\"DownBlock2D\"]",
        "model.up_block_types=[\"UpBlock2D\"]",
        "model.layers_per_block=1",
        "model.add_attention=false",
        "model.norm_num_groups=2",
        "model.attn_norm_num_groups=2",
        "model.attention_head_dim=4",
        "train.batch=2",
        "train.grids=0",
    ] {
        config.set(setting).expect("a key and a value");
    }
    config.train.steps = Some(1);
    config
}
