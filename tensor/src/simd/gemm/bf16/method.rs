//! How products of bf16 are computed: by whichever method is faster on this processor.

use crate::simd::Isa;
use std::sync::OnceLock;

/// What multiplies numbers of bf16. The bits of a product are the same with either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bf16Method {
    /// The multiply-adds of the instruction set in use.
    MultiplyAdds,
    /// AVX-512's dot products of pairs.
    DotProducts,
}

impl Bf16Method {
    /// The environment variable that decides for a method instead of a measurement. A value that names none is ignored, and so is
    /// `dot` where there are no dot products.
    pub const VARIABLE: &str = "TWEEDIE_BF16";

    /// The method in use. Determined once, at first use, by timing both for a tenth of a millisecond: some processors compute twice as
    /// many products in pairs, on others pairs take twice the time.
    pub fn active() -> Bf16Method {
        static ACTIVE: OnceLock<Bf16Method> = OnceLock::new();
        *ACTIVE.get_or_init(|| {
            let asked = std::env::var(Bf16Method::VARIABLE).ok().and_then(|name| Bf16Method::named(&name));
            match asked {
                _ if Isa::active() != Isa::Avx512 || !has_dot_products() => Bf16Method::MultiplyAdds,
                Some(method) => method,
                None if dot_products_are_faster() => Bf16Method::DotProducts,
                None => Bf16Method::MultiplyAdds,
            }
        })
    }

    /// The method of this name: `madd` or `dot`.
    pub fn named(name: &str) -> Option<Bf16Method> {
        match name {
            "madd" => Some(Bf16Method::MultiplyAdds),
            "dot" => Some(Bf16Method::DotProducts),
            _ => None,
        }
    }
}

/// Whether the processor has AVX-512 with dot products of pairs, and they compute what the definition says.
pub(super) fn has_dot_products() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::simd::vector::pairs;
        static FOUND: OnceLock<bool> = OnceLock::new();
        return *FOUND.get_or_init(|| {
            let has = Isa::detected() == Isa::Avx512 && is_x86_feature_detected!("avx512bf16");
            // SAFETY: the processor was just found to have the instructions.
            has && unsafe { pairs::agree_with_multiply_adds() }
        });
    }
    #[allow(unreachable_code)]
    false
}

/// Whether a product takes less time in pairs.
///
/// # Panics
/// When the processor has no dot products.
fn dot_products_are_faster() -> bool {
    assert!(has_dot_products());
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: `has_dot_products` found the instructions.
        return unsafe { crate::simd::vector::pairs::are_faster() };
    }
    #[allow(unreachable_code)]
    false
}
