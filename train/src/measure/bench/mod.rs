//! The work that this program is measured by, and the measuring: whole steps, sums over ranks, saving, products, convolutions, and the most
//! that the processor could do.

mod layers;
mod operations;
mod rate;
mod reduce;
mod save;
mod step;

pub use layers::{Layer, layers};
pub use operations::{Operation, Operations};
pub use rate::{Rate, convolution_rates, memory_gbytes, peak_gflops, product_rates};
pub use reduce::reduce;
pub use save::{SaveTimes, Saving};
pub use step::{Step, StepTimes};
