use clap::{Args, ValueEnum};
use tweedie_diffusion::Spacing;
use tweedie_train::config::SamplerKind;

/// How pictures are painted; what is not given comes from the model.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sampler")]
pub(crate) struct SamplerArgs {
    /// How to come from noise to a picture
    #[arg(long, value_name = "NAME")]
    pub(crate) sampler: Option<SamplerName>,
    /// Steps of the sampler
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) steps: Option<u32>,
    /// Noise that ddim adds on its way, from 0 (none) to 1 (as much as ddpm)
    #[arg(long, allow_negative_numbers = true, value_name = "X")]
    pub(crate) eta: Option<f64>,
    /// Noise that euler and heun add and take away again, spread over the steps; 0 is none
    #[arg(long, allow_negative_numbers = true, value_name = "X")]
    pub(crate) churn: Option<f64>,
    /// How the steps are spread over time
    #[arg(long, value_name = "NAME")]
    pub(crate) spacing: Option<SpacingName>,
    /// Weight of classifier-free guidance: 1 is none, more follows the class harder
    #[arg(long, allow_negative_numbers = true, value_name = "W")]
    pub(crate) guidance: Option<f64>,
    /// How far the contrast that guidance adds is taken back, from 0 (not at all) to 1
    #[arg(long, allow_negative_numbers = true, value_name = "X")]
    pub(crate) guidance_rescale: Option<f64>,
}

/// The samplers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SamplerName {
    /// Ancestral sampling (Ho et al. 2020)
    Ddpm,
    /// Deterministic unless --eta is above 0 (Song et al. 2021)
    Ddim,
    /// Euler's method in the noise level, --churn (Karras et al. 2022)
    Euler,
    /// Heun's method, twice the work a step, --churn (Karras et al. 2022)
    Heun,
    /// DPM-Solver++ of two steps: good pictures in 20 (Lu et al. 2022)
    #[value(name = "dpmpp-2m")]
    Dpmpp2m,
    /// The same with noise in each step (Lu et al. 2022)
    #[value(name = "dpmpp-2m-sde")]
    Dpmpp2mSde,
    /// A predictor and a corrector at the price of one: good pictures in 10 (Zhao et al. 2023)
    #[value(name = "unipc")]
    UniPc,
    /// Four steps' noise extrapolated (Liu et al. 2022)
    Pndm,
}

impl SamplerName {
    /// The sampler.
    pub(crate) fn kind(self) -> SamplerKind {
        match self {
            SamplerName::Ddpm => SamplerKind::Ddpm,
            SamplerName::Ddim => SamplerKind::Ddim,
            SamplerName::Euler => SamplerKind::Euler,
            SamplerName::Heun => SamplerKind::Heun,
            SamplerName::Dpmpp2m => SamplerKind::Dpmpp2m,
            SamplerName::Dpmpp2mSde => SamplerKind::Dpmpp2mSde,
            SamplerName::UniPc => SamplerKind::UniPc,
            SamplerName::Pndm => SamplerKind::Pndm,
        }
    }
}

/// The spacings by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SpacingName {
    /// Multiples of a whole stride from the first time up, short of the noisiest
    Leading,
    /// From the noisiest time down
    Trailing,
    /// Evenly, both ends included
    Linspace,
}

impl SpacingName {
    /// The spacing.
    pub(crate) fn spacing(self) -> Spacing {
        match self {
            SpacingName::Leading => Spacing::Leading,
            SpacingName::Trailing => Spacing::Trailing,
            SpacingName::Linspace => Spacing::Linspace,
        }
    }
}
