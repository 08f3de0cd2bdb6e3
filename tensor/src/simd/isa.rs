//! The instruction sets that kernels are compiled for, and which of them is in use.

use std::sync::OnceLock;

/// An instruction set that kernels are compiled for; a later one includes the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// What the target guarantees.
    Portable,
    /// 256-bit registers with fused multiply-add.
    Avx2,
    /// 512-bit registers (the foundation, byte/word, doubleword and vector-length parts).
    Avx512,
}

impl Isa {
    /// The instruction set in use: the processor's best, unless `TWEEDIE_SIMD` caps it. Determined once, at first use.
    pub fn active() -> Isa {
        static ACTIVE: OnceLock<Isa> = OnceLock::new();
        *ACTIVE.get_or_init(|| {
            let cap = std::env::var(Isa::VARIABLE).ok().and_then(|name| Isa::named(&name));
            Isa::detected().min(cap.unwrap_or(Isa::Avx512))
        })
    }

    /// The environment variable that caps the choice. A value that names no instruction set is ignored.
    pub const VARIABLE: &str = "TWEEDIE_SIMD";

    /// The instruction set of this name: `avx512`, `avx2` or `portable`.
    pub fn named(name: &str) -> Option<Isa> {
        match name {
            "avx512" => Some(Isa::Avx512),
            "avx2" => Some(Isa::Avx2),
            "portable" => Some(Isa::Portable),
            _ => None,
        }
    }

    /// The best that this processor can run.
    pub fn detected() -> Isa {
        #[cfg(target_arch = "x86_64")]
        {
            if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
                return Isa::Portable;
            }
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            return if avx512 { Isa::Avx512 } else { Isa::Avx2 };
        }
        #[allow(unreachable_code)]
        Isa::Portable
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
        // SAFETY: `active` returns at most what `detected` found, so this processor has AVX-512.
        Isa::Avx512 => return unsafe { with_avx512(body) },
        // SAFETY: `active` returns at most what `detected` found, so this processor has AVX2 and FMA.
        Isa::Avx2 => return unsafe { with_avx2(body) },
        Isa::Portable => {}
    }
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
