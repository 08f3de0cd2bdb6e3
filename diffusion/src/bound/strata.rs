use crate::Schedule;
use std::ops::Range;

/// The indices 1..T cut into `count` runs (or T − 1, if there are no more), none of them empty, over which ln SNR
/// falls by about the same. Terms are largest, and change fastest, where SNR does; drawing one index from each run
/// then leaves little to chance.
pub(super) fn strata(schedule: &Schedule, count: usize) -> Vec<Range<usize>> {
    let steps = schedule.num_timesteps();
    let count = count.min(steps - 1);
    // To pure noise the fall is infinite; it counts as one like others.
    let fall = |t: usize| (schedule.log_snr(t - 1) - schedule.log_snr(t)).min(1.0);
    let whole: f64 = (1..steps).map(fall).sum();
    let mut bounds = vec![1];
    let mut fallen = 0.0;
    for t in 1..steps {
        let cut = bounds.len();
        if cut < count && t > bounds[cut - 1] {
            let due = fallen >= whole * cut as f64 / count as f64;
            // From here on, every index is needed for a run of its own.
            let must = steps - t == count - cut;
            if due || must {
                bounds.push(t);
            }
        }
        fallen += fall(t);
    }
    if count == 0 {
        return Vec::new();
    }
    bounds.push(steps);
    bounds.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_in_one_run() {
        for schedule in [
            Schedule::linear(1000, 1e-4, 0.02).unwrap(),
            Schedule::cosine(7).unwrap(),
            Schedule::linear(50, 1e-4, 0.3).unwrap().with_zero_terminal_snr().unwrap(),
        ] {
            let steps = schedule.num_timesteps();
            for count in 1..steps + 2 {
                let strata = strata(&schedule, count);
                assert_eq!(strata.len(), count.min(steps - 1));
                assert!(strata.iter().all(|run| !run.is_empty()));
                assert!(strata.into_iter().flatten().eq(1..steps));
            }
        }
        assert!(strata(&Schedule::from_betas(vec![0.5]).unwrap(), 3).is_empty());
    }
}
