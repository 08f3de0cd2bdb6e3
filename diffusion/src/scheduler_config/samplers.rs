use super::{SchedulerClass, SchedulerConfig, unsupported};
use crate::sampler::Stage;
use crate::{
    Ddim, Ddpm, DpmSolver, DpmSolverType, Error, Euler, Grid, Heun, Level, Plan, Pndm, Result, Sampler,
    Schedule, Spacing, Timestep, UniPc, UniPcType, karras_sigmas,
};
use tweedie_tensor::Element;

/// What Karras' noise levels are spread by there.
const RHO: f64 = 7.0;

/// Each class of diffusers with this configuration ([`SchedulerConfig::of_class`]), at `steps` steps.
///
/// All fail with [`Error::Unsupported`] for a value of a key that is not supported, and with [`Error::Parameter`] for
/// more steps than there are times.
impl SchedulerConfig {
    /// The scheduler of the configuration's own class; DDIM with η = 0, and Euler without churn.
    ///
    /// # Errors
    /// As that class's own method, and [`Error::Unsupported`] for another `_class_name`.
    pub fn sampler<T: Element>(&self, steps: usize) -> Result<Box<dyn Sampler<T>>> {
        Ok(match self.class()? {
            SchedulerClass::Ddpm => Box::new(self.ddpm(steps)?),
            SchedulerClass::Ddim => Box::new(self.ddim(steps, 0.0)?),
            SchedulerClass::Pndm => Box::new(self.pndm(steps)?),
            SchedulerClass::Euler => Box::new(self.euler(steps)?),
            SchedulerClass::Heun => Box::new(self.heun(steps)?),
            SchedulerClass::DpmSolver => Box::new(self.dpm_solver(steps)?),
            SchedulerClass::UniPc => Box::new(self.unipc(steps)?),
        })
    }

    /// The DDIM scheduler: a step ends ⌊T / steps⌋ below its start, whatever the spacing, and the last at the clean
    /// picture or, without `set_alpha_to_one`, at index 0.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`], [`Grid::new`] and [`Ddim::new`].
    pub fn ddim(&self, steps: usize, eta: f64) -> Result<Ddim> {
        let config = self.of_class(SchedulerClass::Ddim);
        Ok(Ddim::new(&config.schedule()?, &config.strided_grid(steps, true)?, eta)?.clip(config.clip()?))
    }

    /// The DDPM scheduler: a step ends where the next begins.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`], [`SchedulerConfig::variance`] and [`Grid::new`].
    pub fn ddpm(&self, steps: usize) -> Result<Ddpm> {
        let config = self.of_class(SchedulerClass::Ddpm);
        Ok(Ddpm::new(&config.schedule()?, &config.grid(steps)?, config.variance()?)?.clip(config.clip()?))
    }

    /// The PNDM scheduler. Its Runge–Kutta steps ask the model half a stride above where the next step begins, but take
    /// the first DDIM step to half a stride below the start, and so on; where the stride is odd or uneven, the sample is
    /// then a little more or less noisy than the model is told. Of a model of v, it mixes the outputs
    /// ([`Pndm::mixing_outputs`]).
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`] and [`Grid::new`]; [`Error::Parameter`] for less than four steps, unless
    /// `skip_prk_steps` is set.
    pub fn pndm(&self, steps: usize) -> Result<Pndm> {
        let config = self.of_class(SchedulerClass::Pndm);
        if !matches!(config.prediction_type.as_str(), "epsilon" | "v_prediction") {
            return Err(unsupported("prediction_type", &config.prediction_type, "epsilon or v_prediction"));
        }
        let schedule = config.schedule()?;
        let grid = config.strided_grid(steps, false)?;
        let (stride, times) = (config.num_train_timesteps / steps, grid.times());
        if !config.skip_prk_steps && steps <= Pndm::RUNGE_KUTTA_STEPS {
            let why = "must be at least 4 unless skip_prk_steps is set";
            return Err(Error::parameter("PNDM", "steps", steps, why));
        }
        let stage = |t: usize, from: usize, to: Option<usize>| {
            let transition = schedule.transition(from, to)?;
            Ok(Stage { t: schedule.timestep(t), from: schedule.timestep(from), to: transition.to })
        };
        let step = |(i, &(t, to)): (usize, &(usize, Option<usize>))| match times.get(i + 1) {
            Some(&next) if !config.skip_prk_steps && i < Pndm::RUNGE_KUTTA_STEPS => {
                let half = stride / 2;
                let (above, middle, below) = (t - half, next + half, next);
                let asked = [(t, above), (middle, middle), (middle, middle - half), (below, below)];
                asked.into_iter().map(|(at, to)| stage(at, t, Some(to))).collect()
            }
            Some(&next) if config.skip_prk_steps && i == 0 => {
                Ok(vec![stage(t, t, to)?, stage(next, next + stride, Some(next))?])
            }
            _ => Ok(vec![stage(t, t, to)?]),
        };
        let steps = grid.hops().iter().enumerate().map(step).collect::<Result<_>>()?;
        Ok(Pndm::of_stages(steps)?.mixing_outputs(config.prediction_type != "epsilon"))
    }

    /// The Euler scheduler, without churn.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`] and [`Grid::new`].
    pub fn euler(&self, steps: usize) -> Result<Euler> {
        let config = self.of_class(SchedulerClass::Euler);
        if config.interpolation_type != "linear" {
            return Err(unsupported("interpolation_type", &config.interpolation_type, "linear"));
        }
        if config.timestep_type != "discrete" {
            return Err(unsupported("timestep_type", &config.timestep_type, "discrete"));
        }
        let schedule = config.schedule()?;
        Ok(Euler::new(Plan::through(&config.continuous_times(&schedule, steps)?, config.end(&schedule)?)?))
    }

    /// The Heun scheduler.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`] and [`Grid::new`].
    pub fn heun(&self, steps: usize) -> Result<Heun> {
        let config = self.of_class(SchedulerClass::Heun);
        let schedule = config.schedule()?;
        let plan = Plan::through(&config.continuous_times(&schedule, steps)?, Timestep::CLEAN)?;
        Ok(Heun::new(plan).clip(config.clip()?))
    }

    /// The multistep DPM-Solver scheduler, for the algorithms `dpmsolver++` and `sde-dpmsolver++`.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`] and [`Grid::new`].
    pub fn dpm_solver(&self, steps: usize) -> Result<DpmSolver> {
        let config = self.of_class(SchedulerClass::DpmSolver);
        let stochastic = match config.algorithm_type.as_str() {
            "dpmsolver++" => false,
            "sde-dpmsolver++" => true,
            other => return Err(unsupported("algorithm_type", other, "dpmsolver++ or sde-dpmsolver++")),
        };
        let solver = match config.solver_type.as_deref() {
            None | Some("midpoint" | "logrho" | "bh1" | "bh2") => DpmSolverType::Midpoint,
            Some("heun") => DpmSolverType::Heun,
            Some(other) => return Err(unsupported("solver_type", other, "midpoint or heun")),
        };
        if !(1..=2).contains(&config.solver_order) {
            return Err(unsupported("solver_order", &config.solver_order.to_string(), "1 or 2"));
        }
        if let Some(lambda) = config.lambda_min_clipped.filter(|lambda| lambda.is_finite()) {
            return Err(unsupported("lambda_min_clipped", &lambda.to_string(), "-Infinity"));
        }
        if let Some(learned @ ("learned" | "learned_range")) = config.variance_type.as_deref() {
            return Err(unsupported("variance_type", learned, "null"));
        }
        let schedule = config.schedule()?;
        let cosine = config.beta_schedule == "squaredcos_cap_v2";
        let round = if cosine { f64::trunc } else { f64::round_ties_even };
        let plan = Plan::through(&config.whole_times(&schedule, steps, round)?, config.end(&schedule)?)?;
        // Short runs end carefully, and so do those that end at the clean picture.
        let first_order_last = config.euler_at_final || (config.lower_order_final && steps < 15);
        Ok(DpmSolver::new(plan)
            .order(config.solver_order)?
            .stochastic(stochastic)
            .solver(solver)
            .lower_order_final(first_order_last)
            .clip(config.clip()?))
    }

    /// The multistep UniPC scheduler.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`] and [`Grid::new`].
    pub fn unipc(&self, steps: usize) -> Result<UniPc> {
        let config = self.of_class(SchedulerClass::UniPc);
        let kind = match config.solver_type.as_deref() {
            None | Some("bh2" | "midpoint" | "heun" | "logrho") => UniPcType::Bh2,
            Some("bh1") => UniPcType::Bh1,
            Some(other) => return Err(unsupported("solver_type", other, "bh1 or bh2")),
        };
        if !(1..=3).contains(&config.solver_order) {
            return Err(unsupported("solver_order", &config.solver_order.to_string(), "1, 2 or 3"));
        }
        if !config.predict_x0 {
            return Err(unsupported("predict_x0", "false", "true"));
        }
        if !config.disable_corrector.is_empty() {
            return Err(unsupported("disable_corrector", &format!("{:?}", config.disable_corrector), "[]"));
        }
        let schedule = config.schedule()?;
        let times = config.whole_times(&schedule, steps, f64::round_ties_even)?;
        let plan = Plan::through(&times, config.end(&schedule)?)?;
        Ok(UniPc::new(plan, config.solver_order)?
            .kind(kind)?
            .lower_order_final(config.lower_order_final)
            .clip(config.clip()?))
    }

    fn grid(&self, steps: usize) -> Result<Grid> {
        Grid::new(self.num_train_timesteps, steps, self.spacing()?, self.steps_offset)
    }

    /// The grid of the classes whose steps end ⌊T / steps⌋ below their start.
    fn strided_grid(&self, steps: usize, to_one: bool) -> Result<Grid> {
        let grid = self.grid(steps)?.with_stride(self.num_train_timesteps / steps);
        let to_one = self.set_alpha_to_one.unwrap_or(to_one);
        Ok(if to_one { grid } else { grid.ending_at_first_index() })
    }

    /// The times of the classes that may ask between indices, noisiest first.
    fn continuous_times(&self, schedule: &Schedule, steps: usize) -> Result<Vec<Timestep>> {
        self.check_sigmas()?;
        let grid = self.grid(steps)?;
        let clocks: Vec<f64> = match self.spacing()? {
            Spacing::Linspace => {
                let stride = (self.num_train_timesteps - 1) as f64 / (steps - 1).max(1) as f64;
                (0..steps).rev().map(|i| f64::from((i as f64 * stride) as f32)).collect()
            }
            _ => grid.times().into_iter().map(|t| t as f64).collect(),
        };
        let mut times: Vec<Timestep> = clocks.into_iter().map(|clock| schedule.at_clock(clock)).collect();
        keep_some_signal(&mut times);
        if !self.use_karras_sigmas {
            return Ok(times);
        }
        let own_range = self.class()? == SchedulerClass::Heun;
        let ends = [times[steps - 1], times[0]].map(|t| t.level().sigma());
        self.karras_times(schedule, steps, ends, own_range, |clock| clock)
    }

    /// The times of the multistep classes, whole numbers, noisiest first: of steps + 1 times, but for trailing spacing,
    /// all but the last. `round` makes Karras' times whole.
    fn whole_times(&self, schedule: &Schedule, steps: usize, round: fn(f64) -> f64) -> Result<Vec<Timestep>> {
        self.check_sigmas()?;
        let spare = usize::from(self.spacing()? != Spacing::Trailing);
        let most = self.num_train_timesteps.saturating_sub(spare);
        if !(1..=most).contains(&steps) {
            let why = format!("must be 1 to {most} with this spacing of the times");
            return Err(Error::parameter("sampling", "steps", steps, why));
        }
        if self.use_karras_sigmas {
            let ends = [0, self.num_train_timesteps - 1].map(|t| schedule.level(t).sigma());
            let own_range = self.class()? == SchedulerClass::DpmSolver;
            return self.karras_times(schedule, steps, ends, own_range, round);
        }
        let mut times = schedule.timesteps_at(&self.grid(steps + spare)?.times()[..steps])?;
        keep_some_signal(&mut times);
        Ok(times)
    }

    /// Karras' noise levels on the schedule's clock. With `own_range`, the class has no keys for their ends.
    fn karras_times(
        &self,
        schedule: &Schedule,
        steps: usize,
        [low, high]: [f64; 2],
        own_range: bool,
        round: fn(f64) -> f64,
    ) -> Result<Vec<Timestep>> {
        let key = |key: Option<f64>, own: f64| key.filter(|_| !own_range).unwrap_or(own);
        let (low, high) = (key(self.sigma_min, low), key(self.sigma_max, high));
        let time = |sigma| {
            let t = schedule.at_sigma(sigma);
            Timestep::new(round(t.clock()), t.level())
        };
        Ok(karras_sigmas(steps, low, high, RHO)?.into_iter().map(time).collect())
    }

    fn end(&self, schedule: &Schedule) -> Result<Timestep> {
        match self.final_sigmas_type.as_str() {
            "zero" => Ok(Timestep::CLEAN),
            "sigma_min" => Ok(schedule.timestep(0)),
            other => Err(unsupported("final_sigmas_type", other, "zero or sigma_min")),
        }
    }

    fn check_sigmas(&self) -> Result<()> {
        let others = [
            ("use_exponential_sigmas", self.use_exponential_sigmas),
            ("use_beta_sigmas", self.use_beta_sigmas),
            ("use_lu_lambdas", self.use_lu_lambdas),
            ("use_flow_sigmas", self.use_flow_sigmas),
        ];
        match others.into_iter().find(|(_, set)| *set) {
            Some((key, _)) => Err(unsupported(key, "true", "false")),
            None if self.use_karras_sigmas && self.rescale_betas_zero_snr && self.class()?.rescales() => {
                Err(unsupported("use_karras_sigmas", "true", "false where rescale_betas_zero_snr is true"))
            }
            None => Ok(()),
        }
    }
}

/// Classes that reckon in σ take ᾱ = 2⁻²⁴ for the 0 at the end of a rescaled schedule.
fn keep_some_signal(times: &mut [Timestep]) {
    if let Some(first) = times.first_mut().filter(|first| first.level().signal == 0.0) {
        let alpha_bar = f64::from(f32::EPSILON) / 2.0;
        let level = Level { signal: alpha_bar.sqrt(), noise: (1.0 - alpha_bar).sqrt() };
        *first = Timestep::new(first.clock(), level);
    }
}
