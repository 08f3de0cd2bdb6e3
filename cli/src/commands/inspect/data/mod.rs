//! `tweedie inspect data`: what a data set holds.

mod folders;
mod summary;
mod tally;

use super::pictures;
use super::results::{MEASURING, SPECTRUM, write_pictures};
use crate::args::{InspectDataArgs, PicturePlace};
use crate::console::Console;
use crate::error::Result;
use crate::output;
use crate::pictures::Colour;
use crate::progress::Progress;
use folders::Folders;
use tally::{ROWS, Tally};
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
    if args.out.is_some() {
        Colour::of_shape(source.shape())?;
    }
    let n = args.n.map_or(source.len(), |n| n as usize).min(source.len());
    check_memory(&*source, n)?;
    let folders = match &args.out {
        Some(PicturePlace::File(file)) => output::claim_file(file.path(), "--out").map(|()| None)?,
        Some(PicturePlace::Folder(folder)) => Some(Folders::make(folder, source.classes(), n)?),
        None => None,
    };
    let at_a_time = (AT_A_TIME / source.shape().iter().product::<usize>().max(1)).clamp(1, 256);
    let mut tally = Tally::new(&*source)?;
    let mut progress = Progress::new(console);
    for indices in pictures::drawn(n, source.len(), seed)?.chunks(at_a_time) {
        let batch = read_batch(&*source, indices)?;
        if let Some(folders) = &folders {
            folders.write(tally.labels, &batch.x, &batch.labels)?;
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
