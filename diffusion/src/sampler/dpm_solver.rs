use super::conditioned::Conditioned;
use super::exponential::{lambda, z_phi};
use super::history::{History, Past};
use super::run::{Sampler, State};
use super::weighted_sum::weighted_sum;
use crate::{Clip, Error, Level, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Number, Tensor};

/// How a step of second order weighs the change of x̂_0 since the step before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DpmSolverType {
    /// As if x̂_0 were what it will be half way, all along (Lu et al. 2022, DPM-Solver++, algorithm 2).
    Midpoint,
    /// As if it changed linearly in λ.
    Heun,
}

/// DPM-Solver++ with two steps' x̂_0, "2M" (Lu et al. 2022, DPM-Solver++, algorithm 2), for the probability-flow ODE, or for
/// the reverse SDE (the same paper's appendix on SDE-DPM-Solver++). Of second order, from one evaluation a step.
///
/// With h = λ_s − λ_t, λ = ln(signal / noise), and k = 1 for the ODE and 2 for the SDE, a step is
/// x_s = n_s/n_t e^{−(k−1)h} x_t + s_s (1 − e^{−kh}) D + n_s √(1 − e^{−2(k−1)h}) z, where D is x̂_0 extrapolated from the
/// step before. Where there is none, or h is infinite, D is x̂_0: then the ODE's step is DDIM's with η = 0, and the SDE's
/// the one with η = 1.
#[derive(Debug, Clone)]
pub struct DpmSolver {
    times: Times,
    order: usize,
    stochastic: bool,
    solver: DpmSolverType,
    lower_order_final: bool,
    clip: Clip,
}

impl DpmSolver {
    /// A sampler of the ODE over `times`, by the midpoint rule, its last step of first order, without
    /// clipping.
    pub fn new(times: &Times) -> DpmSolver {
        DpmSolver {
            times: times.clone(),
            order: 2,
            stochastic: false,
            solver: DpmSolverType::Midpoint,
            lower_order_final: true,
            clip: Clip::Off,
        }
    }

    /// The same sampler of another order.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless it is 1 or 2.
    pub fn order(self, order: usize) -> Result<DpmSolver> {
        if !(1..=2).contains(&order) {
            return Err(Error::parameter("DPM-Solver++", "order", order, "must be 1 or 2"));
        }
        Ok(DpmSolver { order, ..self })
    }

    /// Whether it solves the SDE, adding noise in each step.
    pub fn stochastic(self, stochastic: bool) -> DpmSolver {
        DpmSolver { stochastic, ..self }
    }

    /// The same sampler, with another rule.
    pub fn solver(self, solver: DpmSolverType) -> DpmSolver {
        DpmSolver { solver, ..self }
    }

    /// Whether the last step is of first order, wherever it ends. (One that ends at the clean picture always is.)
    pub fn lower_order_final(self, lower_order_final: bool) -> DpmSolver {
        DpmSolver { lower_order_final, ..self }
    }

    /// The same sampler, with x̂_0 clipped.
    pub fn clip(self, clip: Clip) -> DpmSolver {
        DpmSolver { clip, ..self }
    }

    /// The weight of the change of x̂_0 since the level `before`, relative to that of x̂_0, in a step from `from` of
    /// length `h`.
    fn weight_of_change(&self, before: Level, from: Level, h: f64, k: f64) -> f64 {
        let share = match self.solver {
            DpmSolverType::Midpoint => 0.5,
            DpmSolverType::Heun => z_phi(2, -k * h) / z_phi(1, -k * h),
        };
        share * h / (lambda(from) - lambda(before))
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
        let x0_hat = model.x0(x, t, self.clip)?;
        let (from, to) = (t.level(), to.level());
        let h = lambda(to) - lambda(from);
        let (k, fade, sigma) = if self.stochastic {
            (2.0, Number::exp(-h), to.noise * (-z_phi(1, -2.0 * h)).sqrt())
        } else {
            (1.0, 1.0, 0.0)
        };
        let of_x = to.noise / from.noise * fade;
        let of_x0 = -to.signal * z_phi(1, -k * h);

        let last = step + 1 == self.times.steps().len();
        let lower = h.is_infinite() || h == 0.0 || (last && self.lower_order_final);
        let first_order = lower || self.order == 1;
        let before = history.past().next().filter(|_| !first_order);
        let change = before.map_or(0.0, |past| of_x0 * self.weight_of_change(past.t.level(), from, h, k));
        let noise = (sigma > 0.0).then(|| model.noise(step, x));
        let terms = [
            Some((of_x, x)),
            Some((of_x0 + change, &x0_hat)),
            before.map(|past| (-change, &past.seen)),
            noise.as_ref().map(|z| (sigma, z)),
        ];
        let next = weighted_sum(terms.into_iter().flatten())?;
        history.push(Past { t, x: x.clone(), seen: x0_hat.clone() }, 1);
        Ok(State { step, t, x: next, level: to, x0_hat, evaluations: 1 })
    }
}
