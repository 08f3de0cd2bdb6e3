//! Painting in batches, with progress, until it is done or interrupted.

use crate::console::Console;
use crate::error::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::progress::{Progress, duration};
use std::time::{Duration, Instant};
use tweedie_diffusion::State;
use tweedie_tensor::{Tensor, ops};
use tweedie_train::cluster::Turn;
use tweedie_train::{Painting, SampleRequest};

/// How many pictures go through the network at a time, so that memory does not grow with how many are asked for:
/// 64 of 32×32, fewer of larger ones, more of those that are hardly larger than a point. What is computed does not depend on it.
pub(crate) fn pictures_at_a_time([_, height, width]: [usize; 3]) -> usize {
    const PIXELS: usize = 64 * 32 * 32;
    let pixels = (height * width).max(1);
    (PIXELS / pixels).clamp(1, 64.max(PIXELS / pixels / 16))
}

/// Shows the progress of painting, and ends it on Ctrl-C. The work may have several stages of about one length, such as
/// an inversion and the way back; of several ranks, each paints its own batches, and shows what all have come to.
pub(crate) struct Painter {
    interrupt: Interrupt,
    progress: Progress,
    began: Instant,
    stage: usize,
    stages: usize,
    turn: Turn,
}

/// What happens while a request is painted.
pub(crate) enum Painted {
    /// A step was taken.
    Step(State<f32>),
    /// A batch is finished.
    Batch {
        /// The number of its first picture.
        first: usize,
        /// \[n, c, h, w\].
        pictures: Tensor<f32>,
    },
}

impl Painter {
    /// For work in so many stages.
    pub(crate) fn new(console: Console, interrupt: Interrupt, stages: usize) -> Painter {
        let (progress, began) = (Progress::new(console), Instant::now());
        Painter { interrupt, progress, began, stage: 0, stages, turn: Turn::default() }
    }

    /// The same, of a rank among others.
    pub(crate) fn in_turn(self, turn: Turn) -> Painter {
        Painter { turn, ..self }
    }

    /// The next stage: the pictures of `request`, `at_a_time` at once; `begin` begins each batch. Yields every step and
    /// every finished batch; [`Failure::Interrupted`], with `lost` as what became of the work, on Ctrl-C.
    pub(crate) fn paint<'a, 'm, F>(
        &'a mut self,
        request: &'a SampleRequest,
        at_a_time: usize,
        lost: &'a str,
        begin: F,
    ) -> impl Iterator<Item = Result<Painted>>
    where
        F: FnMut(&SampleRequest) -> Result<Painting<'m>> + 'a,
        'm: 'a,
    {
        self.stage += 1;
        let parts = self.turn.ranges(request.n, at_a_time).map(|pictures| request.part(pictures));
        Stage { painter: self, n: request.n, lost, parts, begin, current: None, failed: false }
    }

    /// As [`Painter::paint`], the finished batches alone, each with the number of its first picture.
    pub(crate) fn batches<'a, 'm: 'a>(
        &'a mut self,
        request: &'a SampleRequest,
        at_a_time: usize,
        lost: &'a str,
        begin: impl FnMut(&SampleRequest) -> Result<Painting<'m>> + 'a,
    ) -> impl Iterator<Item = Result<(usize, Tensor<f32>)>> {
        self.paint(request, at_a_time, lost, begin).filter_map(|painted| match painted {
            Ok(Painted::Step(_)) => None,
            Ok(Painted::Batch { first, pictures }) => Some(Ok((first, pictures))),
            Err(failure) => Some(Err(failure)),
        })
    }

    /// As [`Painter::paint`], all pictures put together.
    ///
    /// # Errors
    /// As [`Painter::paint`].
    pub(crate) fn pictures<'m>(
        &mut self,
        request: &SampleRequest,
        at_a_time: usize,
        lost: &str,
        begin: impl FnMut(&SampleRequest) -> Result<Painting<'m>>,
    ) -> Result<Tensor<f32>> {
        let batches = self.batches(request, at_a_time, lost, begin);
        let batches = batches.map(|batch| Ok(batch?.1)).collect::<Result<Vec<_>>>()?;
        Ok(ops::concat(&batches.iter().collect::<Vec<_>>(), 0)?)
    }

    /// Takes the bar away, and returns how long the work took.
    pub(crate) fn finish(self) -> Duration {
        self.progress.finish();
        self.began.elapsed()
    }
}

/// The pictures of a request on their way.
struct Stage<'a, 'm, P, F> {
    painter: &'a mut Painter,
    n: usize,
    lost: &'a str,
    /// The batches that are not begun.
    parts: P,
    begin: F,
    /// The batch that is being painted: the numbers of its first picture and of the one after the last that all ranks are at.
    current: Option<(usize, usize, Painting<'m>)>,
    failed: bool,
}

impl<'m, P, F> Stage<'_, 'm, P, F>
where
    P: Iterator<Item = tweedie_train::Result<SampleRequest>>,
    F: FnMut(&SampleRequest) -> Result<Painting<'m>>,
{
    fn advance(&mut self) -> Result<Option<Painted>> {
        let (first, end, mut painting) = match self.current.take() {
            Some(current) => current,
            None => {
                let Some(part) = self.parts.next().transpose()? else { return Ok(None) };
                // The other ranks are as far as this one, at the pictures after its own.
                let end = self.n.min(part.first + self.painter.turn.size() * part.n);
                (part.first, end, (self.begin)(&part)?)
            }
        };
        let Some(state) = painting.next().transpose()? else {
            return Ok(Some(Painted::Batch { first, pictures: painting.finish()? }));
        };
        self.show(first, end, &painting);
        if self.painter.interrupt.asked() {
            return Err(Failure::Interrupted(self.lost.to_string()));
        }
        self.current = Some((first, end, painting));
        Ok(Some(Painted::Step(state)))
    }

    fn show(&mut self, first: usize, end: usize, painting: &Painting<'_>) {
        let Painter { progress, began, stage, stages, .. } = &mut *self.painter;
        let of_stage = (first as f64 + painting.share() * (end - first) as f64) / self.n as f64;
        let share = ((*stage - 1) as f64 + of_stage) / *stages as f64;
        progress.update(share, || {
            let left = began.elapsed().mul_f64((1.0 - share).max(0.0) / share.max(1e-9));
            format!(
                "pictures {} to {end} of {}, step {} of {}, {} left",
                first + 1,
                self.n,
                painting.steps_taken(),
                painting.steps(),
                duration(left)
            )
        });
    }
}

impl<'m, P, F> Iterator for Stage<'_, 'm, P, F>
where
    P: Iterator<Item = tweedie_train::Result<SampleRequest>>,
    F: FnMut(&SampleRequest) -> Result<Painting<'m>>,
{
    type Item = Result<Painted>;

    fn next(&mut self) -> Option<Result<Painted>> {
        if self.failed {
            return None;
        }
        let next = self.advance().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}
