//! One picture from one file, in any format that the `image` crate reads.

use super::convention::Convention;
use super::error::DataError;
use super::numbers::Range;
use super::{bounds, whole};
use image::metadata::Orientation;
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Rgb32FImage,
};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, ErrorKind, Read, Seek};
use std::path::Path;

const MEND: &str = "mend or remove it";

/// A picture as one sees it; by this program's convention turned as its camera says, and laid on white where it is
/// transparent.
///
/// # Errors
/// [`DataError::Malformed`] for a picture that does not decode, or not whole, or that takes more than a picture may;
/// [`DataError::Unreadable`] when the system refuses the file.
pub(super) fn decode(path: &Path, convention: Convention) -> Result<DynamicImage, DataError> {
    decode_read(&bounds::read(path)?, path, convention)
}

/// [`decode`] of `bytes`, which were read from `path`.
pub(super) fn decode_read(
    bytes: &[u8],
    path: &Path,
    convention: Convention,
) -> Result<DynamicImage, DataError> {
    let (pixels, decoded) = size_of(reader(Cursor::new(bytes), path)).map_err(|error| broken(path, error))?;
    let [width, height] = pixels;
    let many = u64::from(width) * u64::from(height);
    if many > bounds::PIXELS || decoded > bounds::DECODED {
        let what = format!(
            "picture of {width}x{height} pixels, which take {} MiB (at most {} million pixels and {} MiB are read)",
            decoded >> 20,
            bounds::PIXELS / 1_000_000,
            bounds::DECODED >> 20
        );
        return Err(DataError::malformed(path, what, "scale it down"));
    }
    if decoded > bounds::FREE && decoded / bounds::RATIO > bytes.len() as u64 {
        let what = format!(
            "picture that claims {width}x{height} pixels in a file of {} bytes, which is less than any takes",
            bytes.len()
        );
        return Err(DataError::malformed(path, what, MEND));
    }
    // The file, what it decodes to, and copies on the way to bytes.
    bounds::in_turn(bytes.len() as u64 + 3 * decoded, || decode_bytes(bytes, path, convention))
}

fn decode_bytes(bytes: &[u8], path: &Path, convention: Convention) -> Result<DynamicImage, DataError> {
    let reader = reader(Cursor::new(bytes), path).map_err(|error| broken(path, error))?;
    if let Some(missing) = reader.format().and_then(|format| whole::missing(format, bytes)) {
        let what = format!("picture that does not decode whole ({missing})");
        return Err(DataError::malformed(path, what, MEND));
    }
    let float = reader.format() == Some(ImageFormat::Tiff);
    let picture = match float.then(|| grey_floats(bytes)).flatten() {
        Some(floats) => from_floats(floats, path)?,
        None => {
            let (picture, orientation) = pixels(reader).map_err(|error| broken(path, error))?;
            let mut picture = match picture {
                DynamicImage::ImageRgb32F(pixels) => in_bytes(pixels, path)?,
                other => other,
            };
            if convention == Convention::Tweedie {
                picture.apply_orientation(orientation);
            }
            picture
        }
    };
    if picture.width() == 0 || picture.height() == 0 {
        return Err(DataError::malformed(path, "picture without pixels", MEND));
    }
    Ok(match (picture.color().has_alpha(), convention) {
        (false, _) => picture,
        (true, Convention::Tweedie) => on_white(&picture),
        (true, Convention::Torchvision) if picture.color().has_color() => picture.to_rgb8().into(),
        (true, Convention::Torchvision) => picture.to_luma8().into(),
    })
}

/// Whether the picture has colour, by its header alone.
///
/// # Errors
/// As [`decode`].
pub(super) fn has_color(path: &Path) -> Result<bool, DataError> {
    bounds::regular(path)?;
    let file = File::open(path).map_err(|error| DataError::unreadable(path, error))?;
    let of = |reader: ImageReader<BufReader<File>>| -> ImageResult<bool> {
        let is_tiff = reader.format() == Some(ImageFormat::Tiff);
        match reader.into_decoder() {
            Ok(decoder) => Ok(decoder.color_type().has_color()),
            // The kinds of TIFF that the crate does not take and that are read all the same are grey.
            Err(ImageError::Unsupported(_)) if is_tiff => Ok(false),
            Err(error) => Err(error),
        }
    };
    reader(BufReader::new(file), path).and_then(of).map_err(|error| broken(path, error))
}

/// Reads by what the file begins with, and else by its name: TGA files do not begin in any way of their own.
///
/// # Errors
/// The system's; a directory that claims more than a file of this length can hold.
fn reader<R: BufRead + Seek>(mut from: R, path: &Path) -> ImageResult<ImageReader<R>> {
    if let Some(claim) = whole::claim(&mut from)? {
        let error = image::error::DecodingError::new(ImageFormat::Tiff.into(), claim);
        return Err(ImageError::Decoding(error));
    }
    from.rewind()?;
    let mut reader = ImageReader::new(from).with_guessed_format()?;
    if reader.format().is_none()
        && let Ok(format) = ImageFormat::from_path(path)
    {
        reader.set_format(format);
    }
    // What a header claims is held to this before anything is allocated.
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(2 * bounds::DECODED);
    reader.limits(limits);
    Ok(reader)
}

/// Width and height, and the bytes that the pixels decode to.
fn size_of<R: BufRead + Seek>(reader: ImageResult<ImageReader<R>>) -> ImageResult<([u32; 2], u64)> {
    let reader = reader?;
    if reader.format() == Some(ImageFormat::Tiff) {
        let mut decoder = tiff_decoder(reader.into_inner())?;
        let (width, height) = decoder.dimensions().map_err(unreadable_tiff)?;
        let bits = decoder
            .colortype()
            .map_or(32, |colour| u64::from(colour.bit_depth()) * u64::from(colour.num_samples()));
        return Ok((
            [width, height],
            u64::from(width).saturating_mul(u64::from(height)).saturating_mul(bits.div_ceil(8)),
        ));
    }
    let decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    Ok(([width, height], decoder.total_bytes()))
}

fn pixels<R: BufRead + Seek>(reader: ImageReader<R>) -> ImageResult<(DynamicImage, Orientation)> {
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    Ok((DynamicImage::from_decoder(decoder)?, orientation))
}

struct Floats {
    size: (u32, u32),
    values: Vec<f64>,
}

/// The pixels of a TIFF of one floating-point number each, which the `image` crate does not take.
fn grey_floats(bytes: &[u8]) -> Option<ImageResult<Floats>> {
    use tiff::ColorType::Gray;
    use tiff::decoder::DecodingResult::{F32, F64};
    let mut decoder = tiff_decoder(Cursor::new(bytes)).ok()?;
    if !matches!(decoder.colortype(), Ok(Gray(32 | 64))) {
        return None;
    }
    let read = decoder.dimensions().and_then(|size| Ok((size, decoder.read_image()?)));
    match read {
        Ok((size, F32(values))) => {
            Some(Ok(Floats { size, values: values.into_iter().map(f64::from).collect() }))
        }
        Ok((size, F64(values))) => Some(Ok(Floats { size, values })),
        Ok(_) => None,
        Err(error) => Some(Err(unreadable_tiff(error))),
    }
}

fn tiff_decoder<R: BufRead + Seek>(from: R) -> ImageResult<tiff::decoder::Decoder<R>> {
    tiff::decoder::Decoder::new(from).map_err(unreadable_tiff)
}

fn unreadable_tiff(error: tiff::TiffError) -> ImageError {
    match error {
        tiff::TiffError::IoError(error) => ImageError::IoError(error),
        error => ImageError::Decoding(image::error::DecodingError::new(ImageFormat::Tiff.into(), error)),
    }
}

fn from_floats(floats: ImageResult<Floats>, path: &Path) -> Result<DynamicImage, DataError> {
    let Floats { size: (width, height), values } = floats.map_err(|error| broken(path, error))?;
    let range = range(values.iter().copied(), path)?;
    let bytes = values.into_iter().map(|value| range.byte(value)).collect();
    GrayImage::from_raw(width, height, bytes).map(DynamicImage::from).ok_or_else(|| {
        DataError::malformed(path, "picture that does not decode whole (pixels are missing)", MEND)
    })
}

fn in_bytes(pixels: Rgb32FImage, path: &Path) -> Result<DynamicImage, DataError> {
    let range = range(pixels.iter().map(|&value| f64::from(value)), path)?;
    let (width, height) = pixels.dimensions();
    let bytes = pixels.iter().map(|&value| range.byte(f64::from(value))).collect();
    image::RgbImage::from_raw(width, height, bytes).map(DynamicImage::from).ok_or_else(|| {
        DataError::malformed(path, "picture that does not decode whole (pixels are missing)", MEND)
    })
}

fn range(values: impl Iterator<Item = f64>, path: &Path) -> Result<Range, DataError> {
    Range::of(values).map_err(|found| {
        let what = format!("picture of floating-point numbers whose scale is unknown ({found})");
        DataError::malformed(path, what, "bring them to 0 to 1, or 0 to 255")
    })
}

fn broken(path: &Path, error: ImageError) -> DataError {
    match error {
        ImageError::IoError(source) if source.kind() != ErrorKind::UnexpectedEof => {
            DataError::unreadable(path, source)
        }
        error => {
            let error = match begins_as_heif(path) {
                true => "it is a HEIC, AVIF or film under another name".to_string(),
                false => error.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
            };
            DataError::malformed(path, format!("picture that does not decode ({error})"), MEND)
        }
    }
}

fn begins_as_heif(path: &Path) -> bool {
    let mut start = [0; 8];
    bounds::regular(path).is_ok()
        && File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && &start[4..] == b"ftyp"
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
