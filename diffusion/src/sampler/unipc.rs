use super::conditioned::Conditioned;
use super::exponential::{clean_weights, lambda, z_phi};
use super::history::{History, Past};
use super::run::{Sampler, State};
use super::weighted_sum::weighted_sum;
use crate::{Clip, Error, Level, Result, Step, Times, Timestep};
use tweedie_tensor::{Element, Tensor};

/// The function B(h) that UniPC's corrections are multiples of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UniPcType {
    /// B(h) = h.
    Bh1,
    /// B(h) = e^h − 1.
    Bh2,
}

/// UniPC (Zhao et al. 2023, algorithms 1, 2, 5 and 6, for x̂_0): a predictor from the last `order` x̂_0, and a corrector that
/// takes the step again when x̂_0 at its end is known, which costs no evaluation, as the next step needs it anyway.
///
/// In λ = ln(signal / noise) with h = λ_s − λ_t and B = B(−h), a step is
/// x_s = n_s/n_t x_t + s_s (1 − e^{−h}) m_0 − s_s B Σ ρ_i (m_i − m_0)/r_i, where m_i is x̂_0 at λ_t + r_i h: for the predictor
/// of the steps before, for the corrector also r = 1. The ρ make it exact for x̂_0 polynomial in λ; a single one is ½,
/// as in the paper's section 3.4.
///
/// A state's `x` is the predictor's; what the corrector makes of it is where the next step starts. A step that ends at
/// the clean picture or starts from pure noise is infinitely long, and of first order, unless its end is extrapolated.
#[derive(Debug, Clone)]
pub struct UniPc {
    times: Times,
    order: usize,
    kind: UniPcType,
    corrector: bool,
    uncorrected: Vec<usize>,
    extrapolates_end: bool,
    lower_order_final: bool,
    clip: Clip,
}

impl UniPc {
    /// A sampler over `times`, its predictor of the given order, with the corrector, B(h) = e^h − 1, and
    /// lower orders over the last steps, without clipping.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless the order is 1 to 3 and noise / signal changes with every step but the last;
    /// with order 1 it need not.
    pub fn new(times: &Times, order: usize) -> Result<UniPc> {
        const WHAT: &str = "UniPC";
        if !(1..=3).contains(&order) {
            return Err(Error::parameter(WHAT, "order", order, "must be 1, 2 or 3"));
        }
        let inner = &times.steps()[..if order == 1 { 0 } else { times.steps().len() - 1 }];
        if let Some(step) = inner.iter().find(|step| step.from.level().sigma() == step.to.level().sigma()) {
            let why = "two times have the same level, and a step between them no length";
            return Err(Error::parameter(WHAT, "noise / signal", step.to.level().sigma(), why));
        }
        Ok(UniPc {
            times: times.clone(),
            order,
            kind: UniPcType::Bh2,
            corrector: true,
            uncorrected: Vec::new(),
            extrapolates_end: false,
            lower_order_final: true,
            clip: Clip::Off,
        })
    }

    /// The same sampler, with another B(h).
    ///
    /// # Errors
    /// [`Error::Parameter`] for B(h) = h over times that start from pure noise, where h is infinite.
    pub fn kind(self, kind: UniPcType) -> Result<UniPc> {
        if kind == UniPcType::Bh1 && self.times.steps()[0].from.level().signal == 0.0 {
            let why = "is infinite in a step from pure noise; take bh2";
            return Err(Error::parameter("UniPC", "B(h)", "bh1", why));
        }
        Ok(UniPc { kind, ..self })
    }

    /// Whether steps are corrected.
    pub fn corrector(self, corrector: bool) -> UniPc {
        UniPc { corrector, ..self }
    }

    /// The same sampler, which does not correct the steps of these numbers.
    pub fn uncorrected(self, steps: &[usize]) -> UniPc {
        UniPc { uncorrected: steps.to_vec(), ..self }
    }

    /// Whether a step to the clean picture ends at x̂_0 extrapolated in σ² through the last predictions, as many as the order,
    /// instead of at the last x̂_0.
    pub fn extrapolates_end(self, extrapolates_end: bool) -> UniPc {
        UniPc { extrapolates_end, ..self }
    }

    /// Whether the last step is of first order, the one before of second, and so on.
    pub fn lower_order_final(self, lower_order_final: bool) -> UniPc {
        UniPc { lower_order_final, ..self }
    }

    /// The same sampler, with x̂_0 clipped.
    pub fn clip(self, clip: Clip) -> UniPc {
        UniPc { clip, ..self }
    }

    /// The order of the predictor in a step, with as many usable x̂_0 of steps before.
    fn order_of(&self, step: usize, before: usize) -> usize {
        let left = if self.lower_order_final { self.times.steps().len() - step } else { usize::MAX };
        let infinite = self.times.steps()[step].to.level().noise == 0.0;
        if infinite { 1 } else { self.order.min(left).min(before + 1) }
    }

    /// The step between two levels, from `x` with `m0` seen there, and what was or is seen at other levels.
    fn update<T: Element>(
        &self,
        (from, to): (Level, Level),
        x: &Tensor<T>,
        m0: &Tensor<T>,
        others: &[(Level, &Tensor<T>)],
    ) -> Result<Tensor<T>> {
        let h = lambda(to) - lambda(from);
        if h == 0.0 {
            return Ok(x.clone());
        }
        let nodes: Vec<f64> = others
            .iter()
            .map(|&(level, _)| if level == to { 1.0 } else { (lambda(level) - lambda(from)) / h })
            .collect();
        let b = match self.kind {
            UniPcType::Bh1 => -h,
            UniPcType::Bh2 => z_phi(1, -h),
        };
        let weights: Vec<f64> = exact_weights(&nodes, -h, b)
            .iter()
            .zip(&nodes)
            .map(|(rho, r)| -to.signal * b * rho / r)
            .collect();
        let of_m0 = -to.signal * z_phi(1, -h) - weights.iter().sum::<f64>();
        let of_others = weights.into_iter().zip(others.iter().map(|&(_, m)| m));
        weighted_sum([(to.noise / from.noise, x), (of_m0, m0)].into_iter().chain(of_others))
    }
}

/// ρ with Σ_k ρ_k r_k^i = (i+1)! z φ_{i+2}(z) / B for i from 0 to below the number of nodes r (Zhao et al. 2023, eq. 8); ½
/// for a single node.
fn exact_weights(nodes: &[f64], z: f64, b: f64) -> Vec<f64> {
    if nodes.len() <= 1 {
        return vec![0.5; nodes.len()];
    }
    let mut factorial = 1.0;
    let mut moments: Vec<f64> = (0..nodes.len())
        .map(|i| {
            factorial *= (i + 1) as f64;
            factorial * z_phi(i as u32 + 2, z) / b
        })
        .collect();
    // The transposed Vandermonde system by its divided differences (Björck and Pereyra 1970), here upwards and back.
    let n = nodes.len();
    for k in 0..n - 1 {
        for i in (k + 1..n).rev() {
            moments[i] -= nodes[k] * moments[i - 1];
        }
    }
    for k in (0..n - 1).rev() {
        for i in k + 1..n {
            moments[i] /= nodes[i] - nodes[i - k - 1];
        }
        for i in k..n - 1 {
            moments[i] -= moments[i + 1];
        }
    }
    moments
}

impl<T: Element> Sampler<T> for UniPc {
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
        // What was seen in pure noise lies infinitely far back.
        let seen = |skip: usize| {
            let usable = |past: &&Past<T>| past.t.level().signal > 0.0;
            history.past().skip(skip).take_while(usable).map(|past| (past.t.level(), &past.seen))
        };
        let corrects = self.corrector && step > 0 && !self.uncorrected.contains(&(step - 1));
        let corrected = match history.past().next().filter(|_| corrects) {
            None => x.clone(),
            Some(last) => {
                let order = self.order_of(step - 1, seen(1).count());
                let others: Vec<_> = seen(1).take(order - 1).chain([(from, &x0_hat)]).collect();
                self.update((last.t.level(), from), &last.x, &last.seen, &others)?
            }
        };
        let order = self.order_of(step, seen(0).count());
        let others: Vec<_> = seen(0).take(order - 1).collect();
        let next = if to.noise == 0.0 && self.extrapolates_end {
            let last: Vec<(Level, &Tensor<T>)> = seen(0).take(self.order - 1).collect();
            let sigmas =
                [from].into_iter().chain(last.iter().map(|&(level, _)| level)).map(|level| level.sigma());
            let weights = clean_weights(&sigmas.collect::<Vec<_>>());
            let pictures = [&x0_hat].into_iter().chain(last.iter().map(|&(_, x0)| x0));
            weighted_sum(weights.into_iter().map(|weight| to.signal * weight).zip(pictures))?
        } else {
            self.update((from, to), &corrected, &x0_hat, &others)?
        };
        history.push(Past { t, x: corrected, seen: x0_hat.clone() }, self.order);
        Ok(State { step, t, x: next, level: to, x0_hat, evaluations: 1 })
    }
}
