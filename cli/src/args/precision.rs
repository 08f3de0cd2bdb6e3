use clap::ValueEnum;
use tweedie_tensor::Precision;
use tweedie_train::config::ProductPrecision;

/// Precisions of products by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionName {
    /// As they are
    F32,
    /// Rounded to 8 significant bits, with f32 sums: faster where the processor multiplies pairs of such numbers
    Bf16,
}

impl From<PrecisionName> for ProductPrecision {
    fn from(name: PrecisionName) -> ProductPrecision {
        match name {
            PrecisionName::F32 => ProductPrecision::F32,
            PrecisionName::Bf16 => ProductPrecision::Bf16,
        }
    }
}

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Precision {
        ProductPrecision::from(name).into()
    }
}
