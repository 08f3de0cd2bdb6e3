use super::purpose::Purpose;

/// Steps and samples are counted below 2⁴⁴.
pub(super) const LIMIT: u64 = 1 << 44;

/// The place of a stream among all streams: 64 bits of key and three words of counter. The fourth, which comes
/// first, counts blocks within the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) key: [u32; 2],
    counter: [u32; 3],
}

impl Address {
    pub(super) fn new(seed: u64, purpose: Purpose, step: u64, sample: u64) -> Address {
        assert!(step < LIMIT && sample < LIMIT, "random: steps and samples end at 2^44");
        let high = u32::from(purpose.number()) | ((step >> 32) as u32) << 8 | ((sample >> 32) as u32) << 20;
        Address { key: [seed as u32, (seed >> 32) as u32], counter: [sample as u32, step as u32, high] }
    }

    /// The counter of a block of four words.
    pub(super) fn counter(&self, block: u32) -> [u32; 4] {
        [block, self.counter[0], self.counter[1], self.counter[2]]
    }
}
