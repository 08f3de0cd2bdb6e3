//! The gradient of a batch on its way over all ranks.
//!
//! While backward still runs, what is final leaves in buckets, in the order in which it became final: the same on all ranks,
//! as their networks are the same.

use super::shards::{GradientSet, added_tensors, rounded};
use crate::cluster::tree::{Node, Sums};
use crate::cluster::{Bucket, Collective, Team};
use crate::config::{GradientPrecision, TrainConfig};
use crate::{Error, Result};
use std::collections::VecDeque;
use tweedie_tensor::Tensor;

/// A bucket leaves once it holds so many bytes: enough that what each costs does not count, few enough that the first leaves
/// early and little is left at the end of backward (Li et al. 2020, "PyTorch Distributed").
pub(crate) const BUCKET: usize = 4 << 20;
/// Buckets that may be under way. A rank that is ahead waits for the others before it fills more.
const UNDER_WAY: usize = 12;

/// The gradient's way, from the last shard of this rank on.
pub(super) struct Exchange<'a> {
    team: &'a mut Team,
    shards: usize,
    precision: GradientPrecision,
    /// The sums over the shards before the last one.
    before: Sums<GradientSet>,
    last: Node,
    filling: Filling,
    /// Whose gradients the buckets under way hold.
    under_way: VecDeque<Vec<usize>>,
    summed: GradientSet,
    failed: Option<Error>,
}

/// A bucket that is being filled.
#[derive(Default)]
struct Filling {
    params: Vec<usize>,
    nodes: Vec<(Node, Vec<Tensor<f32>>)>,
    bytes: usize,
}

impl<'a> Exchange<'a> {
    /// Begins, when all shards of this rank but the `last` are summed. `params` is the number of parameters.
    pub(super) fn begin(
        team: &'a mut Team,
        train: &TrainConfig,
        before: Sums<GradientSet>,
        last: usize,
        params: usize,
    ) -> Exchange<'a> {
        Exchange {
            team,
            shards: train.shards,
            precision: train.gradient_precision,
            before,
            last: Node::leaf(last),
            filling: Filling::default(),
            under_way: VecDeque::new(),
            summed: vec![None; params],
            failed: None,
        }
    }

    /// Takes the last shard's gradient of a parameter, which is final.
    pub(super) fn take(&mut self, param: usize, gradient: Tensor<f32>) {
        if self.failed.is_none() {
            self.failed = self.add(param, gradient).err();
        }
    }

    fn add(&mut self, param: usize, gradient: Tensor<f32>) -> Result<()> {
        let (mut node, mut value) = (self.last, gradient);
        rounded(&mut value, self.precision);
        let mut nodes = Vec::new();
        // From the newest sum back: siblings are added, what is left of them stays as it is.
        let mut before = self.before.nodes.iter_mut().rev();
        for (left, set) in before.by_ref() {
            let taken = set.get_mut(param).and_then(Option::take);
            match (nodes.is_empty(), Node::parent(*left, node)) {
                (true, Some(parent)) => {
                    node = parent;
                    value = match taken {
                        Some(left) => added_tensors(left, &value, self.precision)?,
                        None => value,
                    };
                }
                _ => nodes.extend(taken.map(|sum| (*left, sum))),
            }
        }
        nodes.reverse();
        nodes.push((node, value));
        let filling = &mut self.filling;
        filling.bytes += nodes.iter().map(|(_, tensor)| 4 * tensor.numel()).sum::<usize>();
        filling.params.push(param);
        if filling.nodes.is_empty() {
            filling.nodes = nodes.iter().map(|(node, _)| (*node, Vec::new())).collect();
        }
        let fits = filling.nodes.iter().map(|(node, _)| node).eq(nodes.iter().map(|(node, _)| node));
        if !fits {
            return Err(Error::config(
                "a parameter has a gradient in some shards only",
                "the sum over ranks",
                "please report it with the command",
            ));
        }
        for ((_, tensors), (_, tensor)) in filling.nodes.iter_mut().zip(nodes) {
            tensors.push(tensor);
        }
        if self.filling.bytes >= BUCKET { self.leave() } else { Ok(()) }
    }

    fn leave(&mut self) -> Result<()> {
        if self.under_way.len() >= UNDER_WAY {
            self.arrive()?;
        }
        let Filling { params, nodes, .. } = std::mem::take(&mut self.filling);
        self.team.begin_sum(Bucket { shards: self.shards, precision: self.precision, nodes })?;
        self.under_way.push_back(params);
        Ok(())
    }

    fn arrive(&mut self) -> Result<()> {
        let Some(params) = self.under_way.pop_front() else { return Ok(()) };
        let tensors = self.team.finish_sum()?;
        for (param, tensor) in params.into_iter().zip(tensors) {
            if let Some(place) = self.summed.get_mut(param) {
                *place = Some(tensor);
            }
        }
        Ok(())
    }

    /// Sends what is left; `meanwhile` is exchanged while that is under way. Returns the sum over all shards of all ranks, and
    /// what every rank had to say.
    ///
    /// # Errors
    /// A rank that is lost or has failed.
    pub(super) fn finish(mut self, meanwhile: Vec<u8>) -> Result<(GradientSet, Vec<Vec<u8>>)> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if !self.filling.params.is_empty() {
            self.leave()?;
        }
        let said = self.team.gather(meanwhile)?;
        while !self.under_way.is_empty() {
            self.arrive()?;
        }
        Ok((self.summed, said))
    }
}
