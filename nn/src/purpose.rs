//! What the layers draw random numbers for. The numbers are part of what a seed means: they never change, and no other
//! crate of the workspace may use them.

use tweedie_tensor::random::Purpose;

/// Initial weights.
pub const INIT: Purpose = Purpose::new(0);
/// Dropout masks.
pub const DROPOUT: Purpose = Purpose::new(8);

/// Every purpose of this crate, by name.
pub const ALL: [(&str, Purpose); 2] = [("init", INIT), ("dropout", DROPOUT)];
