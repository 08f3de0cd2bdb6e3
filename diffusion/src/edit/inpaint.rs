use crate::{Conditioned, Error, History, Level, Result, Sampler, State, Timestep, Transition};
use tweedie_tensor::{Element, Tensor, ops};

/// A picture of which a part is known, and stays as it is.
#[derive(Debug, Clone)]
pub struct Known<T: Element> {
    picture: Tensor<T>,
    painted: Vec<bool>,
}

impl<T: Element> Known<T> {
    /// `picture` has the shape of one sample; `painted` says of each of its places whether it is repainted.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless there is one of `painted` for each place.
    pub fn new(picture: Tensor<T>, painted: Vec<bool>) -> Result<Known<T>> {
        if painted.len() != picture.numel() {
            let why = format!("there must be one for each of the picture's {} places", picture.numel());
            return Err(Error::parameter("inpainting", "mask", format!("{} places", painted.len()), why));
        }
        Ok(Known { picture, painted })
    }

    /// Puts the known part into each sample of `x`, at `level` with the noise `z` of x's shape.
    fn impose(&self, x: &mut Tensor<T>, level: Level, z: &Tensor<T>) {
        let (signal, noise) = (T::from_f64(level.signal), T::from_f64(level.noise));
        let each = self.painted.len().max(1);
        let samples = x.as_mut_slice().chunks_mut(each).zip(z.as_slice().chunks(each));
        for (x, z) in samples {
            for (i, &picture) in self.picture.as_slice().iter().enumerate() {
                if !self.painted[i] {
                    x[i] = signal * picture + noise * z[i];
                }
            }
        }
    }

    /// Puts the known part into each sample of `x` as it is.
    fn restore(&self, x: &mut Tensor<T>) {
        for x in x.as_mut_slice().chunks_mut(self.painted.len().max(1)) {
            for (i, &picture) in self.picture.as_slice().iter().enumerate() {
                if !self.painted[i] {
                    x[i] = picture;
                }
            }
        }
    }
}

/// Any sampler, made to paint what is missing of a picture.
///
/// By replacement (Song et al. 2021, score SDE, appendix I.2): after each step the known part is drawn again from
/// q(x_s | x_0), s being the time that the step reaches; at the end it is the picture itself. What is painted then knows
/// of the known part only through its noise, and answers to it less than it should: of a pair of unit normals of
/// correlation ρ, less than ρ of the known one.
///
/// With resampling (RePaint, Lugmayr et al. 2022, algorithm 1 and section 4.2), after every `jump` steps the sample is
/// taken back to where they began, x_t = √α x_s + √β z, and they are taken again, so that each is taken `resamplings`
/// times: the two parts come to agree. What a sampler remembers of its steps it forgets at a jump. The last step, which
/// ends at the picture, is taken once, and so are first ones that are fewer than `jump`.
#[derive(Debug, Clone)]
pub struct Inpaint<T: Element, S> {
    sampler: S,
    known: Known<T>,
    visits: Vec<Visit>,
}

/// A step of the inner sampler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Visit {
    step: usize,
    /// How often it has been taken.
    round: usize,
    /// The step to whose beginning the sample is then taken back.
    back_to: Option<usize>,
}

impl<T: Element, S: Sampler<T>> Inpaint<T, S> {
    /// As often as a step can be taken.
    const MOST: usize = 1000;

    /// Inpainting with `sampler` by replacement.
    pub fn new(sampler: S, known: Known<T>) -> Inpaint<T, S> {
        let visits = visits(sampler.steps(), 1, 1);
        Inpaint { sampler, known, visits }
    }

    /// The same with resampling: `jump` steps at a time are taken `resamplings` times. 1 is replacement alone.
    ///
    /// # Errors
    /// [`Error::Parameter`] when a number is 0, or `resamplings` above a thousand.
    pub fn resampled(self, jump: usize, resamplings: usize) -> Result<Inpaint<T, S>> {
        const WHAT: &str = "inpainting";
        if jump == 0 {
            return Err(Error::parameter(WHAT, "jump", jump, "must be at least 1"));
        }
        if !(1..=Self::MOST).contains(&resamplings) {
            let why = format!("must be 1 to {}", Self::MOST);
            return Err(Error::parameter(WHAT, "resamplings", resamplings, why));
        }
        let visits = visits(self.sampler.steps(), jump, resamplings);
        Ok(Inpaint { visits, ..self })
    }
}

/// Blocks of `jump` steps (of all, if there are fewer), counted back from the last step, which is none of theirs. What is
/// left at the beginning is taken once.
fn visits(steps: usize, jump: usize, resamplings: usize) -> Vec<Visit> {
    let repeated = steps.saturating_sub(1);
    let jump = jump.min(repeated.max(1));
    let begin = repeated % jump;
    let once = |step| Visit { step, round: 0, back_to: None };
    let mut visits: Vec<Visit> = (0..begin).map(once).collect();
    for first in (begin..repeated).step_by(jump) {
        let last = first + jump - 1;
        for round in 0..resamplings {
            let again = |step| (step == last && round + 1 < resamplings).then_some(first);
            visits.extend((first..=last).map(|step| Visit { step, round, back_to: again(step) }));
        }
    }
    visits.extend((repeated..steps).map(once));
    visits
}

impl<T: Element, S: Sampler<T>> Sampler<T> for Inpaint<T, S> {
    /// Steps that are taken again are counted again.
    fn steps(&self) -> usize {
        self.visits.len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.sampler.time(self.visits[step].step)
    }

    fn start_deviation(&self) -> f64 {
        self.sampler.start_deviation()
    }

    fn ends_without_signal(&self) -> bool {
        self.sampler.ends_without_signal()
    }

    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        history: &mut History<T>,
    ) -> Result<State<T>> {
        let sample = self.known.picture.dims();
        if x.dims().get(1..) != Some(sample) {
            let why = format!("the picture that is known has shape {sample:?}");
            return Err(Error::parameter("inpainting", "x", x.shape(), why));
        }
        let Visit { step: inner, round, back_to } = self.visits[step];
        let mut x = x.clone();
        if step == 0 {
            let z = model.forward_noise(0, &x);
            self.known.impose(&mut x, self.sampler.time(inner).level(), &z);
        }
        let mut state = self.sampler.step(inner, &x, &model.in_round(round), history)?;
        if step + 1 == self.visits.len() {
            self.known.restore(&mut state.x);
        } else {
            let z = model.forward_noise(2 * step + 1, &state.x);
            self.known.impose(&mut state.x, state.level, &z);
        }
        if let Some(first) = back_to {
            let level = self.sampler.time(first).level();
            let Transition { alpha, beta, .. } = Transition::between(level, state.level);
            let z = model.forward_noise(2 * step + 2, &state.x);
            state.x = ops::combine(&[(&[alpha.sqrt()], &state.x), (&[beta.sqrt()], &z)])?;
            state.level = level;
            *history = History::default();
        }
        Ok(State { step, ..state })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_again_by_blocks_and_the_last_one_once() {
        let steps = |visits: Vec<Visit>| visits.into_iter().map(|visit| visit.step).collect::<Vec<_>>();
        assert_eq!(steps(visits(5, 2, 3)), [0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 4]);
        assert_eq!(steps(visits(4, 2, 2)), [0, 1, 2, 1, 2, 3]);
        assert_eq!(steps(visits(3, 1, 1)), [0, 1, 2]);
        assert_eq!(steps(visits(3, usize::MAX, 2)), [0, 1, 0, 1, 2]);
        assert_eq!(steps(visits(1, 1, 9)), [0]);
        let back: Vec<_> = visits(4, 2, 2).into_iter().map(|visit| visit.back_to).collect();
        assert_eq!(back, [None, None, Some(1), None, None, None]);
    }
}
