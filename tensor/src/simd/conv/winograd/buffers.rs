//! How much memory these convolutions take beside their operands.

use super::applies::back_before;
use super::convolution::Convolution;
use super::scheme::Scheme;
use super::weight_gradient::WeightGradient;
use super::weights::Weights;
use crate::simd::Isa;
use crate::simd::conv::addend::{Addend, Bias, Onto};
use crate::simd::conv::geometry::{Direction, Geometry};

/// The bytes of the larger buffers that are held at once.
pub(in crate::simd::conv) fn buffers(g: &Geometry, direction: Direction) -> Vec<usize> {
    let [there, back] = Scheme::pair(g);
    let numbers = match direction {
        Direction::Forward => {
            of_convolution(there, g.samples, [g.channels_in, g.channels_out], (g.plane, g.before), g.places)
        }
        Direction::GradInput => {
            let channels = [g.channels_out, g.channels_in];
            of_convolution(back, g.samples, channels, (g.places, back_before(g)), g.plane)
        }
        Direction::GradWeight => WeightGradient::new(Isa::active(), g, &[], &[]).buffers(),
    };
    numbers.into_iter().map(|numbers| numbers * size_of::<f32>()).collect()
}

fn of_convolution(
    scheme: Scheme,
    samples: usize,
    [channels_in, channels_out]: [usize; 2],
    (plane, before): ([usize; 2], [usize; 2]),
    places: [usize; 2],
) -> Vec<usize> {
    let weights = Weights { w: &[], channels_out, channels_in, out_stride: 0, in_stride: 0, mirrored: false };
    let addend = Addend { bias: Bias::None, onto: Onto::Nothing };
    let (x, y) = ((&[][..], plane, before), (&mut [][..], places));
    Convolution::new(Isa::active(), scheme, samples, &weights, x, addend, y).buffers()
}
