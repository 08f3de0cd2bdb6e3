//! `tweedie inspect data`: what a data set holds.

mod summary;
mod tally;

use super::pictures;
use super::results::{MEASURING, SPECTRUM, write_pictures};
use crate::args::{InspectDataArgs, PicturePlace};
use crate::console::Console;
use crate::error::Result;
use crate::output;
use crate::pictures::{Colour, Pictures, encode_png};
use crate::progress::Progress;
use std::path::Path;
use tally::{ROWS, Tally};
use tweedie_tensor::Tensor;
use tweedie_train::data::{self, Repeats, Source, Split, read_batch};
use tweedie_train::plan::check_room;

/// Numbers of the pictures that are read at a time: 256 of 3×32×32, fewer of larger ones, but one.
const AT_A_TIME: usize = 256 * 3 * 32 * 32;

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
        Colour::of_shape(source.shape())?;
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
        tally.add(indices, &batch.x, &batch.labels)?;
        progress.update(tally.labels as f64 / n as f64, || format!("{} of {n} pictures", tally.labels));
    }
    progress.busy("looking for pictures that repeat others", false);
    let repeats = tally.find_repeats();
    progress.finish();
    let summary = tally.summary(args.data(), split, &*source, repeats)?;
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
    let of_each = SPECTRUM * (height + width) as u64 + Repeats::bytes_kept(source.shape());
    Ok(check_room(source.shape(), working, n, of_each, "--n")?)
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
