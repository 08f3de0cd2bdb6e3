use super::conditioned::Conditioned;
use super::exponential::{DpmSolverAlgorithm, Integrator, clean_weights, lambda};
use super::history::{History, Past};
use super::run::{Sampler, State};
use super::weighted_sum::weighted_sum;
use crate::{Clip, Error, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor};

/// How a step of second order weighs the change of x̂_0 since the step before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DpmSolverType {
    /// As if x̂_0 were what it will be half way, all along (Lu et al. 2022, DPM-Solver++, algorithm 2).
    Midpoint,
    /// As if it changed linearly in λ.
    Heun,
}

/// DPM-Solver++ with x̂_0 of two or three steps, "2M" and "3M" (Lu et al. 2022, DPM-Solver++, algorithm 2), for the
/// probability-flow ODE, or for the reverse SDE (the same paper's appendix on SDE-DPM-Solver++); and DPM-Solver, the same
/// with ε̂ (Lu et al. 2022, DPM-Solver). One evaluation a step.
///
/// With h = λ_s − λ_t, λ = ln(signal / noise), and k = 1 for the ODE and 2 for the SDE, a step of DPM-Solver++ is
/// x_s = n_s/n_t e^{−(k−1)h} x_t + s_s (1 − e^{−kh}) D + n_s √(1 − e^{−2(k−1)h}) z, where D is x̂_0 extrapolated from the
/// steps before. Where there is none, or h is infinite, D is x̂_0: then the ODE's step is DDIM's with η = 0, and the SDE's
/// the one with η = 1. DPM-Solver takes such a step from or to infinity in the same form.
///
/// The third order weighs the second difference of x̂_0, which is half a derivative, as if it were a whole one, as the
/// authors' program does: the step is then of second order. [`DpmSolver::exact`] gives it its weight.
#[derive(Debug, Clone)]
pub struct DpmSolver {
    times: Times,
    order: usize,
    algorithm: DpmSolverAlgorithm,
    stochastic: bool,
    solver: DpmSolverType,
    exact: bool,
    extrapolates_end: bool,
    first_order_last: bool,
    second_order_before_last: bool,
    clip: Clip,
}

impl DpmSolver {
    /// A sampler of the ODE of x̂_0 over `times`, of second order by the midpoint rule, its last step of first order,
    /// without clipping.
    pub fn new(times: &Times) -> DpmSolver {
        DpmSolver {
            times: times.clone(),
            order: 2,
            algorithm: DpmSolverAlgorithm::PlusPlus,
            stochastic: false,
            solver: DpmSolverType::Midpoint,
            exact: false,
            extrapolates_end: false,
            first_order_last: true,
            second_order_before_last: true,
            clip: Clip::Off,
        }
    }

    /// The same sampler of another order.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless it is 1 to 3.
    pub fn order(self, order: usize) -> Result<DpmSolver> {
        if !(1..=3).contains(&order) {
            return Err(Error::parameter("DPM-Solver++", "order", order, "must be 1, 2 or 3"));
        }
        Ok(DpmSolver { order, ..self })
    }

    /// The same sampler, integrating x̂_0 or ε̂.
    pub fn algorithm(self, algorithm: DpmSolverAlgorithm) -> DpmSolver {
        DpmSolver { algorithm, ..self }
    }

    /// Whether steps of third order are exact for predictions that are quadratic in λ.
    pub fn exact(self, exact: bool) -> DpmSolver {
        DpmSolver { exact, ..self }
    }

    /// Whether it solves the SDE, adding noise in each step.
    pub fn stochastic(self, stochastic: bool) -> DpmSolver {
        DpmSolver { stochastic, ..self }
    }

    /// The same sampler, with another rule.
    pub fn solver(self, solver: DpmSolverType) -> DpmSolver {
        DpmSolver { solver, ..self }
    }

    /// Whether a step to the clean picture ends at x̂_0 extrapolated in σ² through the last predictions, as many as the order,
    /// instead of at the last x̂_0; for the ODE of x̂_0.
    pub fn extrapolates_end(self, extrapolates_end: bool) -> DpmSolver {
        DpmSolver { extrapolates_end, ..self }
    }

    /// Whether the last step is of first order, wherever it ends, and the one before it of second at most. (A last step that
    /// ends at the clean picture is of first order in any case, unless its end is extrapolated.)
    pub fn lower_order_final(self, lower: bool) -> DpmSolver {
        DpmSolver { first_order_last: lower, second_order_before_last: lower, ..self }
    }

    /// Whether the last step is of first order, whatever the one before it is.
    pub fn euler_at_final(self, first_order_last: bool) -> DpmSolver {
        DpmSolver { first_order_last, ..self }
    }

    /// The same sampler, with x̂_0 clipped.
    pub fn clip(self, clip: Clip) -> DpmSolver {
        DpmSolver { clip, ..self }
    }

    /// The most steps' predictions that step number `step` may use.
    fn order_of(&self, step: usize) -> usize {
        let left = self.times.steps().len() - step;
        let order = self.order;
        match left {
            1 if self.first_order_last => 1,
            2 if self.second_order_before_last => order.min(2),
            _ => order,
        }
    }

    /// The weights of the predictions of steps before, the last one first, in a step of length `h` from λ; that of this step
    /// is the rest of weight(1).
    fn weights_before(&self, by: &Integrator, h: f64, lambdas: &[f64]) -> Vec<f64> {
        match *lambdas {
            [now, before] => {
                let share = match self.solver {
                    DpmSolverType::Midpoint => 0.5,
                    DpmSolverType::Heun => by.linear_share(),
                };
                vec![-(by.weight(1) * (share * h / (now - before)))]
            }
            [now, before, further] => {
                // r, the lengths of the steps before in units of this one; D are differences per unit.
                let (r0, r1) = ((now - before) / h, (before - further) / h);
                let curvature = if self.exact { 2.0 * by.weight(3) } else { by.weight(3) };
                let second = curvature / (r0 + r1);
                let slope = by.weight(2) * r0 / (r0 + r1);
                let (of_last, of_further) = (by.weight(2) + slope + second, -slope - second);
                vec![of_further / r1 - of_last / r0, -of_further / r1]
            }
            _ => vec![],
        }
    }
}

impl<T: Element> Sampler<T> for DpmSolver {
    fn steps(&self) -> usize {
        self.times.steps().len()
    }

    fn time(&self, step: usize) -> Timestep {
        self.times.steps()[step].from
    }

    fn step(
        &self,
        step: usize,
        x: &Tensor<T>,
        model: &Conditioned<'_, T>,
        history: &mut History<T>,
    ) -> Result<State<T>> {
        let Step { from: t, to, .. } = self.times.steps()[step];
        let (from, level) = (t.level(), to.level());
        let h = lambda(level) - lambda(from);
        let (first_order, algorithm) = match h.is_infinite() || h == 0.0 {
            true => (true, DpmSolverAlgorithm::PlusPlus),
            false => (false, self.algorithm),
        };
        let (x0_hat, epsilon) = match self.algorithm {
            DpmSolverAlgorithm::PlusPlus => (model.x0(x, t, self.clip)?, None),
            DpmSolverAlgorithm::Original => {
                let (x0_hat, epsilon) = model.x0_and_epsilon(x, t, self.clip)?;
                (x0_hat, Some(epsilon))
            }
        };
        let seen = epsilon.as_ref().unwrap_or(&x0_hat);
        let integrated = if algorithm == self.algorithm { seen } else { &x0_hat };
        let by = Integrator::new(algorithm, self.stochastic, from, level);
        let at_end = level.noise == 0.0 && self.extrapolates_end && !self.stochastic;
        let at_end = at_end && self.algorithm == DpmSolverAlgorithm::PlusPlus;

        let order = match first_order {
            _ if at_end => self.order,
            true => 1,
            false => self.order_of(step),
        };
        let usable = |past: &&Past<T>| past.t.level().signal > 0.0;
        let before: Vec<&Past<T>> = history.past().take(order - 1).take_while(usable).collect();
        let levels = [from].into_iter().chain(before.iter().map(|past| past.t.level()));
        let weights: Vec<f64> = if at_end {
            let sigmas: Vec<f64> = levels.map(|level| level.sigma()).collect();
            clean_weights(&sigmas)[1..].iter().map(|weight| level.signal * weight).collect()
        } else {
            self.weights_before(&by, h, &levels.map(lambda).collect::<Vec<_>>())
        };
        let own = by.weight(1) - weights.iter().sum::<f64>();
        let noise = (by.noise > 0.0).then(|| model.noise(step, x));
        let terms = [(by.of_x, x), (own, integrated)].into_iter();
        let terms = terms.chain(weights.into_iter().zip(before.iter().map(|past| &past.seen)));
        let next = weighted_sum(terms.chain(noise.as_ref().map(|z| (by.noise, z))))?;
        history.push(Past { t, x: x.clone(), seen: seen.clone() }, self.order.max(2) - 1);
        Ok(State { step, t, x: next, level, x0_hat, evaluations: 1 })
    }
}
