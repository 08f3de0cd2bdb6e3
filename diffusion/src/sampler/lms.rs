use super::conditioned::Conditioned;
use super::falling::check_changing;
use super::history::{History, Past};
use super::run::{Sampler, State};
use super::weighted_sum::weighted_sum;
use crate::{Clip, Error, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor};

/// The linear multistep method of Adams and Bashforth for the probability-flow ODE dx/dσ = ε̂ of x / signal in
/// σ = noise / signal, over steps of any length (Crowson 2022, k-diffusion, `sample_lms`): ε̂ of the last `order` steps
/// as a polynomial in σ, integrated over the step exactly.
///
/// The polynomial has a value at σ = 0, so that the last step, to the clean picture, keeps the order. The first steps have
/// fewer ε̂, and are of lower order.
#[derive(Debug, Clone)]
pub struct Lms {
    times: Times,
    order: usize,
    clip: Clip,
    start_deviation: f64,
    without_signal: bool,
}

impl Lms {
    /// A sampler of the given order over `times`, without clipping.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless the order is 1 to 4, and with more than 1, noise / signal changes with every step but
    /// the last.
    pub fn new(times: &Times, order: usize) -> Result<Lms> {
        const WHAT: &str = "LMS";
        if !(1..=4).contains(&order) {
            return Err(Error::parameter(WHAT, "order", order, "must be 1 to 4"));
        }
        if order > 1 {
            check_changing(WHAT, times)?;
        }
        Ok(Lms { times: times.clone(), order, clip: Clip::Off, start_deviation: 1.0, without_signal: false })
    }

    /// The same sampler, with x̂_0 clipped, and ε̂ what then explains x.
    pub fn clip(self, clip: Clip) -> Lms {
        Lms { clip, ..self }
    }

    /// As [`Euler::in_sigmas`](crate::Euler::in_sigmas).
    pub fn in_sigmas(self, start_deviation: f64) -> Lms {
        Lms { start_deviation, without_signal: true, ..self }
    }
}

/// ∫ of the polynomial that is 1 at `nodes[k]` and 0 at the other nodes, from `from` to `to`, for up to four nodes:
/// Simpson's rule is exact for cubics.
fn integral(nodes: &[f64], k: usize, from: f64, to: f64) -> f64 {
    let basis = |sigma: f64| {
        let others = nodes.iter().enumerate().filter(|&(j, _)| j != k);
        others.map(|(_, node)| (sigma - node) / (nodes[k] - node)).product::<f64>()
    };
    (to - from) / 6.0 * (basis(from) + 4.0 * basis(0.5 * (from + to)) + basis(to))
}

impl<T: Element> Sampler<T> for Lms {
    fn steps(&self) -> usize {
        self.times.steps().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.times.steps()[step].from
    }

    fn start_deviation(&self) -> f64 {
        self.start_deviation
    }

    fn ends_without_signal(&self) -> bool {
        self.without_signal
    }

    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        history: &mut History<T>,
    ) -> Result<State<T>> {
        let Step { from: t, to, .. } = self.times.steps()[step];
        let (x0_hat, epsilon) = model.x0_and_epsilon(x, t, self.clip)?;
        let (from, level) = (t.level().sigma(), to.level());
        // What was predicted in pure noise lies infinitely far back, and from there every step is Euler's.
        let usable = |past: &&Past<T>| past.t.level().signal > 0.0 && from.is_finite();
        let before: Vec<&Past<T>> = history.past().take(self.order - 1).take_while(usable).collect();
        let nodes: Vec<f64> =
            [from].into_iter().chain(before.iter().map(|past| past.t.level().sigma())).collect();
        // The integrals of all polynomials sum to the length of the step, which is Euler's weight of ε̂.
        let weights: Vec<f64> =
            (1..nodes.len()).map(|k| level.signal * integral(&nodes, k, from, level.sigma())).collect();
        let of_epsilon = level.noise - weights.iter().sum::<f64>();
        let own = [(level.signal, &x0_hat), (of_epsilon, &epsilon)];
        let next = weighted_sum(
            own.into_iter().chain(weights.into_iter().zip(before.iter().map(|past| &past.seen))),
        )?;
        history.push(Past { t, x: x.clone(), seen: epsilon }, self.order - 1);
        Ok(State { step, t, x: next, level, x0_hat, evaluations: 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubics_are_integrated_exactly() {
        let nodes = [4.0, 5.5, 6.0, 9.0];
        let cubic = |x: f64| 2.0 - x + 0.5 * x * x - 0.25 * x * x * x;
        let primitive = |x: f64| 2.0 * x - 0.5 * x * x + x * x * x / 6.0 - x * x * x * x / 16.0;
        let sum: f64 = (0..4).map(|k| integral(&nodes, k, 4.0, 1.0) * cubic(nodes[k])).sum();
        assert!((sum - (primitive(1.0) - primitive(4.0))).abs() < 1e-12, "{sum}");
    }
}
