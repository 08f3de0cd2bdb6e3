use super::{Answer, linear};
use tweedie_diffusion::{PredictionKind, VarianceKind, Weighting};

pub(crate) const ANSWERS: &[Answer] = &[("weights.first", first), ("weights.min_snr", min_snr)];

/// The share of Σ λ_t that t = 2 … 10 have, in per cent.
fn first() -> f64 {
    let schedule = linear();
    let lambda = |t: usize| schedule.lambda(t, VarianceKind::FixedSmall);
    100.0 * (1..10).map(lambda).sum::<f64>() / (1..1000).map(lambda).sum::<f64>()
}

/// The weight of an error in ε at the papers' t = 100 with γ = 5.
fn min_snr() -> f64 {
    Weighting::MinSnr { gamma: 5.0 }.weights(&linear(), PredictionKind::Epsilon, &[99]).unwrap()[0]
}
