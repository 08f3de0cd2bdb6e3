//! A trained network with what is needed to use it: its schedule, what it predicts, its classes; opening one, sampling
//! from it, and editing pictures with it.

mod attention;
mod denoiser;
mod diffusers;
pub mod edit;
mod inside;
mod network_denoiser;
mod open;
mod painting;
mod request;
mod sample;
mod scheduling;
mod trained;

pub use diffusers::scheduler::Asked;
pub use network_denoiser::NetworkDenoiser;
pub use painting::Painting;
pub use request::SampleRequest;
pub use trained::Model;
