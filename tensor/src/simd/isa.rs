//! The instruction sets that kernels are compiled for, and which of them is in use.

use std::sync::OnceLock;

/// An instruction set that kernels are compiled for, in the order of their registers' widths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What the target guarantees, as the compiler uses it.
    Portable,
    /// 128-bit registers of WebAssembly, for modules that were compiled with them.
    Simd128,
    /// 128-bit registers of 64-bit Arm, with multiply-adds by one lane.
    Neon,
    /// 256-bit registers of x86-64, with fused multiply-add.
    Avx2,
    /// 512-bit registers of x86-64 (the foundation, byte/word, doubleword and vector-length parts).
    Avx512,
}

impl Isa {
    const ALL: [Isa; 5] = [Isa::Portable, Isa::Simd128, Isa::Neon, Isa::Avx2, Isa::Avx512];

    /// The instruction set in use: the processor's best, unless `TWEEDIE_SIMD` caps it. Determined once, at first use.
    pub fn active() -> Isa {
        static ACTIVE: OnceLock<Isa> = OnceLock::new();
        *ACTIVE.get_or_init(|| {
            let cap = std::env::var(Isa::VARIABLE).ok().and_then(|name| Isa::named(&name));
            Isa::best(cap.unwrap_or(Isa::Avx512))
        })
    }

    /// The environment variable that caps the choice: no wider registers than those of the instruction set that it names are
    /// used. So `neon` and `simd128` mean `portable` on x86-64, and `avx2` and `avx512` mean `neon` on 64-bit Arm. A value that
    /// names no instruction set is ignored.
    pub const VARIABLE: &str = "TWEEDIE_SIMD";

    /// The instruction set of this name: `avx512`, `avx2`, `neon`, `simd128` or `portable`.
    pub fn named(name: &str) -> Option<Isa> {
        match name {
            "avx512" => Some(Isa::Avx512),
            "avx2" => Some(Isa::Avx2),
            "neon" => Some(Isa::Neon),
            "simd128" => Some(Isa::Simd128),
            "portable" => Some(Isa::Portable),
            _ => None,
        }
    }

    /// The best that this processor can run.
    pub fn detected() -> Isa {
        Isa::best(Isa::Avx512)
    }

    /// All that this processor can run, the best of them last.
    pub fn available() -> impl Iterator<Item = Isa> {
        Isa::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// Whether this processor can run it.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Portable => true,
            Isa::Simd128 => cfg!(all(target_family = "wasm", target_feature = "simd128")),
            Isa::Neon => cfg!(target_arch = "aarch64"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                Isa::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => false,
        }
    }

    /// The best that this processor can run and whose registers are no wider than those of `cap`.
    fn best(cap: Isa) -> Isa {
        Isa::available().filter(|&isa| isa <= cap).last().unwrap_or(Isa::Portable)
    }
}

/// Runs `body` compiled for the active instruction set: plain loops in it become that set's vector code.
///
/// Only code that is inlined into `body` profits. Write the closure `#[inline(always)] || …`, and mark what it calls
/// `#[inline(always)]` too.
#[inline]
pub fn vectorized<R>(body: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    match Isa::active() {
        // SAFETY: `active` returns an available instruction set, so this processor has AVX-512.
        Isa::Avx512 => return unsafe { with_avx512(body) },
        // SAFETY: `active` returns an available instruction set, so this processor has AVX2 and FMA.
        Isa::Avx2 => return unsafe { with_avx2(body) },
        Isa::Neon | Isa::Simd128 | Isa::Portable => {}
    }
    // Every 64-bit Arm has NEON: there, all code is compiled for it, and so is a module of WebAssembly with 128-bit registers.
    body()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) fn with_avx512<R>(body: impl FnOnce() -> R) -> R {
    body()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")]
pub(super) fn with_dot_products<R>(body: impl FnOnce() -> R) -> R {
    body()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub(super) fn with_avx2<R>(body: impl FnOnce() -> R) -> R {
    body()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_the_best_there_is_with_no_wider_registers() {
        let neon = Isa::best(Isa::Neon);
        assert_eq!(Isa::best(Isa::Portable), Isa::Portable);
        if cfg!(target_arch = "aarch64") {
            assert_eq!((neon, Isa::best(Isa::Avx2), Isa::detected()), (Isa::Neon, Isa::Neon, Isa::Neon));
        } else {
            assert_eq!(neon, Isa::Portable);
            assert!(Isa::best(Isa::Avx2) <= Isa::Avx2 && Isa::detected() != Isa::Neon);
        }
        assert_eq!(Isa::available().last(), Some(Isa::detected()));
        for isa in Isa::ALL {
            let name = format!("{isa:?}").to_lowercase();
            assert_eq!(Isa::named(&name), Some(isa));
        }
    }
}
