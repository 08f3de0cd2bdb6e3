//! Folders of pictures, in any format that the `image` crate reads.

use super::fitted::{square, write_planes};
use super::{DataError, DataOptions, Memory, Source, Split};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use rayon::prelude::*;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sets up to this many bytes are decoded at once, and then held in memory.
const HELD: usize = 4 << 30;

/// What is in `folder`, by name, without hidden files.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let entries = fs::read_dir(folder).map_err(|error| DataError::unreadable(folder, error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| DataError::unreadable(folder, error))?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// The subfolder of `split`, if the folder holds `train/` and `test/` and neither pictures nor other classes.
pub(super) fn split_folder(
    folder: &Path,
    files: &[PathBuf],
    split: Split,
) -> Result<Option<PathBuf>, DataError> {
    let folders: Vec<&str> =
        files.iter().filter(|path| path.is_dir()).filter_map(|path| path.file_name()?.to_str()).collect();
    let splits = ["train", "test", "val", "valid", "validation"];
    let both = folders.contains(&"train") && folders.contains(&"test");
    if !both || folders.iter().any(|name| !splits.contains(name)) || !pictures(files)?.is_empty() {
        return Ok(None);
    }
    Ok(Some(folder.join(split.name())))
}

/// Which of `files` are pictures: those that are named so, and those that begin as pictures do.
fn pictures(files: &[PathBuf]) -> Result<Vec<PathBuf>, DataError> {
    let is_picture = |path: &PathBuf| -> Result<bool, DataError> {
        if !path.is_file() {
            return Ok(false);
        }
        if ImageFormat::from_path(path).is_ok_and(|format| format.reading_enabled()) {
            return Ok(true);
        }
        let file = File::open(path).map_err(|error| DataError::unreadable(path, error))?;
        let mut start = Vec::new();
        file.take(64).read_to_end(&mut start).map_err(|error| DataError::unreadable(path, error))?;
        Ok(image::guess_format(&start).is_ok_and(|format| format.reading_enabled()))
    };
    let known = files.par_iter().map(is_picture).collect::<Result<Vec<bool>, _>>()?;
    Ok(files.iter().zip(known).filter(|(_, known)| *known).map(|(path, _)| path.clone()).collect())
}

/// The pictures of `folder` (which holds `files`): a class for each subfolder that has some, or one class.
pub(super) fn open(
    folder: &Path,
    entries: &[PathBuf],
    options: &DataOptions,
) -> Result<Arc<dyn Source>, DataError> {
    let (mut paths, mut labels, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    for class in entries.iter().filter(|path| path.is_dir()) {
        let found = pictures(&files(class)?)?;
        if found.is_empty() {
            continue;
        }
        labels.extend(vec![classes.len(); found.len()]);
        classes.push(name(class));
        paths.extend(found);
    }
    let loose = pictures(entries)?;
    if let (Some(picture), Some(class)) = (loose.first(), classes.first()) {
        let what = format!("picture beside subfolders of pictures (such as {class}/)");
        return Err(DataError::malformed(picture, what, "move it into the subfolder of its class"));
    }
    if classes.is_empty() {
        labels = vec![0; loose.len()];
        classes.push(name(folder));
        paths = loose;
    }
    if paths.is_empty() {
        return Err(DataError::Empty { path: folder.to_path_buf() });
    }
    of_files(paths, labels, classes, options)
}

/// The picture of one file.
pub(super) fn open_picture(path: &Path, options: &DataOptions) -> Result<Arc<dyn Source>, DataError> {
    of_files(vec![path.to_path_buf()], vec![0], vec![name(path)], options)
}

/// These files, of which there is at least one; the first decides on colour and size.
fn of_files(
    paths: Vec<PathBuf>,
    labels: Vec<usize>,
    classes: Vec<String>,
    options: &DataOptions,
) -> Result<Arc<dyn Source>, DataError> {
    let first = decode(&paths[0])?;
    let grey = !first.color().has_color();
    let channels = options.channels.unwrap_or(if grey { 1 } else { 3 });
    let size = [first.height() as usize, first.width() as usize];
    let [height, width] = options.image_size.map_or(size, |side| [side, side]);
    let files = Files { paths, labels, classes, shape: [channels, height, width], crop: options.image_size };
    files.hold()
}

fn name(folder: &Path) -> String {
    folder.file_name().map_or_else(|| "pictures".to_string(), |name| name.to_string_lossy().into_owned())
}

/// Pictures that stay in their files until they are read.
struct Files {
    paths: Vec<PathBuf>,
    labels: Vec<usize>,
    classes: Vec<String>,
    shape: [usize; 3],
    crop: Option<usize>,
}

impl Files {
    /// The set in memory, if it is not too large.
    fn hold(self) -> Result<Arc<dyn Source>, DataError> {
        let each: usize = self.shape.iter().product();
        let total = each.checked_mul(self.paths.len()).filter(|&total| total <= HELD);
        let Some(total) = total else { return Ok(Arc::new(self)) };
        let mut bytes = vec![0; total];
        let read: Vec<Result<usize, DataError>> =
            bytes.par_chunks_mut(each).enumerate().map(|(index, out)| self.read(index, out)).collect();
        read.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Arc::new(Memory::new(self.shape, bytes, self.labels, self.classes)))
    }
}

impl Source for Files {
    fn len(&self) -> usize {
        self.paths.len()
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        let Some(path) = self.paths.get(index) else {
            return Err(DataError::Index { index, pictures: self.len() });
        };
        let mut picture = decode(path)?;
        let [channels, height, width] = self.shape;
        if let Some(side) = self.crop {
            picture = square(&picture, side as u32);
        }
        let found = [picture.width() as usize, picture.height() as usize];
        if found != [width, height] {
            return Err(DataError::Sizes { path: path.clone(), found, expected: [width, height] });
        }
        write_planes(&picture, channels, out);
        Ok(self.labels[index])
    }
}

/// A picture as one sees it: turned as its camera says, and laid on white where it is transparent.
pub(super) fn decode(path: &Path) -> Result<DynamicImage, DataError> {
    let open = || -> image::ImageResult<DynamicImage> {
        let mut reader = ImageReader::new(BufReader::new(File::open(path)?)).with_guessed_format()?;
        if reader.format().is_none()
            && let Ok(format) = ImageFormat::from_path(path)
        {
            // TGA files do not begin in any way of their own.
            reader.set_format(format);
        }
        // The limits hold a header to what a picture can be; a larger one is refused before it is allocated.
        let limits = image::Limits::default();
        reader.limits(limits.clone());
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut limits = limits;
        limits.reserve(decoder.total_bytes())?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        Ok(picture)
    };
    let picture = open().map_err(|error| match error {
        image::ImageError::IoError(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => {
            DataError::unreadable(path, source)
        }
        error => {
            let what = format!("picture that does not decode ({})", one_line(&error.to_string()));
            DataError::malformed(path, what, "mend or remove it")
        }
    })?;
    if picture.width() == 0 || picture.height() == 0 {
        return Err(DataError::malformed(path, "picture without pixels", "mend or remove it"));
    }
    Ok(if picture.color().has_alpha() { on_white(&picture) } else { picture })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn on_white(picture: &DynamicImage) -> DynamicImage {
    let had_color = picture.color().has_color();
    let mut pixels = picture.to_rgba8();
    for pixel in pixels.pixels_mut() {
        let [.., alpha] = pixel.0;
        for value in &mut pixel.0[..3] {
            let over = u32::from(*value) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
            *value = ((over + 127) / 255) as u8;
        }
        pixel.0[3] = 255;
    }
    let opaque = DynamicImage::ImageRgba8(pixels);
    if had_color { opaque.to_rgb8().into() } else { opaque.to_luma8().into() }
}
