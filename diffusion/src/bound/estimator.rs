use super::estimate::{BoundEstimate, Moments, RateDistortion, TermEstimate};
use super::strata::strata;
use super::terms::{Bound, Term};
use crate::purpose;
use crate::{Condition, Denoiser, Error, Result};
use std::f64::consts::LN_2;
use std::ops::Range;
use tweedie_tensor::random::{self, Stream};
use tweedie_tensor::{Element, Tensor};

/// Streams of noise are numbered by where in a picture's walk over time they are used; times are drawn from one that
/// no walk reaches.
const TIMES: u64 = 1 << 40;

/// Gathers the bound over pictures. Of each it computes L_T in closed form, L_0, and from each of K runs of the other
/// indices the term at one of them, drawn evenly and counted as often as the run is long: an unbiased estimate of the
/// whole sum. With K = T − 1 every term of every picture is computed.
#[derive(Debug, Clone)]
pub struct BoundEstimator<'a> {
    bound: Bound<'a>,
    seed: u64,
    strata: Vec<Range<usize>>,
    /// Σ C_t of the fixed variance, in nats a dimension.
    fixed_constant: f64,
    /// Places of a sample; 0 before the first.
    dims: usize,
    total: Moments,
    prior: Moments,
    middle: Moments,
    decoder: Moments,
    constant: Moments,
    /// For each index the whole term.
    terms: Vec<Moments>,
    /// For each run, the first being index 0 alone, the squared error.
    distortions: Vec<Moments>,
}

/// A batch of pictures about which a [`BoundEstimator`] is asking the denoiser.
#[derive(Debug, Clone)]
pub struct BoundBatch<T: Element> {
    x0: Tensor<T>,
    condition: Condition,
    first: u64,
    /// Of each picture, the indices at which it is looked at.
    times: Vec<Vec<usize>>,
    /// Of each picture, the terms at those of them that the denoiser has been asked about.
    walks: Vec<Vec<Term>>,
    asked: usize,
}

/// What a [`BoundEstimator`] has found out about a batch of pictures: all that its estimate needs of them.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundTerms {
    /// The number of the first.
    pub first: u64,
    /// Places of a picture.
    pub dims: usize,
    /// Of each picture L_T, in nats.
    pub priors: Vec<f64>,
    /// Of each picture the terms at the indices at which it was looked at, L_0 first.
    pub walks: Vec<Vec<Term>>,
}

impl<'a> BoundEstimator<'a> {
    /// `per_picture` terms of each picture beside L_T and L_0: as many as the schedule has, or fewer. All that is
    /// random follows from the seed and the number of the picture.
    ///
    /// # Errors
    /// [`Error::Parameter`] when `per_picture` is 0.
    pub fn new(bound: Bound<'a>, per_picture: usize, seed: u64) -> Result<BoundEstimator<'a>> {
        if per_picture == 0 {
            return Err(Error::parameter("bound", "timesteps per picture", 0, "must be at least 1"));
        }
        let strata = strata(bound.schedule(), per_picture);
        let none = Moments::default();
        Ok(BoundEstimator {
            bound,
            seed,
            fixed_constant: (1..bound.schedule().num_timesteps()).map(|t| bound.constant(t)).sum(),
            dims: 0,
            total: none,
            prior: none,
            middle: none,
            decoder: none,
            constant: none,
            terms: vec![none; bound.schedule().num_timesteps()],
            distortions: vec![none; strata.len() + 1],
            strata,
        })
    }

    /// How many times the denoiser is asked about each picture.
    pub fn evaluations(&self) -> usize {
        self.strata.len() + 1
    }

    /// Adds the pictures `x0` (leading axis), numbered from `first`: how a set is cut into batches does not matter.
    ///
    /// # Errors
    /// As [`Bound::terms`]; [`Error::Parameter`] for pictures of another size than earlier ones.
    pub fn add<T: Element>(
        &mut self,
        denoiser: &(impl Denoiser<T> + ?Sized),
        x0: &Tensor<T>,
        condition: &Condition,
        first: u64,
    ) -> Result<()> {
        let mut batch = self.begin(x0.clone(), condition.clone(), first)?;
        while self.ask(&mut batch, denoiser)? {}
        if let Some(terms) = self.finish(batch) {
            self.gather(&terms);
        }
        Ok(())
    }

    /// Begins what [`BoundEstimator::add`] does at once, so that callers can stop between two passes of the denoiser:
    /// [`BoundEstimator::ask`] is to be called until it returns false, then [`BoundEstimator::finish`].
    ///
    /// # Errors
    /// [`Error::Parameter`] for pictures of another size than earlier ones.
    pub fn begin<T: Element>(
        &self,
        x0: Tensor<T>,
        condition: Condition,
        first: u64,
    ) -> Result<BoundBatch<T>> {
        let samples = x0.dims().first().copied().unwrap_or(0);
        let dims = x0.numel() / samples.max(1);
        if samples > 0 && self.dims != 0 && self.dims != dims {
            let why = format!("earlier pictures have {}", self.dims);
            return Err(Error::parameter("bound", "places of a picture", dims, why));
        }
        let times: Vec<Vec<usize>> = (0..samples as u64).map(|i| self.times(first + i)).collect();
        let walks = vec![Vec::with_capacity(self.evaluations()); samples];
        Ok(BoundBatch { x0, condition, first, times, walks, asked: 0 })
    }

    /// Asks the denoiser once about a batch. False if nothing was left to ask.
    ///
    /// # Errors
    /// As [`Bound::terms`].
    pub fn ask<T: Element>(
        &self,
        batch: &mut BoundBatch<T>,
        denoiser: &(impl Denoiser<T> + ?Sized),
    ) -> Result<bool> {
        let BoundBatch { x0, condition, first, times, walks, asked } = batch;
        if *asked == self.evaluations() || walks.is_empty() {
            return Ok(false);
        }
        let t: Vec<usize> = times.iter().map(|times| times[*asked]).collect();
        let noise = random::normal(*x0.shape(), self.seed, purpose::EVALUATION, *asked as u64, *first);
        let terms = self.bound.terms(denoiser, x0, &t, &noise, condition)?;
        walks.iter_mut().zip(terms).for_each(|(walk, term)| walk.push(term));
        *asked += 1;
        Ok(true)
    }

    /// What a batch came to about which everything has been asked; `None` of one that was not asked about to the end.
    pub fn finish<T: Element>(&self, batch: BoundBatch<T>) -> Option<BoundTerms> {
        let BoundBatch { x0, first, walks, asked, .. } = batch;
        let dims = x0.numel() / walks.len().max(1);
        (asked == self.evaluations()).then(|| BoundTerms {
            first,
            dims,
            priors: self.bound.prior(&x0),
            walks,
        })
    }

    /// Adds what a batch came to, here or in another estimator of the same seed. The last bits of the estimate depend on the
    /// order of the pictures, not on how they are cut into batches.
    pub fn gather(&mut self, terms: &BoundTerms) {
        self.dims = terms.dims;
        for ((picture, prior), walk) in (terms.first..).zip(&terms.priors).zip(&terms.walks) {
            self.gather_picture(*prior, walk, &self.times(picture));
        }
    }

    /// The indices at which a picture is looked at: 0, and one of each run.
    fn times(&self, picture: u64) -> Vec<usize> {
        let mut stream = Stream::new(self.seed, purpose::EVALUATION, TIMES, picture);
        let drawn = self.strata.iter().map(|run| run.start + stream.below(run.len() as u32) as usize);
        [0].into_iter().chain(drawn).collect()
    }

    fn gather_picture(&mut self, prior: f64, walk: &[Term], times: &[usize]) {
        // The constants of a fixed variance are known at every index; what is estimated is how a model's own differ.
        let dims = self.dims as f64;
        let (mut mean, mut constant) = (0.0, dims * self.fixed_constant);
        for ((run, term), &t) in self.strata.iter().zip(&walk[1..]).zip(&times[1..]) {
            mean += run.len() as f64 * term.mean;
            constant += run.len() as f64 * (term.constant - dims * self.bound.constant(t));
        }
        let middle = mean + constant;
        let decoder = walk[0].nats();
        self.prior.add(prior);
        self.middle.add(middle);
        self.constant.add(constant);
        self.decoder.add(decoder);
        self.total.add(prior + middle + decoder);
        for (place, (term, &t)) in walk.iter().zip(times).enumerate() {
            self.terms[t].add(term.nats());
            self.distortions[place].add(term.square_error);
        }
    }

    /// What the pictures so far come to, in bits a dimension.
    pub fn estimate(&self) -> BoundEstimate {
        let dims = self.dims.max(1) as f64;
        let unit = 1.0 / (dims * LN_2);
        let bits = |moments: &Moments| moments.mean(unit);
        let terms = self.terms.iter().enumerate().filter(|(_, moments)| moments.count() > 0);
        BoundEstimate {
            pictures: self.total.count(),
            total: bits(&self.total),
            prior: bits(&self.prior),
            middle: bits(&self.middle),
            decoder: bits(&self.decoder),
            constant: bits(&self.constant),
            terms: terms
                .map(|(t, moments)| TermEstimate { t, bits: bits(moments), count: moments.count() })
                .collect(),
            rate_distortion: self.rate_distortion(unit, dims),
        }
    }

    /// From the noisiest run down: what has been sent before x_t is known, and how far x̂_0 is off then.
    fn rate_distortion(&self, unit: f64, dims: f64) -> Vec<RateDistortion> {
        let mut rate = self.prior.mean(unit).mean;
        let mut curve = Vec::with_capacity(self.evaluations());
        let runs = std::iter::once(0..1).chain(self.strata.iter().cloned());
        for (place, run) in runs.enumerate().collect::<Vec<_>>().into_iter().rev() {
            // Within a run terms are taken to be even, and x_t to be in its middle.
            let size = run.len() as f64;
            let nats = run.clone().map(|t| self.terms[t].sum()).sum::<f64>();
            let count = run.clone().map(|t| self.terms[t].count()).sum::<usize>().max(1) as f64;
            let term = nats / count * unit;
            let mean_square = self.distortions[place].mean(1.0 / dims).mean;
            curve.push(RateDistortion {
                t: 0.5 * (run.start + run.end - 1) as f64,
                rate: rate + 0.5 * (size - 1.0) * term,
                rmse: 127.5 * mean_square.sqrt(),
            });
            rate += size * term;
        }
        curve
    }
}
