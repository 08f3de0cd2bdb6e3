use super::{Answer, linear};
use tweedie_diffusion::plane::{Distribution, batch, sliced_wasserstein};
use tweedie_diffusion::{Condition, Denoiser, EmpiricalDenoiser};
use tweedie_tensor::Tensor;

pub(crate) const ANSWERS: &[Answer] = &[
    ("laboratory.apart", apart),
    ("laboratory.near", near),
    ("laboratory.moved", moved),
    ("laboratory.fresh", fresh),
];

/// The first t, counted from 1, at which the second of two points, so far from the first, has more than a hundredth at 0.
fn shared(distance: f64) -> f64 {
    let points = EmpiricalDenoiser::new(batch(&[[0.0, 0.0], [distance, 0.0]])).unwrap();
    let (schedule, x) = (linear(), batch::<f64>(&[[0.0, 0.0]]));
    let mean = |t: usize| {
        let times = [schedule.timestep(t - 1)];
        points.predict(&x, &times, &Condition::default()).unwrap().value.as_slice()[0]
    };
    (1..=1000).find(|&t| mean(t) > 0.01 * distance).unwrap() as f64
}

fn apart() -> f64 {
    shared(1.0)
}

fn near() -> f64 {
    shared(0.1)
}

fn moons(first: u64) -> Tensor<f64> {
    Distribution::Moons.points(0, first, 1000)
}

/// Of a set, and the same 0.1 further to the right.
fn moved() -> f64 {
    let right: Vec<[f64; 2]> =
        moons(0).as_slice().chunks(2).map(|point| [point[0] + 0.1, point[1]]).collect();
    sliced_wasserstein(&moons(0), &batch(&right)).unwrap()
}

fn fresh() -> f64 {
    sliced_wasserstein(&moons(0), &moons(1000)).unwrap()
}
