use super::bands::Bands;
use crate::Result;
use tweedie_tensor::{Element, Tensor, ops};

/// How far each ring of x̂_0 is from its last value, at every step of a run: the root of the power of the difference over
/// the power of the last, pooled over the pictures. `x0_hats` are the x̂_0 of one batch, step after step. The answer has a
/// vector over rings for each step; 0 where the difference is, infinite where only the last has no power.
///
/// # Errors
/// As [`Bands::power`], and when the batches differ in shape.
pub fn deviations<T: Element>(bands: &Bands, x0_hats: &[Tensor<T>]) -> Result<Vec<Vec<f64>>> {
    let Some(last) = x0_hats.last() else { return Ok(Vec::new()) };
    let powers = |x: &Tensor<T>| -> Result<Vec<f64>> {
        let spectra = bands.spectra(x)?;
        let mut sums = vec![0.0; bands.len()];
        for spectrum in spectra.as_slice().chunks_exact(bands.len()) {
            sums.iter_mut().zip(spectrum).for_each(|(sum, value)| *sum += value);
        }
        Ok(sums)
    };
    let whole = powers(last)?;
    let relative = |off: f64, whole: f64| if off == 0.0 { 0.0 } else { (off / whole).sqrt() };
    x0_hats
        .iter()
        .map(|x0| {
            let off = powers(&ops::combine(&[(&[1.0], x0), (&[-1.0], last)])?)?;
            Ok(off.iter().zip(&whole).map(|(&off, &whole)| relative(off, whole)).collect())
        })
        .collect()
}

/// For each ring the step from which on it stays within `tolerance` of its last value: the order in which a sampler fixes
/// frequencies. `deviations` are those of [`deviations`].
pub fn fixed_from(deviations: &[Vec<f64>], tolerance: f64) -> Vec<usize> {
    let rings = deviations.first().map_or(0, Vec::len);
    (0..rings)
        .map(|ring| deviations.iter().rposition(|step| step[ring] > tolerance).map_or(0, |step| step + 1))
        .collect()
}
