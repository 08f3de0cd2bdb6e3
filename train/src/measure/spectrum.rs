//! Pictures by their frequencies: which noise drowns first, and which a model paints first.

use crate::Result;
use crate::data::{Source, read_batch};
use serde::Serialize;
use tweedie_diffusion::spectrum::{
    Bands, PowerLaw, crossover, deviations, drowned_from, fixed_from, mean_spectrum, noised,
};
use tweedie_diffusion::{Level, Mean, Schedule, State, purpose};
use tweedie_tensor::{Tensor, random};

/// The times of a schedule whose spectra are shown, in twentieths.
const SHOWN_TIMES: [usize; 6] = [1, 2, 4, 8, 14, 20];
/// States of a sampler's run whose spectra are shown.
const SHOWN_STATES: usize = 6;
/// States of a run that are kept at most, so that long runs fit into memory.
const KEPT_STATES: usize = 200;

/// The spectrum of clean or painted pictures, and of the same pictures at some levels of noise.
#[derive(Debug, Clone, Serialize)]
pub struct Spectrum {
    /// How many pictures it is the mean of.
    pub pictures: usize,
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// The exponent of S(f) ∝ f^−α; `None` where there are too few frequencies.
    pub alpha: Option<f64>,
    /// The standard error of α.
    pub alpha_std_error: Option<f64>,
    /// The frequency of each ring, in cycles a pixel.
    pub frequencies: Vec<f64>,
    /// How many coefficients of the transform each ring has.
    pub counts: Vec<usize>,
    /// The mean power of each ring.
    pub power: Vec<f64>,
    /// The standard errors of these.
    pub power_std_error: Vec<Option<f64>>,
    /// The same at levels of noise.
    pub spectra: Vec<NoisySpectrum>,
}

/// The spectrum at one level of noise.
#[derive(Debug, Clone, Serialize)]
pub struct NoisySpectrum {
    /// Where on the way this is.
    #[serde(flatten)]
    pub when: When,
    /// s of x = s x_0 + n ε.
    pub signal: f64,
    /// n of it.
    pub noise: f64,
    /// The mean power of each ring, as measured.
    pub power: Vec<f64>,
    /// The standard errors of these.
    pub power_std_error: Vec<Option<f64>>,
    /// s² S(f) + n² with S the spectrum of the clean or painted pictures.
    pub closed_form: Vec<f64>,
}

/// A place on the way from pictures to noise or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// A time of a schedule, counted from 1.
    T(usize),
    /// A step of a sampler, counted from 0.
    Step(usize),
}

/// From which time of a schedule on noise is stronger than the pictures.
#[derive(Debug, Clone, Serialize)]
pub struct Drowning {
    /// The frequency above which noise is the stronger, at t = 1, 2, ….
    pub crossover: Vec<f64>,
    /// For each ring the first t at which noise is the stronger.
    pub drowned_from: Vec<Option<usize>>,
}

/// When a sampler fixes each frequency.
#[derive(Debug, Clone, Serialize)]
pub struct Settling {
    /// The steps that were looked at, from 0.
    pub step: Vec<usize>,
    /// The frequency above which noise is the stronger, after each of these steps.
    pub crossover: Vec<f64>,
    /// For each ring the first step at and after which x̂_0 is within the tolerance of its last value.
    pub fixed_from: Vec<usize>,
    /// How far each ring of x̂_0 is from its last value, at each of these steps.
    pub deviations: Vec<Vec<f64>>,
}

/// Measures the spectra of pictures of a data set, clean and noised to some times of a schedule: an iterator over batches,
/// which yields the share of the pictures that is done.
pub struct NoisedSpectra<'a> {
    source: &'a dyn Source,
    schedule: &'a Schedule,
    /// Which pictures, and how many at once.
    indices: Vec<usize>,
    at_a_time: usize,
    seed: u64,
    bands: Bands,
    /// The times, counted from 1.
    times: Vec<usize>,
    /// The spectra of each picture, clean and at each of the times.
    rows: Vec<Vec<f64>>,
    done: usize,
}

impl<'a> NoisedSpectra<'a> {
    /// The most spectra that are kept of a picture: clean, and at each time.
    pub const SPECTRA: u64 = 1 + SHOWN_TIMES.len() as u64;

    /// Of the pictures at `indices`, `at_a_time` at once, the result depending on it not at all.
    ///
    /// # Errors
    /// Pictures without places.
    pub fn new(
        source: &'a dyn Source,
        indices: Vec<usize>,
        at_a_time: usize,
        schedule: &'a Schedule,
        seed: u64,
    ) -> Result<NoisedSpectra<'a>> {
        let [_, height, width] = source.shape();
        let times = shown_times(schedule.num_timesteps());
        Ok(NoisedSpectra {
            source,
            schedule,
            indices,
            at_a_time: at_a_time.max(1),
            seed,
            bands: Bands::new(height, width)?,
            rows: vec![Vec::new(); times.len() + 1],
            times,
            done: 0,
        })
    }

    /// The spectra of the pictures that are done.
    ///
    /// # Errors
    /// None after a batch.
    pub fn finish(self) -> Result<(Spectrum, Drowning)> {
        let NoisedSpectra { schedule, bands, times, rows, done, .. } = self;
        let mean = |rows: &Vec<f64>| -> Result<Vec<Mean>> {
            Ok(mean_spectrum(&Tensor::from_slice([done, bands.len()], rows)?))
        };
        let clean = mean(&rows[0])?;
        let power = means(&clean);
        let spectra = times.iter().zip(&rows[1..]).map(|(&t, rows)| {
            Ok(NoisySpectrum::new(When::T(t), schedule.level(t - 1), &power, &mean(rows)?))
        });
        let spectra = spectra.collect::<Result<_>>()?;
        let drowning = Drowning {
            crossover: (0..schedule.num_timesteps())
                .map(|t| crossover(bands.frequencies(), &power, schedule.level(t)))
                .collect(),
            drowned_from: power.iter().map(|&power| Some(drowned_from(schedule, power)? + 1)).collect(),
        };
        Ok((Spectrum::new(done, self.source.shape(), &bands, &clean, spectra), drowning))
    }

    fn batch(&mut self) -> Result<f64> {
        let end = self.indices.len().min(self.done + self.at_a_time);
        let indices = &self.indices[self.done..end];
        let x0 = read_batch(self.source, indices)?.x;
        let mut rows = self.rows.iter_mut();
        if let Some(clean) = rows.next() {
            clean.extend_from_slice(self.bands.spectra(&x0)?.as_slice());
        }
        for ((i, &t), rows) in self.times.iter().enumerate().zip(rows) {
            let noise =
                random::normal(*x0.shape(), self.seed, purpose::EVALUATION, i as u64, self.done as u64);
            let x_t = self.schedule.q_sample(&x0, &vec![t - 1; indices.len()], &noise)?;
            rows.extend_from_slice(self.bands.spectra(&x_t)?.as_slice());
        }
        self.done = end;
        Ok(self.done as f64 / self.indices.len() as f64)
    }
}

impl Iterator for NoisedSpectra<'_> {
    type Item = Result<f64>;

    fn next(&mut self) -> Option<Result<f64>> {
        if self.done >= self.indices.len() {
            return None;
        }
        let share = self.batch();
        if share.is_err() {
            self.indices.truncate(self.done);
        }
        Some(share)
    }
}

/// The times of a schedule whose spectra are shown, counted from 1.
fn shown_times(timesteps: usize) -> Vec<usize> {
    let mut times: Vec<usize> = SHOWN_TIMES.map(|share| (share * timesteps / 20).max(1)).to_vec();
    times.dedup();
    times
}

/// Gathers the states of one batch of a sampler's run, for their spectra.
pub struct PaintedSpectra {
    steps: usize,
    kept: Vec<State<f32>>,
}

impl PaintedSpectra {
    /// For a run of so many steps.
    pub fn new(steps: usize) -> PaintedSpectra {
        PaintedSpectra { steps, kept: Vec::new() }
    }

    /// How many bytes the states of a run of so many steps take, for each picture.
    pub fn bytes_per_picture(steps: usize, shape: [usize; 3]) -> u64 {
        let numbers = 2 * shape.iter().product::<usize>() * (steps.min(KEPT_STATES) + 1);
        (size_of::<f32>() * numbers) as u64
    }

    /// Adds the state after a step; of a long run some are kept, the last among them.
    pub fn add(&mut self, state: State<f32>) {
        let every = self.steps.div_ceil(KEPT_STATES).max(1);
        if state.step.is_multiple_of(every) || state.step + 1 == self.steps {
            self.kept.push(state);
        }
    }

    /// The spectra on the way to the pictures `painted` \[n, c, h, w\].
    ///
    /// # Errors
    /// Pictures without places, or of another shape than the states.
    pub fn finish(self, painted: &Tensor<f32>, tolerance: f64) -> Result<(Spectrum, Settling)> {
        let [n, channels, height, width] = painted.shape().nchw("spectra")?;
        let (kept, bands) = (self.kept, Bands::new(height, width)?);
        let clean = mean_spectrum(&bands.spectra(painted)?);
        let power = means(&clean);
        let mut spectra = Vec::new();
        for i in 0..SHOWN_STATES.min(kept.len()) {
            let State { step, level, x, .. } = &kept[i * (kept.len() - 1) / (SHOWN_STATES - 1).max(1)];
            let found = mean_spectrum(&bands.spectra(x)?);
            spectra.push(NoisySpectrum::new(When::Step(*step), *level, &power, &found));
        }
        let x0_hats: Vec<Tensor<f32>> = kept.iter().map(|state| state.x0_hat.clone()).collect();
        let deviations = deviations(&bands, &x0_hats)?;
        let fixed = fixed_from(&deviations, tolerance);
        let settling = Settling {
            step: kept.iter().map(|state| state.step).collect(),
            crossover: kept.iter().map(|state| crossover(bands.frequencies(), &power, state.level)).collect(),
            fixed_from: fixed.into_iter().map(|i| kept[i.min(kept.len() - 1)].step).collect(),
            deviations,
        };
        Ok((Spectrum::new(n, [channels, height, width], &bands, &clean, spectra), settling))
    }
}

impl Spectrum {
    fn new(
        pictures: usize,
        shape: [usize; 3],
        bands: &Bands,
        clean: &[Mean],
        spectra: Vec<NoisySpectrum>,
    ) -> Spectrum {
        let power = means(clean);
        let law = PowerLaw::fit(bands.frequencies(), &power);
        Spectrum {
            pictures,
            shape,
            alpha: law.map(|law| law.alpha),
            alpha_std_error: law.map(|law| law.std_error),
            frequencies: bands.frequencies().to_vec(),
            counts: bands.counts().to_vec(),
            power,
            power_std_error: errors(clean),
            spectra,
        }
    }
}

impl NoisySpectrum {
    fn new(when: When, level: Level, clean: &[f64], found: &[Mean]) -> NoisySpectrum {
        NoisySpectrum {
            when,
            signal: level.signal,
            noise: level.noise,
            power: means(found),
            power_std_error: errors(found),
            closed_form: clean.iter().map(|&power| noised(power, level)).collect(),
        }
    }
}

fn means(spectrum: &[Mean]) -> Vec<f64> {
    spectrum.iter().map(|mean| mean.mean).collect()
}

fn errors(spectrum: &[Mean]) -> Vec<Option<f64>> {
    spectrum.iter().map(|mean| mean.std_error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_that_are_shown_are_times_of_the_schedule() {
        assert_eq!(shown_times(1000), [50, 100, 200, 400, 700, 1000]);
        assert_eq!(shown_times(1), [1]);
        assert_eq!(shown_times(3), [1, 2, 3]);
    }
}
