//! A data set of one's own: a source of pictures, how a run orders them, and a small UNet that learns from them.

#[path = "support/terminal.rs"]
mod terminal;

use std::error::Error;
use std::sync::Arc;
use terminal::show;
use tweedie::nn::UNetConfig;
use tweedie::prelude::*;
use tweedie::train::data::{DataError, Order, Source, read_batch};
use tweedie::train::{Config, SampleRequest, Training};

const SIDE: usize = 16;

/// Grey pictures of bars, lying or standing, of any thickness at any place. Nothing is stored: picture `index` is drawn from
/// its number whenever it is asked for. A source that reads files keeps their names here.
struct Bars {
    classes: Vec<String>,
}

impl Source for Bars {
    fn len(&self) -> usize {
        10_000
    }

    /// Channels, height, width.
    fn shape(&self) -> [usize; 3] {
        [1, SIDE, SIDE]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Bytes, channels first; threads ask for several at once.
    fn read(&self, index: usize, out: &mut [u8]) -> Result<usize, DataError> {
        const DRAWING: Purpose = Purpose::new(128);
        let mut stream = Stream::new(0, DRAWING, 0, index as u64);
        let (label, thickness) = (index % 2, stream.range(1.0, 4.0));
        let middle = stream.range(3.0, SIDE as f64 - 3.0);
        for (i, byte) in out.iter_mut().enumerate() {
            let along = if label == 0 { i / SIDE } else { i % SIDE };
            let inside = thickness - (along as f64 + 0.5 - middle).abs();
            *byte = (255.0 * inside.clamp(0.0, 1.0)) as u8;
        }
        Ok(label)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let bars = Bars { classes: vec!["lying".into(), "standing".into()] };
    let batch = read_batch(&bars, &[0, 1, 2, 3])?;
    println!("four pictures, of classes {:?}, as the network sees them: from −1 to 1", batch.labels);
    show(&batch.x);
    assert_eq!((batch.x.dims(), batch.labels), (&[4, 1, SIDE, SIDE][..], vec![0, 1, 0, 1]));

    // Which picture is sample k of a run is a function of the seed and k: a run that resumes needs no list.
    let mut order = Order::new(0, bars.len())?;
    println!("\nthe first epoch begins with {:?}", [0, 1, 2, 3].map(|k| order.index(k)));

    // Training on it, in memory alone: with `.out(folder)` it would leave checkpoints to resume from and to open.
    let mut config = Config { model: UNetConfig::plain(&[16, 32]).into(), ..Config::default() };
    (config.train.steps, config.train.batch, config.train.grids) = (Some(150), 32, 0);
    (config.optimizer.learning_rate, config.train.ema_decay) = (3e-3, 0.98);
    let trained = Training::new(config).source(Arc::new(bars)).run(&mut ())?;
    println!("after {} steps the loss is {:.3}; it draws:", trained.summary.steps, trained.summary.loss);
    assert!(trained.summary.loss < 0.25);

    let model = trained.trainer.model()?;
    let request = SampleRequest::new(4, Condition::of_classes(vec![0, 1, 0, 1]), 0, model.sampling()?);
    let pictures = model.sample(&request)?.finish()?;
    show(&pictures);

    // In a lying bar the rows differ, in a standing one the columns.
    let spread = |means: Tensor| (&means - f64::from(means.mean())).square().mean();
    for i in 0..4 {
        let picture = pictures.narrow(0, i, 1)?.reshape([SIDE, SIDE])?;
        let (rows, columns) = (spread(picture.mean_axis(1)?), spread(picture.mean_axis(0)?));
        assert!((rows > columns) == (i % 2 == 0), "picture {i}: {rows} against {columns}");
    }
    Ok(())
}
