//! A sum over all ranks, in the canonical tree.
//!
//! The numbers are cut into pieces; each piece has an owner, who gets everybody's nodes of it, adds them in the tree's order,
//! and sends the sum to all (reduce-scatter and all-gather; Patarasuk and Yuan 2009). A rank sends and receives
//! 2 (W − 1) / W of its numbers, and no more is on its way than one piece to each rank.

use super::messages::{Content, MOST};
use super::tree::{Node, Sums, leaves_of, nodes};
use crate::config::GradientPrecision;
use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::Range;
use timely_bytes::arc::Bytes;
use tweedie_tensor::Tensor;

/// Numbers of a piece.
pub(super) const PIECE: usize = MOST / 4;
/// Numbers that are added at a time: so few that all partial sums stay in the first cache.
const BLOCK: usize = 1024;

/// Tensors to be summed over all ranks: those of each node that this rank has the leaves of.
#[derive(Debug)]
pub struct Bucket {
    /// How many leaves the tree has.
    pub(crate) shards: usize,
    /// How finely each node is kept: the tensors are rounded to it.
    pub(crate) precision: GradientPrecision,
    /// By node from left to right, then by tensor.
    pub(crate) nodes: Vec<(Node, Vec<Tensor<f32>>)>,
}

/// What a rank sends of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// The piece of the node that begins at a leaf.
    Addend { piece: usize, first: usize },
    /// The finished piece.
    Sum { piece: usize },
}

/// A sum that is under way.
pub(super) struct Summing {
    number: u32,
    /// The pieces of all sums before.
    begun_with: usize,
    rank: usize,
    size: usize,
    bucket: Bucket,
    /// Where each tensor begins in the row of all numbers, and where the row ends.
    starts: Vec<usize>,
    /// The nodes that all ranks begin with, by their ranks, from left to right.
    all: Vec<(usize, Node)>,
    /// Of pieces that are this rank's: what has come, by the node's first leaf.
    came: HashMap<usize, HashMap<usize, Bytes>>,
    /// Pieces whose sum is not here yet.
    missing: usize,
    is_here: Vec<bool>,
}

impl Summing {
    /// Begins the sum of this number, after sums of `begun_with` pieces in all.
    pub(super) fn begin(number: u32, begun_with: usize, rank: usize, size: usize, bucket: Bucket) -> Summing {
        let of_rank =
            |rank| nodes(leaves_of(rank, size, bucket.shards)).into_iter().map(move |node| (rank, node));
        let all = (0..size).flat_map(of_rank).collect();
        let mut starts = vec![0];
        for tensor in bucket.nodes.first().map_or(&[][..], |(_, tensors)| tensors) {
            starts.push(starts.last().unwrap_or(&0) + tensor.as_slice().len());
        }
        let pieces = starts.last().unwrap_or(&0).div_ceil(PIECE);
        Summing {
            number,
            begun_with,
            rank,
            size,
            bucket,
            starts,
            all,
            came: HashMap::new(),
            missing: pieces,
            is_here: vec![false; pieces],
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn pieces(&self) -> usize {
        self.is_here.len()
    }

    /// Whose a piece is: in turn, from sum to sum.
    fn owner(&self, piece: usize) -> usize {
        (self.begun_with + piece) % self.size
    }

    /// What this rank has to send to `to` from the beginning.
    pub(super) fn addends(&self, to: usize) -> impl Iterator<Item = Outgoing> {
        let pieces = (0..self.pieces()).filter(move |&piece| self.owner(piece) == to);
        pieces.flat_map(move |piece| {
            self.bucket.nodes.iter().map(move |(node, _)| Outgoing::Addend { piece, first: node.first })
        })
    }

    /// The numbers that go out, as runs of tensors.
    pub(super) fn outgoing(&self, out: Outgoing) -> Content {
        Content::Numbers(self.outgoing_runs(out), self.bucket.precision)
    }

    fn outgoing_runs(&self, out: Outgoing) -> Vec<(Tensor<f32>, Range<usize>)> {
        let (piece, first) = match out {
            Outgoing::Addend { piece, first } => (piece, Some(first)),
            // The sum stands in the place of the first node.
            Outgoing::Sum { piece } => (piece, None),
        };
        let node = self.bucket.nodes.iter().find(|(node, _)| first.is_none_or(|first| node.first == first));
        let Some((_, tensors)) = node else { return Vec::new() };
        self.runs(piece).map(|(tensor, run)| (tensors[tensor].clone(), run)).collect()
    }

    /// The runs of tensors that a piece consists of.
    fn runs(&self, piece: usize) -> impl Iterator<Item = (usize, Range<usize>)> + use<> {
        let total = self.starts.last().copied().unwrap_or(0);
        let (from, to) = (piece * PIECE, ((piece + 1) * PIECE).min(total));
        let first = self.starts.partition_point(|&start| start <= from).saturating_sub(1);
        let bounds: Vec<(usize, usize)> = self.starts[first..].windows(2).map(|w| (w[0], w[1])).collect();
        bounds.into_iter().enumerate().take_while(move |(_, (start, _))| *start < to).filter_map(
            move |(i, (start, end))| {
                let run = from.max(start) - start..to.min(end) - start;
                (!run.is_empty()).then_some((first + i, run))
            },
        )
    }

    /// The bytes of a piece on its way.
    fn bytes(&self, piece: usize) -> usize {
        let total = self.starts.last().copied().unwrap_or(0);
        self.bucket.precision.bytes() * ((piece + 1) * PIECE).min(total).saturating_sub(piece * PIECE)
    }

    /// Takes another rank's node of a piece; returns whether the piece is summed with it.
    ///
    /// # Errors
    /// Content of another length, a piece of somebody else's: the ranks do not sum the same tensors.
    pub(super) fn add(&mut self, piece: usize, first: usize, content: Bytes) -> Result<bool, ()> {
        let is_known = self.all.iter().any(|(rank, node)| *rank != self.rank && node.first == first);
        if piece >= self.pieces() || self.owner(piece) != self.rank || !is_known {
            return Err(());
        }
        if content.len() != self.bytes(piece) {
            return Err(());
        }
        let came = self.came.entry(piece).or_default();
        came.insert(first, content);
        if came.len() + self.bucket.nodes.len() < self.all.len() {
            return Ok(false);
        }
        self.fold(piece);
        Ok(true)
    }

    /// Adds all nodes of a piece that is this rank's, in the tree's order.
    fn fold(&mut self, piece: usize) {
        let came = self.came.remove(&piece).unwrap_or_default();
        let precision = self.bucket.precision;
        let runs: Vec<(usize, Range<usize>)> = self.runs(piece).collect();
        // Partial sums whose numbers are added to another one are written over.
        let mut spare: Vec<Vec<f32>> = Vec::new();
        let mut at = 0;
        for (tensor, run) in runs {
            for start in run.clone().step_by(BLOCK) {
                let block = start..run.end.min(start + BLOCK);
                let bytes = precision.bytes() * at..precision.bytes() * (at + block.len());
                at += block.len();
                let mut sums = Sums::default();
                for (_, node) in &self.all {
                    let mut values = spare.pop().unwrap_or_default();
                    values.resize(block.len(), 0.0);
                    match came.get(&node.first) {
                        Some(content) => precision.read(&content[bytes.clone()], &mut values),
                        None => values.copy_from_slice(&self.own(*node, tensor)[block.clone()]),
                    }
                    let join = |mut left: Vec<f32>, right: Vec<f32>| {
                        left.iter_mut().zip(&right).for_each(|(sum, x)| *sum += x);
                        precision.round(&mut left);
                        spare.push(right);
                        Ok::<_, Infallible>(left)
                    };
                    sums.add(*node, values, join).unwrap_or_else(|never| match never {});
                }
                if let (Some(sum), Some(numbers)) = (sums.total(), self.place(tensor, block)) {
                    numbers.copy_from_slice(&sum);
                    spare.push(sum);
                }
            }
        }
        self.is_now_here(piece);
    }

    /// This rank's numbers of a node.
    fn own(&self, node: Node, tensor: usize) -> &[f32] {
        let own = self.bucket.nodes.iter().find(|(own, _)| *own == node);
        own.map_or(&[], |(_, tensors)| tensors[tensor].as_slice())
    }

    /// Where numbers of the sum stand: in the place of the first node.
    fn place(&mut self, tensor: usize, run: Range<usize>) -> Option<&mut [f32]> {
        let (_, tensors) = self.bucket.nodes.first_mut()?;
        tensors[tensor].as_mut_slice().get_mut(run)
    }

    /// Takes a piece that its owner has summed.
    ///
    /// # Errors
    /// As [`Summing::add`].
    pub(super) fn set(&mut self, piece: usize, mut content: &[u8]) -> Result<(), ()> {
        if piece >= self.pieces() || self.is_here[piece] || content.len() != self.bytes(piece) {
            return Err(());
        }
        let precision = self.bucket.precision;
        for (tensor, run) in self.runs(piece) {
            let (bytes, rest) = content.split_at(precision.bytes() * run.len());
            if let Some(place) = self.place(tensor, run) {
                precision.read(bytes, place);
            }
            content = rest;
        }
        self.is_now_here(piece);
        Ok(())
    }

    fn is_now_here(&mut self, piece: usize) {
        if !std::mem::replace(&mut self.is_here[piece], true) {
            self.missing -= 1;
        }
    }

    /// Whether all pieces are here.
    pub(super) fn is_done(&self) -> bool {
        self.missing == 0
    }

    /// The summed tensors.
    pub(super) fn into_tensors(self) -> Vec<Tensor<f32>> {
        self.bucket.nodes.into_iter().next().map_or_else(Vec::new, |(_, tensors)| tensors)
    }
}
