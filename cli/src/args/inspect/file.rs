//! `--out` of `inspect`: the ending tells what is written.

use std::path::{Path, PathBuf};

/// A file of charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChartFile {
    /// The charts as one drawing.
    Svg(PathBuf),
    /// A page with the charts and figures.
    Html(PathBuf),
}

impl ChartFile {
    /// Tells by the ending.
    pub(super) fn parse(text: &str) -> Result<ChartFile, String> {
        let path = PathBuf::from(text);
        match ending(&path).as_deref() {
            Some("svg") => Ok(ChartFile::Svg(path)),
            Some("html") => Ok(ChartFile::Html(path)),
            Some("png") => {
                Err("charts are lines, not pixels: write FILE.svg for a drawing or FILE.html for a page"
                    .into())
            }
            _ => Err("write FILE.svg for a drawing or FILE.html for a page".into()),
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        match self {
            ChartFile::Svg(path) | ChartFile::Html(path) => path,
        }
    }
}

/// A file of pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PictureFile {
    /// The pictures as one.
    Png(PathBuf),
    /// A page with the pictures and figures.
    Html(PathBuf),
}

impl PictureFile {
    /// Tells by the ending.
    pub(super) fn parse(text: &str) -> Result<PictureFile, String> {
        let path = PathBuf::from(text);
        match ending(&path).as_deref() {
            Some("png") => Ok(PictureFile::Png(path)),
            Some("html") => Ok(PictureFile::Html(path)),
            Some("svg") => {
                Err("pictures are pixels, not lines: write FILE.png for the pictures or FILE.html for a page"
                    .into())
            }
            _ => Err("write FILE.png for the pictures or FILE.html for a page".into()),
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        match self {
            PictureFile::Png(path) | PictureFile::Html(path) => path,
        }
    }
}

/// A file of pictures, or a folder of files of one each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PicturePlace {
    File(PictureFile),
    Folder(PathBuf),
}

impl PicturePlace {
    /// Tells by the ending; a folder ends in `/`, or is there.
    pub(super) fn parse(text: &str) -> Result<PicturePlace, String> {
        let path = PathBuf::from(text);
        if text.ends_with('/') || path.is_dir() {
            return Ok(PicturePlace::Folder(path));
        }
        match PictureFile::parse(text) {
            Ok(file) => Ok(PicturePlace::File(file)),
            Err(message) => Err(format!("{message}, or DIR/ for a PNG per picture")),
        }
    }
}

fn ending(path: &Path) -> Option<String> {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase())
}
