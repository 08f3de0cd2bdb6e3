//! How results are written: numbers in tables, charts and pictures in files.

use crate::args::{ChartFile, PictureFile};
use crate::console::Console;
use crate::error::Result;
use crate::output;
use crate::report::Document;

/// About how many bytes it takes to measure the spectrum of a picture, for each of its numbers: as read, and as complex
/// numbers on both sides of the transform.
pub(super) const MEASURING: u64 = 64;

/// How many bytes of a picture's spectrum stay, for each pixel of its height and width: there are fewer rings than that,
/// each a number, once more while they are put together.
pub(super) const SPECTRUM: u64 = 16;

/// Writes the charts as what the file's ending asks for.
pub(super) fn write_charts(out: &ChartFile, document: &Document, console: Console) -> Result<()> {
    let text = match out {
        ChartFile::Svg(_) => document.svg(),
        ChartFile::Html(_) => document.html(),
    };
    output::write(out.path(), text.as_bytes())?;
    console.say(format!("in {}", out.path().display()));
    Ok(())
}

/// Writes the picture, or the page that it stands on.
pub(super) fn write_pictures(
    out: &PictureFile,
    png: &[u8],
    document: &Document,
    console: Console,
) -> Result<()> {
    match out {
        PictureFile::Png(path) => output::write(path, png)?,
        PictureFile::Html(path) => output::write(path, document.html().as_bytes())?,
    }
    console.say(format!("in {}", out.path().display()));
    Ok(())
}

/// Five digits, with an exponent where the number is small.
pub(super) fn digits(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_string(),
        size if size < 1e-3 => format!("{x:.3e}"),
        _ => format!("{x:.5}"),
    }
}
