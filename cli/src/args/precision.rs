use clap::ValueEnum;
use serde::Serialize;
use tweedie_tensor::Precision;
use tweedie_train::config::ProductPrecision;

/// Precisions of products by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PrecisionName {
    /// f32: not rounded
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
