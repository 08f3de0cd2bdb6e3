use super::Answer;
use tweedie_nn::layers::Sinusoid;
use tweedie_tensor::random::{self, Purpose};

pub(crate) const ANSWERS: &[Answer] =
    &[("conditioning.distance", distance), ("conditioning.deviation", deviation)];

/// The distance from e(1500) to the nearest embedding of 0 … 999.
fn distance() -> f64 {
    let times: Vec<f64> = (0..1000).map(f64::from).collect();
    let seen = Sinusoid::transformer(64).embed::<f64>(&times);
    let beyond = Sinusoid::transformer(64).embed::<f64>(&[1500.0]);
    let to =
        |row: &[f64]| row.iter().zip(beyond.as_slice()).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    seen.as_slice().chunks(64).map(to).fold(f64::INFINITY, f64::min)
}

/// √32; drawn scores have it within the error of so many draws.
fn deviation() -> f64 {
    let (d, n) = (32, 20_000);
    let [q, k] = [0, 1].map(|step| random::normal::<f64>([n, d], 0, Purpose::TEST, step, 0));
    let rows = q.as_slice().chunks(d).zip(k.as_slice().chunks(d));
    let squares = rows.map(|(q, k)| q.iter().zip(k).map(|(q, k)| q * k).sum::<f64>().powi(2));
    let drawn = (squares.sum::<f64>() / n as f64).sqrt();
    let expected = f64::sqrt(d as f64);
    assert!((drawn / expected - 1.0).abs() < 0.03, "{drawn} is not {expected}");
    expected
}
