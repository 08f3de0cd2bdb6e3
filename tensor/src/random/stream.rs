use super::address::Address;
use super::purpose::Purpose;
use super::{gauss, philox};
use std::convert::Infallible;

/// A sequence of numbers that is determined by (seed, purpose, step, sample).
///
/// It is a `rand` generator too, so every distribution of `rand` and `rand_distr` can be drawn from it:
///
/// ```
/// use rand_distr::{Distribution, Poisson};
/// use tweedie_tensor::random::{Purpose, Stream};
/// let mut stream = Stream::new(7, Purpose::TEST, 0, 0);
/// let count: f64 = Poisson::new(3.0)?.sample(&mut stream);
/// assert!(count >= 0.0 && count.fract() == 0.0);
/// # Ok::<(), rand_distr::PoissonError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Stream {
    address: Address,
    /// The block that `words` comes from, plus one.
    next_block: u32,
    words: [u32; 4],
    /// The number of `words` used.
    spent: u8,
    /// The second normal of a pair.
    spare: Option<f64>,
}

impl Stream {
    /// The stream of `purpose` for one sample of one step. It holds 2³⁴ words.
    ///
    /// # Panics
    /// When `step` or `sample` is 2⁴⁴ or more: a million steps a second get there after half a year. Drawing
    /// more than the stream holds panics too, rather than repeat numbers.
    pub fn new(seed: u64, purpose: Purpose, step: u64, sample: u64) -> Stream {
        let address = Address::new(seed, purpose, step, sample);
        Stream { address, next_block: 0, words: [0; 4], spent: 4, spare: None }
    }

    /// 32 random bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.spent == 4 {
            assert!(self.next_block < u32::MAX, "random: a stream ends after 2^34 words");
            self.words = philox::block(self.address.counter(self.next_block), self.address.key);
            self.next_block += 1;
            self.spent = 0;
        }
        let word = self.words[self.spent as usize];
        self.spent += 1;
        word
    }

    /// 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        low | u64::from(self.next_u32()) << 32
    }

    /// A number of [0, 1), a multiple of 2⁻⁵³.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A number between `low` and `high`.
    #[inline]
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// An integer of 0..n, each equally likely (Lemire, "Fast random integer generation in an interval", 2019).
    ///
    /// # Panics
    /// When `n` is 0: there is nothing to choose from.
    pub fn below(&mut self, n: u32) -> u32 {
        assert!(n > 0, "random: no integer is below 0");
        let mut product = u64::from(self.next_u32()) * u64::from(n);
        if (product as u32) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u32) < threshold {
                product = u64::from(self.next_u32()) * u64::from(n);
            }
        }
        (product >> 32) as u32
    }

    /// [`Stream::below`] for more than 2³² choices.
    fn below_long(&mut self, n: u64) -> u64 {
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if (product as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// Whether an event of probability `p` happens.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// A standard normal. From a new stream, these are the numbers that [`normal`](super::normal) writes in f64.
    pub fn normal(&mut self) -> f64 {
        if let Some(second) = self.spare.take() {
            return second;
        }
        let [first, second] = gauss::pair_f64(self.next_u32(), self.next_u32());
        self.spare = Some(second);
        first
    }

    /// Puts `items` in random order, every order equally likely (Fisher and Yates).
    pub fn shuffle<U>(&mut self, items: &mut [U]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below_long(last as u64 + 1) as usize);
        }
    }

    /// The numbers 0..n in random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}

impl rand::TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_u32())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_u64())
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.next_u32().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::LIMIT;
    use super::*;

    fn first(seed: u64, purpose: Purpose, step: u64, sample: u64) -> u64 {
        Stream::new(seed, purpose, step, sample).next_u64()
    }

    #[test]
    fn every_part_of_the_address_counts() {
        let large = 1 << 32;
        let draws = [
            first(0, Purpose::TEST, 0, 0),
            first(1, Purpose::TEST, 0, 0),
            first(large, Purpose::TEST, 0, 0),
            first(0, Purpose::new(1), 0, 0),
            first(0, Purpose::TEST, 1, 0),
            first(0, Purpose::TEST, large, 0),
            first(0, Purpose::TEST, 0, 1),
            first(0, Purpose::TEST, 0, large),
            first(0, Purpose::TEST, LIMIT - 1, 0),
            first(0, Purpose::TEST, 0, LIMIT - 1),
        ];
        for (i, a) in draws.iter().enumerate() {
            assert!(draws[..i].iter().all(|b| a != b), "draw {i}");
        }
        assert_eq!(draws[0], first(0, Purpose::TEST, 0, 0));
    }

    #[test]
    #[should_panic(expected = "end at 2^44")]
    fn steps_do_not_wrap() {
        Stream::new(0, Purpose::TEST, LIMIT, 0);
    }

    #[test]
    fn below_is_even() {
        let mut stream = Stream::new(3, Purpose::TEST, 0, 0);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        // χ² with 6 degrees of freedom exceeds 22.5 once in a thousand.
        let chi: f64 = counts.iter().map(|&c| (f64::from(c) - 1e4).powi(2) / 1e4).sum();
        assert!(chi < 22.5, "{counts:?}");
        // Three quarters of 2³² is where taking the remainder would favour small numbers two to one.
        let n = 3 << 30;
        let low = (0..30_000).filter(|_| stream.below(n) < n / 3).count();
        assert!((9_600..10_400).contains(&low), "{low}");
        assert_eq!(stream.below(1), 0);
    }

    #[test]
    fn permutations_hold_every_number_once_and_differ() {
        let mut stream = Stream::new(3, Purpose::TEST, 1, 0);
        let (a, b) = (stream.permutation(1000), stream.permutation(1000));
        assert_ne!(a, b);
        let mut sorted = a;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..1000));
        assert!(stream.permutation(0).is_empty());
    }

    #[test]
    fn rand_draws_the_same_words() {
        use rand::Rng;
        let mut bytes = [0; 6];
        Rng::fill_bytes(&mut Stream::new(1, Purpose::TEST, 2, 3), &mut bytes);
        let mut words = Stream::new(1, Purpose::TEST, 2, 3);
        assert_eq!(bytes[..4], words.next_u32().to_le_bytes());
        assert_eq!(bytes[4..], words.next_u32().to_le_bytes()[..2]);
    }
}
