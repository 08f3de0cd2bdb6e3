//! Faults that can be planted in what is verified: each is a slip that real programs have had, mixed with the right formula
//! by a share, so that it can be seen how large it must be before a row tells.

use serde::{Deserialize, Serialize};
use tweedie_diffusion::verify::Subject;
use tweedie_diffusion::{Gaussian, Result, Schedule, ScheduleConfig, Transition, VarianceKind};
use tweedie_tensor::{Tensor, ops};

/// A slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// None.
    None,
    /// x_t = ᾱ x_0 + …, the root forgotten.
    Root,
    /// The posterior's two coefficients in each other's place.
    Swapped,
    /// β where the posterior's variance β̃ is asked for.
    Variance,
    /// λ without its ½.
    Half,
    /// A schedule whose betas are larger by a hundredth of the share.
    Betas,
}

impl Fault {
    /// All of them, each with what it does.
    pub(super) const ALL: [(Fault, &str); 6] = [
        (Fault::None, "no fault"),
        (Fault::Root, "the forward process takes ᾱ for √ᾱ"),
        (Fault::Swapped, "the posterior mean has its two coefficients swapped"),
        (Fault::Variance, "β in place of the posterior's variance β̃"),
        (Fault::Half, "λ without its ½"),
        (Fault::Betas, "every β larger, by up to a hundredth"),
    ];
}

/// The program with a fault, mixed into it by a share from 0 (right) to 1 (wrong).
pub(super) struct Faulty {
    pub(super) fault: Fault,
    pub(super) share: f64,
}

impl Faulty {
    /// The share of a fault that is planted; 0 of any other.
    fn of(&self, fault: Fault) -> f64 {
        if self.fault == fault { self.share } else { 0.0 }
    }
}

fn mixed(right: f64, wrong: f64, share: f64) -> f64 {
    if share == 0.0 { right } else { (1.0 - share) * right + share * wrong }
}

impl Subject for Faulty {
    fn schedule(&self, config: &ScheduleConfig) -> Result<Schedule> {
        let schedule = config.build()?;
        let share = self.of(Fault::Betas);
        // Families that are no chain of betas, or end in pure noise, are left as they are.
        if share == 0.0
            || !config.kind.preserves_variance()
            || schedule.betas().iter().any(|&beta| beta >= 1.0)
        {
            return Ok(schedule);
        }
        // β_T of some families is near 1, and must stay below it.
        let larger = |beta: &f64| beta * (1.0 + 0.01 * share * (1.0 - beta));
        Schedule::from_betas(schedule.betas().iter().map(larger).collect())
    }

    fn q_sample(
        &self,
        schedule: &Schedule,
        x0: &Tensor<f64>,
        t: &[usize],
        noise: &Tensor<f64>,
    ) -> Result<Tensor<f64>> {
        let share = self.of(Fault::Root);
        if share == 0.0 {
            return schedule.q_sample(x0, t, noise);
        }
        let levels: Vec<_> = t.iter().map(|&t| schedule.level(t)).collect();
        let signal: Vec<f64> = levels.iter().map(|l| mixed(l.signal, l.signal * l.signal, share)).collect();
        let of_noise: Vec<f64> = levels.iter().map(|level| level.noise).collect();
        Ok(ops::combine(&[(&signal, x0), (&of_noise, noise)])?)
    }

    fn q_posterior(
        &self,
        schedule: &Schedule,
        x0: &Tensor<f64>,
        x_t: &Tensor<f64>,
        t: &[usize],
    ) -> Result<Gaussian<f64>> {
        let right = schedule.q_posterior(x0, x_t, t)?;
        let share = self.of(Fault::Swapped);
        if share == 0.0 {
            return Ok(right);
        }
        let wrong = schedule.q_posterior(x_t, x0, t)?;
        let mean = ops::combine(&[(&[1.0 - share], &right.mean), (&[share], &wrong.mean)])?;
        Ok(Gaussian { mean, ..right })
    }

    fn variance(&self, step: &Transition, kind: VarianceKind) -> f64 {
        let share = if kind == VarianceKind::FixedSmall { self.of(Fault::Variance) } else { 0.0 };
        mixed(step.variance(kind), step.variance(VarianceKind::FixedLarge), share)
    }

    fn lambda(&self, step: &Transition, variance: f64) -> f64 {
        let right = step.lambda(variance);
        mixed(right, 2.0 * right, self.of(Fault::Half))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_diffusion::ScheduleKind;
    use tweedie_diffusion::verify::verify;

    fn failing(fault: Fault, share: f64) -> usize {
        let table = verify(&Faulty { fault, share }, ScheduleKind::Linear, 100).unwrap();
        table.iter().filter(|row| !row.pass).count()
    }

    #[test]
    fn every_fault_is_found_however_small_and_nothing_else_is() {
        for (fault, about) in Fault::ALL {
            assert_eq!(failing(fault, 0.0), 0, "{about}");
            for share in [1.0, 1e-3] {
                assert_eq!(failing(fault, share) > 0, fault != Fault::None, "{about}, {share}");
            }
        }
    }
}
