//! What training and its data sets draw random numbers for. The numbers are part of what a seed means: they never
//! change, and no other crate of the workspace may use them.

use tweedie_tensor::random::Purpose;

/// The order of data.
pub const ORDER: Purpose = Purpose::new(3);
/// Augmentation: flips and shifts.
pub const AUGMENT: Purpose = Purpose::new(4);
/// The conditions that are dropped for classifier-free guidance.
pub const GUIDANCE: Purpose = Purpose::new(7);
/// Dequantisation.
pub const DEQUANTISE: Purpose = Purpose::new(9);
/// The drawn data set `glyphs`.
pub const GLYPH: Purpose = Purpose::new(10);
/// The drawn data set `shapes`.
pub const SHAPE: Purpose = Purpose::new(11);
/// The pictures, times and noise of the validation during training.
pub const VALIDATION: Purpose = Purpose::new(15);
/// The pictures that are held out of a set without a test part.
pub const HOLD_OUT: Purpose = Purpose::new(16);

/// Every purpose of this crate, by name.
pub const ALL: [(&str, Purpose); 8] = [
    ("order", ORDER),
    ("augment", AUGMENT),
    ("guidance", GUIDANCE),
    ("dequantise", DEQUANTISE),
    ("glyph", GLYPH),
    ("shape", SHAPE),
    ("validation", VALIDATION),
    ("hold out", HOLD_OUT),
];
