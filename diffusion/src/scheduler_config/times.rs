use super::beta::quantile;
use super::class::SchedulerClass;
use super::keys::{SchedulerConfig, unsupported};
use crate::single_precision::linspace;
use crate::time::interpolation::{at_clock, at_sigma};
use crate::{Error, Level, Result, Schedule, Spacing, Times, Timestep};
use tweedie_tensor::Number;

/// What Karras' noise levels are spread by there.
const RHO: f64 = 7.0;

/// The times of the classes that compute in σ = noise / signal, which need not be indices, nor different from each other, nor
/// of falling σ, nor fewer than T.
impl SchedulerConfig {
    /// The times of the classes that may ask between indices.
    pub(super) fn continuous_times(&self, schedule: &Schedule, steps: usize) -> Result<Times> {
        self.check_sigmas()?;
        let class = self.class()?;
        let euler = class == SchedulerClass::Euler;
        let (levels, timesteps) = (levels(schedule), self.num_train_timesteps);
        let clocks = match self.spacing()? {
            Spacing::Linspace => {
                let stride = timesteps.saturating_sub(1) as f64 / steps.saturating_sub(1).max(1) as f64;
                check_count(steps)?;
                (0..steps).rev().map(|i| f64::from((i as f64 * stride) as f32)).collect()
            }
            spacing => self.whole_clocks(spacing, timesteps, steps, steps)?,
        };
        let mut times: Vec<Timestep> = clocks.into_iter().map(|clock| time_at(&levels, clock)).collect();
        let mut end = self.end(levels[0])?;
        let mut least = times[times.len() - 1].level().sigma();
        if euler && self.interpolation_type == "log_linear" {
            // One level more than there are steps: the last step ends at it.
            let [high, low] = [levels.len() - 1, 0].map(|t| Number::ln(levels[t].sigma()));
            let sigmas = linspace(high, low, steps + 1);
            for (time, ln) in times.iter_mut().zip(sigmas) {
                *time = Timestep::new(time.clock(), at_sigma(&levels, Number::exp(f64::from(ln))).level());
            }
            least = levels[0].sigma();
            if self.spread().is_none() {
                end = Timestep::new(0.0, levels[0]);
            }
        }
        if let Some(spread) = self.spread() {
            let ends = [least, times[0].level().sigma()];
            let whole = spread == Spread::Karras
                && matches!(class, SchedulerClass::Kdpm2 | SchedulerClass::Kdpm2Ancestral);
            let round = if whole { f64::round_ties_even } else { |clock| clock };
            times = self.spread_times(spread, &levels, steps, ends, round)?;
        }
        if euler && self.timestep_type == "continuous" && self.prediction_type == "v_prediction" {
            for time in &mut times {
                *time = Timestep::new(0.25 * Number::ln(time.level().sigma()), time.level());
            }
        }
        Ok(Times::along(&times, end)?.on(schedule))
    }

    /// The times of the multistep classes, whole numbers: of steps + 1 times, but for trailing spacing, all but the last.
    pub(super) fn whole_times(&self, schedule: &Schedule, steps: usize) -> Result<Times> {
        self.check_sigmas()?;
        let class = self.class()?;
        let levels = levels(schedule);
        let end = match class {
            SchedulerClass::Deis => Timestep::new(0.0, levels[0]),
            _ => self.end(levels[0])?,
        };
        let Some(spread) = self.spread() else {
            // The single-step class has no key for it.
            let spacing =
                if class == SchedulerClass::SingleStep { Spacing::Linspace } else { self.spacing()? };
            let spare = usize::from(spacing != Spacing::Trailing);
            let clocks = self.whole_clocks(spacing, self.last_timestep(&levels)?, steps + spare, steps)?;
            let times: Vec<Timestep> =
                clocks[..clocks.len() - spare].iter().map(|&clock| time_at(&levels, clock)).collect();
            return Ok(Times::along(&times, end)?.on(schedule));
        };
        let cosine = self.beta_schedule.as_deref() == Some("squaredcos_cap_v2");
        let truncates = matches!(spread, Spread::Exponential | Spread::Beta)
            || (class == SchedulerClass::DpmSolver && cosine);
        let round = if truncates { f64::trunc } else { f64::round_ties_even };
        let ends = [levels[0], levels[levels.len() - 1]].map(|level| level.sigma());
        let times = self.spread_times(spread, &levels, steps, ends, round)?;
        // Here `sigma_min` is the class's own smallest, not the schedule's.
        let own_end = class == SchedulerClass::Deis
            || (class == SchedulerClass::UniPc && self.final_sigmas_type == "sigma_min");
        let end = if own_end { times[times.len() - 1] } else { end };
        Ok(Times::along(&times, end)?.on(schedule))
    }

    /// Clock values that are whole numbers, noisiest first, over the first `last` indices.
    pub(super) fn whole_clocks(
        &self,
        spacing: Spacing,
        last: usize,
        count: usize,
        steps: usize,
    ) -> Result<Vec<f64>> {
        check_count(count)?;
        let timesteps = self.num_train_timesteps;
        let offset = self.steps_offset;
        if offset > Schedule::MAX_TIMESTEPS {
            let why = format!("leads beyond the schedule's {timesteps} steps");
            return Err(Error::parameter("sampling", "steps_offset", offset, why));
        }
        let falling = (0..count).rev();
        Ok(match spacing {
            Spacing::Leading => {
                let stride = last / count;
                falling.map(|i| (i * stride + offset) as f64).collect()
            }
            Spacing::Linspace => {
                let stride = last.saturating_sub(1) as f64 / (count - 1).max(1) as f64;
                falling.map(|i| (i as f64 * stride).round_ties_even()).collect()
            }
            Spacing::Trailing => {
                // The stride as numpy's `arange` rounds it: where the true value is a half, that decides.
                let end = last as f64;
                let ratio = timesteps as f64 / steps as f64;
                let stride = (end - ratio) - end;
                let count = if last == timesteps { count } else { (end / ratio).ceil() as usize };
                (0..count).map(|i| (end + i as f64 * stride).round_ties_even() - 1.0).collect()
            }
        })
    }

    /// How many indices there are above `lambda_min_clipped`.
    fn last_timestep(&self, levels: &[Level]) -> Result<usize> {
        let reads = matches!(self.class()?, SchedulerClass::DpmSolver | SchedulerClass::SingleStep);
        let least = self.lambda_min_clipped.filter(|_| reads);
        let Some(least) = least else { return Ok(levels.len()) };
        let above = levels.iter().filter(|level| -Number::ln(level.sigma()) >= least).count();
        if above == 0 {
            let why = "all of the schedule is noisier";
            return Err(Error::parameter("DPM-Solver++", "lambda_min_clipped", least, why));
        }
        Ok(above)
    }

    /// Noise levels that are spread between two ends, on the schedule's clock.
    fn spread_times(
        &self,
        spread: Spread,
        levels: &[Level],
        steps: usize,
        [low, high]: [f64; 2],
        round: fn(f64) -> f64,
    ) -> Result<Vec<Timestep>> {
        check_count(steps)?;
        // Two have no keys for their ends.
        let own = spread == Spread::Lu || (spread == Spread::Karras && self.class()? == SchedulerClass::Lms);
        let key = |key: Option<f64>, end: f64| key.filter(|_| !own).unwrap_or(end);
        let (low, high) = (key(self.sigma_min, low), key(self.sigma_max, high));
        for (name, sigma) in [("sigma_min", low), ("sigma_max", high)] {
            if !(sigma > 0.0 && sigma.is_finite()) {
                return Err(Error::parameter("sampling", name, sigma, "must be above 0"));
            }
        }
        let gaps = steps.saturating_sub(1).max(1) as f64;
        // Evenly between the images of the ends.
        let even = |i: usize, into: &dyn Fn(f64) -> f64| {
            (into(high) * (gaps - i as f64) + into(low) * i as f64) / gaps
        };
        let clocks = Clocks::of(levels);
        // A single one is the largest.
        let time = |i: usize| {
            let sigma = match spread {
                Spread::Karras => libm::pow(even(i, &|sigma| libm::pow(sigma, 1.0 / RHO)), RHO),
                Spread::Exponential | Spread::Lu => Number::exp(even(i, &Number::ln)),
                Spread::Beta => low + quantile(1.0 - i as f64 / gaps, 0.6) * (high - low),
            };
            Timestep::new(round(clocks.of_sigma(sigma)), at_sigma(levels, sigma).level())
        };
        Ok((0..steps).map(time).collect())
    }

    /// How noise levels are spread, if not as the indices are.
    fn spread(&self) -> Option<Spread> {
        let class = self.class().ok().filter(|class| class.spreads())?;
        if self.use_karras_sigmas {
            Some(Spread::Karras)
        } else if self.use_lu_lambdas && class == SchedulerClass::DpmSolver {
            Some(Spread::Lu)
        } else if self.use_exponential_sigmas {
            Some(Spread::Exponential)
        } else {
            self.use_beta_sigmas.then_some(Spread::Beta)
        }
    }

    /// Where the last step ends: at the clean picture, or where the key says, in a class that has it.
    fn end(&self, first: Level) -> Result<Timestep> {
        match self.final_sigmas_type.as_str() {
            _ if !self.class()?.ends_where_asked() => Ok(Timestep::CLEAN),
            "zero" => Ok(Timestep::CLEAN),
            "sigma_min" => Ok(Timestep::new(0.0, first)),
            other => Err(unsupported("final_sigmas_type", other, "zero or sigma_min")),
        }
    }

    fn check_sigmas(&self) -> Result<()> {
        let class = self.class()?;
        if self.use_flow_sigmas && class.is_exponential() {
            return Err(unsupported("use_flow_sigmas", "true", "false"));
        }
        let keys = [
            ("use_karras_sigmas", self.use_karras_sigmas),
            ("use_exponential_sigmas", self.use_exponential_sigmas),
            ("use_beta_sigmas", self.use_beta_sigmas),
        ];
        let mut set = keys.into_iter().filter(|(_, set)| *set && class.spreads());
        match (set.next(), set.next()) {
            (Some(_), Some((key, _))) => {
                Err(unsupported(key, "true", "false where another kind of noise levels is asked for"))
            }
            _ => Ok(()),
        }
    }
}

/// How noise levels may be spread between two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spread {
    /// Karras et al. 2022, eq. 5.
    Karras,
    /// Evenly in their logarithm.
    Exponential,
    /// The same, between the ends of the schedule.
    Lu,
    /// Quantiles of a beta distribution.
    Beta,
}

/// Refuses no steps, and more than could be meant.
fn check_count(steps: usize) -> Result<()> {
    if (1..=Schedule::MAX_TIMESTEPS).contains(&steps) {
        return Ok(());
    }
    let why = format!("must be 1 to {}", Schedule::MAX_TIMESTEPS);
    Err(Error::parameter("sampling", "steps", steps, why))
}

/// The levels of the indices. In σ, these classes take ᾱ = 2⁻²⁴ for the 0 at the end of a rescaled schedule, which may
/// be less noise than just before.
fn levels(schedule: &Schedule) -> Vec<Level> {
    let mut levels = schedule.levels().to_vec();
    if let Some(last) = levels.last_mut().filter(|last| last.signal == 0.0) {
        let alpha_bar = f64::from(f32::EPSILON) / 2.0;
        *last = Level { signal: alpha_bar.sqrt(), noise: (1.0 - alpha_bar).sqrt() };
    }
    levels
}

/// The table that noise levels are looked up in, in f32 as there: a clock value is truncated to a whole number by some
/// classes, so that the last place of a logarithm can be a whole index.
struct Clocks {
    logs: Vec<f64>,
}

impl Clocks {
    fn of(levels: &[Level]) -> Clocks {
        let log = |level: &Level| {
            let alpha_bar = (level.signal * level.signal) as f32;
            f64::from(Number::ln(f64::from(((1.0 - alpha_bar) / alpha_bar).sqrt())) as f32)
        };
        Clocks { logs: levels.iter().map(log).collect() }
    }

    /// Where ln σ, linear between indices, reaches that of `sigma`, and beyond the ends the end. Where σ does not rise
    /// with the index, the last such place.
    fn of_sigma(&self, sigma: f64) -> f64 {
        let (log, last) = (Number::ln(sigma), self.logs.len() - 1);
        let below = self.logs.iter().rposition(|&at| log >= at).unwrap_or(0).min(last.saturating_sub(1));
        let (from, to) = (self.logs[below], self.logs[(below + 1).min(last)]);
        let share = if from == to { 0.0 } else { ((from - log) / (from - to)).clamp(0.0, 1.0) };
        (1.0 - share) * below as f64 + share * (below + 1) as f64
    }
}

/// The time at a clock value, which stays what it is beyond the ends, with their level.
fn time_at(levels: &[Level], clock: f64) -> Timestep {
    Timestep::new(clock, at_clock(levels, clock).level())
}
