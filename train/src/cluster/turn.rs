//! Which part of some work is a rank's.

use super::collective::Collective;
use std::ops::Range;

/// A rank's turn at work on things that do not depend on one another, such as pictures: of the parts that they are cut into,
/// it has one in `size`, from number `rank` on. By default that of a process that is alone, which has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    rank: usize,
    size: usize,
}

impl Turn {
    /// The turn of this rank among `ranks`.
    pub fn among(ranks: &impl Collective) -> Turn {
        Turn { rank: ranks.rank(), size: ranks.size() }
    }

    /// How many ranks work at a time.
    pub fn size(self) -> usize {
        self.size
    }

    /// The parts of `n` things that are this rank's, of at most `most` things each. Several ranks have parts of about one size,
    /// so that they are done at about one time; one rank takes as many as it may.
    pub fn ranges(self, n: usize, most: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let most = most.max(1);
        let each = match self.size {
            1 => most,
            size => n.div_ceil(size * n.div_ceil(size * most).max(1)).max(1),
        };
        (self.rank * each..n).step_by(self.size * each).map(move |first| first..n.min(first + each))
    }
}

impl Default for Turn {
    fn default() -> Turn {
        Turn { rank: 0, size: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_in_turn_have_all_there_is_in_order() {
        for (n, most) in [(1, 1), (16, 64), (64, 64), (65, 64), (100, 7), (256, 64), (3, 1)] {
            for size in 1..10 {
                let mut turns: Vec<_> = (0..size).map(|rank| Turn { rank, size }.ranges(n, most)).collect();
                let parts: Vec<_> = (0..).map_while(|i| turns[i % size].next()).collect();
                assert!(parts.iter().cloned().flatten().eq(0..n), "{n} on {size}: {parts:?}");
                assert!(turns.iter_mut().all(|turn| turn.next().is_none()));
                let lengths = parts.iter().map(Range::len);
                assert!(lengths.clone().all(|length| (1..=most).contains(&length)));
                // As many rounds as need be, and no more.
                assert!(parts.len().div_ceil(size) == n.div_ceil(size * most), "{n} on {size}: {parts:?}");
            }
        }
    }

    #[test]
    fn ranks_have_parts_of_about_one_size() {
        let lengths = |size, n, most| -> Vec<usize> {
            (0..size).map(|rank| Turn { rank, size }.ranges(n, most).map(|part| part.len()).sum()).collect()
        };
        assert_eq!(lengths(1, 100, 64), [100]);
        assert_eq!(lengths(2, 64, 64), [32, 32]);
        assert_eq!(lengths(3, 256, 64), [86, 86, 84]);
        assert_eq!(lengths(4, 2, 64), [1, 1, 0, 0]);
    }
}
