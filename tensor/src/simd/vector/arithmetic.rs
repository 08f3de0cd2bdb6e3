//! What all vectors can do.

/// The part of [`Vector`] in which registers differ by nothing but the names of instructions, for a type around one register.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! register_arithmetic {
    ($type:ident, $zero:ident, $load:ident, $store:ident, $set:ident, $mul:ident, $div:ident, $add:ident, $sub:ident,
     $fma:ident, $min:ident, $max:ident, $prefetch:expr, $prefetch_into_l2:expr) => {
        #[inline(always)]
        fn zero() -> $type {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            $type(unsafe { $zero() })
        }
        #[inline(always)]
        fn splat(c: f32) -> $type {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            $type(unsafe { $set(c) })
        }
        #[inline(always)]
        fn load(from: &[f32; W]) -> $type {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction; `from` has as many
            // numbers as the register holds.
            $type(unsafe { $load(from.as_ptr()) })
        }
        #[inline(always)]
        fn store(self, to: &mut [f32; W]) {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction; `to` has as many
            // numbers as the register holds.
            unsafe { $store(to.as_mut_ptr(), self.0) }
        }
        #[inline(always)]
        fn scale(self, c: f32) -> $type {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            $type(unsafe { $mul(self.0, $set(c)) })
        }
        #[inline(always)]
        fn add(self, other: $type) -> $type {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            $type(unsafe { $add(self.0, other.0) })
        }
        #[inline(always)]
        fn sub(self, other: $type) -> $type {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            $type(unsafe { $sub(self.0, other.0) })
        }
        #[inline(always)]
        fn mul_add(self, c: f32, sum: $type) -> $type {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            $type(unsafe { $fma(self.0, $set(c), sum.0) })
        }
        #[inline(always)]
        fn mul(self, other: $type) -> $type {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            $type(unsafe { $mul(self.0, other.0) })
        }
        #[inline(always)]
        fn div(self, other: $type) -> $type {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            $type(unsafe { $div(self.0, other.0) })
        }
        #[inline(always)]
        fn product_add(self, factor: $type, sum: $type) -> $type {
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            $type(unsafe { $fma(self.0, factor.0, sum.0) })
        }
        #[inline(always)]
        fn clamp(self, least: f32, most: f32) -> $type {
            // If one operand is NaN, both instructions return it: on x86-64 because it is the second one.
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            $type(unsafe { $max($set(least), $min($set(most), self.0)) })
        }
        #[inline(always)]
        fn transpose(rows: [$type; W]) -> [$type; W] {
            // Loops, because closures passed to `array::map` are not always inlined into vector code.
            let mut registers = [Self::zero().0; W];
            for i in 0..W {
                registers[i] = rows[i].0;
            }
            // SAFETY: this type is used under `on_isa!` only, which runs on a processor that has the instruction.
            let columns = unsafe { transpose(registers) };
            let mut out = rows;
            for i in 0..W {
                out[i] = $type(columns[i]);
            }
            out
        }
        #[inline(always)]
        fn prefetch(from: *const f32) {
            // SAFETY: a prefetch is a hint: it accesses no memory, whatever the address.
            unsafe { $prefetch(from.cast()) }
        }
        #[inline(always)]
        fn prefetch_into_l2(from: *const f32) {
            // SAFETY: a prefetch is a hint: it accesses no memory, whatever the address.
            unsafe { $prefetch_into_l2(from.cast()) }
        }
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use register_arithmetic;

/// Numbers in the widest vector; every `W` divides it.
pub(in crate::simd) const MAX_LANES: usize = 16;

/// How many of the narrowest vectors hold [`MAX_LANES`] numbers.
pub(in crate::simd) const MAX_PARTS: usize = MAX_LANES / 4;

/// How many bits of an f32 follow its exponent.
pub(super) const MANTISSA: i32 = 23;

/// A vector of `W` numbers, with the arithmetic of products, transforms and normalisations.
///
/// `W` is a constant of the type, so that the compiler unrolls all loops over it; what is laid out for sixteen numbers is written
/// with loops over parts. Each operation rounds once in each lane, so no bit depends on the type that implements it.
pub(in crate::simd) trait Vector<const W: usize>: Copy {
    /// How many registers the processor has.
    const REGISTERS: usize;
    fn zero() -> Self;
    /// The same number in all lanes.
    fn splat(c: f32) -> Self;
    fn load(from: &[f32; W]) -> Self;
    fn store(self, to: &mut [f32; W]);
    /// The first `W` numbers of `from`, and zeros where it is shorter.
    fn load_some(from: &[f32]) -> Self;
    /// Stores as many numbers as `to` has room for, at most `W`.
    fn store_some(self, to: &mut [f32]);
    fn scale(self, c: f32) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    /// `self · c + sum`.
    fn mul_add(self, c: f32, sum: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    /// `self · c + sum`, where c is this one of the `numbers`.
    #[inline(always)]
    fn mul_add_lane(self, numbers: Self, lane: usize, sum: Self) -> Self {
        let mut lanes = [0.0; W];
        numbers.store(&mut lanes);
        self.mul_add(lanes[lane], sum)
    }
    /// Adds an outer product: `column[r]` · `row[v]` to `sums[r][v]`.
    #[inline(always)]
    fn add_outer_product<const R: usize, const V: usize>(
        column: &[f32; R],
        row: &[Self; V],
        sums: &mut [[Self; V]; R],
    ) {
        for r in 0..R {
            for v in 0..V {
                sums[r][v] = row[v].mul_add(column[r], sums[r][v]);
            }
        }
    }
    /// `self · factor + sum`.
    fn product_add(self, factor: Self, sum: Self) -> Self;
    /// Each number, or the bound that it exceeds; NaN stays NaN.
    fn clamp(self, least: f32, most: f32) -> Self;
    /// Each number times 2ⁿ, where n is in the lowest bits of `power`'s representation. Numbers and results must be normal, or NaN.
    fn times_two_to(self, power: Self) -> Self;
    /// The transpose of a W × W matrix.
    fn transpose(rows: [Self; W]) -> [Self; W];
    /// Requests the cache line of this address, which need not be valid, into the L1 cache.
    #[inline(always)]
    fn prefetch(_from: *const f32) {}
    /// Requests the cache line of this address, which need not be valid, into the L2 cache.
    #[inline(always)]
    fn prefetch_into_l2(_from: *const f32) {}

    /// Loads part number `part` of sixteen numbers.
    #[inline(always)]
    fn load_part(from: &[f32; MAX_LANES], part: usize) -> Self {
        Self::load(&from.as_chunks::<W>().0[part])
    }
    /// Stores to part number `part` of sixteen numbers.
    #[inline(always)]
    fn store_part(self, to: &mut [f32; MAX_LANES], part: usize) {
        self.store(&mut to.as_chunks_mut::<W>().0[part]);
    }
}

/// The numbers from `at` on, for [`Vector::load_some`]. If there are none, the empty slice points to the end of `numbers`: a masked
/// load from an address without memory takes hundreds of cycles, even if it loads no lane.
#[inline(always)]
pub(in crate::simd) fn behind(numbers: &[f32], at: usize) -> &[f32] {
    &numbers[at.min(numbers.len())..]
}
