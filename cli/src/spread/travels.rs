//! What goes from rank to rank, with every bit of it.

use tweedie_diffusion::{BoundTerms, Term};
use tweedie_tensor::{Shape, Tensor};
use tweedie_train::measure::PictureLikelihood;

/// Something that is a result of a rank's work.
pub(crate) trait Travels: Sized {
    /// Appends its bytes.
    fn pack(&self, to: &mut Vec<u8>);

    /// Takes it from the front of what was packed; none if that is something else.
    fn unpack(from: &mut &[u8]) -> Option<Self>;
}

/// Takes so many bytes from the front.
pub(crate) fn take<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(taken)
}

impl Travels for usize {
    fn pack(&self, to: &mut Vec<u8>) {
        to.extend((*self as u64).to_le_bytes());
    }

    fn unpack(from: &mut &[u8]) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(take(from, 8)?.try_into().ok()?)).ok()
    }
}

impl Travels for f64 {
    fn pack(&self, to: &mut Vec<u8>) {
        to.extend(self.to_le_bytes());
    }

    fn unpack(from: &mut &[u8]) -> Option<f64> {
        Some(f64::from_le_bytes(take(from, 8)?.try_into().ok()?))
    }
}

impl<T: Travels> Travels for Vec<T> {
    fn pack(&self, to: &mut Vec<u8>) {
        self.len().pack(to);
        self.iter().for_each(|each| each.pack(to));
    }

    fn unpack(from: &mut &[u8]) -> Option<Vec<T>> {
        let count = usize::unpack(from)?;
        (0..count).map(|_| T::unpack(from)).collect()
    }
}

impl<A: Travels, B: Travels> Travels for (A, B) {
    fn pack(&self, to: &mut Vec<u8>) {
        self.0.pack(to);
        self.1.pack(to);
    }

    fn unpack(from: &mut &[u8]) -> Option<(A, B)> {
        Some((A::unpack(from)?, B::unpack(from)?))
    }
}

impl Travels for Tensor<f32> {
    fn pack(&self, to: &mut Vec<u8>) {
        self.dims().to_vec().pack(to);
        to.reserve(size_of::<f32>() * self.numel());
        self.as_slice().iter().for_each(|number| to.extend(number.to_le_bytes()));
    }

    fn unpack(from: &mut &[u8]) -> Option<Tensor<f32>> {
        let dims = Vec::<usize>::unpack(from)?;
        let count = dims.iter().try_fold(size_of::<f32>(), |count, dim| count.checked_mul(*dim))?;
        let numbers = take(from, count)?.chunks_exact(size_of::<f32>());
        let numbers: Vec<f32> =
            numbers.map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect();
        Tensor::from_slice(Shape::new(&dims).ok()?, &numbers).ok()
    }
}

impl Travels for Term {
    fn pack(&self, to: &mut Vec<u8>) {
        [self.mean, self.constant, self.square_error].iter().for_each(|number| number.pack(to));
    }

    fn unpack(from: &mut &[u8]) -> Option<Term> {
        let (mean, (constant, square_error)) = Travels::unpack(from)?;
        Some(Term { mean, constant, square_error })
    }
}

impl Travels for BoundTerms {
    fn pack(&self, to: &mut Vec<u8>) {
        (self.first as usize).pack(to);
        self.dims.pack(to);
        self.priors.pack(to);
        self.walks.pack(to);
    }

    fn unpack(from: &mut &[u8]) -> Option<BoundTerms> {
        let first = usize::unpack(from)? as u64;
        let (dims, (priors, walks)) = Travels::unpack(from)?;
        Some(BoundTerms { first, dims, priors, walks })
    }
}

impl Travels for PictureLikelihood {
    fn pack(&self, to: &mut Vec<u8>) {
        [self.bits, self.change].iter().for_each(|number| number.pack(to));
    }

    fn unpack(from: &mut &[u8]) -> Option<PictureLikelihood> {
        let (bits, change) = Travels::unpack(from)?;
        Some(PictureLikelihood { bits, change })
    }
}
