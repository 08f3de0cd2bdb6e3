//! A sum over all ranks, timed.

use crate::Result;
use crate::cluster::tree::{Node, Sums};
use crate::cluster::{Bucket, Collective, Team};
use crate::config::GradientPrecision;
use crate::run::BUCKET;
use std::time::{Duration, Instant};
use tweedie_tensor::Tensor;

/// The least time of `runs` sums of `mib` MiB of f32 over all ranks, sent as `precision` says, after one that does not count.
/// Every rank begins when all are ready, and the longest time of any rank counts.
///
/// # Errors
/// A rank that is lost or has failed.
pub fn reduce(team: &mut Team, mib: usize, runs: usize, precision: GradientPrecision) -> Result<Duration> {
    let (rank, size) = (team.rank(), team.size());
    let shards = size.next_power_of_two();
    let numbers = mib << 18;
    let each = BUCKET / 4;
    let lengths: Vec<usize> = (0..numbers.div_ceil(each)).map(|i| each.min(numbers - i * each)).collect();
    let mut least = Duration::MAX;
    for run in 0..=runs {
        let buckets: Vec<Bucket> = lengths
            .iter()
            .map(|&length| {
                let mut sums = Sums::default();
                for leaf in team.leaves(shards) {
                    let ones = || vec![Tensor::full([length], (rank + 1) as f32)];
                    sums.add(Node::leaf(leaf), ones(), |left, _| Ok::<_, std::convert::Infallible>(left))
                        .unwrap_or_else(|never| match never {});
                }
                Bucket { shards, precision, nodes: sums.nodes }
            })
            .collect();
        team.gather(Vec::new())?;
        let began = Instant::now();
        let count = buckets.len();
        for bucket in buckets {
            team.begin_sum(bucket)?;
        }
        for _ in 0..count {
            team.finish_sum()?;
        }
        let took = began.elapsed().as_secs_f64();
        let all = team.gather(took.to_le_bytes().to_vec())?;
        let longest = all.iter().filter_map(|bytes| Some(f64::from_le_bytes(bytes[..].try_into().ok()?)));
        if run > 0 {
            least = least.min(Duration::from_secs_f64(longest.fold(0.0, f64::max)));
        }
    }
    Ok(least)
}
