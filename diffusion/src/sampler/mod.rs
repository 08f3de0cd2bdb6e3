//! Samplers: from noise to a picture, one denoising step after the other.

mod churn;
mod conditioned;
mod ddim;
mod ddpm;
mod dpm_solver;
mod euler;
mod exponential;
mod heun;
mod history;
mod kind;
mod pndm;
mod run;
mod unipc;
mod weighted_sum;

pub use churn::Churn;
pub use conditioned::{Conditioned, NoiseSource};
pub use ddim::Ddim;
pub use ddpm::{Ddpm, LearnedVariance};
pub use dpm_solver::{DpmSolver, DpmSolverType};
pub use euler::Euler;
pub use heun::Heun;
pub use history::{History, Past};
pub use kind::{SamplerKind, SamplerSettings, Setting};
pub use pndm::Pndm;
pub(crate) use pndm::Stage;
pub use run::{Sampler, State, Trajectory};
pub use unipc::{UniPc, UniPcType};
