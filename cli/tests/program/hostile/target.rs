//! A file that is damaged, and the commands that read it.

use super::damage::{damage, repair_png};
use crate::run::copy;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tweedie_nn::weights::{WeightFile, write_checked};
use tweedie_tensor::Tensor;
use tweedie_tensor::random::{Purpose, Stream};

/// What changes of all variants follow from.
const SEED: u64 = 20_260_101;

/// A file, and the commands that read it.
pub(super) struct Target {
    /// The folder that the commands run in.
    pub(super) folder: PathBuf,
    /// The file in it.
    pub(super) file: String,
    pub(super) form: Form,
    /// Each variant is read by one of them.
    pub(super) commands: Vec<String>,
}

/// How a file is damaged.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// As bytes.
    Bytes,
    /// As bytes, and as a text.
    Text,
    /// A PNG: as bytes, the checksums of its chunks being right or not.
    Png,
    /// A safetensors file: as bytes, or its header as a text, the header's length being right.
    Weights,
    /// A checkpoint: as a safetensors file, or what it says of its run as a text, all digests being right.
    Checkpoint,
}

impl Target {
    /// Every command, and the folder with the file as it should be.
    pub(super) fn whole(&self) -> impl Iterator<Item = (TempDir, Vec<&str>)> {
        self.commands.iter().map(|command| (self.place(), command.split(' ').collect()))
    }

    fn place(&self) -> TempDir {
        let place = tempfile::tempdir().unwrap();
        copy(&self.folder, place.path());
        place
    }

    /// The folder with variant `number` of the file, and the command for it.
    pub(super) fn variant(&self, number: u64) -> (TempDir, Vec<&str>) {
        let place = self.place();
        let mut random = Stream::new(SEED, Purpose::TEST, fold(&self.file), number);
        self.form.damage(&place.path().join(&self.file), &mut random);
        let command = &self.commands[number as usize % self.commands.len()];
        (place, command.split(' ').collect())
    }
}

/// A number for a name, so that a file's variants do not depend on which others there are.
fn fold(name: &str) -> u64 {
    name.bytes().fold(0, |folded: u32, byte| folded.wrapping_mul(31).wrapping_add(byte.into())).into()
}

impl Form {
    fn damage(self, path: &Path, random: &mut Stream) {
        let mut bytes = fs::read(path).unwrap();
        match self {
            Form::Checkpoint if random.chance(0.7) => return damage_run(path, random),
            Form::Weights | Form::Checkpoint if random.chance(0.7) => {
                let data = bytes.split_off(8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize);
                let mut header = bytes.split_off(8);
                damage(&mut header, true, random);
                bytes = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
            }
            Form::Png if random.chance(0.7) => {
                damage(&mut bytes, false, random);
                repair_png(&mut bytes);
            }
            form => damage(&mut bytes, matches!(form, Form::Text), random),
        }
        fs::write(path, bytes).unwrap();
    }
}

/// Writes a checkpoint again with changes to what it says of its run.
fn damage_run(path: &Path, random: &mut Stream) {
    let whole = WeightFile::read(path).unwrap();
    let mut metadata: BTreeMap<String, String> = whole.metadata().clone();
    let mut run = metadata["run"].clone().into_bytes();
    damage(&mut run, true, random);
    metadata.insert("run".into(), String::from_utf8_lossy(&run).into_owned());
    let tensors: Vec<(&String, Tensor<f32>)> =
        whole.entries().keys().map(|name| (name, whole.tensor(name).unwrap())).collect();
    let tensors: Vec<(&str, &Tensor<f32>)> = tensors.iter().map(|(name, x)| (name.as_str(), x)).collect();
    write_checked(path, &tensors, &metadata).unwrap();
}
