use crate::{Error, Grid, Result, Schedule, Timestep, Transition, karras_sigmas};

/// One reverse step as planned: the time at which the model is asked, the time that the step reaches, and the
/// transition that it undoes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hop {
    /// The noisier time.
    pub from: Timestep,
    /// The time that the step reaches.
    pub to: Timestep,
    /// The forward step between the two.
    pub transition: Transition,
}

impl Hop {
    fn between(from: Timestep, to: Timestep) -> Hop {
        Hop { from, to, transition: Transition::between(from.level(), to.level()) }
    }
}

/// The times of a run, noisiest first, as hops. They may be indices of a schedule, lie between them, or be levels of a
/// path that has no schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    hops: Vec<Hop>,
}

impl Plan {
    /// The hops of `grid` between indices of `schedule`.
    ///
    /// # Errors
    /// [`Error::Time`] when the grid does not fit the schedule.
    pub fn new(schedule: &Schedule, grid: &Grid) -> Result<Plan> {
        let hop = |&(from, to): &(usize, Option<usize>)| {
            let transition = schedule.transition(from, to)?;
            let to = to.map_or(Timestep::CLEAN, |to| schedule.timestep(to));
            Ok(Hop { from: schedule.timestep(from), to, transition })
        };
        Ok(Plan { hops: grid.hops().iter().map(hop).collect::<Result<_>>()? })
    }

    /// The hops from each of `times` to the next, and from the last to `end`: any path of signal and noise.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is no time, or noise / signal rises from one to the next.
    pub fn through(times: &[Timestep], end: Timestep) -> Result<Plan> {
        let plan = Plan::along(times, end)?;
        let falls = |hop: &&Hop| hop.to.level().sigma() <= hop.from.level().sigma();
        if let Some(hop) = plan.hops.iter().find(|hop| !falls(hop)) {
            let (from, to) = (hop.from.level().sigma(), hop.to.level().sigma());
            let why = format!("a reverse step from noise / signal = {from} cannot end there");
            return Err(Error::parameter("sampling", "noise / signal", to, why));
        }
        Ok(plan)
    }

    /// As [`Plan::through`], where noise / signal may also rise: solvers of an ODE take such a step as any other.
    ///
    /// # Errors
    /// [`Error::Parameter`] when there is no time.
    pub(crate) fn along(times: &[Timestep], end: Timestep) -> Result<Plan> {
        if times.is_empty() {
            return Err(Error::parameter("sampling", "times", "[]", "there must be at least one"));
        }
        let next = times[1..].iter().copied().chain([end]);
        let hops = times.iter().copied().zip(next).map(|(from, to)| Hop::between(from, to)).collect();
        Ok(Plan { hops })
    }

    /// EDM's own path: signal 1 and the noise levels σ of [`karras_sigmas`], then the clean picture (Karras et al. 2022,
    /// eq. 5).
    ///
    /// # Errors
    /// As [`karras_sigmas`].
    pub fn edm(steps: usize, sigma_min: f64, sigma_max: f64, rho: f64) -> Result<Plan> {
        let sigmas = karras_sigmas(steps, sigma_min, sigma_max, rho)?;
        let times: Vec<Timestep> = sigmas.into_iter().map(Timestep::edm).collect();
        Plan::through(&times, Timestep::CLEAN)
    }

    /// The noise levels of [`karras_sigmas`] from the largest of `schedule`, but no more than 80, to the smallest, at the
    /// clock values where the schedule reaches them ([`Schedule::at_sigma`]), then the clean picture. From 80 on a
    /// picture is noise as far as anyone can tell (Karras et al. 2022, table 1), and steps in σ from where a cosine
    /// schedule ends, in the ten thousands, would all be spent there.
    ///
    /// # Errors
    /// As [`karras_sigmas`].
    pub fn karras(schedule: &Schedule, steps: usize, rho: f64) -> Result<Plan> {
        let [first, last] = [0, schedule.num_timesteps() - 1].map(|t| schedule.level(t).sigma());
        let sigmas = karras_sigmas(steps, first, last.min(80.0), rho)?;
        let times: Vec<Timestep> = sigmas.into_iter().map(|sigma| schedule.at_sigma(sigma)).collect();
        Plan::through(&times, Timestep::CLEAN)
    }

    /// The hops, noisiest first.
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }
}
