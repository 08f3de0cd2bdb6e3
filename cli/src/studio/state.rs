//! What all requests share.

use super::answer::Places;
use super::inside::LastPicture;
use super::runs::Runs;
use super::shelf::Shelf;

/// What every request shares.
pub(super) struct Studio {
    pub(super) shelf: Shelf,
    pub(super) runs: Runs,
    pub(super) places: Places,
    /// What layers were last shown at work on.
    pub(super) last_picture: LastPicture,
    pub(super) seed: u64,
}

impl Studio {
    /// Over this shelf; noise that nobody gives a seed for follows from `seed`.
    pub(super) fn new(shelf: Shelf, seed: u64) -> Studio {
        Studio {
            shelf,
            runs: Runs::default(),
            places: Places::new(),
            last_picture: LastPicture::default(),
            seed,
        }
    }
}
