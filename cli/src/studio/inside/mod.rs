//! A network from inside: its layers, its tape, and what an operation makes of a picture, or of the whole plane.

mod attention;
mod last_picture;
mod network;
mod planes;
mod seen;

pub(super) use last_picture::LastPicture;
pub(super) use network::inside;
pub(super) use seen::seen;
