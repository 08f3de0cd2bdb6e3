use super::*;
use proptest::prelude::*;
use tweedie_tensor::random::{Purpose, normal};

/// A tensor that every leaf has, and one that only leaves of odd numbers have.
fn leaf(number: usize) -> GradientSet {
    let tensor = |purpose| normal([7, 300], 3, Purpose::TEST, number as u64, purpose);
    vec![Some(tensor(0)), (number % 2 == 1).then(|| tensor(1 << 20)), None]
}

/// The sum of the leaves of a range, as the tree is defined.
fn naive(leaves: Range<usize>) -> GradientSet {
    if leaves.len() == 1 {
        return leaf(leaves.start);
    }
    let middle = leaves.start + leaves.len() / 2;
    let (left, right) = (naive(leaves.start..middle), naive(middle..leaves.end));
    left.into_iter()
        .zip(right)
        .map(|pair| match pair {
            (Some(left), Some(right)) => {
                let (a, b) = (left.as_slice(), right.as_slice());
                Some(Tensor::from_fn(*left.shape(), |i| a[i] + b[i]))
            }
            (one, other) => one.or(other),
        })
        .collect()
}

fn bits(set: &GradientSet) -> Vec<Option<Vec<u32>>> {
    let numbers = |x: &Tensor<f32>| x.as_slice().iter().map(|x| x.to_bits()).collect();
    set.iter().map(|gradient| gradient.as_ref().map(numbers)).collect()
}

fn counted(leaves: Range<usize>) -> Accumulator {
    let mut sum = Accumulator::default();
    leaves.for_each(|number| sum.add(leaf(number)).unwrap());
    sum
}

#[test]
fn the_counter_sums_as_the_tree_is_defined_and_holds_few_sets() {
    for shards in [1usize, 2, 4, 8, 16] {
        let mut sum = Accumulator::default();
        for number in 0..shards {
            // The newest leaf comes on top of these.
            assert!(sum.sums.nodes.len() <= shards.ilog2() as usize, "{number} of {shards}");
            sum.add(leaf(number)).unwrap();
        }
        assert_eq!(bits(&sum.total().unwrap()), bits(&naive(0..shards)), "{shards} shards");
    }
    // The order matters, or the test would show nothing.
    let in_sequence =
        (1..8).fold(leaf(0), |sum, number| added(sum, leaf(number), GradientPrecision::F32).unwrap());
    assert_ne!(bits(&in_sequence), bits(&naive(0..8)));
}

#[test]
fn a_number_of_leaves_that_fills_no_tree_has_no_total() {
    assert!(counted(0..3).total().is_none());
    assert!(Accumulator::default().total().is_none());
}

#[test]
fn the_mean_of_a_power_of_two_rounds_nothing() {
    let mean = mean(leaf(1), 8);
    let (of, whole) = (mean[0].as_ref().unwrap(), leaf(1));
    let whole = whole[0].as_ref().unwrap();
    assert!(of.as_slice().iter().zip(whole.as_slice()).all(|(a, b)| a * 8.0 == *b));
}

#[test]
fn batches_are_cut_into_equal_runs_or_refused_with_what_would_do() {
    let cut = |n, shards| ranges(n, shards).map(Iterator::collect::<Vec<_>>);
    assert_eq!(cut(12, 4).unwrap(), [0..3, 3..6, 6..9, 9..12]);
    for (n, shards, would_do) in
        [(12, 8, "up to 4"), (12, 3, "up to 4"), (9, 2, "--shards 1, or batches"), (8, 0, "up to 8")]
    {
        let error = cut(n, shards).unwrap_err().to_string();
        assert!(error.contains("train.shards") && error.contains(would_do), "{error}");
    }
}

proptest! {
    /// However the tree's leaves are divided among ranks: each sums a subtree of its own, the sums of neighbours meet.
    #[test]
    fn subtrees_that_are_summed_apart_meet_in_the_same_bits(shards in 0u32..5, ranks in 0u32..5) {
        let (shards, ranks) = (1usize << shards, 1usize << ranks.min(shards));
        let each = shards / ranks;
        let mut upper = Accumulator::default();
        for rank in 0..ranks {
            upper.add(counted(rank * each..(rank + 1) * each).total().unwrap()).unwrap();
        }
        prop_assert_eq!(bits(&upper.total().unwrap()), bits(&counted(0..shards).total().unwrap()));
    }
}
