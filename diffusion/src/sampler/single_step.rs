use super::conditioned::Conditioned;
use super::dpm_solver::DpmSolverType;
use super::exponential::{DpmSolverAlgorithm, Integrator, lambda};
use super::history::{History, Past};
use super::run::{Sampler, State};
use super::weighted_sum::weighted_sum;
use crate::{Clip, Error, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor};

/// DPM-Solver++ and DPM-Solver with single steps, "2S" and "3S" (Lu et al. 2022, DPM-Solver++, algorithm 1; DPM-Solver,
/// algorithms 1 and 2), over times that are given: groups of `order` steps, each of which starts where the group
/// started. The first of a group is of first order, the second uses both predictions of the group, and so on; so what a
/// group ends with is of its order, and nothing is remembered from one group to the next.
///
/// The paper places a group's inner times itself; here they are the times of the run, one evaluation each.
#[derive(Debug, Clone)]
pub struct DpmSolverSingleStep {
    times: Times,
    orders: Vec<usize>,
    algorithm: DpmSolverAlgorithm,
    stochastic: bool,
    solver: DpmSolverType,
    clip: Clip,
}

impl DpmSolverSingleStep {
    /// A sampler of the ODE of x̂_0 over `times`, by groups of `order` steps and the midpoint rule, without clipping. With
    /// `lower_order_final`, or where the steps do not divide into groups, the last group is cut up so that the run ends
    /// with a step of first order; one that ends at the clean picture always is.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless the order is 1 to 3.
    pub fn new(times: &Times, order: usize, lower_order_final: bool) -> Result<DpmSolverSingleStep> {
        if !(1..=3).contains(&order) {
            return Err(Error::parameter("single-step DPM-Solver++", "order", order, "must be 1, 2 or 3"));
        }
        let planned = times.steps();
        let ends_clean = planned[planned.len() - 1].to.level().noise == 0.0;
        let lower = lower_order_final || ends_clean || !planned.len().is_multiple_of(order);
        Ok(DpmSolverSingleStep {
            times: times.clone(),
            orders: orders(planned.len(), order, lower, ends_clean),
            algorithm: DpmSolverAlgorithm::PlusPlus,
            stochastic: false,
            solver: DpmSolverType::Midpoint,
            clip: Clip::Off,
        })
    }

    /// The same sampler, integrating x̂_0 or ε̂.
    pub fn algorithm(self, algorithm: DpmSolverAlgorithm) -> DpmSolverSingleStep {
        DpmSolverSingleStep { algorithm, ..self }
    }

    /// Whether it solves the SDE, adding noise in each step.
    pub fn stochastic(self, stochastic: bool) -> DpmSolverSingleStep {
        DpmSolverSingleStep { stochastic, ..self }
    }

    /// The same sampler, with another rule; in third order, the midpoint rule uses the last prediction and the first.
    pub fn solver(self, solver: DpmSolverType) -> DpmSolverSingleStep {
        DpmSolverSingleStep { solver, ..self }
    }

    /// The same sampler, with x̂_0 clipped.
    pub fn clip(self, clip: Clip) -> DpmSolverSingleStep {
        DpmSolverSingleStep { clip, ..self }
    }

    /// The weights of the predictions of a group in its step, the last one first; `lambdas` are where they were made.
    fn weights(&self, by: &Integrator, h: f64, lambdas: &[f64]) -> Vec<f64> {
        match *lambdas {
            [now, first] => {
                let r0 = (now - first) / h;
                let change = match self.solver {
                    DpmSolverType::Midpoint => 0.5 * by.weight(1),
                    DpmSolverType::Heun => by.weight(2),
                };
                vec![change / r0, by.weight(1) - change / r0]
            }
            [now, middle, first] => {
                let (r0, r1) = ((now - first) / h, (middle - first) / h);
                // Of (m − m_first)/r at the last time and at the middle one.
                let (of_last, of_middle) = match self.solver {
                    DpmSolverType::Midpoint => (by.weight(2), 0.0),
                    DpmSolverType::Heun => {
                        let (slope, curvature) = (by.weight(2) / (r0 - r1), 2.0 * by.weight(3) / (r0 - r1));
                        (curvature - slope * r1, slope * r0 - curvature)
                    }
                };
                let (of_last, of_middle) = (of_last / r0, of_middle / r1);
                vec![of_last, of_middle, by.weight(1) - of_last - of_middle]
            }
            _ => vec![by.weight(1)],
        }
    }
}

/// The order of each step.
fn orders(steps: usize, order: usize, lower_order_final: bool, ends_clean: bool) -> Vec<usize> {
    let group = 1..=order;
    let mut orders: Vec<usize> = group.cycle().take(steps).collect();
    if lower_order_final && steps.is_multiple_of(order) && order > 1 {
        // The last group of 1, 2, 3 or 1, 2 is cut so that the last step is of first order.
        orders[steps - 1] = 1;
    }
    if ends_clean {
        orders[steps - 1] = 1;
    }
    orders
}

impl<T: Element> Sampler<T> for DpmSolverSingleStep {
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
        let (x0_hat, seen) = match self.algorithm {
            DpmSolverAlgorithm::PlusPlus => {
                let x0_hat = model.x0(x, t, self.clip)?;
                (x0_hat.clone(), x0_hat)
            }
            DpmSolverAlgorithm::Original => model.x0_and_epsilon(x, t, self.clip)?,
        };
        // From pure noise a step is infinitely long, and none can start there that is not of first order.
        let usable = |past: &&Past<T>| past.t.level().signal > 0.0;
        let group: Vec<&Past<T>> = history.past().take(self.orders[step] - 1).take_while(usable).collect();
        let (start, origin) = group.last().map_or((x, t), |first| (&first.x, first.t));
        let (from, level) = (origin.level(), to.level());
        let h = lambda(level) - lambda(from);
        let algorithm = if h.is_infinite() { DpmSolverAlgorithm::PlusPlus } else { self.algorithm };
        let integrated = if algorithm == self.algorithm { &seen } else { &x0_hat };
        let by = Integrator::new(algorithm, self.stochastic, from, level);

        let lambdas: Vec<f64> =
            [t].into_iter().chain(group.iter().map(|past| past.t)).map(|t| lambda(t.level())).collect();
        let noise = (by.noise > 0.0).then(|| model.noise(step, x));
        let all = [integrated].into_iter().chain(group.iter().map(|past| &past.seen));
        let terms = [(by.of_x, start)].into_iter().chain(self.weights(&by, h, &lambdas).into_iter().zip(all));
        let next = weighted_sum(terms.chain(noise.as_ref().map(|z| (by.noise, z))))?;
        history.push(Past { t, x: x.clone(), seen }, 2);
        Ok(State { step, t, x: next, level, x0_hat, evaluations: 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::orders;

    #[test]
    fn steps_are_grouped_as_the_authors_group_them() {
        assert_eq!(orders(6, 3, false, false), [1, 2, 3, 1, 2, 3]);
        assert_eq!(orders(6, 3, true, true), [1, 2, 3, 1, 2, 1]);
        assert_eq!(orders(7, 3, true, false), [1, 2, 3, 1, 2, 3, 1]);
        assert_eq!(orders(8, 3, true, false), [1, 2, 3, 1, 2, 3, 1, 2]);
        assert_eq!(orders(8, 3, true, true), [1, 2, 3, 1, 2, 3, 1, 1]);
        assert_eq!(orders(4, 2, true, true), [1, 2, 1, 1]);
        assert_eq!(orders(5, 2, true, true), [1, 2, 1, 2, 1]);
        assert_eq!(orders(3, 1, true, true), [1, 1, 1]);
    }
}
