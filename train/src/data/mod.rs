//! Data sets: sources of labelled pictures, the order in which a run sees them, and the loader that reads them
//! ahead of the training step.
//!
//! Whatever a set is kept in, a picture is bytes, channels first, and has a label. Points of the plane are pictures of two
//! channels and one pixel, with numbers of their own. Which picture is sample k of
//! a run, and whether it is flipped, are pure functions of (seed, k): see [`Order`] and [`Loader`].

mod batch;
mod bounds;
mod cache;
mod cifar;
mod convention;
mod decode;
mod error;
mod files;
mod fingerprint;
mod folder;
mod glyphs;
mod idx;
mod index;
mod ledger;
mod loader;
mod memory;
mod notes;
mod numbers;
mod offsets;
mod open;
mod options;
mod order;
mod parts;
mod picture;
mod pillow;
mod points;
mod recognise;
mod repeats;
mod reshaped;
mod shapes;
mod source;
mod subset;
mod tree;
mod view;
mod whole;

pub use batch::{Batch, read_batch};
pub use convention::Convention;
pub use error::DataError;
pub use fingerprint::{Differs, Fingerprint, index_of};
pub use glyphs::Glyphs;
pub use index::Index;
pub(crate) use index::{hex, name_in};
pub(crate) use ledger::REMEDY as GIVE_THE_SAME_DATA;
pub use ledger::{Ledger, Stamp};
pub use loader::{Batches, Loader};
pub use memory::Memory;
pub use open::{hold, keep, open, open_picture, usually_held};
pub use options::{DataOptions, Split};
pub use order::Order;
pub use picture::read_picture;
pub(crate) use points::SHAPE as POINT;
pub use repeats::{Found, Repeat, Repeats};
pub use shapes::{Marks, Scenes, Shapes, marks};
pub use source::Source;
pub use subset::subset;
