//! Valid inputs to begin from: made here, or taken from the fixtures of the tests.

use super::checkpoint;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tweedie_nn::weights::write_safetensors;
use tweedie_tensor::Tensor;
use tweedie_train::{Config, PRESETS};

/// Writes the seeds of every target into a folder of its name below `corpus`.
pub fn seeds(corpus: &Path) -> std::io::Result<()> {
    let all: [(&str, Vec<Vec<u8>>); 8] = [
        ("idx", idx()),
        ("cifar", cifar()),
        ("picture", files(&fixtures("pictures"), "")),
        ("weights", weights()),
        ("checkpoint", checkpoint::seeds()),
        ("config", configs()),
        ("diffusers", diffusers()),
        ("shards", vec![br#"{"metadata":{"total_size":32},"weight_map":{"a":"1","b.weight":"2"}}"#.to_vec()]),
    ];
    for (target, seeds) in all {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}

/// The files of a folder whose names end so.
fn files(folder: &Path, ending: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder of fixtures");
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.is_file() && path.to_string_lossy().ends_with(ending));
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a fixture")).collect()
}

/// An input of two parts.
fn joined(how: u8, first: &[u8], second: &[u8]) -> Vec<u8> {
    let [high, low] = (first.len() as u16).to_be_bytes();
    [&[how, high, low], first, second].concat()
}

fn idx() -> Vec<Vec<u8>> {
    let file = |kind: u8, sizes: &[u32], bytes: &[u8]| {
        let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
        [&[0, 0, kind, sizes.len() as u8 / 4], &sizes[..], bytes].concat()
    };
    let labels = file(8, &[3], &[0, 1, 1]);
    let halves: Vec<u8> = (0..18).flat_map(|_| 0.5f32.to_be_bytes()).collect();
    let rows = file(8, &[3, 4], &[0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
    vec![
        joined(0, &file(8, &[3, 2, 3], &[7; 18]), &labels),
        joined(3, &file(8, &[3, 2, 3], &[9; 18]), &labels),
        joined(12, &file(13, &[3, 2, 3], &halves), &rows),
        joined(
            0,
            &file(8, &[3, 2, 2, 3], &[100; 36]),
            &file(12, &[3], &[0, 0, 0, 5, 0, 0, 0, 6, 255, 255, 255, 255]),
        ),
        joined(16, &file(11, &[3, 2, 3], &[0; 36]), &labels),
    ]
}

fn cifar() -> Vec<Vec<u8>> {
    vec![
        joined(0, b"", &[3; 3073]),
        joined(4, b"cat\ndog\n", &[1, 200, 100]),
        joined(5, b"a\nb\nc\n", &[0, 2]),
        joined(7, b"", &[19, 5]),
    ]
}

fn weights() -> Vec<Vec<u8>> {
    let folder = super::scratch::Scratch::new();
    let path = folder.path().join("a");
    let (a, b) = (Tensor::full([2], 1.0), Tensor::full([3, 2], 2.0));
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    write_safetensors(&path, &[("a", &a), ("b.weight", &b)], &metadata).expect("room");
    let whole = fs::read(path).expect("it was written");
    let halves = |kind: &str| {
        let header = format!(
            r#"{{"a":{{"dtype":"{kind}","shape":[2],"data_offsets":[0,4]}},"b.weight":{{"dtype":"I64","shape":[1],"data_offsets":[4,12]}}}}"#
        );
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 12]].concat()
    };
    vec![whole, halves("F16"), halves("BF16")]
}

fn configs() -> Vec<Vec<u8>> {
    let presets = PRESETS.iter().filter_map(|preset| Config::preset(preset).ok());
    let all = presets.chain([Config::default(), checkpoint::smallest()]);
    all.filter_map(|mut config| {
        config.train.steps = Some(9);
        Some(config.to_toml().ok()?.into_bytes())
    })
    .collect()
}

fn diffusers() -> Vec<Vec<u8>> {
    let texts = |name: &str| {
        let read = |file: &str| fs::read(fixtures(name).join(file)).unwrap_or_default();
        let parts = ["model_index.json", "unet/config.json", "scheduler/scheduler_config.json"].map(read);
        parts.join(&0xff)
    };
    ["ddpm", "class", "resnet_updown", "cases/sch-flow", "cases/unipc-karras-own-end", "cases/learned-range"]
        .map(texts)
        .into()
}
