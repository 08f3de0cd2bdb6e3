//! How fast a run would be on several machines.
//!
//! A step is forward, backward, the sum of the gradients over all ranks, and the update. The sum of n bytes over N ranks takes
//! 2 (N − 1) / N · n / B on links of B bytes a second, and 2 (N − 1) latencies α (the α–β model; Thakur et al. 2005,
//! "Optimization of collective communication operations in MPICH", section 4.5). It runs beside the backward pass, all but the
//! last bucket, which is complete only when the backward pass is.

use crate::config::GradientPrecision;
use crate::run::BUCKET;
use serde::Serialize;

/// The share of a step's passes that is backward: two products for each of forward's.
const BACKWARD: f64 = 2.0 / 3.0;

/// What ranks are joined by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Network {
    /// Bytes a second in each direction.
    pub bandwidth: f64,
    /// Seconds until a message arrives.
    pub latency: f64,
}

/// What a number of ranks would do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scaling {
    /// The ranks.
    pub ranks: usize,
    /// The time of a step, ms.
    pub step_ms: f64,
    /// Of it, the part in which the sum of the gradients is waited for, ms.
    pub exposed_ms: f64,
    /// Pictures a second.
    pub images_per_second: f64,
    /// Pictures a second, as a share of that many times what one rank gives.
    pub efficiency: f64,
}

/// The time of a step, and of the wait in it, in seconds: of `ranks` that each take `own` seconds for their share, with
/// `parameters` to be summed, sent as `precision` says.
pub fn step_on(
    ranks: usize,
    own: f64,
    parameters: usize,
    precision: GradientPrecision,
    network: Network,
) -> (f64, f64) {
    if ranks < 2 {
        return (own, 0.0);
    }
    let n = ranks as f64;
    let sum_of = |numbers: usize| {
        let bytes = (precision.bytes() * numbers) as f64;
        2.0 * (n - 1.0) / n * bytes / network.bandwidth + 2.0 * (n - 1.0) * network.latency
    };
    let last = parameters.min(BUCKET / 4);
    let (hidden, tail) = (sum_of(parameters) - sum_of(last), sum_of(last));
    let exposed = (hidden - BACKWARD * own).max(0.0) + tail;
    (own + exposed, exposed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_rank_waits_for_nobody_and_an_endless_link_costs_nothing() {
        let network = Network { bandwidth: 1e9, latency: 1e-3 };
        assert_eq!(step_on(1, 0.5, 1_000_000, GradientPrecision::F32, network), (0.5, 0.0));
        let endless = Network { bandwidth: f64::INFINITY, latency: 0.0 };
        assert_eq!(step_on(8, 0.5, 1_000_000, GradientPrecision::F32, endless), (0.5, 0.0));
    }

    #[test]
    fn a_small_network_waits_for_its_only_bucket() {
        let network = Network { bandwidth: 1e6, latency: 0.0 };
        // 4 MB, or half of it, twice half over 1 MB/s.
        for (precision, expected) in [(GradientPrecision::F32, 4.0), (GradientPrecision::Bf16, 2.0)] {
            let (step, exposed) = step_on(2, 1.0, 1_000_000, precision, network);
            assert!((exposed - expected).abs() < 1e-12 && (step - 1.0 - expected).abs() < 1e-12);
        }
    }

    proptest! {
        #[test]
        fn a_slower_network_never_helps(
            ranks in 2usize..600, own in 1e-3f64..10.0, parameters in 1_000usize..100_000_000, bandwidth in 1e6f64..1e11,
        ) {
            let precision = GradientPrecision::F32;
            let at = |bandwidth, latency| {
                step_on(ranks, own, parameters, precision, Network { bandwidth, latency })
            };
            let (step, exposed) = at(bandwidth, 1e-5);
            prop_assert!(at(bandwidth / 2.0, 1e-5).0 >= step && at(bandwidth, 1e-3).0 >= step);
            prop_assert!(step >= own && exposed >= 0.0);
            // No more than the whole sum is waited for.
            let bytes = 4.0 * parameters as f64;
            let n = ranks as f64;
            let whole = 2.0 * (n - 1.0) / n * bytes / bandwidth + 2.0 * (n - 1.0) * 1e-5;
            prop_assert!(exposed <= whole * (1.0 + 1e-9));
        }
    }
}
