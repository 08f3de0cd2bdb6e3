//! Tensors as pictures: from numbers in [−1, 1] to bytes, grids, animations and files.

mod gif;
mod grid;
mod heat;
mod pixels;
mod scatter;
mod still;

pub(crate) use gif::{Animation, MAX_FRAMES};
pub(crate) use grid::{Layout, columns_for};
pub(crate) use heat::heat_png;
pub(crate) use pixels::{Canvas, Colour, Pictures};
pub(crate) use still::{encode_png, file_name, grid_png, picture_png};
