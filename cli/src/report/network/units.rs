//! The layers of a network in units that a drawing has room for: residual blocks, attentions, steps between sizes.

use std::collections::BTreeSet;
use tweedie_nn::trace::{Trace, TracedLayer};

/// From so many units on that read a unit's result, it is marked where it is read instead of drawn as lines.
const MANY_READERS: usize = 3;

/// What a unit does, by its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Character {
    /// It has attention.
    Attends,
    /// Its result has another height and width than what it reads.
    Resizes,
    /// Neither.
    Plain,
}

/// Consecutive layers that belong together.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) name: String,
    pub(super) character: Character,
    /// The shape of its last layer's result.
    pub(super) output: Vec<usize>,
    pub(super) parameters: u64,
    pub(super) flops: u64,
    pub(super) saved_bytes: u64,
    /// The units whose results it reads.
    pub(super) inputs: BTreeSet<usize>,
}

impl Unit {
    /// Height and width of its result, if that is a picture.
    pub(super) fn size(&self) -> Option<&[usize]> {
        (self.output.len() == 3).then(|| &self.output[1..])
    }
}

/// The units of a network, in the order of the forward pass.
pub(super) fn units(trace: &Trace) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut unit_of = Vec::with_capacity(trace.layers.len());
    for (index, layer) in trace.layers.iter().enumerate() {
        let name = name_of(&trace.layers, index, units.last());
        if units.last().is_none_or(|last| last.name != name) {
            units.push(Unit {
                name,
                character: Character::Plain,
                output: Vec::new(),
                parameters: 0,
                flops: 0,
                saved_bytes: 0,
                inputs: BTreeSet::new(),
            });
        }
        let at = units.len() - 1;
        let unit = &mut units[at];
        unit.output.clone_from(&layer.output);
        unit.parameters += layer.parameters as u64;
        unit.flops += layer.flops;
        unit.saved_bytes += layer.saved_bytes;
        if layer.operations.iter().any(|operation| operation.contains("attention")) {
            unit.character = Character::Attends;
        }
        unit_of.push(at);
        // A layer may read one that ran later, where an operation of it came after that one.
        let before = layer.inputs.iter().filter_map(|&input| unit_of.get(input).copied());
        unit.inputs.extend(before.filter(|&input| input != at));
    }
    for at in 0..units.len() {
        let resized = units[at].size().is_some_and(|size| {
            let mut read = units[at].inputs.iter().filter_map(|&input| units[input].size()).peekable();
            read.peek().is_some() && read.all(|other| other != size)
        });
        if resized && units[at].character == Character::Plain {
            units[at].character = Character::Resizes;
        }
    }
    units
}

/// The units that are read by so many that lines would hide the network.
pub(super) fn read_by_many(units: &[Unit]) -> Vec<usize> {
    let readers = |at: usize| units.iter().filter(|unit| unit.inputs.contains(&at)).count();
    (0..units.len()).filter(|&at| readers(at) >= MANY_READERS).collect()
}

/// The name of the unit that a layer belongs to: what its name begins with, up to the last number that something follows. A
/// layer without parameters belongs to the unit before it where that has its name, else to the one after it.
fn name_of(layers: &[TracedLayer], index: usize, current: Option<&Unit>) -> String {
    let own = prefix(&layers[index]);
    if !layers[index].has_parameters && current.is_none_or(|current| current.name != own) {
        let next = layers[index..].iter().find(|layer| layer.has_parameters);
        return next.map(prefix).or_else(|| current.map(|current| current.name.clone())).unwrap_or(own);
    }
    own
}

fn prefix(layer: &TracedLayer) -> String {
    let parts: Vec<&str> = layer.name.split('.').collect();
    let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let last = parts[..parts.len() - 1].iter().rposition(is_number);
    last.map_or_else(|| layer.block.clone(), |last| parts[..=last].join("."))
}
