use super::conditioned::Conditioned;
use super::exponential::{lambda, z_phi};
use super::falling::check_changing;
use super::history::{History, Past};
use super::run::{Sampler, State};
use super::weighted_sum::weighted_sum;
use crate::{Clip, Error, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor};

/// DEIS (Zhang and Chen 2023, tAB-DEIS in log ρ): ε̂ of the last `order` steps as a polynomial in ln ρ, ρ = σ =
/// noise / signal, integrated exactly over the step in dx/dρ = ε̂ of x / signal.
///
/// With z = ln(ρ'/ρ) = −h, the integrals ∫ e^τ τ^k dτ from 0 to z are z times sums of the φ functions of exponential
/// integrators; so they keep their digits in short steps, where the closed form in powers of ln ρ loses them. A step to the
/// clean picture or from pure noise is infinitely long, and of first order.
#[derive(Debug, Clone)]
pub struct Deis {
    times: Times,
    order: usize,
    lower_order_final: bool,
    clip: Clip,
}

impl Deis {
    /// A sampler of the given order over `times`, with lower orders over the last steps, without clipping.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless the order is 1 to 3, and with more than 1, noise / signal changes with every step but
    /// the last.
    pub fn new(times: &Times, order: usize) -> Result<Deis> {
        const WHAT: &str = "DEIS";
        if !(1..=3).contains(&order) {
            return Err(Error::parameter(WHAT, "order", order, "must be 1, 2 or 3"));
        }
        if order > 1 {
            check_changing(WHAT, times)?;
        }
        Ok(Deis { times: times.clone(), order, lower_order_final: true, clip: Clip::Off })
    }

    /// Whether the last step is of first order, and the one before of second at most.
    pub fn lower_order_final(self, lower_order_final: bool) -> Deis {
        Deis { lower_order_final, ..self }
    }

    /// The same sampler, with x̂_0 clipped, and ε̂ what then explains x.
    pub fn clip(self, clip: Clip) -> Deis {
        Deis { clip, ..self }
    }
}

/// The weights of ε̂ of steps before, in units of ρ: τ = ln(ρ_before/ρ), the last one first; z = ln(ρ'/ρ). That of the
/// step's own ε̂ is e^z − 1 less their sum.
fn weights_before(z: f64, taus: &[f64]) -> Vec<f64> {
    // ∫ e^τ τ dτ from 0 to z.
    let linear = z * (z_phi(1, z) - z_phi(2, z));
    match *taus {
        [before] => vec![linear / before],
        [before, further] => {
            let square = z * z * (z_phi(1, z) - 2.0 * z_phi(2, z) + 2.0 * z_phi(3, z));
            // Lagrange's polynomials with the nodes 0, `before` and `further`.
            vec![
                (square - further * linear) / (before * (before - further)),
                (square - before * linear) / (further * (further - before)),
            ]
        }
        _ => vec![],
    }
}

impl<T: Element> Sampler<T> for Deis {
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
        let (x0_hat, epsilon) = model.x0_and_epsilon(x, t, self.clip)?;
        let (from, level) = (t.level(), to.level());
        let h = lambda(level) - lambda(from);
        let left = if self.lower_order_final { self.times.steps().len() - step } else { usize::MAX };
        let order = if h.is_infinite() { 1 } else { self.order.min(left) };
        let usable = |past: &&Past<T>| past.t.level().signal > 0.0;
        let before: Vec<&Past<T>> = history.past().take(order - 1).take_while(usable).collect();
        let taus: Vec<f64> = before.iter().map(|past| lambda(from) - lambda(past.t.level())).collect();
        // ρ s' = n s'/s.
        let scale = from.noise * level.signal / from.signal;
        let weights: Vec<f64> = weights_before(-h, &taus).into_iter().map(|weight| scale * weight).collect();
        let of_epsilon = level.noise - weights.iter().sum::<f64>();
        let own = [(level.signal, &x0_hat), (of_epsilon, &epsilon)].into_iter();
        let next = weighted_sum(own.chain(weights.into_iter().zip(before.iter().map(|past| &past.seen))))?;
        history.push(Past { t, x: x.clone(), seen: epsilon }, self.order - 1);
        Ok(State { step, t, x: next, level, x0_hat, evaluations: 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::Number;

    #[test]
    fn weights_are_those_of_the_integral_that_quadrature_gives() {
        for z in [-0.001f64, -0.3, -4.0] {
            let taus = [0.4, 1.1];
            let basis = |k: usize, tau: f64| match k {
                0 => tau * (tau - taus[1]) / (taus[0] * (taus[0] - taus[1])),
                _ => tau * (tau - taus[0]) / (taus[1] * (taus[1] - taus[0])),
            };
            let (n, weights) = (20_000, weights_before(z, &taus));
            for (k, weight) in weights.into_iter().enumerate() {
                let at = |i: f64| Number::exp(z * i / f64::from(n)) * basis(k, z * i / f64::from(n));
                let sum: f64 = (0..n).map(|i| at(f64::from(i) + 0.5)).sum();
                let quadrature = sum * z / f64::from(n);
                assert!((weight - quadrature).abs() < 1e-8 * quadrature.abs(), "z = {z}, k = {k}");
            }
        }
    }
}
