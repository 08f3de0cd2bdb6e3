//! Vectors of f32, so that one piece of code packs and transforms on every instruction set.
//!
//! `W` is how many numbers a vector holds: what is laid out for one width is written with loops over parts for
//! narrower ones. Each operation rounds once per lane, so no bit depends on the type that implements it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
/// What differs between registers in nothing but the names of instructions: the greater part of [`Vector`], for a type
/// around one register whose users have made sure that the processor has the instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! register_arithmetic {
    ($type:ident, $zero:ident, $load:ident, $store:ident, $set:ident, $mul:ident, $div:ident, $add:ident, $sub:ident,
     $fma:ident, $min:ident, $max:ident) => {
        #[inline(always)]
        fn zero() -> $type {
            // SAFETY: the processor has the instructions; so below.
            $type(unsafe { $zero() })
        }
        #[inline(always)]
        fn splat(c: f32) -> $type {
            // SAFETY: as in `zero`.
            $type(unsafe { $set(c) })
        }
        #[inline(always)]
        fn load(from: &[f32; W]) -> $type {
            // SAFETY: as many numbers as the register holds.
            $type(unsafe { $load(from.as_ptr()) })
        }
        #[inline(always)]
        fn store(self, to: &mut [f32; W]) {
            // SAFETY: as in `load`.
            unsafe { $store(to.as_mut_ptr(), self.0) }
        }
        #[inline(always)]
        fn scale(self, c: f32) -> $type {
            // SAFETY: as in `zero`.
            $type(unsafe { $mul(self.0, $set(c)) })
        }
        #[inline(always)]
        fn add(self, other: $type) -> $type {
            // SAFETY: as in `zero`.
            $type(unsafe { $add(self.0, other.0) })
        }
        #[inline(always)]
        fn sub(self, other: $type) -> $type {
            // SAFETY: as in `zero`.
            $type(unsafe { $sub(self.0, other.0) })
        }
        #[inline(always)]
        fn mul_add(self, c: f32, sum: $type) -> $type {
            // SAFETY: as in `zero`.
            $type(unsafe { $fma(self.0, $set(c), sum.0) })
        }
        #[inline(always)]
        fn mul(self, other: $type) -> $type {
            // SAFETY: as in `zero`.
            $type(unsafe { $mul(self.0, other.0) })
        }
        #[inline(always)]
        fn div(self, other: $type) -> $type {
            // SAFETY: as in `zero`.
            $type(unsafe { $div(self.0, other.0) })
        }
        #[inline(always)]
        fn product_add(self, factor: $type, sum: $type) -> $type {
            // SAFETY: as in `zero`.
            $type(unsafe { $fma(self.0, factor.0, sum.0) })
        }
        #[inline(always)]
        fn clamp(self, least: f32, most: f32) -> $type {
            // The instructions answer with their second operand where one is NaN.
            // SAFETY: as in `zero`.
            $type(unsafe { $max($set(least), $min($set(most), self.0)) })
        }
        #[inline(always)]
        fn transpose(rows: [$type; W]) -> [$type; W] {
            // Loops, because closures passed to `array::map` are not always inlined into vector code.
            let mut registers = [Self::zero().0; W];
            for i in 0..W {
                registers[i] = rows[i].0;
            }
            // SAFETY: as in `zero`.
            let columns = unsafe { transpose(registers) };
            let mut out = rows;
            for i in 0..W {
                out[i] = $type(columns[i]);
            }
            out
        }
        #[inline(always)]
        fn prefetch(from: *const f32) {
            // SAFETY: a hint, which touches nothing; so below.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
        }
        #[inline(always)]
        fn prefetch_into_l2(from: *const f32) {
            // SAFETY: as above.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
        }
    };
}
#[cfg(target_arch = "x86_64")]
use register_arithmetic;

mod portable;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub(super) use avx2::Avx2Vector;
#[cfg(target_arch = "x86_64")]
pub(super) use avx512::Avx512Vector;
pub(super) use portable::PortableVector;

/// Numbers in the widest vector; every `W` divides it.
pub(super) const MAX_LANES: usize = 16;

/// How many bits of an f32 are behind its exponent.
const MANTISSA: i32 = 23;

/// Vectors with the arithmetic of transforms and normalisations.
pub(super) trait Vector<const W: usize>: Copy {
    fn zero() -> Self;
    /// The same number in all lanes.
    fn splat(c: f32) -> Self;
    fn load(from: &[f32; W]) -> Self;
    fn store(self, to: &mut [f32; W]);
    /// The first of `from`, zeros where it is shorter.
    fn load_some(from: &[f32]) -> Self;
    /// As many as `to` has, `W` at most.
    fn store_some(self, to: &mut [f32]);
    fn scale(self, c: f32) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    /// `self · c + sum`.
    fn mul_add(self, c: f32, sum: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    /// `self · factor + sum`.
    fn product_add(self, factor: Self, sum: Self) -> Self;
    /// The nearest numbers between these two; NaN stays.
    fn clamp(self, least: f32, most: f32) -> Self;
    /// Numbers times 2ⁿ, n being the lowest bits of `power`'s representation; all of these are normal, or NaN.
    fn times_two_to(self, power: Self) -> Self;
    /// Rows become columns.
    fn transpose(rows: [Self; W]) -> [Self; W];
    /// Brings what lies there into the nearest cache; any address will do.
    #[inline(always)]
    fn prefetch(_from: *const f32) {}
    /// Brings what lies there into the second cache; any address will do.
    #[inline(always)]
    fn prefetch_into_l2(_from: *const f32) {}

    /// Part number `part` of sixteen numbers.
    #[inline(always)]
    fn load_part(from: &[f32; MAX_LANES], part: usize) -> Self {
        Self::load(&from.as_chunks::<W>().0[part])
    }
    /// The counterpart of [`Vector::load_part`].
    #[inline(always)]
    fn store_part(self, to: &mut [f32; MAX_LANES], part: usize) {
        self.store(&mut to.as_chunks_mut::<W>().0[part]);
    }
}

/// The numbers from `at` on, for [`Vector::load_some`]. If there are none they are nothing at the end of the others, and not at an
/// address where no memory is: from there even a load of no lanes takes hundreds of cycles.
#[inline(always)]
pub(super) fn behind(numbers: &[f32], at: usize) -> &[f32] {
    &numbers[at.min(numbers.len())..]
}

/// Runs a function of [`Vector`] compiled for an instruction set that the processor has.
macro_rules! on_isa {
    ($isa:expr, $name:ident($($argument:expr),* $(,)?)) => {
        match $isa {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the entries of this module check that the processor has the instructions.
            Isa::Avx512 => unsafe {
                crate::simd::isa::with_avx512(
                    #[inline(always)]
                    || $name::<crate::simd::vector::Avx512Vector, 16>($($argument),*),
                )
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx2 => unsafe {
                crate::simd::isa::with_avx2(
                    #[inline(always)]
                    || $name::<crate::simd::vector::Avx2Vector, 8>($($argument),*),
                )
            },
            _ => $name::<crate::simd::vector::PortableVector, 16>($($argument),*),
        }
    };
}
pub(super) use on_isa;
