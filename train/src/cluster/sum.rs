//! A sum over all ranks, in the canonical tree.
//!
//! The numbers are cut into pieces; each piece has an owner, who gets everybody's nodes of it, adds them in the tree's order,
//! and sends the sum to all (reduce-scatter and all-gather; Patarasuk and Yuan 2009). A rank sends and receives
//! 2 (W − 1) / W of its numbers, and no more is on its way than one piece to each rank.

use super::messages::{MOST, numbers};
use super::tree::{Node, leaves_of, nodes};
use std::collections::HashMap;
use std::ops::Range;
use timely_bytes::arc::Bytes;
use tweedie_tensor::Tensor;

/// Numbers of a piece.
pub(super) const PIECE: usize = MOST / 4;

/// Tensors to be summed over all ranks: those of each node that this rank has the leaves of.
#[derive(Debug)]
pub struct Bucket {
    /// How many leaves the tree has.
    pub(crate) shards: usize,
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

/// Numbers of a piece in a row.
enum Part<'a> {
    Came(&'a [u8]),
    Own(&'a [f32]),
}

impl Part<'_> {
    /// Adds them to as many from the front; returns the rest.
    fn add_to(self, sum: &mut [f32]) -> &mut [f32] {
        let length = match self {
            Part::Came(bytes) => bytes.len() / 4,
            Part::Own(numbers) => numbers.len(),
        };
        let (front, rest) = sum.split_at_mut(length.min(sum.len()));
        match self {
            Part::Came(bytes) => front.iter_mut().zip(numbers(bytes)).for_each(|(sum, x)| *sum += x),
            Part::Own(numbers) => front.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += x),
        }
        rest
    }

    fn extend(self, values: &mut Vec<f32>) {
        match self {
            Part::Came(bytes) => values.extend(numbers(bytes)),
            Part::Own(numbers) => values.extend_from_slice(numbers),
        }
    }
}

/// A sum that is under way.
pub(super) struct Summing {
    number: u32,
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
    /// Begins the sum of this number.
    pub(super) fn begin(number: u32, rank: usize, size: usize, bucket: Bucket) -> Summing {
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

    fn pieces(&self) -> usize {
        self.is_here.len()
    }

    /// Whose a piece is: in turn, and another begins with each sum.
    fn owner(&self, piece: usize) -> usize {
        (piece + self.number as usize) % self.size
    }

    /// What this rank has to send to `to` from the beginning.
    pub(super) fn addends(&self, to: usize) -> impl Iterator<Item = Outgoing> {
        let pieces = (0..self.pieces()).filter(move |&piece| self.owner(piece) == to);
        pieces.flat_map(move |piece| {
            self.bucket.nodes.iter().map(move |(node, _)| Outgoing::Addend { piece, first: node.first })
        })
    }

    /// The numbers that go out, as runs of tensors.
    pub(super) fn outgoing(&self, out: Outgoing) -> Vec<(Tensor<f32>, Range<usize>)> {
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

    fn length(&self, piece: usize) -> usize {
        let total = self.starts.last().copied().unwrap_or(0);
        ((piece + 1) * PIECE).min(total).saturating_sub(piece * PIECE)
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
        if content.len() != 4 * self.length(piece) {
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
        let runs: Vec<(usize, Range<usize>)> = self.runs(piece).collect();
        let mut sums: Vec<(Node, Vec<f32>)> = Vec::new();
        for (_, node) in &self.all {
            let mut node = *node;
            let parent = sums.last().and_then(|(left, _)| Node::parent(*left, node));
            match (parent, sums.last_mut()) {
                // A sibling is added where it lies, without a copy of its own.
                (Some(parent), Some((left, sum))) => {
                    let mut rest = &mut sum[..];
                    for part in self.parts(&came, node, &runs) {
                        rest = part.add_to(rest);
                    }
                    (*left, node) = (parent, parent);
                }
                _ => {
                    let mut values = Vec::with_capacity(PIECE);
                    self.parts(&came, node, &runs).into_iter().for_each(|part| part.extend(&mut values));
                    sums.push((node, values));
                }
            }
            while let [.., (left, _), _] = &sums[..]
                && let Some(parent) = Node::parent(*left, node)
                && let (Some((_, right)), Some((left, sum))) = (sums.pop(), sums.last_mut())
            {
                sum.iter_mut().zip(right).for_each(|(sum, right)| *sum += right);
                (*left, node) = (parent, parent);
            }
        }
        if let (Some((_, sum)), true) = (sums.pop(), sums.is_empty()) {
            self.put(piece, sum.into_iter());
        }
    }

    /// The numbers of a node: what came of another rank, or this one's own.
    fn parts<'a>(
        &'a self,
        came: &'a HashMap<usize, Bytes>,
        node: Node,
        runs: &[(usize, Range<usize>)],
    ) -> Vec<Part<'a>> {
        if let Some(content) = came.get(&node.first) {
            return vec![Part::Came(content)];
        }
        let own = self.bucket.nodes.iter().find(|(own, _)| *own == node);
        let tensors = own.map_or(&[][..], |(_, tensors)| tensors);
        runs.iter().map(|(tensor, run)| Part::Own(&tensors[*tensor].as_slice()[run.clone()])).collect()
    }

    /// Takes a piece that its owner has summed.
    ///
    /// # Errors
    /// As [`Summing::add`].
    pub(super) fn set(&mut self, piece: usize, content: &[u8]) -> Result<(), ()> {
        if piece >= self.pieces() || self.is_here[piece] || content.len() != 4 * self.length(piece) {
            return Err(());
        }
        self.put(piece, numbers(content));
        Ok(())
    }

    fn put(&mut self, piece: usize, mut sum: impl Iterator<Item = f32>) {
        let runs: Vec<(usize, Range<usize>)> = self.runs(piece).collect();
        let Some((_, tensors)) = self.bucket.nodes.first_mut() else { return };
        for (tensor, run) in runs {
            let numbers = &mut tensors[tensor].as_mut_slice()[run];
            numbers.iter_mut().zip(&mut sum).for_each(|(number, sum)| *number = sum);
        }
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
