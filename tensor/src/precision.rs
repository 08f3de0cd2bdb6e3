/// How finely a product of matrices takes its f32 operands. Sums are always f32, each multiply-add rounded once. Products of f64,
/// which is for proofs, are exact to f64 whatever the precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to [`bf16`](crate::bf16), of which numbers below 2⁻⁵⁵ in magnitude count as zero; so does what a sum starts from
    /// where it is below 2⁻¹⁰⁰. Then no sum is ever subnormal, and processors that multiply pairs of such numbers in one
    /// instruction, flushing subnormal numbers to zero, compute the same bits as those that do not.
    Bf16,
}
