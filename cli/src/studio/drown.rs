//! A picture that drowns in noise, with the root of α in every step and without.

use super::paint::pixels;
use super::schedule::built;
use crate::error::{Failure, Result};
use serde::{Deserialize, Serialize};
use tweedie_diffusion::{Schedule, ScheduleConfig, purpose};
use tweedie_tensor::{Tensor, random};
use tweedie_train::data::{self, DataOptions, Split, read_batch};

/// Times of one request at most.
const TIMES: usize = 16;

/// A picture that the program draws, and times.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    schedule: ScheduleConfig,
    drawn: Drawn,
    picture: usize,
    /// Counted from 1.
    t: Vec<usize>,
}

/// What the program draws.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Drawn {
    Glyphs,
    Shapes,
}

/// The picture, and what becomes of it: bytes in base64.
#[derive(Serialize)]
pub(super) struct Drowned {
    shape: [usize; 3],
    picture: String,
    times: Vec<Time>,
}

#[derive(Serialize)]
struct Time {
    t: usize,
    right: Noised,
    without_root: Noised,
}

/// x_t = signal · x_0 + noise · ε.
#[derive(Serialize)]
struct Noised {
    signal: f64,
    noise: f64,
    pixels: String,
}

/// Noises the picture.
///
/// # Errors
/// A schedule, picture or time that does not exist.
pub(super) fn drowned(request: &Request, seed: u64) -> Result<Drowned> {
    let schedule = built(&request.schedule)?;
    let without = schedule.without_root()?;
    let name = match request.drawn {
        Drawn::Glyphs => "glyphs",
        Drawn::Shapes => "shapes",
    };
    let source = data::open(name, Split::Train, &DataOptions::default())?;
    let last = schedule.num_timesteps();
    if request.t.len() > TIMES || request.t.iter().any(|t| !(1..=last).contains(t)) {
        return Err(Failure::user(
            "a time outside the schedule",
            "t",
            format!("give up to {TIMES} times from 1 to {last}"),
        ));
    }
    let x0 = read_batch(&*source, &[request.picture % source.len()])?.x;
    let noise = random::normal(*x0.shape(), seed, purpose::NOISE, 0, 0);
    let at = |schedule: &Schedule, t: usize, x0: &Tensor<f32>| -> Result<Noised> {
        let level = schedule.level(t - 1);
        let x_t = schedule.q_sample(x0, &[t - 1], &noise)?;
        Ok(Noised { signal: level.signal, noise: level.noise, pixels: pixels(&x_t)? })
    };
    let times = request
        .t
        .iter()
        .map(|&t| Ok(Time { t, right: at(&schedule, t, &x0)?, without_root: at(&without, t, &x0)? }));
    Ok(Drowned { shape: source.shape(), picture: pixels(&x0)?, times: times.collect::<Result<_>>()? })
}
