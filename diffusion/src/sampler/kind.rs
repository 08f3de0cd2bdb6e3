//! The samplers by name: one line of a table each.

use super::churn::Churn;
use super::ddim::Ddim;
use super::ddpm::Ddpm;
use super::deis::Deis;
use super::dpm_solver::DpmSolver;
use super::euler::Euler;
use super::euler_ancestral::EulerAncestral;
use super::exponential::DpmSolverAlgorithm;
use super::heun::Heun;
use super::kdpm2::Kdpm2;
use super::lcm::Lcm;
use super::lms::Lms;
use super::pndm::Pndm;
use super::run::Sampler;
use super::single_step::DpmSolverSingleStep;
use super::unipc::UniPc;
use crate::{Clip, Error, Result, Schedule, Spacing, Times, VarianceKind};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use tweedie_tensor::Element;

/// A setting that only some samplers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// [`SamplerSettings::eta`].
    Eta,
    /// [`SamplerSettings::churn`].
    Churn,
    /// [`SamplerSettings::order`].
    Order,
    /// [`SamplerSettings::variance`].
    Variance,
}

/// What a person is told of a sampler who may choose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SamplerAbout {
    /// [`SamplerKind::name`].
    pub name: &'static str,
    /// [`SamplerKind::title`].
    pub title: &'static str,
    /// [`SamplerKind::about`].
    pub about: &'static str,
    /// Whether it reads [`SamplerSettings::eta`].
    pub eta: bool,
    /// Whether it reads [`SamplerSettings::churn`].
    pub churn: bool,
}

/// A sampler by name, and what it is built with. A setting that the sampler does not read has no effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplerSettings {
    /// Which sampler.
    pub kind: SamplerKind,
    /// DDIM's η: 0 adds no noise, 1 as much as DDPM.
    pub eta: f64,
    /// S_churn: noise that is added before each step and removed by it ([`Churn::new`]).
    pub churn: f64,
    /// The order of a multistep method; `None` is the sampler's usual one.
    pub order: Option<usize>,
    /// The variance of DDPM's reverse steps.
    pub variance: VarianceKind,
    /// What is done to x̂_0.
    pub clip: Clip,
}

impl SamplerSettings {
    /// The sampler without noise where it can do without, of its usual order, without clipping.
    pub fn new(kind: SamplerKind) -> SamplerSettings {
        SamplerSettings {
            kind,
            eta: 0.0,
            churn: 0.0,
            order: None,
            variance: VarianceKind::FixedSmall,
            clip: Clip::Off,
        }
    }
}

/// The times of a run where nothing says how they are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Usual {
    /// Indices of the schedule, down from the noisiest.
    Trailing,
    /// [`Times::karras`]: a step of second order in σ from pure noise would be most of the picture.
    Karras,
}

/// A line of the table.
struct Entry {
    name: &'static str,
    aliases: &'static [&'static str],
    title: &'static str,
    about: &'static str,
    reads: &'static [Setting],
    usual: Usual,
}

macro_rules! samplers {
    ($s:ident, $times:ident; $(
        $kind:ident $name:literal $aliases:tt $title:literal, $about:literal,
        [$($setting:ident)*], $usual:ident => $build:expr;
    )*) => {
        /// The samplers by name. In configurations a kind is its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum SamplerKind {
            $(#[doc = $about] $kind,)*
        }

        impl SamplerKind {
            /// All of them.
            pub const ALL: &[SamplerKind] = &[$(SamplerKind::$kind),*];

            /// Their names, in the same order.
            pub const NAMES: &[&str] = &[$($name),*];

            fn entry(self) -> Entry {
                match self {
                    $(SamplerKind::$kind => Entry {
                        name: $name,
                        aliases: &$aliases,
                        title: $title,
                        about: $about,
                        reads: &[$(Setting::$setting),*],
                        usual: Usual::$usual,
                    },)*
                }
            }
        }

        impl SamplerSettings {
            /// The sampler with these settings over `times`.
            ///
            /// # Errors
            /// [`Error::Parameter`] for a setting outside its domain, or times that the sampler cannot take.
            pub fn build<T: Element>(&self, $times: &Times) -> Result<Box<dyn Sampler<T> + Send>> {
                let $s = self;
                Ok(match $s.kind {
                    $(SamplerKind::$kind => Box::new($build),)*
                })
            }
        }
    };
}

// The variant, its name and other names for it, what people call it, a description, the settings that it reads, its usual
// times; and how it is built.
samplers! { s, times;
    Ddpm "ddpm" [] "DDPM", "Ancestral sampling (Ho et al. 2020)", [Variance], Trailing
        => Ddpm::new(times, s.variance).clip(s.clip);
    // Guidance drives x̂_0 beyond what pictures can be. If the clip removed that and ε̂ still explained x together with the
    // unclipped x̂_0, each step would leave less of the picture in x_t than it should, until nothing of it remained.
    Ddim "ddim" [] "DDIM", "Deterministic unless --eta is above 0 (Song et al. 2021)", [Eta], Trailing
        => Ddim::new(times, s.eta)?.clip(s.clip).epsilon_from_clipped(true);
    Euler "euler" [] "Euler", "Euler's method in the noise level, --churn (Karras et al. 2022)", [Churn], Trailing
        => Euler::new(times).churn(Churn::new(s.churn))?.clip(s.clip);
    EulerAncestral "euler-a" ["euler-ancestral"] "Euler ancestral",
        "Euler's method below each noise level, and noise up to it (Crowson 2022)", [], Trailing
        => EulerAncestral::new(times)?.clip(s.clip);
    Heun "heun" [] "Heun", "Heun's method, twice the work a step, --churn (Karras et al. 2022)", [Churn], Karras
        => Heun::new(times).churn(Churn::new(s.churn))?.clip(s.clip);
    Kdpm2 "kdpm2" ["dpm2"] "KDPM2", "The midpoint method in the noise level, twice the work a step (Crowson 2022)", [], Karras
        => Kdpm2::new(times).clip(s.clip);
    Kdpm2Ancestral "kdpm2-a" ["dpm2-a", "kdpm2-ancestral"] "KDPM2 ancestral",
        "The same below each noise level, and noise up to it (Crowson 2022)", [], Karras
        => Kdpm2::ancestral(times)?.clip(s.clip);
    Lms "lms" [] "LMS", "Four steps' noise extrapolated in the noise level, to the end (Crowson 2022)", [Order], Karras
        => Lms::new(times, s.order.unwrap_or(4))?.clip(s.clip);
    Dpm2m "dpm-2m" [] "DPM-Solver 2M", "DPM-Solver of two steps, on the noise (Lu et al. 2022)", [Order], Trailing
        => DpmSolver::new(times).algorithm(DpmSolverAlgorithm::Original).order(s.order.unwrap_or(2))?.clip(s.clip);
    Dpmpp2m "dpmpp-2m" [] "DPM-Solver++ 2M", "DPM-Solver++ of two steps: good pictures in 20 (Lu et al. 2022)", [], Trailing
        => DpmSolver::new(times).clip(s.clip);
    Dpmpp2mSde "dpmpp-2m-sde" [] "DPM-Solver++ 2M SDE", "The same with noise in each step (Lu et al. 2022)", [], Trailing
        => DpmSolver::new(times).stochastic(true).clip(s.clip);
    Dpmpp3m "dpmpp-3m" [] "DPM-Solver++ 3M", "DPM-Solver++ of three steps (Lu et al. 2022)", [], Trailing
        => DpmSolver::new(times).order(3)?.clip(s.clip);
    Dpmpp3mFull "dpmpp-3m-full" [] "DPM-Solver++ 3M to the end", "The same, of third order in every step and the last", [], Karras
        => DpmSolver::new(times).order(3)?.exact(true).lower_order_final(false).extrapolates_end(true).clip(s.clip);
    Dpmpp2s "dpmpp-2s" [] "DPM-Solver++ 2S", "DPM-Solver++ by pairs of steps, of which nothing is kept (Lu et al. 2022)", [Order], Trailing
        => DpmSolverSingleStep::new(times, s.order.unwrap_or(2), true)?.clip(s.clip);
    Deis "deis" [] "DEIS", "Noise extrapolated in the logarithm of the noise level (Zhang and Chen 2023)", [Order], Trailing
        => Deis::new(times, s.order.unwrap_or(2))?.clip(s.clip);
    UniPc "unipc" [] "UniPC", "A predictor and a corrector at the price of one: good pictures in 10 (Zhao et al. 2023)", [Order], Trailing
        => UniPc::new(times, s.order.unwrap_or(2))?.clip(s.clip);
    UniPcFull "unipc-full" [] "UniPC to the end", "UniPC of third order, which the last step keeps", [], Karras
        => UniPc::new(times, 3)?.lower_order_final(false).extrapolates_end(true).clip(s.clip);
    Pndm "pndm" ["plms"] "PNDM", "Four steps' noise extrapolated (Liu et al. 2022)", [], Trailing
        => Pndm::new(times)?.clip(s.clip);
    Lcm "lcm" [] "LCM", "A consistency model's pictures, noised and predicted again (Luo et al. 2023)", [], Trailing
        => Lcm::new(times).clip(s.clip);
}

impl SamplerKind {
    /// The name in configurations and on the command line.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Other names that are read as well.
    pub fn aliases(self) -> &'static [&'static str] {
        self.entry().aliases
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        self.entry().title
    }

    /// What it is, in one line.
    pub fn about(self) -> &'static str {
        self.entry().about
    }

    /// Whether the sampler reads a setting.
    pub fn reads(self, setting: Setting) -> bool {
        self.entry().reads.contains(&setting)
    }

    /// All that a page or a list says of it.
    pub fn described(self) -> SamplerAbout {
        SamplerAbout {
            name: self.name(),
            title: self.title(),
            about: self.about(),
            eta: self.reads(Setting::Eta),
            churn: self.reads(Setting::Churn),
        }
    }

    /// The times of `steps` steps over `schedule`: spread as `spacing` says, or as is usual for the sampler.
    ///
    /// # Errors
    /// As [`Times::spaced`] and [`Times::karras`].
    pub fn times(self, schedule: &Schedule, steps: usize, spacing: Option<Spacing>) -> Result<Times> {
        // Where the number of steps is not the schedule's to take, that is said first.
        let spaced = Times::spaced(schedule, steps, spacing.unwrap_or(Spacing::Trailing))?;
        match (spacing, self.entry().usual) {
            (None, Usual::Karras) => Times::karras(schedule, steps, 7.0),
            _ => Ok(spaced),
        }
    }
}

impl fmt::Display for SamplerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SamplerKind {
    type Err = Error;

    /// Reads a name or an alias.
    fn from_str(name: &str) -> Result<SamplerKind> {
        let named = |kind: &SamplerKind| kind.name() == name || kind.aliases().contains(&name);
        let found = SamplerKind::ALL.iter().copied().find(named);
        found.ok_or_else(|| {
            Error::parameter(
                "sampling",
                "sampler",
                name,
                format!("it can be {}", SamplerKind::listed(|_| true)),
            )
        })
    }
}

impl SamplerKind {
    /// The names of some, for a message: `a, b or c`.
    pub fn listed(which: impl Fn(SamplerKind) -> bool) -> String {
        let chosen = SamplerKind::ALL.iter().filter(|&&kind| which(kind));
        match &chosen.map(|kind| kind.name()).collect::<Vec<_>>()[..] {
            [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            names => names.join(", "),
        }
    }
}

impl Serialize for SamplerKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for SamplerKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SamplerKind, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(|_| serde::de::Error::unknown_variant(&name, SamplerKind::NAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_name_and_alias_is_read_as_one_sampler() {
        let mut seen = HashSet::new();
        for &kind in SamplerKind::ALL {
            for &name in [kind.name()].iter().chain(kind.aliases()) {
                assert!(seen.insert(name), "{name} stands for two");
                assert_eq!(name.parse::<SamplerKind>().unwrap(), kind);
            }
        }
        assert!("no such".parse::<SamplerKind>().unwrap_err().to_string().contains("ddpm, ddim"));
    }

    #[test]
    fn every_kind_builds_a_sampler_of_as_many_steps_over_its_usual_times() {
        let schedule = Schedule::cosine(50).unwrap();
        for &kind in SamplerKind::ALL {
            let times = kind.times(&schedule, 7, None).unwrap();
            let sampler = SamplerSettings::new(kind).build::<f64>(&times).unwrap();
            assert_eq!(sampler.steps(), 7, "{kind}");
        }
    }
}
