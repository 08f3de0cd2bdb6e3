//! Pictures of one's own: a source of rings, a small UNet that learns to draw them, and what it draws.

use std::error::Error;
use std::sync::Arc;
use tweedie::nn::UNetConfig;
use tweedie::prelude::*;
use tweedie::train::data::{DataError, Source};
use tweedie::train::{Config, SampleRequest, Training};

const SIDE: usize = 16;

/// Grey pictures of one ring each, thin or thick; picture `index` is a function of its number.
struct Rings {
    classes: Vec<String>,
}

impl Source for Rings {
    fn len(&self) -> usize {
        4096
    }

    fn shape(&self) -> [usize; 3] {
        [1, SIDE, SIDE]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        let (label, radius) = (index % 2, 3.5 + (index / 2 % 32) as f32 / 12.0);
        let width = [1.0, 2.2][label];
        for (i, byte) in out.iter_mut().enumerate() {
            let from_middle = |at: usize| at as f32 - (SIDE - 1) as f32 / 2.0;
            let distance = (from_middle(i % SIDE).hypot(from_middle(i / SIDE)) - radius).abs();
            *byte = (255.0 * (width - distance).clamp(0.0, 1.0)) as u8;
        }
        Ok(label)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let source = Arc::new(Rings { classes: vec!["thin".into(), "thick".into()] });
    let mut config = Config { model: UNetConfig::plain(&[16, 32]).into(), ..Config::default() };
    (config.train.steps, config.train.batch, config.train.grids) = (Some(200), 32, 0);
    (config.optimizer.learning_rate, config.train.ema_decay) = (3e-3, 0.98);
    let trained = Training::new(config).source(source).run(&mut ())?;
    println!("{} steps, loss {:.3}", trained.summary.steps, trained.summary.loss);
    assert!(trained.summary.loss < 0.25);

    // Two thin rings and two thick ones: thick ones are brighter.
    let model = trained.trainer.model()?;
    let request = SampleRequest::new(4, Condition::of_classes(vec![0, 0, 1, 1]), 0, model.sampling()?);
    let pictures = model.sample(&request)?.finish()?;
    for row in 0..SIDE {
        let shade = |x: f32| [' ', '░', '▒', '▓', '█'][((x + 1.0) * 2.5).clamp(0.0, 4.0) as usize];
        let line = (0..4 * SIDE).map(|i| shade(pictures[[i / SIDE, 0, row, i % SIDE]]));
        println!("{}", line.collect::<String>());
    }
    let brightness = |first| pictures.narrow(0, first, 2).map(|pair| pair.mean());
    assert!(brightness(2)? > brightness(0)? + 0.1);
    Ok(())
}
