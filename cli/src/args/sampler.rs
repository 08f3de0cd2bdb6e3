use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tweedie_diffusion::{SamplerKind, Spacing};

/// How pictures are painted; what is not given comes from the model.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sampler")]
pub(crate) struct SamplerArgs {
    /// How to come from noise to a picture
    #[arg(long, value_name = "NAME", value_parser = sampler())]
    pub(crate) sampler: Option<SamplerKind>,
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
    #[arg(long, value_name = "NAME", value_parser = spacing())]
    pub(crate) spacing: Option<Spacing>,
    /// Weight of classifier-free guidance: 1 is none, more follows the class harder
    #[arg(long, allow_negative_numbers = true, value_name = "W")]
    pub(crate) guidance: Option<f64>,
    /// How far the contrast that guidance adds is taken back, from 0 (not at all) to 1
    #[arg(long, allow_negative_numbers = true, value_name = "X")]
    pub(crate) guidance_rescale: Option<f64>,
}

/// Reads a sampler's name; all of them, with their descriptions, are what `--help` lists.
pub(super) fn sampler() -> impl TypedValueParser<Value = SamplerKind> {
    let names = SamplerKind::ALL
        .iter()
        .map(|kind| PossibleValue::new(kind.name()).help(kind.about()).aliases(kind.aliases()));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<SamplerKind>())
}

/// The same of the spacings.
fn spacing() -> impl TypedValueParser<Value = Spacing> {
    let names =
        Spacing::ALL.into_iter().map(|spacing| PossibleValue::new(spacing.name()).help(spacing.about()));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Spacing>())
}
