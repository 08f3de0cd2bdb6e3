//! Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011): a keyed
//! bijection of 128-bit counters whose outputs pass every known battery of tests.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// How many blocks [`lanes`] computes at once: one AVX-512 register of 32-bit words.
pub(super) const LANES: usize = 16;

#[inline(always)]
fn wide(a: u32, b: u32) -> (u32, u32) {
    let product = u64::from(a) * u64::from(b);
    ((product >> 32) as u32, product as u32)
}

/// The four words at `counter` under `key`.
#[inline]
pub(super) fn block(counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let mut c = counter;
    for _ in 0..ROUNDS {
        let (high0, low0) = wide(MULTIPLIERS[0], c[0]);
        let (high1, low1) = wide(MULTIPLIERS[1], c[2]);
        c = [high1 ^ c[1] ^ key[0], low1, high0 ^ c[3] ^ key[1], low0];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    c
}

/// The blocks whose first counter word is `counter[0]`, `counter[0] + 1`, …: word `w` of block `i` is
/// `result[w][i]`. Plain loops over the lanes, which become vector code inside `simd::vectorized`.
#[inline(always)]
pub(super) fn lanes(counter: [u32; 4], mut key: [u32; 2]) -> [[u32; LANES]; 4] {
    let mut c = counter.map(|word| [word; LANES]);
    for (i, word) in c[0].iter_mut().enumerate() {
        *word = word.wrapping_add(i as u32);
    }
    for _ in 0..ROUNDS {
        let mut next = [[0; LANES]; 4];
        for i in 0..LANES {
            let (high0, low0) = wide(MULTIPLIERS[0], c[0][i]);
            let (high1, low1) = wide(MULTIPLIERS[1], c[2][i]);
            next[0][i] = high1 ^ c[1][i] ^ key[0];
            next[1][i] = low1;
            next[2][i] = high0 ^ c[3][i] ^ key[1];
            next[3][i] = low0;
        }
        c = next;
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the authors publish with their library Random123 (`kat_vectors`).
    #[test]
    fn known_answers() {
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (pi, [0xa409_3822, 0x299f_31d0], [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(block(counter, key), expected, "{counter:08x?}");
        }
    }

    #[test]
    fn lanes_are_successive_blocks() {
        let (counter, key) = ([40, 7, 9, 3], [1, 2]);
        let many = crate::simd::vectorized(
            #[inline(always)]
            || lanes(counter, key),
        );
        for i in 0..LANES {
            let one = block([40 + i as u32, 7, 9, 3], key);
            assert_eq!(one, [many[0][i], many[1][i], many[2][i], many[3][i]]);
        }
    }
}
