//! The canonical tree in which a batch's shards are summed.
//!
//! Sums of floating-point numbers depend on their order, so there is one: neighbours first, (0, 1), (2, 3), …, then
//! neighbouring pairs, then neighbouring fours, up to all leaves. It depends on the number of leaves alone, neither on who
//! computes a leaf nor on which sum arrives first.

use std::ops::Range;

/// A node: the sum over the leaves from `first` on, 2^`height` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) first: usize,
    pub(crate) height: u32,
}

impl Node {
    pub(crate) fn leaf(number: usize) -> Node {
        Node { first: number, height: 0 }
    }

    /// The parent of two neighbours; none if they are no siblings.
    pub(crate) fn parent(left: Node, right: Node) -> Option<Node> {
        let leaves = 1 << left.height;
        let are_siblings = left.height == right.height
            && left.first.is_multiple_of(2 * leaves)
            && right.first == left.first + leaves;
        are_siblings.then_some(Node { first: left.first, height: left.height + 1 })
    }
}

/// The largest nodes whose leaves are exactly those of a range, from left to right.
pub(crate) fn nodes(leaves: Range<usize>) -> Vec<Node> {
    let mut sums = Sums::default();
    for leaf in leaves {
        sums.add(Node::leaf(leaf), (), |(), ()| Ok::<_, ()>(())).unwrap_or_default();
    }
    sums.nodes.into_iter().map(|(node, ())| node).collect()
}

/// Sums of neighbouring nodes that come from left to right. Siblings become their parent as soon as both are there, so of S
/// leaves no more than log₂ S + 1 values are alive, the newest among them.
#[derive(Debug)]
pub(crate) struct Sums<V> {
    pub(crate) nodes: Vec<(Node, V)>,
}

impl<V> Default for Sums<V> {
    fn default() -> Self {
        Sums { nodes: Vec::new() }
    }
}

impl<V> Sums<V> {
    /// Adds the next node.
    ///
    /// # Errors
    /// The first of `join`.
    pub(crate) fn add<E>(
        &mut self,
        mut node: Node,
        mut value: V,
        mut join: impl FnMut(V, V) -> Result<V, E>,
    ) -> Result<(), E> {
        while let Some(parent) = self.nodes.last().and_then(|(left, _)| Node::parent(*left, node)) {
            let Some((_, left)) = self.nodes.pop() else { break };
            (node, value) = (parent, join(left, value)?);
        }
        self.nodes.push((node, value));
        Ok(())
    }

    /// The sum, if it is one node.
    pub(crate) fn total(mut self) -> Option<V> {
        let (_, sum) = self.nodes.pop()?;
        self.nodes.is_empty().then_some(sum)
    }
}

/// Which of `shards` leaves are a rank's: neighbouring ones, the first ranks one more where they do not come out even.
pub(crate) fn leaves_of(rank: usize, size: usize, shards: usize) -> Range<usize> {
    let (each, more) = (shards / size, shards % size);
    let first = rank * each + rank.min(more);
    first..first + each + usize::from(rank < more)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn eight_leaves_on_three_ranks_are_three_three_and_two() {
        let shares: Vec<_> = (0..3).map(|rank| leaves_of(rank, 3, 8)).collect();
        assert_eq!(shares, [0..3, 3..6, 6..8]);
        let nodes: Vec<Vec<(usize, u32)>> = shares
            .into_iter()
            .map(|leaves| nodes(leaves).iter().map(|node| (node.first, node.height)).collect())
            .collect();
        // Leaf 3 is the sibling of leaf 2, which another rank has.
        assert_eq!(nodes, [vec![(0, 1), (2, 0)], vec![(3, 0), (4, 1)], vec![(6, 1)]]);
    }

    /// What the tree is by its definition, as text.
    fn defined(leaves: Range<usize>) -> String {
        if leaves.len() == 1 {
            return leaves.start.to_string();
        }
        let middle = leaves.start + leaves.len() / 2;
        format!("({}+{})", defined(leaves.start..middle), defined(middle..leaves.end))
    }

    proptest! {
        #[test]
        fn however_leaves_are_shared_the_tree_is_the_same(log_shards in 0u32..7, size in 1usize..70) {
            let shards = 1usize << log_shards;
            let size = size.min(shards);
            let join = |left: String, right: String| Ok::<_, ()>(format!("({left}+{right})"));
            let mut whole = Sums::default();
            let mut next = 0;
            for rank in 0..size {
                let leaves = leaves_of(rank, size, shards);
                prop_assert_eq!(leaves.start, next);
                next = leaves.end;
                let mut own = Sums::default();
                for leaf in leaves.clone() {
                    own.add(Node::leaf(leaf), leaf.to_string(), join).unwrap();
                }
                let of_own: Vec<Node> = own.nodes.iter().map(|(node, _)| *node).collect();
                prop_assert_eq!(of_own, nodes(leaves));
                for (node, sum) in own.nodes {
                    whole.add(node, sum, join).unwrap();
                }
            }
            prop_assert_eq!(next, shards);
            prop_assert_eq!(whole.total(), Some(defined(0..shards)));
        }
    }
}
