use crate::Timestep;
use std::collections::VecDeque;
use tweedie_tensor::{Element, Tensor};

/// What a run remembers of its steps, for samplers that build on more than the last one. The
/// [`Trajectory`](super::Trajectory) owns it, so that a sampler can run any number of times.
#[derive(Debug, Clone)]
pub struct History<T: Element> {
    past: VecDeque<Past<T>>,
}

/// A step that lies behind.
#[derive(Debug, Clone)]
pub struct Past<T: Element> {
    /// The time that the step left.
    pub t: Timestep,
    /// The sample that the step left.
    pub x: Tensor<T>,
    /// What the model made of it, as the sampler reads it: x̂_0 or ε̂.
    pub seen: Tensor<T>,
}

impl<T: Element> History<T> {
    /// The steps that are remembered, the last one first.
    pub fn past(&self) -> impl Iterator<Item = &Past<T>> {
        self.past.iter()
    }

    /// Remembers a step, and no more than the last `keep`.
    pub fn push(&mut self, past: Past<T>, keep: usize) {
        self.past.push_front(past);
        self.past.truncate(keep);
    }
}

impl<T: Element> Default for History<T> {
    fn default() -> History<T> {
        History { past: VecDeque::new() }
    }
}
