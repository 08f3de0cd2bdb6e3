//! `tweedie inspect forward`: pictures that drown, with the root and without.

use super::pictures;
use super::results::{digits, write_pictures};
use super::schedule::build;
use crate::args::InspectForwardArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::output;
use crate::pictures::{Canvas, Layout, Pictures, encode_png};
use crate::report::Document;
use serde::Serialize;
use tweedie_diffusion::Schedule;
use tweedie_diffusion::purpose;
use tweedie_tensor::random;
use tweedie_tensor::{Tensor, ops};
use tweedie_train::data::read_batch;
use tweedie_train::plan::check_room;

/// About how many bytes a number of a noisy picture takes: itself, once more while it is drawn, and its pixel in the strip.
const COLUMN: u64 = 16;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Noised {
    source: String,
    n: usize,
    schedule: &'static str,
    timesteps: usize,
    times: Vec<Time>,
}

/// A column of the strip.
#[derive(Debug, Serialize)]
struct Time {
    /// Counted from 1.
    t: usize,
    #[serde(flatten)]
    right: Kernel,
    without_root: Kernel,
}

/// x_t = signal · x_0 + noise · ε.
#[derive(Debug, Clone, Copy, Serialize)]
struct Kernel {
    signal: f64,
    noise: f64,
    /// Of x_t, for pictures of variance 1.
    variance: f64,
}

impl Kernel {
    fn of(schedule: &Schedule, t: usize) -> Kernel {
        let level = schedule.level(t - 1);
        let variance = level.signal * level.signal + level.noise * level.noise;
        Kernel { signal: level.signal, noise: level.noise, variance }
    }
}

/// Prints the levels, and draws the strip.
///
/// # Errors
/// Whatever the user can mend.
pub(super) fn forward(args: &InspectForwardArgs, seed: u64, console: Console) -> Result<()> {
    let schedule = build(args.schedule, args.timesteps)?;
    let without = schedule.without_root()?;
    let times = times(&args.t, args.timesteps)?;
    let (source, name) = pictures::open(&args.pictures, console)?;
    if let Some(out) = &args.out {
        output::claim_file(out.path(), "--out")?;
    }
    let drawn = pictures::drawn(args.n as usize, source.len(), seed)?;
    let numbers = source.shape().iter().product::<usize>() * (1 + times.len());
    check_room(source.shape(), 0, drawn.len(), COLUMN * numbers as u64, "--n")?;
    let x0 = read_batch(&*source, &drawn)?.x;
    let noised = Noised {
        source: name,
        n: x0.dims()[0],
        schedule: args.schedule.name(),
        timesteps: args.timesteps,
        times: times
            .iter()
            .map(|&t| Time { t, right: Kernel::of(&schedule, t), without_root: Kernel::of(&without, t) })
            .collect(),
    };
    noised.print(console)?;
    if let Some(out) = &args.out {
        let strips = [strip(&schedule, &x0, &times, seed)?, strip(&without, &x0, &times, seed)?];
        let png = stacked(&strips)?;
        let captions = ["x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε", "without the root: each step multiplies by 1 − β_t"];
        let names: Vec<String> = times.iter().map(ToString::to_string).collect();
        let mut document = Document {
            title: format!("{}, noised by the schedule {}", noised.source, args.schedule),
            ..Document::default()
        };
        for (canvas, caption) in strips.iter().zip(captions) {
            let png = encode_png(&canvas.bytes, canvas.colour, canvas.height, canvas.width)?;
            document.pictures.push((png, format!("{caption}; x_0, then t = {}", names.join(", "))));
        }
        write_pictures(out, &png, &document, console)?;
    }
    console.result(&noised)
}

/// The times that were given, or eight.
fn times(asked: &[usize], last: usize) -> Result<Vec<usize>> {
    if let Some(t) = asked.iter().find(|t| !(1..=last).contains(*t)) {
        return Err(Failure::user(
            format!("t = {t} is outside the schedule"),
            "--t",
            format!("give times from 1 to {last}"),
        ));
    }
    if !asked.is_empty() {
        return Ok(asked.to_vec());
    }
    let mut times: Vec<usize> = [1, 2, 4, 6, 8, 12, 16, 20].map(|share| (share * last / 20).max(1)).to_vec();
    times.dedup();
    Ok(times)
}

/// A row for each picture: x_0, then x_t at each time, with the same noise throughout.
fn strip(schedule: &Schedule, x0: &Tensor<f32>, times: &[usize], seed: u64) -> Result<Canvas> {
    let n = x0.dims()[0];
    let noise = random::normal(*x0.shape(), seed, purpose::NOISE, 0, 0);
    let mut columns = vec![x0.clone()];
    for &t in times {
        let x_t = schedule.q_sample(x0, &vec![t - 1; n], &noise)?;
        columns.push(x_t);
    }
    let mut all = None;
    for row in 0..n {
        for column in &columns {
            let picture = ops::narrow(column, 0, row, 1)?;
            match &mut all {
                None => all = Some(Pictures::from_tensor(&picture)?),
                Some(pictures) => Pictures::append(pictures, &Pictures::from_tensor(&picture)?)?,
            }
        }
    }
    let Some(all) = all else { return Err(Failure::user("no pictures", "--n", "give at least 1")) };
    Ok(Layout::new(all.len(), columns.len(), all.height, all.width).draw(&all))
}

/// Two strips of one size as one picture, a white bar between.
fn stacked([above, below]: &[Canvas; 2]) -> Result<Vec<u8>> {
    const BAR: usize = 10;
    let bar = vec![255; BAR * above.width * above.colour.bytes()];
    let bytes = [&above.bytes[..], &bar, &below.bytes].concat();
    encode_png(&bytes, above.colour, above.height + BAR + below.height, above.width)
}

impl Noised {
    fn print(&self, console: Console) -> Result<()> {
        console.print(format!("{:>42}{:>33}", "with the root", "without the root"))?;
        console.print(format!(
            "{:>9} {:>10} {:>10} {:>10}  {:>10} {:>10} {:>10}",
            "t", "signal", "noise", "variance", "signal", "noise", "variance"
        ))?;
        for Time { t, right, without_root } in &self.times {
            let numbers = |kernel: &Kernel| {
                let [s, n, v] = [kernel.signal, kernel.noise, kernel.variance].map(digits);
                format!("{s:>10} {n:>10} {v:>10}")
            };
            console.print(format!("{t:>9} {}  {}", numbers(right), numbers(without_root)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_asked_for_or_eight() -> Result<()> {
        assert_eq!(times(&[3, 1], 3)?, [3, 1]);
        assert_eq!(times(&[], 1000)?, [50, 100, 200, 300, 400, 600, 800, 1000]);
        assert_eq!(times(&[], 2)?, [1, 2]);
        assert!(times(&[0], 3).is_err() && times(&[4], 3).is_err());
        Ok(())
    }
}
