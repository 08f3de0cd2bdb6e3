use super::interpolation::{at_clock, at_sigma};
use super::{level::Level, spacing::Spacing, step::Step, timestep::Timestep};
use crate::{Error, Result, Schedule, karras_sigmas};
use std::sync::Arc;
use tweedie_tensor::Number;

/// The times of a run, noisiest first, as steps from one to the next; and the path of levels that they lie on, which also
/// has the times between them. They may be indices of a schedule, lie between those, or be levels of a path without a
/// schedule.
///
/// ```
/// use tweedie_diffusion::{Schedule, Spacing, Times};
/// let schedule = Schedule::linear(1000, 1e-4, 0.02)?;
/// let times = Times::spaced(&schedule, 4, Spacing::Trailing)?;
/// let clocks: Vec<f64> = times.steps().iter().map(|step| step.from.clock()).collect();
/// assert_eq!(clocks, [999.0, 749.0, 499.0, 249.0]);
/// assert_eq!(times.steps()[3].to.level().noise, 0.0);
/// # Ok::<(), tweedie_diffusion::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    steps: Arc<[Step]>,
    path: Path,
}

/// What lies between and beyond the times of a run.
#[derive(Debug, Clone, PartialEq)]
enum Path {
    /// The levels of a schedule's indices, and between them what [`Schedule::at_sigma`] and [`Schedule::at_clock`] say.
    Schedule(Arc<[Level]>),
    /// Signal 1 and any noise ([`Timestep::edm`]).
    Edm,
    /// The times themselves, and between them the same interpolation as in a schedule.
    Listed,
}

impl Times {
    /// `steps` steps over the indices of `schedule`, each ending where the next begins, the last at the clean picture.
    ///
    /// # Errors
    /// As [`Spacing::indices`].
    pub fn spaced(schedule: &Schedule, steps: usize, spacing: Spacing) -> Result<Times> {
        Times::at_indices(schedule, &spacing.indices(schedule.num_timesteps(), steps, 0)?)
    }

    /// The steps between given indices of `schedule`, noisiest first, the last ending at the clean picture.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is none, or they do not fall; [`Error::Time`] when one is not of the schedule.
    pub fn at_indices(schedule: &Schedule, indices: &[usize]) -> Result<Times> {
        if indices.is_empty() || indices.windows(2).any(|pair| pair[0] <= pair[1]) {
            let why = "there must be at least one, and they must fall";
            return Err(Error::parameter("sampling", "times", format!("{indices:?}"), why));
        }
        let next = indices[1..].iter().copied().map(Some).chain([None]);
        let pairs: Vec<(usize, Option<usize>)> = indices.iter().copied().zip(next).collect();
        Times::between_indices(schedule, &pairs)
    }

    /// Steps that each have a start and an end of their own among the indices of `schedule`; `None` is the clean picture.
    ///
    /// # Errors
    /// [`Error::Time`] when an index is not of the schedule; [`Error::Parameter`] when a step ends above its start.
    pub fn between_indices(schedule: &Schedule, steps: &[(usize, Option<usize>)]) -> Result<Times> {
        let step = |&(from, to): &(usize, Option<usize>)| {
            let transition = schedule.transition(from, to)?;
            let to = to.map_or(Timestep::CLEAN, |to| schedule.timestep(to));
            Ok(Step { from: schedule.timestep(from), to, transition })
        };
        Ok(Times { steps: steps.iter().map(step).collect::<Result<_>>()?, path: Path::of(schedule) })
    }

    /// The steps from each of `times` to the next, and from the last to `end`: any path of signal and noise.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is no time, or noise / signal rises from one to the next.
    pub fn through(times: &[Timestep], end: Timestep) -> Result<Times> {
        let times = Times::along(times, end)?;
        let falls = |step: &&Step| step.to.level().sigma() <= step.from.level().sigma();
        if let Some(step) = times.steps.iter().find(|step| !falls(step)) {
            let (from, to) = (step.from.level().sigma(), step.to.level().sigma());
            let why = format!("a reverse step from noise / signal = {from} cannot end there");
            return Err(Error::parameter("sampling", "noise / signal", to, why));
        }
        Ok(times)
    }

    /// As [`Times::through`], where noise / signal may also rise: solvers of an ODE take such a step as any other.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is no time.
    pub(crate) fn along(times: &[Timestep], end: Timestep) -> Result<Times> {
        if times.is_empty() {
            return Err(Error::parameter("sampling", "times", "[]", "there must be at least one"));
        }
        let next = times[1..].iter().copied().chain([end]);
        let steps = times.iter().copied().zip(next).map(|(from, to)| Step::between(from, to)).collect();
        Ok(Times { steps, path: Path::Listed })
    }

    /// EDM's own path: signal 1 and the noise levels σ of [`karras_sigmas`], then the clean picture (Karras et al. 2022,
    /// eq. 5).
    ///
    /// # Errors
    /// As [`karras_sigmas`].
    pub fn edm(steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<Times> {
        let sigmas = karras_sigmas(steps, sigma_min, sigma_max, rho)?;
        let times: Vec<Timestep> = sigmas.into_iter().map(Timestep::edm).collect();
        Ok(Times { path: Path::Edm, ..Times::through(&times, Timestep::CLEAN)? })
    }

    /// The noise levels of [`karras_sigmas`] from the largest of `schedule`, but no more than 80, to the smallest, at the
    /// clock values where the schedule reaches them ([`Schedule::at_sigma`]), then the clean picture. From 80 on a
    /// picture is noise as far as anyone can tell (Karras et al. 2022, table 1), and steps in σ from where a cosine
    /// schedule ends, in the ten thousands, would all be spent there.
    ///
    /// # Errors
    /// As [`karras_sigmas`].
    pub fn karras(schedule: &Schedule, steps: usize, rho: f64) -> Result<Times> {
        let [first, last] = [0, schedule.num_timesteps() - 1].map(|t| schedule.level(t).sigma());
        let sigmas = karras_sigmas(steps, first, last.min(80.0), rho)?;
        let times: Vec<Timestep> = sigmas.into_iter().map(|sigma| schedule.at_sigma(sigma)).collect();
        Ok(Times::through(&times, Timestep::CLEAN)?.on(schedule))
    }

    /// The same times, of which `schedule` has those between and beyond.
    pub(crate) fn on(self, schedule: &Schedule) -> Times {
        Times { path: Path::of(schedule), ..self }
    }

    /// The steps, noisiest first.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The time at a noise level σ = noise / signal on the path, be it between two times or above the first; on a
    /// schedule, [`Schedule::at_sigma`].
    pub fn at_sigma(&self, sigma: f64) -> Timestep {
        match &self.path {
            Path::Schedule(levels) => at_sigma(levels, sigma),
            Path::Edm => Timestep::edm(sigma),
            Path::Listed => {
                let listed = self.listed();
                let found = at_sigma(&listed.iter().map(Timestep::level).collect::<Vec<_>>(), sigma);
                let (below, share) = (found.clock() as usize, found.clock().fract());
                let [low, high] = [below, (below + 1).min(listed.len() - 1)].map(|i| listed[i].clock());
                Timestep::new(low + share * (high - low), found.level())
            }
        }
    }

    /// The time at a value of the clock, be it between two times or above the first; on a schedule,
    /// [`Schedule::at_clock`].
    pub fn at_clock(&self, clock: f64) -> Timestep {
        match &self.path {
            Path::Schedule(levels) => at_clock(levels, clock),
            Path::Edm => Timestep::edm(Number::exp(4.0 * clock)),
            Path::Listed => {
                let listed = self.listed();
                let above = listed.iter().position(|time| time.clock() > clock).unwrap_or(listed.len() - 1);
                let below = above.saturating_sub(1);
                let (low, high) = (listed[below].clock(), listed[above].clock());
                let share = if low == high { 0.0 } else { (clock - low) / (high - low) };
                let levels: Vec<Level> = listed.iter().map(Timestep::level).collect();
                Timestep::new(clock, at_clock(&levels, below as f64 + share).level())
            }
        }
    }

    /// The times that have noise, the least noisy one first.
    fn listed(&self) -> Vec<Timestep> {
        let ends = self.steps.last().map(|step| step.to).filter(|end| end.level().noise > 0.0);
        ends.into_iter().chain(self.steps.iter().rev().map(|step| step.from)).collect()
    }
}

impl Path {
    fn of(schedule: &Schedule) -> Path {
        Path::Schedule(schedule.levels().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_path_has_the_times_between_its_own() {
        let edm = |sigma: f64| Timestep::edm(sigma);
        let times = Times::through(&[edm(4.0), edm(1.0)], Timestep::CLEAN).unwrap();
        for sigma in [1.0, 1.7, 2.0, 4.0] {
            let (found, exact) = (times.at_sigma(sigma), edm(sigma));
            assert!((found.clock() - exact.clock()).abs() < 1e-12, "clock at σ = {sigma}");
            assert!((found.level().sigma() - sigma).abs() < 1e-12, "σ = {sigma}");
        }
        assert!((times.at_sigma(5.0).level().sigma() - 5.0).abs() < 1e-12, "beyond the first");
        let half = times.at_clock(0.5 * (edm(4.0).clock() + edm(1.0).clock()));
        assert!((half.level().sigma() - 2.5).abs() < 1e-12, "linear in the clock, as in a schedule");
    }
}
