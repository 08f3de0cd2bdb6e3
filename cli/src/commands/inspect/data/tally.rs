//! What is counted and kept of pictures as they are read.

use super::summary::{Class, NEARLY, Summary};
use crate::error::{Failure, Result};
use crate::pictures::{Pictures, columns_for, grid_png};
use tweedie_diffusion::spectrum::{Bands, PowerLaw, mean_spectrum};
use tweedie_tensor::{Tensor, ops};
use tweedie_train::data::{Found, Repeats, Source, Split};

/// Rows of the grid.
pub(super) const ROWS: usize = 8;
/// From black to white.
const RANGE: f64 = 2.0;

/// What is counted and kept of the pictures as they are read.
pub(super) struct Tally {
    bands: Bands,
    pub(super) labels: usize,
    counts: Vec<usize>,
    /// Of each channel: Σ x and Σ x² over pixels.
    sums: Vec<[f64; 2]>,
    /// Of each channel: the least and the greatest number.
    ranges: Vec<[f32; 2]>,
    repeats: Repeats,
    spectra: Vec<f64>,
    /// The first pictures of each class.
    kept: Vec<Vec<Tensor<f32>>>,
}

impl Tally {
    pub(super) fn new(source: &dyn Source) -> Result<Tally> {
        let [channels, height, width] = source.shape();
        let classes = source.classes().len();
        Ok(Tally {
            bands: Bands::new(height, width)?,
            labels: 0,
            counts: vec![0; classes],
            sums: vec![[0.0; 2]; channels],
            ranges: vec![[f32::INFINITY, f32::NEG_INFINITY]; channels],
            repeats: Repeats::new(source.shape()),
            spectra: Vec::new(),
            kept: vec![Vec::new(); classes],
        })
    }

    /// Adds pictures with these numbers in the set.
    pub(super) fn add(&mut self, indices: &[usize], x: &Tensor<f32>, labels: &[usize]) -> Result<()> {
        let (channels, area) = (self.sums.len(), x.dims()[2] * x.dims()[3]);
        for (plane, values) in x.as_slice().chunks_exact(area).enumerate() {
            let (sums, range) = (&mut self.sums[plane % channels], &mut self.ranges[plane % channels]);
            for &value in values {
                sums[0] += f64::from(value);
                sums[1] += f64::from(value) * f64::from(value);
                *range = [range[0].min(value), range[1].max(value)];
            }
        }
        for ((&index, &label), picture) in
            indices.iter().zip(labels).zip(x.as_slice().chunks_exact((channels * area).max(1)))
        {
            self.repeats.add(index, label, picture);
        }
        let spectra = self.bands.spectra(x)?;
        self.spectra.extend_from_slice(spectra.as_slice());
        let classes = self.counts.len();
        let most = if classes > 1 { ROWS } else { ROWS * ROWS };
        for (i, &label) in labels.iter().enumerate() {
            self.counts[label] += 1;
            if self.kept[label].len() < most {
                self.kept[label].push(ops::narrow(x, 0, i, 1)?);
            }
        }
        self.labels += labels.len();
        Ok(())
    }

    /// The pictures that repeat others. It forgets them.
    pub(super) fn find_repeats(&mut self) -> Found {
        let shape = [self.sums.len(), 0, 0];
        std::mem::replace(&mut self.repeats, Repeats::new(shape)).find(NEARLY * RANGE)
    }

    pub(super) fn summary<'a>(
        &self,
        data: &'a str,
        split: Split,
        source: &dyn Source,
        repeats: Found,
    ) -> Result<Summary<'a>> {
        let [_, height, width] = source.shape();
        let pixels = (self.labels * height * width) as f64;
        let mean = mean_spectrum(&Tensor::from_slice([self.labels, self.bands.len()], &self.spectra)?);
        let power: Vec<f64> = mean.iter().map(|mean| mean.mean).collect();
        let law = PowerLaw::fit(self.bands.frequencies(), &power);
        let variance: Vec<f64> =
            self.sums.iter().map(|sums| (sums[1] / pixels - (sums[0] / pixels).powi(2)).max(0.0)).collect();
        let classes = source.classes().iter().zip(&self.counts);
        Ok(Summary {
            data,
            split: split.name(),
            pictures: source.len(),
            n: self.labels,
            shape: source.shape(),
            classes: classes.map(|(name, &count)| Class { name: name.clone(), count }).collect(),
            mean: self.sums.iter().map(|sums| sums[0] / pixels).collect(),
            std: variance.iter().map(|variance| variance.sqrt()).collect(),
            variance,
            least: self.ranges.iter().map(|range| range[0]).collect(),
            greatest: self.ranges.iter().map(|range| range[1]).collect(),
            repeats,
            alpha: law.map(|law| law.alpha),
            alpha_std_error: law.map(|law| law.std_error),
            frequencies: self.bands.frequencies().to_vec(),
            power,
            power_std_error: mean.iter().map(|mean| mean.std_error).collect(),
        })
    }

    /// A column for each class where each has some, else a square.
    pub(super) fn grid(&self) -> Result<Vec<u8>> {
        let classes: Vec<&Vec<Tensor<f32>>> = self.kept.iter().filter(|kept| !kept.is_empty()).collect();
        let rows = classes.iter().map(|kept| kept.len()).min().unwrap_or(0);
        let mut pictures_of_grid = match classes.len() {
            2..=20 => (0..rows).flat_map(|row| classes.iter().map(move |kept| &kept[row])).collect(),
            _ => classes.iter().flat_map(|kept| kept.iter()).take(ROWS * ROWS).collect::<Vec<_>>(),
        }
        .into_iter();
        let Some(first) = pictures_of_grid.next() else {
            return Err(Failure::user("no pictures", "--n", "give at least 1"));
        };
        let mut pictures = Pictures::from_tensor(first)?;
        pictures_of_grid.try_for_each(|picture| pictures.append(&Pictures::from_tensor(picture)?))?;
        let columns = match classes.len() {
            columns @ 2..=20 => columns,
            _ => columns_for(pictures.len(), None),
        };
        grid_png(&pictures, columns)
    }
}
