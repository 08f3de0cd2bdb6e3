//! Counter-based random numbers: every draw is a pure function of (seed, purpose, step, sample, position).
//!
//! There is no state to carry from draw to draw, so nothing depends on scheduling, on how a batch is cut, or on
//! the machine, and a run that resumes draws what it would have drawn. The generator is Philox4x32-10: the key is
//! the seed, the counter says what the numbers are for.
//!
//! ```
//! use tweedie_tensor::{Tensor, random::{self, Purpose, Stream}};
//! let noise: Tensor = random::normal([8, 3, 4, 4], 0, Purpose::TEST, 17, 0);
//! let second_half: Tensor = random::normal([4, 3, 4, 4], 0, Purpose::TEST, 17, 4);
//! assert_eq!(noise.as_slice()[4 * 48..], *second_half.as_slice());
//! let t = Stream::new(0, Purpose::TEST, 18, 0).below(1000);
//! assert!(t < 1000);
//! ```

mod address;
mod fill;
pub(crate) mod gauss;
mod philox;
mod purpose;
mod stream;

pub use fill::{normal, uniform};
pub use purpose::Purpose;
pub use stream::Stream;
