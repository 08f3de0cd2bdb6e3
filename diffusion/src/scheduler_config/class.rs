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
    /// `EulerAncestralDiscreteScheduler`.
    EulerAncestral,
    /// `LMSDiscreteScheduler`.
    Lms,
    /// `KDPM2DiscreteScheduler`.
    Kdpm2,
    /// `KDPM2AncestralDiscreteScheduler`.
    Kdpm2Ancestral,
    /// `DPMSolverSinglestepScheduler`.
    SingleStep,
    /// `DEISMultistepScheduler`.
    Deis,
    /// `LCMScheduler`.
    Lcm,
}

impl SchedulerClass {
    /// All of them.
    pub const ALL: [SchedulerClass; 14] = [
        SchedulerClass::Ddpm,
        SchedulerClass::Ddim,
        SchedulerClass::Pndm,
        SchedulerClass::Euler,
        SchedulerClass::Heun,
        SchedulerClass::DpmSolver,
        SchedulerClass::UniPc,
        SchedulerClass::EulerAncestral,
        SchedulerClass::Lms,
        SchedulerClass::Kdpm2,
        SchedulerClass::Kdpm2Ancestral,
        SchedulerClass::SingleStep,
        SchedulerClass::Deis,
        SchedulerClass::Lcm,
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
            SchedulerClass::EulerAncestral => "EulerAncestralDiscreteScheduler",
            SchedulerClass::Lms => "LMSDiscreteScheduler",
            SchedulerClass::Kdpm2 => "KDPM2DiscreteScheduler",
            SchedulerClass::Kdpm2Ancestral => "KDPM2AncestralDiscreteScheduler",
            SchedulerClass::SingleStep => "DPMSolverSinglestepScheduler",
            SchedulerClass::Deis => "DEISMultistepScheduler",
            SchedulerClass::Lcm => "LCMScheduler",
        }
    }

    /// β_1 and β_T where the configuration has none.
    pub(super) fn beta_ends(self) -> (f64, f64) {
        use SchedulerClass::{Heun, Kdpm2, Kdpm2Ancestral, Lcm};
        if matches!(self, Heun | Kdpm2 | Kdpm2Ancestral | Lcm) { (0.00085, 0.012) } else { (1e-4, 0.02) }
    }

    /// The schedule of the betas where the configuration has none.
    pub(super) fn beta_schedule(self) -> &'static str {
        if self == SchedulerClass::Lcm { "scaled_linear" } else { "linear" }
    }

    /// The spacing where the configuration has none.
    pub(super) fn spacing(self) -> &'static str {
        match self {
            SchedulerClass::Ddpm | SchedulerClass::Ddim | SchedulerClass::Pndm | SchedulerClass::Lcm => {
                "leading"
            }
            _ => "linspace",
        }
    }

    /// Whether it has the key `clip_sample`, and its default there.
    pub(super) fn clips(self) -> Option<bool> {
        match self {
            SchedulerClass::Ddpm | SchedulerClass::Ddim => Some(true),
            SchedulerClass::Heun | SchedulerClass::Lcm => Some(false),
            _ => None,
        }
    }

    /// Whether it has the key `thresholding`.
    pub(super) fn thresholds(self) -> bool {
        use SchedulerClass::{Ddim, Ddpm, Deis, DpmSolver, Lcm, SingleStep, UniPc};
        matches!(self, Ddpm | Ddim | DpmSolver | UniPc | SingleStep | Deis | Lcm)
    }

    /// Whether it has the key `rescale_betas_zero_snr`.
    pub(super) fn rescales(self) -> bool {
        use SchedulerClass::{Ddim, Ddpm, DpmSolver, Euler, EulerAncestral, Lcm, UniPc};
        matches!(self, Ddpm | Ddim | Euler | EulerAncestral | DpmSolver | UniPc | Lcm)
    }

    /// Whether it has the keys of noise levels that are spread between two ends.
    pub(super) fn spreads(self) -> bool {
        use SchedulerClass::{Ddim, Ddpm, EulerAncestral, Lcm, Pndm};
        !matches!(self, Ddpm | Ddim | Pndm | EulerAncestral | Lcm)
    }

    /// Whether it is one of the solvers in λ, whose times are whole numbers.
    pub(super) fn is_exponential(self) -> bool {
        use SchedulerClass::{Deis, DpmSolver, SingleStep, UniPc};
        matches!(self, DpmSolver | SingleStep | Deis | UniPc)
    }

    /// Whether it has the key `final_sigmas_type`.
    pub(super) fn ends_where_asked(self) -> bool {
        use SchedulerClass::{DpmSolver, Euler, SingleStep, UniPc};
        matches!(self, Euler | DpmSolver | SingleStep | UniPc)
    }
}
