//! Pictures as bytes, and how they come from numbers.

use crate::error::{Failure, Result};
use crate::spread::{Travels, take};
use tweedie_tensor::Tensor;

/// How a pixel is stored: one byte of grey, three of red, green and blue, or the two numbers of a point of the plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Grey,
    Rgb,
    /// Of a picture of one pixel: where it lies, instead of how it looks.
    Point,
}

impl Colour {
    /// The colour that pictures of this shape (channels, height, width) are drawn in.
    ///
    /// # Errors
    /// When the channels are neither one grey nor red, green and blue, nor the coordinates of a point.
    pub(crate) fn of_shape([channels, height, width]: [usize; 3]) -> Result<Colour> {
        match (channels, height, width) {
            (1, ..) => Ok(Colour::Grey),
            (3, ..) => Ok(Colour::Rgb),
            (2, 1, 1) => Ok(Colour::Point),
            _ => Err(Failure::user(
                format!("pictures of {channels} channels cannot be drawn"),
                "--out",
                "use --raw FILE.safetensors to keep the numbers",
            )),
        }
    }

    /// Bytes a pixel.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Colour::Grey => 1,
            Colour::Rgb => 3,
            Colour::Point => 2 * size_of::<f32>(),
        }
    }
}

/// The byte that shows `x`: −1 is black, 1 is white, and what lies outside (or is no number) goes to the nearest end.
fn byte(x: f32) -> u8 {
    // A saturating cast: NaN becomes 0.
    ((x + 1.0) * 127.5).round() as u8
}

/// Pictures as bytes, each row-major with its channels interleaved: what every encoder takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pictures {
    pub(crate) colour: Colour,
    pub(crate) height: usize,
    pub(crate) width: usize,
    bytes: Vec<u8>,
}

impl Pictures {
    /// Quantises a batch of shape (n, c, h, w) with values in [−1, 1].
    ///
    /// # Errors
    /// When the batch has other axes, or channels that cannot be drawn.
    pub(crate) fn from_tensor(batch: &Tensor<f32>) -> Result<Pictures> {
        let &[_, channels, height, width] = batch.dims() else {
            let shape = batch.shape();
            return Err(Failure::user(
                format!("shape {shape} is no batch of pictures"),
                "--out",
                "report it with the command",
            ));
        };
        let (colour, area) = (Colour::of_shape([channels, height, width])?, height * width);
        if colour == Colour::Point {
            let bytes = batch.as_slice().iter().flat_map(|x| x.to_le_bytes()).collect();
            return Ok(Pictures { colour, height, width, bytes });
        }
        let mut bytes = Vec::with_capacity(batch.numel());
        for planes in batch.as_slice().chunks_exact(channels * area) {
            for pixel in 0..area {
                bytes.extend((0..channels).map(|c| byte(planes[c * area + pixel])));
            }
        }
        Ok(Pictures { colour, height, width, bytes })
    }

    /// Puts more pictures after those that are here.
    ///
    /// # Errors
    /// Pictures of another shape than those here.
    pub(crate) fn append(&mut self, more: &Pictures) -> Result<()> {
        let form = |of: &Pictures| (of.colour.bytes(), of.height, of.width);
        if form(self) != form(more) {
            return Err(Failure::user(
                format!("pictures of form {:?} do not go with pictures of form {:?}", form(more), form(self)),
                "--out",
                "report it with the command",
            ));
        }
        self.bytes.extend_from_slice(&more.bytes);
        Ok(())
    }

    /// The number of pictures.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() / self.stride()
    }

    /// The bytes of picture `i`.
    pub(crate) fn get(&self, i: usize) -> &[u8] {
        &self.bytes[i * self.stride()..(i + 1) * self.stride()]
    }

    /// The points that the pictures are, if they are points.
    pub(super) fn points(&self) -> impl Iterator<Item = [f32; 2]> {
        let number = |bytes: &[u8]| bytes.try_into().map_or(f32::NAN, f32::from_le_bytes);
        let bytes = if self.colour == Colour::Point { &self.bytes[..] } else { &[] };
        bytes.chunks_exact(8).map(move |point| [number(&point[..4]), number(&point[4..])])
    }

    fn stride(&self) -> usize {
        self.colour.bytes() * self.height * self.width
    }
}

impl Travels for Pictures {
    fn pack(&self, to: &mut Vec<u8>) {
        [self.colour.bytes(), self.height, self.width, self.bytes.len()].iter().for_each(|n| n.pack(to));
        to.extend_from_slice(&self.bytes);
    }

    fn unpack(from: &mut &[u8]) -> Option<Pictures> {
        let pixel = usize::unpack(from)?;
        let colour = [Colour::Grey, Colour::Rgb, Colour::Point].into_iter().find(|of| of.bytes() == pixel)?;
        let (height, width) = Travels::unpack(from)?;
        let length = usize::unpack(from)?;
        Some(Pictures { colour, height, width, bytes: take(from, length)?.to_vec() })
    }
}

/// A picture as bytes, row-major, channels interleaved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Canvas {
    pub(crate) colour: Colour,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_and_the_middle_of_the_range() {
        let bytes: Vec<u8> = [-1.0, 1.0, 0.0, -3.0, 7.0, f32::NAN, f32::INFINITY].map(byte).to_vec();
        assert_eq!(bytes, [0, 255, 128, 0, 255, 0, 255]);
    }

    #[test]
    fn every_byte_survives_the_way_to_a_number_and_back() {
        for b in 0..=255u8 {
            assert_eq!(byte(f32::from(b) / 127.5 - 1.0), b);
        }
    }

    #[test]
    fn channels_are_interleaved() -> Result<()> {
        let batch = Tensor::from_fn([2, 3, 1, 2], |i| i as f32 / 127.5 - 1.0);
        let pictures = Pictures::from_tensor(&batch)?;
        assert_eq!(pictures.len(), 2);
        assert_eq!(pictures.get(0), [0, 2, 4, 1, 3, 5]);
        assert_eq!(pictures.get(1), [6, 8, 10, 7, 9, 11]);
        Ok(())
    }

    #[test]
    fn points_stay_as_they_are() -> Result<()> {
        let batch = Tensor::from_fn([3, 2, 1, 1], |i| i as f32 - 2.5);
        let mut pictures = Pictures::from_tensor(&batch)?;
        pictures.append(&Pictures::from_tensor(&batch)?)?;
        let mut packed = Vec::new();
        pictures.pack(&mut packed);
        let Some(again) = Pictures::unpack(&mut &packed[..]) else { panic!("no pictures") };
        assert_eq!((again.len(), &again), (6, &pictures));
        assert_eq!(again.points().skip(3).collect::<Vec<_>>(), [[-2.5, -1.5], [-0.5, 0.5], [1.5, 2.5]]);
        Ok(())
    }

    #[test]
    fn two_channels_cannot_be_drawn() {
        assert!(Pictures::from_tensor(&Tensor::zeros([1, 2, 4, 4])).is_err());
        assert!(Pictures::from_tensor(&Tensor::zeros([4, 4])).is_err());
    }
}
