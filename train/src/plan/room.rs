//! Whether a run, or work on pictures, fits the memory, and the largest that would.

use super::rehearsal::{self, StepCost};
use crate::config::Recompute;
use crate::data::Source;
use crate::run::amounts::{grid_pictures, validation_bytes};
use crate::{Config, Error, Result, memory};
use serde::Serialize;
use tweedie_nn::NetworkConfig;
use tweedie_nn::optim::OptimConfig;
use tweedie_nn::unet::SampleSize;

/// The memory of a run, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// The parameters.
    pub weights: u64,
    /// Their gradients.
    pub gradients: u64,
    /// What the optimizer remembers of them.
    pub moments: u64,
    /// Their moving average.
    pub average: u64,
    /// What the forward pass keeps for the backward pass.
    pub activations: u64,
    /// The data set, where it is held in memory, and the batches that are read ahead.
    pub data: u64,
    /// Everything else: the backward pass and the kernels, the sample grids, a checkpoint while it is written, the program.
    pub workspace: u64,
    /// All of it.
    pub total: u64,
    /// What the process may use; `None` where the system does not say.
    pub limit: Option<u64>,
}

/// What a run needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// How many numbers the network learns.
    pub parameters: usize,
    /// Pictures of a step.
    pub batch: usize,
    /// Multiplications and additions of a step.
    pub flops_per_step: f64,
    /// Bytes.
    pub memory: Memory,
    /// Whether the process may use as many.
    pub fits: bool,
}

/// What gradient checkpointing of a run's blocks saves, and what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Recomputation {
    /// The run's memory where all is kept, in bytes.
    pub total_without: u64,
    /// The same where blocks run a second time.
    pub total_with: u64,
    /// By how many parts of itself a step's work grows: 0.3 is three tenths more multiplications and additions.
    pub extra_work: f64,
}

impl Recomputation {
    /// Of a run with this configuration, which is [resolved](Config::resolved), whichever it chooses.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn of(config: &Config, source: &dyn Source) -> Result<Recomputation> {
        let plan = |recompute| {
            let mut config = config.clone();
            config.train.recompute = recompute;
            Plan::new(&config, source)
        };
        let (without, with) = (plan(Recompute::None)?, plan(Recompute::Blocks)?);
        Ok(Recomputation {
            total_without: without.memory.total,
            total_with: with.memory.total,
            extra_work: with.flops_per_step / without.flops_per_step - 1.0,
        })
    }
}

/// The memory of the process before the work begins.
#[derive(Debug, Clone, Copy)]
struct Room {
    limit: Option<u64>,
    /// What it holds already.
    held: u64,
}

impl Room {
    fn now() -> Room {
        Room { limit: memory::memory_limit(), held: memory::rss_mib() << 20 }
    }

    fn holds(&self, bytes: u64) -> bool {
        self.limit.is_none_or(|limit| bytes <= limit)
    }

    /// What an error says where so much is needed.
    fn excess(&self, bytes: u64) -> String {
        let limit = self.limit.map_or_else(|| "memory".to_string(), readable_bytes);
        format!("needs about {} of the {limit} that this process may use", readable_bytes(bytes))
    }
}

impl Plan {
    /// What a run with this configuration, which is [resolved](Config::resolved), needs for these pictures.
    ///
    /// # Errors
    /// A network that cannot be built, or does not take them.
    pub fn new(config: &Config, source: &dyn Source) -> Result<Plan> {
        let room = Room::now();
        let within = |room, data| Plan::within(room, config, source.shape(), config.train.batch, data);
        let alone = within(room, source.held())?;
        let kept = most_in_memory(config, &alone.memory).min(source.bytes_to_hold());
        within(Room { held: room.held + kept, ..room }, source.held() + kept)
    }

    fn within(room: Room, config: &Config, shape: [usize; 3], batch: usize, data: u64) -> Result<Plan> {
        let grid = if config.train.grids > 0 { grid_pictures(config) } else { 0 };
        let cost = rehearsal::training(config, shape, batch, grid)?;
        Ok(Plan::of(&cost, room, batch, data, validation_bytes(config, shape)))
    }

    /// `beside` counts the bytes that are held beside the tensors of a step and the data set.
    fn of(cost: &StepCost, room: Room, batch: usize, data: u64, beside: u64) -> Plan {
        let StepCost { weights, gradients, moments, average, activations, batches, .. } = *cost;
        // The data set counts in what is held.
        let total = cost.tensors.saturating_add(beside).saturating_add(room.held);
        let data = data + batches;
        let known = weights + gradients + moments + average + activations + data;
        Plan {
            parameters: cost.parameters,
            batch,
            flops_per_step: cost.flops,
            memory: Memory {
                weights,
                gradients,
                moments,
                average,
                activations,
                data,
                workspace: total.saturating_sub(known),
                total,
                limit: room.limit,
            },
            fits: room.holds(total),
        }
    }
}

/// Refuses a run that would not fit, before its first step, and says what would.
///
/// # Errors
/// [`Error::User`](crate::Error::User) that names the largest batch and the largest pictures that fit; as [`Plan::new`].
pub fn check_training(config: &Config, source: &dyn Source) -> Result<()> {
    // What is read from files need not be held: it has the room that is left.
    let (room, shape, data) = (Room::now(), source.shape(), source.held());
    let batch = config.train.batch;
    let plan = Plan::within(room, config, shape, batch, data)?;
    if plan.fits {
        return Ok(());
    }
    let fits = |shape, batch| Plan::within(room, config, shape, batch, data).is_ok_and(|plan| plan.fits);
    let mut remedies = Vec::new();
    let shards = config.train.shards;
    // In units of the number of shards, which divides the batch.
    if let Some(most) = most(batch / shards, |each| fits(shape, each * shards)) {
        match shards {
            1 => remedies.push(format!("--batch {} or less", rounded_down(most))),
            _ => remedies.push(format!("--batch {}", rounded_down(most) * shards)),
        }
    }
    let fits_with = |shards, recompute| {
        let mut config = config.clone();
        (config.train.shards, config.train.recompute) = (shards, recompute);
        Plan::within(room, &config, shape, batch, data).is_ok_and(|plan| plan.fits)
    };
    let recompute = config.train.recompute;
    let finer = || shards_above(batch, shards);
    if !recompute.blocks() && fits_with(shards, Recompute::Blocks) {
        remedies.push("--set train.recompute=blocks".to_string());
    }
    if let Some(enough) = finer().find(|&finer| fits_with(finer, recompute)) {
        remedies.push(format!("--shards {enough}"));
    } else if let Some(enough) = finer().find(|&finer| fits_with(finer, Recompute::Blocks)) {
        remedies.push(format!("--shards {enough} --set train.recompute=blocks"));
    }
    let [channels, height, width] = shape;
    let multiple = config.model.backbone.size_multiple();
    let square = |sides: usize| [channels, sides * multiple, sides * multiple];
    if let Some(most) = most(height.min(width).div_ceil(multiple), |sides| fits(square(sides), batch)) {
        remedies.push(format!("--image-size {} or less", most * multiple));
    }
    remedies.push("a smaller network (--preset, --set)".to_string());
    let what = room.excess(plan.memory.total);
    let place = format!("--batch {batch}, pictures of {height}x{width}");
    Err(Error::config(what, place, format!("give {}", remedies.join(", or "))))
}

/// Whether a run on pictures of `source`, brought to squares of `side` pixels, would fit.
pub(crate) fn fits_at(config: &Config, source: &dyn Source, side: usize) -> bool {
    let (mut config, shape) = (config.clone(), [source.shape()[0], side, side]);
    let network = &mut config.model.backbone;
    network.set_pictures(network.in_channels(), network.out_channels(), SampleSize::Square(side));
    Plan::within(Room::now(), &config, shape, config.train.batch, source.held()).is_ok_and(|plan| plan.fits)
}

/// The finer cuts of a batch: powers of two that divide it.
fn shards_above(batch: usize, shards: usize) -> impl Iterator<Item = usize> {
    let cuts = std::iter::successors(Some(2 * shards), |shards| Some(2 * shards));
    cuts.take_while(move |&shards| shards <= batch && batch.is_multiple_of(shards))
}

/// The part of the memory that stays free beside a run and the pictures that it keeps, since a plan is not exact.
const SPARE: u64 = 16;

/// The most bytes of pictures that stay in memory beside a run which takes `alone`: what the configuration says; else what is
/// left, but for half of what the process may use.
fn most_in_memory(config: &Config, alone: &Memory) -> u64 {
    let decided = alone.limit.map_or(u64::MAX, |limit| {
        limit.saturating_sub(alone.total).saturating_sub(limit / SPARE).min(limit / 2)
    });
    config.data.cache().unwrap_or(decided)
}

/// The most bytes of `source`'s pictures that a run with this configuration, which is [resolved](Config::resolved), keeps in
/// memory.
///
/// # Errors
/// A `data.cache_mib` for which there is no room; as [`Plan::new`].
pub fn pictures_in_memory(config: &Config, source: &dyn Source) -> Result<u64> {
    let room = Room::now();
    let alone = Plan::within(room, config, source.shape(), config.train.batch, source.held())?;
    let most = most_in_memory(config, &alone.memory);
    let kept = most.min(source.bytes_to_hold());
    if room.holds(alone.memory.total.saturating_add(kept)) {
        return Ok(most);
    }
    let left = room.limit.map_or(0, |limit| limit.saturating_sub(alone.memory.total));
    Err(Error::config(
        format!("no room for {} of pictures in memory beside the run", readable_bytes(kept)),
        "data.cache_mib",
        format!("give {} or less, or leave it out", rounded_down((left >> 20) as usize)),
    ))
}

/// Refuses to measure steps of a network on batches that would not fit.
///
/// # Errors
/// As [`check_training`].
pub fn check_steps(model: &NetworkConfig, shape: [usize; 3], batch: usize) -> Result<()> {
    let mut config = Config { model: model.clone(), ..Config::default() };
    config.optimizer.rule = OptimConfig::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };
    let room = Room::now();
    let needs = |batch| Ok::<u64, Error>(rehearsal::training(&config, shape, batch, 0)?.tensors + room.held);
    let needed = needs(batch)?;
    if room.holds(needed) {
        return Ok(());
    }
    let remedy = match most(batch, |batch| needs(batch).is_ok_and(|needed| room.holds(needed))) {
        Some(most) => format!("give --batch {} or less", rounded_down(most)),
        None => "take a smaller network".to_string(),
    };
    Err(Error::config(room.excess(needed), format!("--batch {batch}"), remedy))
}

/// Refuses work on `n` pictures that does not fit: `at_a_time` go through the network at once, and `kept` bytes of each stay
/// until the end. Errors name the number by `option`.
///
/// # Errors
/// [`Error::User`](crate::Error::User) that names how many fit; [`Error::Nn`] for pictures that the network does not take.
pub fn check_pictures(
    model: &NetworkConfig,
    at_a_time: usize,
    n: usize,
    kept: u64,
    option: &str,
) -> Result<()> {
    let [height, width] = model.backbone.sample_size().map_or([0, 0], SampleSize::sides);
    if height == 0 || width == 0 {
        // A model for pictures of any size: it is asked for none yet.
        return Ok(());
    }
    let shape = [model.backbone.in_channels(), height, width];
    check_room(shape, rehearsal::inference(model, shape, at_a_time.min(n))?, n, kept, option)
}

/// Refuses work on `n` pictures of `shape` (channels, height, width) that takes `working` bytes at once, and of each of
/// which `kept` bytes stay until the end. Errors call the number by `option`.
///
/// # Errors
/// [`Error::User`](crate::Error::User) that names how many fit.
pub fn check_room(shape: [usize; 3], working: u64, n: usize, kept: u64, option: &str) -> Result<()> {
    let room = Room::now();
    let fixed = working.saturating_add(room.held);
    let needed = fixed.saturating_add((n as u64).saturating_mul(kept));
    if room.holds(needed) {
        return Ok(());
    }
    let left = room.limit.map_or(0, |limit| limit.saturating_sub(fixed));
    let most = left.checked_div(kept).map_or(0, |most| most as usize);
    let [_, height, width] = shape;
    let (place, remedy) = match most {
        0 => (
            format!("pictures of {height}x{width}"),
            "take smaller pictures, or a model of such, or give the process more memory".to_string(),
        ),
        most => (format!("{option} {n}"), format!("give {option} {} or less", rounded_down(most))),
    };
    Err(Error::config(room.excess(needed), place, remedy))
}

/// The largest number below `asked` that fits, if any does; all numbers below one that fits must fit.
fn most(asked: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut good, mut bad) = (0, asked);
    while bad > good + 1 {
        let middle = good + (bad - good) / 2;
        if fits(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    (good > 0).then_some(good)
}

/// The two leading digits, and zeros: a number that is easy to type.
fn rounded_down(n: usize) -> usize {
    let unit = 10usize.pow(n.max(1).ilog10().saturating_sub(1));
    n / unit * unit
}

/// A number of bytes in the unit that suits it, as `5.0 MiB`.
pub fn readable_bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit = (bytes.max(1).ilog2() / 10) as usize;
    let number = bytes as f64 / (1u64 << (10 * unit)) as f64;
    let digits = usize::from(unit > 0 && number < 9.95);
    format!("{number:.digits$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_in_two_digits_and_never_rounded_up() {
        assert_eq!([1, 9, 10, 99, 100, 1299, 123_456].map(rounded_down), [1, 9, 10, 99, 100, 1200, 120_000]);
        let bytes = [0, 1023, 1024, 5 << 20, 23 << 30, 41_000_000_000_000, u64::MAX];
        let expected = ["0 bytes", "1023 bytes", "1.0 KiB", "5.0 MiB", "23 GiB", "37 TiB", "16 EiB"];
        assert_eq!(bytes.map(readable_bytes), expected);
    }

    #[test]
    fn the_most_that_fits_is_found() {
        for most_that_fits in [1, 2, 63, 99] {
            assert_eq!(most(100, |n| n <= most_that_fits), Some(most_that_fits));
        }
        assert_eq!(most(100, |_| false), None);
        assert_eq!(most(1, |_| true), None);
    }

    #[test]
    fn parts_add_up_and_a_tight_room_is_not_enough() {
        let config = Config::preset("digits").unwrap();
        let plan = |limit| {
            let room = Room { limit: Some(limit), held: 20 << 20 };
            Plan::within(room, &config, [3, 32, 32], 16, 1000).unwrap()
        };
        let wide = plan(1 << 40);
        let Memory { weights, gradients, moments, average, activations, data, workspace, total, .. } =
            wide.memory;
        assert_eq!(weights + gradients + moments + average + activations + data + workspace, total);
        // Blocks are a little larger than what is in them.
        let about = |bytes: u64, numbers: usize| (1.0..1.02).contains(&(bytes as f64 / (4 * numbers) as f64));
        assert!(about(weights, wide.parameters) && about(moments, 2 * wide.parameters));
        assert!(about(average, wide.parameters));
        assert!(wide.fits && !plan(total - 1).fits && plan(total).fits);
    }
}
