//! The sample grids on the way.

use super::Run;
use crate::model::{Model, SampleRequest};
use crate::observer::{Event, Observer};
use crate::{Config, Result};
use tweedie_diffusion::Condition;
use tweedie_nn::{Builder, Network};

/// Rows of the sample grids; each row shows every class once.
const GRID_ROWS: usize = 2;
/// Pictures in a row of an unconditional model's grids.
const GRID_COLUMNS: usize = 8;
/// Steps of the grids' sampler: enough to judge by, few enough not to hold up the run.
const GRID_STEPS: usize = 20;

/// How many captions a grid shows.
pub(super) const CAPTIONS: usize = GRID_ROWS * GRID_COLUMNS;

/// Pictures of a sample grid.
pub(crate) fn grid_pictures(config: &Config) -> usize {
    let classes = if config.train.class_conditional { config.data.classes.len() } else { 0 };
    GRID_ROWS * if classes > 0 { classes } else { GRID_COLUMNS }
}

impl Run {
    /// Passes of one picture through the network that a grid is.
    pub(super) fn grid_passes(&self) -> f64 {
        let train = &self.config.train;
        let told = train.class_conditional || self.config.model.caption.is_some();
        let guided = told && train.label_dropout > 0.0 && self.config.sampling.guidance != 1.0;
        (grid_pictures(&self.config) * GRID_STEPS * if guided { 2 } else { 1 }) as f64
    }

    /// Paints a grid with the averaged weights, from the same noise each time.
    pub(super) fn paint(&self, observer: &mut dyn Observer) -> Result<()> {
        let builder = Builder::new();
        let network = Network::new(&self.config.model, &builder)?;
        let model = Model::of_run(&self.config, network, self.ema.params().clone())?;
        let columns = model.classes().map_or(GRID_COLUMNS, <[String]>::len);
        let n = GRID_ROWS * columns;
        let mut sampling = model.sampling()?;
        sampling.steps = GRID_STEPS.min(self.config.diffusion.timesteps);
        let classes = model.classes().map(|classes| (0..n).map(|i| i % classes.len()).collect());
        let captions =
            self.captions.as_ref().map(|captions| captions.iter().cycle().take(n).cloned().collect());
        let request = SampleRequest {
            n,
            first: 0,
            x_t: None,
            condition: Condition { classes, captions },
            seed: self.config.train.seed,
            sampling,
        };
        let pictures = model.sample(&request)?.finish()?;
        observer.observe(Event::Sampled { step: self.step, pictures: &pictures, columns })?;
        Ok(())
    }
}
