//! Checkpoints of runs.

use crate::scratch::{Scratch, check_error};
use std::sync::Arc;
use tweedie_nn::weights::WeightFile;
use tweedie_train::data::{Memory, Source};
use tweedie_train::{Config, Model, Training};

/// The most bytes of tensors that are made for a header.
const MOST: usize = 1 << 20;

/// A whole file where the first byte is 0; else a header alone, behind which as many zeros are laid as it speaks of.
pub fn checkpoint(input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else { return };
    let bytes = if how == 0 { rest.to_vec() } else { with_zeros(rest) };
    let folder = Scratch::new();
    let path = folder.put("checkpoints/step-00000003.safetensors", &bytes);
    let place = folder.path().to_str().expect("plain names");
    for (model, ema) in [(folder.path(), true), (&path, false)] {
        match Model::open(model, ema) {
            Ok(model) => {
                let [channels, height, width] = model.shape();
                assert!(channels > 0 && model.output_channels() > 0, "{channels}x{height}x{width}");
            }
            Err(error) => check_error(&error.to_string(), place),
        }
    }
}

fn with_zeros(header: &[u8]) -> Vec<u8> {
    let ends = serde_json::from_slice::<serde_json::Value>(header).ok().and_then(|header| {
        let of = |tensor: &serde_json::Value| tensor.get("data_offsets")?.get(1)?.as_u64();
        header.as_object()?.values().filter_map(of).max()
    });
    let data = usize::try_from(ends.unwrap_or(0)).map_or(MOST, |end| end.min(MOST));
    [&(header.len() as u64).to_le_bytes()[..], header, &vec![0; data]].concat()
}

/// A checkpoint of a run of one step, whole, and its header.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let pixels = (0..8 * 64).map(|i| (i * 37 % 251) as u8).collect();
    let labels = (0..8).map(|i| i % 2).collect();
    let source: Arc<dyn Source> =
        Arc::new(Memory::new([1, 8, 8], pixels, labels, vec!["a".into(), "b".into()]));
    let folder = Scratch::new();
    Training::new(smallest())
        .source(source)
        .out(folder.path().join("run"))
        .run(&mut ())
        .expect("a run of one step");
    let path = folder.path().join("run/checkpoints/step-00000001.safetensors");
    assert!(WeightFile::read(&path).is_ok());
    let whole = std::fs::read(path).expect("it was read");
    let length = whole.first_chunk().map_or(0, |length| u64::from_le_bytes(*length) as usize);
    vec![[&[0], &whole[..]].concat(), [&[1], &whole[8..8 + length]].concat()]
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
