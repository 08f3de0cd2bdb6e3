//! What is added to a convolution while its numbers are in registers: a bias, and the other branch of a residual sum.

use super::geometry::Geometry;
use crate::simd::gemm::{Accumulate, Start};
use rayon::prelude::*;
use std::ops::AddAssign;

/// What is added to a convolution: y ← bias + onto + w ∗ x.
#[derive(Debug, Clone, Copy)]
pub struct Addend<'a, T> {
    pub bias: Bias<'a, T>,
    pub onto: Onto<'a, T>,
}

/// A number for each channel out.
#[derive(Debug, Clone, Copy)]
pub enum Bias<'a, T> {
    None,
    Channels(&'a [T]),
    /// A different one for each sample.
    Samples(&'a [T]),
}

/// Pictures of the output's shape.
#[derive(Debug, Clone, Copy)]
pub enum Onto<'a, T> {
    Nothing,
    /// What the output holds already.
    Itself,
    Other(&'a [T]),
}

impl<'a, T> Bias<'a, T> {
    /// The numbers of one sample, one for each channel.
    pub fn of(self, sample: usize, channels: usize) -> Option<&'a [T]> {
        match self {
            Bias::None => None,
            Bias::Channels(bias) => Some(bias),
            Bias::Samples(bias) => Some(&bias[sample * channels..][..channels]),
        }
    }
}

impl<T> From<Accumulate> for Onto<'_, T> {
    fn from(how: Accumulate) -> Self {
        match how {
            Accumulate::Overwrite => Onto::Nothing,
            Accumulate::Add => Onto::Itself,
        }
    }
}

impl<T: Copy + AddAssign + Send + Sync> Addend<'_, T> {
    /// Writes the addend into `y`, so that the convolution itself remains to be added. Returns `false`, and leaves `y` alone, if
    /// there is nothing to add.
    pub fn fill(&self, g: &Geometry, y: &mut [T]) -> bool {
        if matches!(self, Addend { bias: Bias::None, onto: Onto::Nothing }) {
            return false;
        }
        let pixels = g.places[0] * g.places[1];
        y.par_chunks_exact_mut(g.channels_out * pixels).enumerate().for_each(|(sample, y)| {
            if let Onto::Other(other) = self.onto {
                y.copy_from_slice(&other[sample * y.len()..][..y.len()]);
            }
            let Some(bias) = self.bias.of(sample, g.channels_out) else { return };
            for (y, bias) in y.chunks_exact_mut(pixels).zip(bias) {
                match self.onto {
                    Onto::Nothing => y.fill(*bias),
                    _ => y.iter_mut().for_each(|y| *y += *bias),
                }
            }
        });
        true
    }
}

impl<'a> Addend<'a, f32> {
    /// What a product of matrices starts from that writes to `y`, with a row for each channel. Addends that no product starts
    /// from are written into `y` first.
    pub fn start(&self, g: &Geometry, y: &mut [f32]) -> Start<'a> {
        match *self {
            Addend { bias: Bias::Channels(bias), onto: Onto::Nothing } => Start::Rows(bias),
            _ if self.fill(g, y) => Start::Current,
            _ => Start::Zero,
        }
    }
}
