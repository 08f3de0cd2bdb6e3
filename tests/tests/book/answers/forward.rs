use super::{Answer, linear};
use tweedie_diffusion::Schedule;

pub(crate) const ANSWERS: &[Answer] = &[("forward.half", half), ("forward.steps", steps)];

/// The first t, counted from 1, whose noise is stronger than its signal.
fn half() -> f64 {
    let schedule = linear();
    (1..=1000).find(|t| schedule.snr(t - 1) < 1.0).unwrap() as f64
}

fn steps() -> f64 {
    let schedule = Schedule::from_betas(vec![0.01; 2000]).unwrap();
    (1..=2000).find(|t| schedule.alphas_cumprod()[t - 1] < 1e-4).unwrap() as f64
}
