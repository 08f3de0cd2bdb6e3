use super::dft::{Complex, Dft};
use crate::{Error, Result};
use tweedie_tensor::{Element, Tensor};

/// The frequencies of pictures of one size, in rings around frequency 0.
///
/// A coefficient of the two-dimensional DFT has the frequency f = √(u² + v²), in cycles a pixel, with u and v from −½ to ½.
/// Ring k holds those with f · max(height, width) nearest to k: ring 0 is the mean alone, and no ring is empty.
///
/// ```
/// use tweedie_diffusion::spectrum::Bands;
/// use tweedie_tensor::Tensor;
/// let bands = Bands::new(16, 16)?;
/// // Four waves across 16 pixels: all power at a quarter cycle a pixel.
/// let wave = Tensor::from_fn([1, 16, 16], |i| (i as f64 * std::f64::consts::PI / 2.0).cos());
/// let power = bands.spectra(&wave)?;
/// let loudest = (0..bands.len()).max_by(|&a, &b| power.as_slice()[a].total_cmp(&power.as_slice()[b]));
/// assert_eq!(loudest, Some(4));
/// # Ok::<(), tweedie_diffusion::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bands {
    height: usize,
    width: usize,
    along_rows: Dft,
    along_columns: Dft,
    /// The ring of each coefficient.
    ring: Vec<usize>,
    frequencies: Vec<f64>,
    counts: Vec<usize>,
}

impl Bands {
    /// The rings of pictures of `height` × `width`.
    ///
    /// # Errors
    /// [`Error::Parameter`] when a side is 0.
    pub fn new(height: usize, width: usize) -> Result<Bands> {
        for (name, side) in [("height", height), ("width", width)] {
            if side == 0 {
                return Err(Error::parameter("spectrum", name, side, "a picture has at least one pixel"));
            }
        }
        // From the middle on, a DFT's frequencies are the negative ones.
        let along = |k: usize, n: usize| k.min(n - k) as f64 / n as f64;
        let longest = height.max(width) as f64;
        let (mut ring, mut frequencies, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..height {
            for j in 0..width {
                let (u, v) = (along(i, height), along(j, width));
                let f = (u * u + v * v).sqrt();
                let k = (f * longest).round() as usize;
                if k >= counts.len() {
                    counts.resize(k + 1, 0);
                    frequencies.resize(k + 1, 0.0);
                }
                ring.push(k);
                counts[k] += 1;
                frequencies[k] += f;
            }
        }
        for (f, &count) in frequencies.iter_mut().zip(&counts) {
            *f /= count as f64;
        }
        let (along_rows, along_columns) = (Dft::new(width), Dft::new(height));
        Ok(Bands { height, width, along_rows, along_columns, ring, frequencies, counts })
    }

    /// How many rings there are.
    #[allow(clippy::len_without_is_empty)] // Ring 0 is always there.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// The mean frequency of each ring, in cycles a pixel: from 0 to √½ at most.
    pub fn frequencies(&self) -> &[f64] {
        &self.frequencies
    }

    /// How many coefficients each ring has.
    pub fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// |X(f)|² of every coefficient of pictures `[…, height, width]`, in the DFT's own order: the first along each axis is
    /// frequency 0. The transform is orthonormal, so a picture's powers add up to the sum of its squares (Parseval).
    ///
    /// # Errors
    /// [`Error::Parameter`] when the pictures have another size.
    pub fn power<T: Element>(&self, x: &Tensor<T>) -> Result<Tensor<f64>> {
        let (height, width) = (self.height, self.width);
        if x.rank() < 2 || x.dims()[x.rank() - 2..] != [height, width] {
            let why = format!("the rings are those of pictures of {height} × {width}");
            return Err(Error::parameter("spectrum", "shape", x.shape(), why));
        }
        let mut power = Vec::with_capacity(x.numel());
        let mut plane = vec![Complex::default(); height * width];
        let mut column = vec![Complex::default(); height];
        for values in x.as_slice().chunks_exact(height * width) {
            for (to, value) in plane.iter_mut().zip(values) {
                *to = Complex { re: value.to_f64(), im: 0.0 };
            }
            plane.chunks_exact_mut(width).for_each(|row| self.along_rows.run(row));
            for j in 0..width {
                column.iter_mut().enumerate().for_each(|(i, to)| *to = plane[i * width + j]);
                self.along_columns.run(&mut column);
                column.iter().enumerate().for_each(|(i, from)| plane[i * width + j] = *from);
            }
            power.extend(plane.iter().map(|value| value.norm_squared()));
        }
        Ok(Tensor::from_slice(*x.shape(), &power)?)
    }

    /// The radial power spectrum of each picture of `[n, …, height, width]`: `[n, rings]`, the mean of |X(f)|² over a ring
    /// and over the axes between (channels).
    ///
    /// # Errors
    /// As [`Bands::power`].
    pub fn spectra<T: Element>(&self, x: &Tensor<T>) -> Result<Tensor<f64>> {
        let power = self.power(x)?;
        let pictures = if x.rank() > 2 { x.dims()[0] } else { 1 };
        let each = power.numel() / pictures.max(1);
        let planes = each / self.ring.len();
        let mut spectra = Vec::with_capacity(pictures * self.len());
        for picture in power.as_slice().chunks_exact(each.max(1)) {
            let mut sums = vec![0.0; self.len()];
            for (value, &ring) in picture.iter().zip(self.ring.iter().cycle()) {
                sums[ring] += value;
            }
            spectra.extend(sums.iter().zip(&self.counts).map(|(sum, &count)| sum / (planes * count) as f64));
        }
        Ok(Tensor::from_slice([pictures, self.len()], &spectra)?)
    }
}
