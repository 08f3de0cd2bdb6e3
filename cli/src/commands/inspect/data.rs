//! `tweedie inspect data`: what a data set holds.

use super::pictures;
use super::results::{MEASURING, SPECTRUM, digits, write_pictures};
use crate::args::{InspectDataArgs, PicturePlace};
use crate::console::Console;
use crate::error::{Failure, Result};
use crate::output;
use crate::pictures::{Colour, Pictures, columns_for, encode_png, grid_png};
use crate::progress::Progress;
use crate::report::{Chart, Document, Mark, Series, grouped};
use serde::Serialize;
use std::path::Path;
use tweedie_diffusion::spectrum::{Bands, PowerLaw, mean_spectrum};
use tweedie_tensor::{Tensor, ops};
use tweedie_train::data::{self, Source, Split, read_batch};
use tweedie_train::plan::check_room;

/// Numbers of the pictures that are read at a time: 256 of 3×32×32, fewer of larger ones, but one.
const AT_A_TIME: usize = 256 * 3 * 32 * 32;
/// Rows of the grid.
const ROWS: usize = 8;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    data: &'a str,
    split: &'static str,
    /// Pictures in the set.
    pictures: usize,
    /// Pictures that everything below is about.
    n: usize,
    /// Channels, height and width.
    shape: [usize; 3],
    classes: Vec<Class>,
    /// Over pixels of each channel.
    mean: Vec<f64>,
    variance: Vec<f64>,
    alpha: Option<f64>,
    alpha_std_error: Option<f64>,
    frequencies: Vec<f64>,
    power: Vec<f64>,
    power_std_error: Vec<Option<f64>>,
}

#[derive(Debug, Serialize)]
struct Class {
    name: String,
    count: usize,
}

/// Reads the pictures once, and says what they are.
///
/// # Errors
/// Whatever the user can mend.
pub(super) fn data(args: &InspectDataArgs, seed: u64, console: Console) -> Result<()> {
    let split = Split::from(args.split);
    let options = pictures::options(args.image_size, &args.set)?;
    let source = data::open(args.data(), split, &options)?;
    pictures::note(&*source, console);
    match &args.out {
        Some(PicturePlace::File(file)) => output::claim_file(file.path(), "--out")?,
        Some(PicturePlace::Folder(folder)) => output::claim_folder(folder, "--out")?,
        None => {}
    }
    if args.out.is_some() {
        Colour::of_channels(source.shape()[0])?;
    }
    let n = args.n.map_or(source.len(), |n| n as usize).min(source.len());
    check_memory(&*source, n)?;
    let at_a_time = (AT_A_TIME / source.shape().iter().product::<usize>().max(1)).clamp(1, 256);
    let mut tally = Tally::new(&*source)?;
    let mut progress = Progress::new(console);
    for indices in pictures::drawn(n, source.len(), seed)?.chunks(at_a_time) {
        let batch = read_batch(&*source, indices)?;
        if let Some(PicturePlace::Folder(folder)) = &args.out {
            write_each(folder, tally.labels, n, &batch.x)?;
        }
        tally.add(&batch.x, &batch.labels)?;
        progress.update(tally.labels as f64 / n as f64, || format!("{} of {n} pictures", tally.labels));
    }
    progress.finish();
    let summary = tally.summary(args.data(), split, &*source)?;
    summary.print(console)?;
    match &args.out {
        Some(PicturePlace::File(file)) => {
            let png = tally.grid()?;
            let document = summary.document(png.clone());
            write_pictures(file, &png, &document, console)?;
        }
        Some(PicturePlace::Folder(folder)) => console.say(format!("in {}", folder.display())),
        None => {}
    }
    console.result(&summary)
}

/// Refuses pictures that would not fit: a batch of them, the pictures of the grid, and the spectrum of each.
fn check_memory(source: &dyn Source, n: usize) -> Result<()> {
    let [channels, height, width] = source.shape();
    let numbers = (channels * height * width) as u64;
    let kept = (ROWS * source.classes().len().max(ROWS)).min(n) as u64;
    let working = MEASURING * numbers.max(AT_A_TIME as u64) + size_of::<f32>() as u64 * kept * numbers;
    Ok(check_room(source.shape(), working, n, SPECTRUM * (height + width) as u64, "--n")?)
}

/// Writes a PNG per picture, the first one being number `first` of `n`: numbers of one width, so that names sort as
/// numbers do.
fn write_each(folder: &Path, first: usize, n: usize, x: &Tensor<f32>) -> Result<()> {
    let width = n.saturating_sub(1).to_string().len().max(4);
    let pictures = Pictures::from_tensor(x)?;
    for i in 0..pictures.len() {
        let png = encode_png(pictures.get(i), pictures.colour, pictures.height, pictures.width)?;
        output::write(&folder.join(format!("{:0width$}.png", first + i)), &png)?;
    }
    Ok(())
}

/// What is counted and kept of the pictures as they are read.
struct Tally {
    bands: Bands,
    labels: usize,
    counts: Vec<usize>,
    /// Of each channel: Σ x and Σ x² over pixels.
    sums: Vec<[f64; 2]>,
    spectra: Vec<f64>,
    /// The first pictures of each class.
    kept: Vec<Vec<Tensor<f32>>>,
}

impl Tally {
    fn new(source: &dyn Source) -> Result<Tally> {
        let [channels, height, width] = source.shape();
        let classes = source.classes().len();
        Ok(Tally {
            bands: Bands::new(height, width)?,
            labels: 0,
            counts: vec![0; classes],
            sums: vec![[0.0; 2]; channels],
            spectra: Vec::new(),
            kept: vec![Vec::new(); classes],
        })
    }

    fn add(&mut self, x: &Tensor<f32>, labels: &[usize]) -> Result<()> {
        let (channels, area) = (self.sums.len(), x.dims()[2] * x.dims()[3]);
        for (plane, values) in x.as_slice().chunks_exact(area).enumerate() {
            let sums = &mut self.sums[plane % channels];
            for &value in values {
                sums[0] += f64::from(value);
                sums[1] += f64::from(value) * f64::from(value);
            }
        }
        let spectra = self.bands.spectra(x)?;
        self.spectra.extend_from_slice(spectra.as_slice());
        let classes = self.counts.len();
        let most = if classes > 1 { ROWS } else { ROWS * ROWS };
        for (i, &label) in labels.iter().enumerate() {
            self.counts[label] += 1;
            if self.kept[label].len() < most {
                self.kept[label].push(ops::narrow(x, 0, i, 1)?);
            }
        }
        self.labels += labels.len();
        Ok(())
    }

    fn summary<'a>(&self, data: &'a str, split: Split, source: &dyn Source) -> Result<Summary<'a>> {
        let [_, height, width] = source.shape();
        let pixels = (self.labels * height * width) as f64;
        let mean = mean_spectrum(&Tensor::from_slice([self.labels, self.bands.len()], &self.spectra)?);
        let power: Vec<f64> = mean.iter().map(|mean| mean.mean).collect();
        let law = PowerLaw::fit(self.bands.frequencies(), &power);
        let classes = source.classes().iter().zip(&self.counts);
        Ok(Summary {
            data,
            split: split.name(),
            pictures: source.len(),
            n: self.labels,
            shape: source.shape(),
            classes: classes.map(|(name, &count)| Class { name: name.clone(), count }).collect(),
            mean: self.sums.iter().map(|sums| sums[0] / pixels).collect(),
            variance: self
                .sums
                .iter()
                .map(|sums| (sums[1] / pixels - (sums[0] / pixels).powi(2)).max(0.0))
                .collect(),
            alpha: law.map(|law| law.alpha),
            alpha_std_error: law.map(|law| law.std_error),
            frequencies: self.bands.frequencies().to_vec(),
            power,
            power_std_error: mean.iter().map(|mean| mean.std_error).collect(),
        })
    }

    /// A column for each class where each has some, else a square.
    fn grid(&self) -> Result<Vec<u8>> {
        let classes: Vec<&Vec<Tensor<f32>>> = self.kept.iter().filter(|kept| !kept.is_empty()).collect();
        let rows = classes.iter().map(|kept| kept.len()).min().unwrap_or(0);
        let mut pictures_of_grid = match classes.len() {
            2..=20 => (0..rows).flat_map(|row| classes.iter().map(move |kept| &kept[row])).collect(),
            _ => classes.iter().flat_map(|kept| kept.iter()).take(ROWS * ROWS).collect::<Vec<_>>(),
        }
        .into_iter();
        let Some(first) = pictures_of_grid.next() else {
            return Err(Failure::user("no pictures", "--n", "give at least 1"));
        };
        let mut pictures = Pictures::from_tensor(first)?;
        pictures_of_grid.try_for_each(|picture| pictures.append(&Pictures::from_tensor(picture)?))?;
        let columns = match classes.len() {
            columns @ 2..=20 => columns,
            _ => columns_for(pictures.len(), None),
        };
        grid_png(&pictures, columns)
    }
}

impl Summary<'_> {
    fn print(&self, console: Console) -> Result<()> {
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
        console.print(format!("alpha     {}", self.exponent()))?;
        let width = self.classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0);
        for class in self.classes.iter().take(100) {
            console.print(format!("{:>8}  {:width$}", class.count, class.name))?;
        }
        if self.classes.len() > 100 {
            console.print(format!("and {} more classes; --json has them all", self.classes.len() - 100))?;
        }
        Ok(())
    }

    fn exponent(&self) -> String {
        match (self.alpha, self.alpha_std_error) {
            (Some(alpha), Some(error)) => format!("{alpha:.3} ± {error:.3}"),
            _ => "unknown: too few frequencies".to_string(),
        }
    }

    fn document(&self, grid: Vec<u8>) -> Document {
        let points = self.frequencies.iter().copied().zip(self.power.iter().copied()).skip(1).collect();
        let counts = self.classes.iter().enumerate().map(|(i, class)| (i as f64, class.count as f64));
        Document {
            title: format!("{}, {}", self.data, self.split),
            facts: vec![
                (grouped(self.pictures as u64), "pictures"),
                (grouped(self.n as u64), "looked at"),
                (self.shape.map(|side| side.to_string()).join(" × "), "channels, height, width"),
                (self.classes.len().to_string(), "classes"),
                (self.exponent(), "α of the spectrum"),
            ],
            pictures: vec![(grid, "some of each class".to_string())],
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
