use crate::Number;
use std::ops::Range;

/// A group of channels of one sample, and what is done with it.
#[derive(Clone, Copy)]
pub struct Group<'a, T> {
    /// Its elements, channel by channel.
    pub x: &'a [T],
    /// How many channels it has.
    pub channels: usize,
    /// Elements of one channel.
    pub positions: usize,
    /// Scale of each channel; 1 if missing.
    pub gamma: Option<&'a [T]>,
    /// Shift of each channel; 0 if missing.
    pub beta: Option<&'a [T]>,
    /// Whether SiLU follows.
    pub silu: bool,
}

impl<T: Number> Group<'_, T> {
    /// Scale and shift of each channel, and where it is in the group.
    #[inline(always)]
    pub fn channels(&self) -> impl Iterator<Item = (T, T, Range<usize>)> {
        (0..self.channels).map(
            #[inline(always)]
            |k| {
                let gamma = self.gamma.map_or(T::ONE, |gamma| gamma[k]);
                let beta = self.beta.map_or(T::ZERO, |beta| beta[k]);
                (gamma, beta, k * self.positions..(k + 1) * self.positions)
            },
        )
    }
}
