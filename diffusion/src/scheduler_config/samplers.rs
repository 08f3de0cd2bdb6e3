use super::class::SchedulerClass;
use super::keys::{SchedulerConfig, unsupported};
use crate::sampler::Stage;
use crate::{
    Ddim, Ddpm, Deis, DpmSolver, DpmSolverAlgorithm, DpmSolverSingleStep, DpmSolverType, Error, Euler,
    EulerAncestral, Heun, Kdpm2, Lcm, LearnedVariance, Level, Lms, Pndm, Result, Sampler, Spacing, Step,
    Times, UniPc, UniPcType,
};
use tweedie_tensor::Element;

/// Each class of diffusers with this configuration ([`SchedulerConfig::of_class`]), at `steps` steps.
///
/// All fail with [`Error::Unsupported`] for a value of a key that is not supported, and with [`Error::Parameter`] for
/// more steps than the class takes there: the classes that compute in σ take more than T.
impl SchedulerConfig {
    /// The scheduler of the configuration's own class; DDIM with η = 0, and Euler without churn.
    ///
    /// # Errors
    /// As that class's own method, and [`Error::Unsupported`] for another `_class_name`.
    pub fn sampler<T: Element>(&self, steps: usize) -> Result<Box<dyn Sampler<T> + Send>> {
        Ok(match self.class()? {
            SchedulerClass::Ddpm => Box::new(self.ddpm(steps)?),
            SchedulerClass::Ddim => Box::new(self.ddim(steps, 0.0)?),
            SchedulerClass::Pndm => Box::new(self.pndm(steps)?),
            SchedulerClass::Euler => Box::new(self.euler(steps)?),
            SchedulerClass::Heun => Box::new(self.heun(steps)?),
            SchedulerClass::DpmSolver => Box::new(self.dpm_solver(steps)?),
            SchedulerClass::UniPc => Box::new(self.unipc(steps)?),
            SchedulerClass::EulerAncestral => Box::new(self.euler_ancestral(steps)?),
            SchedulerClass::Lms => Box::new(self.lms(steps, 4)?),
            SchedulerClass::Kdpm2 => Box::new(self.kdpm2(steps)?),
            SchedulerClass::Kdpm2Ancestral => Box::new(self.kdpm2_ancestral(steps)?),
            SchedulerClass::SingleStep => Box::new(self.dpm_solver_single_step(steps)?),
            SchedulerClass::Deis => Box::new(self.deis(steps)?),
            SchedulerClass::Lcm => Box::new(self.lcm(steps)?),
        })
    }

    /// The DDIM scheduler: a step ends ⌊T / steps⌋ below its start, whatever the spacing, and the last at the clean
    /// picture or, without `set_alpha_to_one`, at index 0.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`], [`Spacing::indices`] and [`Ddim::new`].
    pub fn ddim(&self, steps: usize, eta: f64) -> Result<Ddim> {
        let config = self.of_class(SchedulerClass::Ddim);
        let stride = config.num_train_timesteps / config.indices(steps)?.len();
        let last = (!config.set_alpha_to_one.unwrap_or(true)).then_some(0);
        // Where the spacing is not even, a step ends a little above or below where the next begins.
        let pair = |t: usize| (t, t.checked_sub(stride).or(last));
        let pairs: Vec<(usize, Option<usize>)> = config.indices(steps)?.into_iter().map(pair).collect();
        Ok(Ddim::new(&Times::between_indices(&config.schedule()?, &pairs)?, eta)?.clip(config.clip()?))
    }

    /// The DDPM scheduler: a step ends where the next begins, and adds noise unless it leaves index 0.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`], [`SchedulerConfig::variance`] and [`Spacing::indices`].
    pub fn ddpm(&self, steps: usize) -> Result<Ddpm> {
        let config = self.of_class(SchedulerClass::Ddpm);
        let learned = match config.variance_type.as_deref() {
            Some("learned_range") => LearnedVariance::Range,
            Some("learned") => LearnedVariance::Variance,
            _ => LearnedVariance::Ignored,
        };
        let times = Times::at_indices(&config.schedule()?, &config.indices(steps)?)?;
        Ok(Ddpm::new(&times, config.variance()?)
            .learned_variance(learned)
            .noise_above_first_index(true)
            .clip(config.clip()?))
    }

    /// The PNDM scheduler. Its Runge–Kutta steps ask the model half a stride above where the next step begins, but take
    /// the first DDIM step to half a stride below the start, and so on; where the stride is odd or uneven, the sample is
    /// then a little more or less noisy than the model is told. Of a model of v, it mixes the outputs
    /// ([`Pndm::mixing_outputs`]).
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`] and [`Spacing::indices`]; [`Error::Parameter`] for less than four steps, unless
    /// `skip_prk_steps` is set.
    pub fn pndm(&self, steps: usize) -> Result<Pndm> {
        let config = self.of_class(SchedulerClass::Pndm);
        if !matches!(config.prediction_type.as_str(), "epsilon" | "v_prediction") {
            return Err(unsupported("prediction_type", &config.prediction_type, "epsilon or v_prediction"));
        }
        let schedule = config.schedule()?;
        let timesteps = config.num_train_timesteps;
        // More steps than T have a stride of 0, and most of them end where they start.
        let times: Vec<usize> = if steps > timesteps {
            config
                .whole_clocks(config.spacing()?, timesteps, steps, steps)?
                .into_iter()
                .map(|clock| clock as usize)
                .collect()
        } else {
            config.indices(steps)?
        };
        let stride = timesteps / steps;
        let first = (!config.set_alpha_to_one.unwrap_or(false)).then_some(0);
        if !config.skip_prk_steps && steps <= Pndm::RUNGE_KUTTA_STEPS {
            let why = "must be at least 4 unless skip_prk_steps is set";
            return Err(Error::parameter("PNDM", "steps", steps, why));
        }
        let end = |t: usize| t.checked_sub(stride).or(first);
        let stage = |t: usize, from: usize, to: Option<usize>| {
            let transition = schedule.transition(from, to)?;
            Ok(Stage { t: schedule.timestep(t), from: schedule.timestep(from), to: transition.to })
        };
        let step = |(i, &t): (usize, &usize)| match times.get(i + 1) {
            Some(&next) if !config.skip_prk_steps && i < Pndm::RUNGE_KUTTA_STEPS => {
                let half = stride / 2;
                let (above, middle, below) = (t - half, next + half, next);
                let asked = [(t, above), (middle, middle), (middle, middle - half), (below, below)];
                asked.into_iter().map(|(at, to)| stage(at, t, Some(to))).collect()
            }
            Some(&next) if config.skip_prk_steps && i == 0 => {
                Ok(vec![stage(t, t, end(t))?, stage(next, next + stride, Some(next))?])
            }
            _ => Ok(vec![stage(t, t, end(t))?]),
        };
        let steps = times.iter().enumerate().map(step).collect::<Result<_>>()?;
        Ok(Pndm::of_stages(steps)?.mixing_outputs(config.prediction_type != "epsilon"))
    }

    /// The Euler scheduler, without churn.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`].
    pub fn euler(&self, steps: usize) -> Result<Euler> {
        let config = self.of_class(SchedulerClass::Euler);
        if !matches!(config.interpolation_type.as_str(), "linear" | "log_linear") {
            return Err(unsupported(
                "interpolation_type",
                &config.interpolation_type,
                "linear or log_linear",
            ));
        }
        if !matches!(config.timestep_type.as_str(), "discrete" | "continuous") {
            return Err(unsupported("timestep_type", &config.timestep_type, "discrete or continuous"));
        }
        let times = config.continuous_times(&config.schedule()?, steps)?;
        let start = config.start_deviation(&times)?;
        Ok(Euler::new(&times).in_sigmas(start))
    }

    /// The Heun scheduler.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`] and [`SchedulerConfig::clip`].
    pub fn heun(&self, steps: usize) -> Result<Heun> {
        let config = self.of_class(SchedulerClass::Heun);
        let times = config.continuous_times(&config.schedule()?, steps)?;
        let start = config.start_deviation(&times)?;
        Ok(Heun::new(&times).in_sigmas(start).clip(config.clip()?))
    }

    /// The ancestral Euler scheduler.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`] and [`EulerAncestral::new`].
    pub fn euler_ancestral(&self, steps: usize) -> Result<EulerAncestral> {
        let config = self.of_class(SchedulerClass::EulerAncestral);
        let times = config.continuous_times(&config.schedule()?, steps)?;
        let start = config.start_deviation(&times)?;
        Ok(EulerAncestral::new(&times)?.in_sigmas(start))
    }

    /// The linear multistep scheduler; its order, 4 there, is no key but an argument of its steps.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`] and [`Lms::new`].
    pub fn lms(&self, steps: usize, order: usize) -> Result<Lms> {
        let config = self.of_class(SchedulerClass::Lms);
        let times = config.continuous_times(&config.schedule()?, steps)?;
        let start = config.start_deviation(&times)?;
        Ok(Lms::new(&times, order)?.in_sigmas(start))
    }

    /// The KDPM2 scheduler.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`].
    pub fn kdpm2(&self, steps: usize) -> Result<Kdpm2> {
        let config = self.of_class(SchedulerClass::Kdpm2);
        let times = config.continuous_times(&config.schedule()?, steps)?;
        let start = config.start_deviation(&times)?;
        Ok(Kdpm2::new(&times).in_sigmas(start))
    }

    /// The ancestral KDPM2 scheduler.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`] and [`Kdpm2::ancestral`].
    pub fn kdpm2_ancestral(&self, steps: usize) -> Result<Kdpm2> {
        let config = self.of_class(SchedulerClass::Kdpm2Ancestral);
        let times = config.continuous_times(&config.schedule()?, steps)?;
        let start = config.start_deviation(&times)?;
        Ok(Kdpm2::ancestral(&times)?.in_sigmas(start))
    }

    /// The LCM scheduler: some of the times that the model was distilled at.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`] and [`SchedulerConfig::clip`]; [`Error::Parameter`] for more steps than
    /// `original_inference_steps`, or more of those than T.
    pub fn lcm(&self, steps: usize) -> Result<Lcm> {
        let config = self.of_class(SchedulerClass::Lcm);
        let (timesteps, original) = (config.num_train_timesteps, config.original_inference_steps);
        for (name, value, most) in
            [("original_inference_steps", original, timesteps), ("steps", steps, original)]
        {
            if !(1..=most).contains(&value) {
                return Err(Error::parameter("LCM", name, value, format!("must be 1 to {most}")));
            }
        }
        let (stride, ratio) = (timesteps / original, original as f64 / steps as f64);
        let index = |i: usize| (original - (i as f64 * ratio) as usize) * stride - 1;
        let times = Times::at_indices(&config.schedule()?, &(0..steps).map(index).collect::<Vec<_>>())?;
        Ok(Lcm::new(&times).clock_scale(config.timestep_scaling).clip(config.clip()?))
    }

    /// `algorithm_type` of the DPM-Solver schedulers: what is integrated, and whether noise is added.
    fn algorithm(&self) -> Result<(DpmSolverAlgorithm, bool)> {
        Ok(match self.algorithm_type.as_str() {
            "dpmsolver++" | "deis" => (DpmSolverAlgorithm::PlusPlus, false),
            "sde-dpmsolver++" => (DpmSolverAlgorithm::PlusPlus, true),
            "dpmsolver" => (DpmSolverAlgorithm::Original, false),
            "sde-dpmsolver" if self.class()? == SchedulerClass::DpmSolver => {
                (DpmSolverAlgorithm::Original, true)
            }
            other => {
                let supported = "dpmsolver++, sde-dpmsolver++, dpmsolver or, of several steps, sde-dpmsolver";
                return Err(unsupported("algorithm_type", other, supported));
            }
        })
    }

    /// `solver_type` and `solver_order` of the DPM-Solver schedulers, over times that they can be taken over.
    fn dpm_solver_rule(&self, times: &Times) -> Result<(DpmSolverType, usize)> {
        let solver = match self.solver_type.as_deref() {
            None | Some("midpoint" | "logrho" | "bh1" | "bh2") => DpmSolverType::Midpoint,
            Some("heun") => DpmSolverType::Heun,
            Some(other) => return Err(unsupported("solver_type", other, "midpoint or heun")),
        };
        let (algorithm, stochastic) = self.algorithm()?;
        let most = if stochastic { 2 } else { 3 };
        if !(1..=most).contains(&self.solver_order) {
            let supported = if stochastic { "1 or 2 with noise" } else { "1, 2 or 3" };
            return Err(unsupported("solver_order", &self.solver_order.to_string(), supported));
        }
        if algorithm == DpmSolverAlgorithm::Original && self.final_sigmas_type == "zero" {
            let supported = "sigma_min where algorithm_type is dpmsolver or sde-dpmsolver";
            return Err(unsupported("final_sigmas_type", "zero", supported));
        }
        let planned = times.steps();
        // What is equal in f32 does not rise there.
        let rises = |step: &&Step| step.to.level().sigma() > step.from.level().sigma() * (1.0 + 1e-6);
        if let Some(step) = planned.iter().find(rises).filter(|_| stochastic) {
            let why = "a step with noise cannot end above where it starts";
            return Err(Error::parameter("DPM-Solver++", "noise / signal", step.to.level().sigma(), why));
        }
        let stays = |step: &&Step| step.to.level().sigma() == step.from.level().sigma();
        let inner = &planned[..planned.len().saturating_sub(1)];
        if let Some(step) = inner.iter().find(stays).filter(|_| self.solver_order > 1) {
            let why = "two times have the same level, and a step between them no length; take fewer steps";
            return Err(Error::parameter("DPM-Solver++", "noise / signal", step.to.level().sigma(), why));
        }
        Ok((solver, self.solver_order))
    }

    /// The multistep DPM-Solver scheduler.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`] and [`Spacing::indices`].
    pub fn dpm_solver(&self, steps: usize) -> Result<DpmSolver> {
        let config = self.of_class(SchedulerClass::DpmSolver);
        let (algorithm, stochastic) = config.algorithm()?;
        let times = config.whole_times(&config.schedule()?, steps)?;
        let (solver, order) = config.dpm_solver_rule(&times)?;
        // Short runs end carefully, and so do those that end at the clean picture.
        let lower = config.lower_order_final.unwrap_or(true) && times.steps().len() < 15;
        Ok(DpmSolver::new(&times)
            .order(order)?
            .algorithm(algorithm)
            .stochastic(stochastic)
            .solver(solver)
            .lower_order_final(lower)
            .euler_at_final(config.euler_at_final || lower)
            .clip(config.clip()?))
    }

    /// The single-step DPM-Solver scheduler.
    ///
    /// # Errors
    /// As [`SchedulerConfig::dpm_solver`].
    pub fn dpm_solver_single_step(&self, steps: usize) -> Result<DpmSolverSingleStep> {
        let config = self.of_class(SchedulerClass::SingleStep);
        let (algorithm, stochastic) = config.algorithm()?;
        let times = config.whole_times(&config.schedule()?, steps)?;
        let (solver, order) = config.dpm_solver_rule(&times)?;
        Ok(DpmSolverSingleStep::new(&times, order, config.lower_order_final.unwrap_or(false))?
            .algorithm(algorithm)
            .stochastic(stochastic)
            .solver(solver)
            .clip(config.clip()?))
    }

    /// The multistep DEIS scheduler, whose last step ends at index 0.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`], [`Spacing::indices`] and [`Deis::new`].
    pub fn deis(&self, steps: usize) -> Result<Deis> {
        let config = self.of_class(SchedulerClass::Deis);
        match config.algorithm_type.as_str() {
            "deis" | "dpmsolver" | "dpmsolver++" => {}
            other => return Err(unsupported("algorithm_type", other, "deis")),
        }
        match config.solver_type.as_deref() {
            None | Some("logrho" | "midpoint" | "heun" | "bh1" | "bh2") => {}
            Some(other) => return Err(unsupported("solver_type", other, "logrho")),
        }
        let times = config.whole_times(&config.schedule()?, steps)?;
        let lower = config.lower_order_final.unwrap_or(true) && times.steps().len() < 15;
        Ok(Deis::new(&times, config.solver_order)?.lower_order_final(lower).clip(config.clip()?))
    }

    /// The multistep UniPC scheduler.
    ///
    /// # Errors
    /// As [`SchedulerConfig::schedule`], [`SchedulerConfig::clip`] and [`Spacing::indices`].
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
        let times = config.whole_times(&config.schedule()?, steps)?;
        Ok(UniPc::new(&times, config.solver_order)?
            .kind(kind)?
            .uncorrected(&config.disable_corrector)
            .lower_order_final(config.lower_order_final.unwrap_or(true))
            .clip(config.clip()?))
    }

    fn indices(&self, steps: usize) -> Result<Vec<usize>> {
        self.spacing()?.indices(self.num_train_timesteps, steps, self.steps_offset)
    }

    /// What the noise of a run is multiplied by: there, by the largest σ, in a scale where the signal is 1, or by the
    /// deviation of the picture with it.
    fn start_deviation(&self, times: &Times) -> Result<f64> {
        let levels = || times.steps().iter().flat_map(|step| [step.from.level(), step.to.level()]);
        let loudest = levels().reduce(|a, b| if b.sigma() > a.sigma() { b } else { a });
        let (first, loudest) = (times.steps()[0].from.level(), loudest.unwrap_or(Level::CLEAN));
        let leading = self.spacing()? == Spacing::Leading;
        Ok(first.signal / loudest.signal * if leading { 1.0 } else { loudest.noise })
    }
}
