use crate::Mean;
use tweedie_tensor::Tensor;

/// The mean of each ring over the pictures, with its standard error, from the pictures' spectra `[n, rings]`.
pub fn mean_spectrum(spectra: &Tensor<f64>) -> Vec<Mean> {
    let &[n, rings] = spectra.dims() else { return Vec::new() };
    let of = |ring: usize| (0..n).map(move |i| spectra.as_slice()[i * rings + ring]);
    (0..rings)
        .map(|ring| {
            let mean = of(ring).sum::<f64>() / n as f64;
            let squares: f64 = of(ring).map(|power| (power - mean).powi(2)).sum();
            let std_error = (n > 1).then(|| (squares / (n as f64 * (n as f64 - 1.0))).sqrt());
            Mean { mean, std_error }
        })
        .collect()
}
