/// The scheduler classes of diffusers that are known here. Each reads the keys that it has, with defaults of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulerClass {
    /// `DDPMScheduler`.
    Ddpm,
    /// `DDIMScheduler`.
    Ddim,
    /// `PNDMScheduler`.
    Pndm,
    /// `EulerDiscreteScheduler`.
    Euler,
    /// `HeunDiscreteScheduler`.
    Heun,
    /// `DPMSolverMultistepScheduler`.
    DpmSolver,
    /// `UniPCMultistepScheduler`.
    UniPc,
}

impl SchedulerClass {
    /// All of them.
    pub const ALL: [SchedulerClass; 7] = [
        SchedulerClass::Ddpm,
        SchedulerClass::Ddim,
        SchedulerClass::Pndm,
        SchedulerClass::Euler,
        SchedulerClass::Heun,
        SchedulerClass::DpmSolver,
        SchedulerClass::UniPc,
    ];

    /// The name in diffusers.
    pub fn name(self) -> &'static str {
        match self {
            SchedulerClass::Ddpm => "DDPMScheduler",
            SchedulerClass::Ddim => "DDIMScheduler",
            SchedulerClass::Pndm => "PNDMScheduler",
            SchedulerClass::Euler => "EulerDiscreteScheduler",
            SchedulerClass::Heun => "HeunDiscreteScheduler",
            SchedulerClass::DpmSolver => "DPMSolverMultistepScheduler",
            SchedulerClass::UniPc => "UniPCMultistepScheduler",
        }
    }

    /// β_1 and β_T where the configuration has none.
    pub(super) fn beta_ends(self) -> (f64, f64) {
        if self == SchedulerClass::Heun { (0.00085, 0.012) } else { (1e-4, 0.02) }
    }

    /// The spacing where the configuration has none.
    pub(super) fn spacing(self) -> &'static str {
        match self {
            SchedulerClass::Ddpm | SchedulerClass::Ddim | SchedulerClass::Pndm => "leading",
            _ => "linspace",
        }
    }

    /// Whether it has the key `clip_sample`, and its default there.
    pub(super) fn clips(self) -> Option<bool> {
        match self {
            SchedulerClass::Ddpm | SchedulerClass::Ddim => Some(true),
            SchedulerClass::Heun => Some(false),
            _ => None,
        }
    }

    /// Whether it has the key `thresholding`.
    pub(super) fn thresholds(self) -> bool {
        use SchedulerClass::{Ddim, Ddpm, DpmSolver, UniPc};
        matches!(self, Ddpm | Ddim | DpmSolver | UniPc)
    }

    /// Whether it has the key `rescale_betas_zero_snr`.
    pub(super) fn rescales(self) -> bool {
        !matches!(self, SchedulerClass::Pndm | SchedulerClass::Heun)
    }
}
