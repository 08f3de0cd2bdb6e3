//! What the ranks of a run tell one another beside their gradients.

use super::directory::{Left, SoFar};
use super::divergence::Divergence;
use super::journal_state::JournalState;
use super::state::State;
use super::trainer::Trainer;
use crate::checkpoint::LastValidation;
use crate::cluster::{Collective, Team, named_with};
use crate::config::{Change, Config};
use crate::data::{Differs, Fingerprint};
use crate::{Error, Result, UserError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tweedie_diffusion::Schedule;
use tweedie_nn::Builder;
use tweedie_tensor::{Shape, Tensor};

/// Rank 0's value, on all ranks.
///
/// # Errors
/// A rank that is lost or has failed.
pub fn told<T: Serialize + DeserializeOwned>(team: &mut Team, value: T) -> Result<T> {
    if team.size() == 1 {
        return Ok(value);
    }
    let text = serde_json::to_vec(&value).map_err(|error| unreadable(&error))?;
    serde_json::from_slice(&team.broadcast(text)?).map_err(|error| unreadable(&error))
}

/// Rank 0's `tensor`, on all ranks, which know its shape.
///
/// # Errors
/// As [`told`].
pub(crate) fn told_tensor(
    team: &mut Team,
    tensor: Option<&Tensor<f32>>,
    shape: impl Into<Shape>,
) -> Result<Tensor<f32>> {
    let numbers = tensor.map_or(&[][..], Tensor::as_slice);
    let bytes = team.broadcast(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())?;
    if let Some(tensor) = tensor {
        return Ok(tensor.clone());
    }
    let number = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Ok(Tensor::from_slice(shape, &bytes.chunks_exact(4).map(number).collect::<Vec<f32>>())?)
}

/// The value of every rank, by rank.
///
/// # Errors
/// As [`told`].
pub(super) fn all<T: Serialize + DeserializeOwned>(team: &mut Team, value: T) -> Result<Vec<T>> {
    if team.size() == 1 {
        return Ok(vec![value]);
    }
    let text = serde_json::to_vec(&value).map_err(|error| unreadable(&error))?;
    let said = team.gather(text)?;
    said.iter().map(|text| serde_json::from_slice(text).map_err(|error| unreadable(&error))).collect()
}

/// Refuses ranks that do not have the same pictures: `own` is the fingerprint of this one's, and `place` the option or key
/// that gave them.
///
/// # Errors
/// [`ClusterError::Refused`](crate::cluster::ClusterError::Refused).
pub fn check_data(team: &mut Team, own: Fingerprint, place: &str) -> Result<()> {
    let prints = all(team, own)?;
    let others = prints.iter().enumerate().skip(1);
    let differ: Vec<(usize, Differs)> =
        others.filter_map(|(rank, print)| Some((rank, print.difference(&prints[0])?))).collect();
    let Some((first, how)) = differ.first() else { return Ok(()) };
    let ranks: Vec<usize> = differ.iter().map(|(rank, _)| *rank).collect();
    let what = match how {
        Differs::Index => {
            format!("{} not have the pictures that rank 0 has", named_with(&ranks, "does", "do"))
        }
        Differs::Pixels => {
            format!("{} the pictures otherwise than rank 0", named_with(&ranks, "decodes", "decode"))
        }
    };
    let (theirs, ours) = (&prints[*first], &prints[0]);
    let place = match theirs.to_string() == ours.to_string() {
        true => place.to_string(),
        false => format!("{place} ({theirs}, not {ours})"),
    };
    let remedy = "give every rank the same files and the same program";
    Err(team.refuse(UserError::new(what, place, remedy)).into())
}

/// Refuses ranks that were not asked for the same run: `own` is what this one was asked for, by option.
///
/// # Errors
/// [`ClusterError::Refused`](crate::cluster::ClusterError::Refused).
pub fn check_asked(team: &mut Team, own: BTreeMap<String, String>) -> Result<()> {
    let all = all(team, own)?;
    let (zero, others) = all.split_first().map_or((None, &[][..]), |(zero, others)| (Some(zero), others));
    let Some(zero) = zero else { return Ok(()) };
    let differ = |asked: &&BTreeMap<String, String>| *asked != zero;
    let Some(first) = others.iter().find(differ) else { return Ok(()) };
    let ranks: Vec<usize> =
        others.iter().enumerate().filter(|(_, asked)| differ(asked)).map(|(i, _)| i + 1).collect();
    let mut names = zero.keys().chain(first.keys());
    let name = names.find(|name| zero.get(*name) != first.get(*name)).cloned().unwrap_or_default();
    let value = |asked: &BTreeMap<String, String>| {
        asked.get(&name).map_or_else(|| "nothing".to_string(), Clone::clone)
    };
    let what = format!(
        "{} asked for another run than rank 0: {} instead of {}",
        named_with(&ranks, "was", "were"),
        value(first),
        value(zero)
    );
    Err(team.refuse(UserError::new(what, name, "start every rank with the same options and files")).into())
}

/// What stands before the first step of a session, as rank 0 has it.
#[derive(Serialize, Deserialize)]
struct Standing {
    config: Config,
    step: u64,
    /// Steps that moved weights.
    updates: u64,
    validation: Option<LastValidation>,
    journal: JournalState,
    changes: Vec<Change>,
    /// Names and shapes of the tensors that follow; none before the first step, as the weights follow from the seed.
    tensors: Vec<(String, Vec<usize>)>,
}

/// What rank 0 has `left`, on all ranks, with its configuration.
///
/// # Errors
/// As [`told`].
pub(super) fn share_left(
    team: &mut Team,
    left: Option<Left>,
    config: &mut Config,
    schedule: &Schedule,
    builder: &Builder,
) -> Result<Left> {
    let standing = left.as_ref().map(|left| {
        let State { step, .. } = left.state;
        let tensors = if step == 0 { Vec::new() } else { left.state.tensors() };
        Standing {
            config: config.clone(),
            step,
            updates: step.saturating_sub(left.so_far.journal.skipped),
            validation: left.so_far.validation,
            journal: left.so_far.journal.clone(),
            changes: left.so_far.changes.clone(),
            tensors: tensors.into_iter().map(|(name, tensor)| (name, tensor.dims().to_vec())).collect(),
        }
    });
    if team.size() == 1 {
        return left.map_or_else(|| Left::fresh(config, builder), Ok);
    }
    let Some(standing) = told(team, standing)? else { return Left::fresh(config, builder) };
    if let Some(left) = left {
        if !standing.tensors.is_empty() {
            for (_, tensor) in left.state.tensors() {
                told_tensor(team, Some(&tensor), *tensor.shape())?;
            }
        }
        return Ok(left);
    }
    *config = standing.config;
    let so_far = SoFar {
        validation: standing.validation,
        journal: standing.journal,
        changes: standing.changes,
        ..SoFar::default()
    };
    let earlier_changes = so_far.changes.len();
    let state = match standing.tensors.is_empty() {
        true => State::fresh(config, schedule, builder.draw(config.train.seed))?,
        false => {
            let mut tensors = BTreeMap::new();
            for (name, dims) in standing.tensors {
                tensors.insert(name, told_tensor(team, None, Shape::new(&dims)?)?);
            }
            State::restored(config, schedule, builder, standing.step, standing.updates, tensors)?
        }
    };
    Ok(Left { state, so_far, earlier_changes, notes: Vec::new() })
}

/// What each rank wishes after a step, and what all do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Wishes {
    /// To end.
    pub(super) stop: bool,
    /// To save.
    pub(super) save: bool,
    /// The end that rank 0 has planned: where the learning rate begins to fall, and the last step.
    pub(super) end: Option<(u64, u64)>,
    /// How long the rank has waited for the others since the step before, in seconds.
    pub(super) waited: f64,
}

/// What all ranks wish together: to end or to save if one does, and to end where rank 0 plans to; and how long each has
/// waited.
///
/// # Errors
/// As [`told`].
pub(super) fn agree(team: &mut Team, own: Wishes) -> Result<(Wishes, Vec<f64>)> {
    let all = all(team, own)?;
    let wishes = Wishes {
        stop: all.iter().any(|wishes| wishes.stop),
        save: all.iter().any(|wishes| wishes.save),
        end: all.first().and_then(|zero| zero.end),
        waited: 0.0,
    };
    Ok((wishes, all.iter().map(|wishes| wishes.waited).collect()))
}

/// Has all ranks stop at what one of them has found.
///
/// # Errors
/// [`Error::Diverged`], of the first rank that has found something; as [`told`].
pub(super) fn first_divergence(team: &mut Team, own: Option<Box<Divergence>>) -> Result<()> {
    match all(team, own)?.into_iter().flatten().next() {
        Some(found) => Err(Error::Diverged(found)),
        None => Ok(()),
    }
}

/// Refuses weights that are not the same on all ranks: a processor or a memory that computes otherwise.
///
/// # Errors
/// [`ClusterError::Refused`](crate::cluster::ClusterError::Refused).
pub(super) fn check_weights<N>(trainer: &Trainer<N>) -> Result<()> {
    let mut team = trainer.team.clone();
    if team.size() == 1 {
        return Ok(());
    }
    let (team, step) = (&mut team, trainer.steps());
    let digests = all(team, trainer.digest())?;
    let ranks: Vec<usize> = (1..digests.len()).filter(|&rank| digests[rank] != digests[0]).collect();
    if ranks.is_empty() {
        return Ok(());
    }
    let what = format!("{} other weights than rank 0", named_with(&ranks, "has", "have"));
    let remedy = "look for a machine with faulty memory, and start again with --resume";
    Err(team.refuse(UserError::new(what, format!("step {step}"), remedy)).into())
}

fn unreadable(error: &serde_json::Error) -> Error {
    Error::config(error.to_string(), "what a rank has sent", "please report it with the command")
}
