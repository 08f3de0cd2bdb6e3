//! Denoising as an animation: a grid a frame, one palette for all of them.

use super::grid::Layout;
use super::pixels::{Canvas, Colour, Pictures};
use crate::error::{Failure, Result};
use color_quant::NeuQuant;
use gif::{Encoder, Frame, Repeat};

/// An animation has no more frames than this, however many steps the sampler takes.
pub(crate) const MAX_FRAMES: usize = 48;
/// Hundredths of a second that a frame stands, and that the last one does.
const DELAY: u16 = 7;
const HOLD: u16 = 250;
/// Shades of a grey animation: enough for the eye, and few enough that noise compresses.
const SHADES: u8 = 32;
/// The side that a picture of the animation should come near, and that the whole should stay within, in pixels.
const CELL: usize = 64;
const SIDE: usize = 720;

/// The frames of an animation, in order.
#[derive(Debug, Default)]
pub(crate) struct Animation {
    frames: Vec<Pictures>,
}

impl Animation {
    /// Adds a batch to frame number `i`: a frame grows by batches, and a new one begins after the last.
    ///
    /// # Errors
    /// A batch whose pictures differ in shape from the frame's.
    pub(crate) fn add(&mut self, i: usize, batch: Pictures) -> Result<()> {
        match self.frames.get_mut(i) {
            Some(frame) => frame.append(&batch)?,
            None => self.frames.push(batch),
        }
        Ok(())
    }

    /// The number of pictures in a frame.
    pub(crate) fn pictures(&self) -> usize {
        self.frames.last().map_or(0, Pictures::len)
    }

    /// The bytes of a GIF file that plays without end, each frame a grid in rows of `columns`.
    ///
    /// # Errors
    /// When there is no frame, or the grid is larger than the format can say.
    pub(crate) fn encode(&self, columns: usize) -> Result<Vec<u8>> {
        let Some(last) = self.frames.last() else {
            return Err(Failure::user("an animation needs at least one step", "--steps", "give 1 or more"));
        };
        let layout = Layout::within(last.len(), columns, last.height, last.width, CELL, SIDE);
        let Canvas { height: rows, width: across, .. } = layout.draw(last);
        let too_large = |_| {
            Failure::user(
                format!("a picture of {across} × {rows} pixels does not fit into a GIF"),
                "--out",
                "use a PNG",
            )
        };
        let (rows, across) =
            (u16::try_from(rows).map_err(too_large)?, u16::try_from(across).map_err(too_large)?);

        let palette = Palette::of(last);
        let failed = |e: gif::EncodingError| {
            Failure::user(format!("the animation cannot be encoded ({e})"), "--out", "use a PNG")
        };
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, across, rows, &palette.colours).map_err(failed)?;
        encoder.set_repeat(Repeat::Infinite).map_err(failed)?;
        for (i, frame) in self.frames.iter().enumerate() {
            let delay = if i + 1 == self.frames.len() { HOLD } else { DELAY };
            let buffer = palette.indices(&layout.draw(frame)).into();
            let frame = Frame { width: across, height: rows, delay, buffer, ..Frame::default() };
            encoder.write_frame(&frame).map_err(failed)?;
        }
        drop(encoder);
        Ok(file)
    }
}

/// The colours of an animation: even shades for grey; for colour, the ones that suit the finished pictures, and the
/// noise before them takes the nearest.
struct Palette {
    /// Red, green and blue of each colour.
    colours: Vec<u8>,
    network: Option<NeuQuant>,
}

impl Palette {
    fn of(pictures: &Pictures) -> Palette {
        match pictures.colour {
            Colour::Grey | Colour::Point => {
                let shade = |i: u8| (u16::from(i) * 255 / u16::from(SHADES - 1)) as u8;
                Palette { colours: (0..SHADES).flat_map(|i| [shade(i); 3]).collect(), network: None }
            }
            Colour::Rgb => {
                let mut pixels: Vec<u8> = (0..pictures.len())
                    .flat_map(|i| pictures.get(i).chunks_exact(3))
                    .chain([&Layout::gutter_value(Colour::Rgb)[..]])
                    .flat_map(|p| [p[0], p[1], p[2], 255])
                    .collect();
                // The cube's corners, so that the noise of the first frames finds strong colours as well.
                pixels.extend((0..8u8).flat_map(|c| {
                    let end = |bit: u8| if c >> bit & 1 == 1 { 255 } else { 0 };
                    [end(0), end(1), end(2), 255]
                }));
                let network = NeuQuant::new(3, 256, &pixels);
                Palette { colours: network.color_map_rgb(), network: Some(network) }
            }
        }
    }

    /// Each pixel's place in the palette.
    fn indices(&self, canvas: &Canvas) -> Vec<u8> {
        match &self.network {
            None => {
                let nearest = |&b: &u8| ((u16::from(b) * u16::from(SHADES - 1) + 127) / 255) as u8;
                canvas.bytes.iter().map(nearest).collect()
            }
            Some(network) => {
                let nearest = |p: &[u8]| network.index_of(&[p[0], p[1], p[2], 255]) as u8;
                canvas.bytes.chunks_exact(3).map(nearest).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::Tensor;

    fn animation(channels: usize, frames: usize) -> Result<Animation> {
        let mut animation = Animation::default();
        for f in 0..frames {
            let batch =
                Tensor::from_fn([4, channels, 8, 8], |i| ((i * 7 + f * 31) % 256) as f32 / 127.5 - 1.0);
            animation.add(f, Pictures::from_tensor(&batch)?)?;
        }
        Ok(animation)
    }

    #[test]
    fn frames_size_and_delays_read_back() -> Result<()> {
        for channels in [1, 3] {
            let file = animation(channels, 5)?.encode(2)?;
            let Ok(mut decoder) = gif::Decoder::new(&file[..]) else { panic!("the file is no GIF") };
            // Two pictures of 8 pixels magnified eightfold, and three gutters of eight.
            assert_eq!((decoder.width(), decoder.height()), (152, 152));
            let mut delays = Vec::new();
            while let Ok(Some(frame)) = decoder.read_next_frame() {
                delays.push(frame.delay);
            }
            assert_eq!(delays, [DELAY, DELAY, DELAY, DELAY, HOLD]);
        }
        Ok(())
    }

    #[test]
    fn no_frame_is_no_animation() {
        assert!(Animation::default().encode(1).is_err());
    }
}
