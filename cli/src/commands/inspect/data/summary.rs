//! What a data set holds, in words, as numbers and on a page.

use super::super::results::digits;
use crate::console::Console;
use crate::counted::counted_as;
use crate::error::Result;
use crate::report::{Chart, Document, Mark, Series, grouped};
use serde::Serialize;
use tweedie_train::data::{Found, Repeat};

/// How much pictures that are nearly the same differ at most, of the range from black to white.
pub(super) const NEARLY: f64 = 0.02;
/// Repeated pictures that are named on the terminal.
const NAMED: usize = 5;

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    pub(super) data: &'a str,
    pub(super) split: &'static str,
    /// Pictures in the set.
    pub(super) pictures: usize,
    /// Pictures that everything below is about.
    pub(super) n: usize,
    /// Channels, height and width.
    pub(super) shape: [usize; 3],
    pub(super) classes: Vec<Class>,
    /// Over pixels of each channel.
    pub(super) mean: Vec<f64>,
    pub(super) variance: Vec<f64>,
    pub(super) std: Vec<f64>,
    pub(super) least: Vec<f32>,
    pub(super) greatest: Vec<f32>,
    pub(super) alpha: Option<f64>,
    pub(super) alpha_std_error: Option<f64>,
    pub(super) frequencies: Vec<f64>,
    pub(super) power: Vec<f64>,
    pub(super) power_std_error: Vec<Option<f64>>,
    /// Pictures that repeat others, by their numbers in the set.
    pub(super) repeats: Found,
}

#[derive(Debug, Serialize)]
pub(super) struct Class {
    pub(super) name: String,
    pub(super) count: usize,
}

impl Summary<'_> {
    pub(super) fn print(&self, console: Console) -> Result<()> {
        let [c, h, w] = self.shape;
        let of = if self.n < self.pictures { format!(" (looked at {})", self.n) } else { String::new() };
        let pictures = if self.pictures == 1 { "picture" } else { "pictures" };
        let classes = if self.classes.len() == 1 { "class" } else { "classes" };
        console.print(format!(
            "{}, {}: {} {pictures}{of} of {c} × {h} × {w}, {} {classes}",
            self.data,
            self.split,
            self.pictures,
            self.classes.len()
        ))?;
        let join = |values: &[f64]| values.iter().map(|&x| digits(x)).collect::<Vec<_>>().join(", ");
        console.print(format!("mean      {}", join(&self.mean)))?;
        console.print(format!("variance  {}", join(&self.variance)))?;
        console.print(format!("std       {}", join(&self.std)))?;
        let ranges: Vec<String> = self
            .least
            .iter()
            .zip(&self.greatest)
            .map(|(&least, &greatest)| {
                format!("{} to {}", digits(f64::from(least)), digits(f64::from(greatest)))
            })
            .collect();
        console.print(format!("range     {}", ranges.join(", ")))?;
        console.print(format!("alpha     {}", self.exponent()))?;
        self.print_repeats(console)?;
        let width = self.classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0);
        for class in self.classes.iter().take(100) {
            console.print(format!("{:>8}  {:width$}", class.count, class.name))?;
        }
        if self.classes.len() > 100 {
            console.print(format!("and {} more classes; --json has them all", self.classes.len() - 100))?;
        }
        Ok(())
    }

    /// How many pictures are there twice, and some of them.
    fn print_repeats(&self, console: Console) -> Result<()> {
        let Found { exact, near, compared } = &self.repeats;
        let others = |repeats: &[Repeat]| {
            let count = repeats.iter().filter(|repeat| !repeat.same_class).count();
            if count == 0 { String::new() } else { format!(", {} of another class", grouped(count as u64)) }
        };
        let named = |repeats: &[Repeat]| {
            let pairs: Vec<String> = repeats
                .iter()
                .take(NAMED)
                .map(|repeat| format!("{} and {}", repeat.picture, repeat.of))
                .collect();
            let more = if repeats.len() > NAMED { ", …" } else { "" };
            if pairs.is_empty() { String::new() } else { format!(": {}{more}", pairs.join(", ")) }
        };
        console.print(format!(
            "same      {} as an earlier one{}{}",
            counted_as(exact.len(), "picture is the same", "pictures are the same"),
            others(exact),
            named(exact)
        ))?;
        let of = if *compared < self.n - exact.len() {
            format!(" (of the first {})", grouped(*compared as u64))
        } else {
            String::new()
        };
        console.print(format!(
            "near      {}{of}: means of 8 × 8 parts differ by less than {:.0} % of the range{}{}",
            counted_as(near.len(), "more is nearly so", "more are nearly so"),
            100.0 * NEARLY,
            others(near),
            named(near)
        ))
    }

    fn exponent(&self) -> String {
        match (self.alpha, self.alpha_std_error) {
            (Some(alpha), Some(error)) => format!("{alpha:.3} ± {error:.3}"),
            _ => "unknown: too few frequencies".to_string(),
        }
    }

    pub(super) fn document(&self, grid: Vec<u8>) -> Document {
        let points = self.frequencies.iter().copied().zip(self.power.iter().copied()).skip(1).collect();
        let counts = self.classes.iter().enumerate().map(|(i, class)| (i as f64, class.count as f64));
        Document {
            title: format!("{}, {}", self.data, self.split),
            facts: vec![
                (grouped(self.pictures as u64), "pictures"),
                (grouped(self.n as u64), "looked at"),
                (self.shape.map(|side| side.to_string()).join(" × "), "channels, height, width"),
                (self.classes.len().to_string(), "classes"),
                (grouped(self.repeats.exact.len() as u64), "the same as another"),
                (grouped(self.repeats.near.len() as u64), "nearly the same as another"),
                (self.exponent(), "α of the spectrum"),
            ],
            pictures: vec![(grid, "some of each class".to_string())],
            drawings: Vec::new(),
            charts: vec![
                Chart {
                    title: "power of each ring of frequencies",
                    across: "cycles a pixel",
                    log: true,
                    log_across: true,
                    series: vec![Series { name: Some("power".into()), points, ..Series::default() }],
                },
                Chart {
                    title: "pictures of each class",
                    across: "class",
                    series: vec![Series {
                        name: Some("pictures".into()),
                        mark: Mark::Dots,
                        points: counts.collect(),
                        ..Series::default()
                    }],
                    ..Chart::default()
                },
            ],
        }
    }
}
