//! Training in code: single steps, and runs with and without a directory, on a source and a network of one's own.

use std::sync::Arc;
use tweedie_autograd::Var;
use tweedie_nn::layers::Linear;
use tweedie_nn::{Builder, Ctx, Inputs, Layer};
use tweedie_train::data::{Memory, Source};
use tweedie_train::{
    Begin, Config, Control, Event, Model, Result, Trainable, Trainer, Training, read_metrics,
};

/// Twelve grey pictures of 8 × 8 in two classes.
fn source() -> Arc<dyn Source> {
    let bytes = (0..12 * 64).map(|i| (i * 37 % 251) as u8).collect();
    let labels = (0..12).map(|i| i % 2).collect();
    Arc::new(Memory::new([1, 8, 8], bytes, labels, vec!["a".into(), "b".into()]))
}

/// A small network, in so many steps.
fn config(steps: u64) -> Config {
    let mut config = Config::preset("digits").unwrap();
    for setting in [
        "model.block_out_channels=[8, 16]",
        "model.norm_num_groups=4",
        "model.attn_norm_num_groups=4",
        "model.attention_head_dim=8",
        "train.batch=4",
        "train.grids=0",
        "train.log_every=1",
        "data.flips=true",
    ] {
        config.set(setting).unwrap();
    }
    config.train.steps = Some(steps);
    config
}

#[test]
fn steps_in_code_are_the_steps_of_a_run() {
    let config = config(5);
    let mut trainer = Trainer::new(config.clone().resolved(&*source())).unwrap();
    let mut loader = trainer.loader(source()).unwrap();
    let losses: Vec<f64> = (0..5).map(|_| trainer.step(&loader.next().unwrap()).unwrap().loss).collect();
    let digest = trainer.digest();

    let run = |training: Training| training.source(source()).run(&mut ()).unwrap().summary;
    let in_memory = run(Training::new(config.clone()));
    assert_eq!((in_memory.steps, in_memory.run, &in_memory.weights_digest), (5, None, &digest));

    let folder = tempfile::tempdir().unwrap();
    let written = run(Training::new(config).out(folder.path()));
    assert_eq!((written.run.as_deref(), &written.weights_digest), (Some(folder.path()), &digest));
    let lines = read_metrics(&folder.path().join("metrics.jsonl")).unwrap();
    assert_eq!(lines.len(), losses.len());
    // What is read from text may differ in the last digit.
    assert!(lines.iter().zip(&losses).all(|(line, loss)| (line.measured.loss - loss).abs() < 1e-12 * loss));
    let model = Model::open(folder.path(), true).unwrap();
    assert_eq!(model.shape(), trainer.model().unwrap().shape());
}

#[test]
fn an_observer_stops_a_run_between_steps() {
    let folder = tempfile::tempdir().unwrap();
    let mut after_saving = |event: Event<'_>| match event {
        Event::Saved { step: 2, .. } => Control::Stop,
        _ => Control::Continue,
    };
    let training = || {
        let mut config = config(5);
        config.train.checkpoint_every = 2;
        Training::new(config).source(source()).out(folder.path())
    };
    let stopped = training().run(&mut after_saving).unwrap().summary;
    assert_eq!((stopped.steps, stopped.interrupted), (2, true));
    let resumed = training().begin(Begin::Resumed).run(&mut ()).unwrap().summary;
    let whole = Training::new(config(5)).source(source()).run(&mut ()).unwrap().summary;
    assert_eq!((resumed.steps, resumed.interrupted), (5, false));
    assert_eq!(resumed.weights_digest, whole.weights_digest);
}

/// One linear map of all pixels, which does not look at times and classes.
fn linear(_: &Config, builder: &Builder) -> Result<impl Trainable + use<>> {
    let layer = Linear::new(builder, 64, 64);
    Ok(move |ctx: &Ctx, x: Var, _: Inputs<'_>| {
        let n = x.dims()[0];
        let pixels = x.reshape([n, 64])?;
        layer.forward(ctx, pixels)?.reshape([n, 1, 8, 8])
    })
}

#[test]
fn a_network_of_ones_own_is_trained_saved_and_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let training = |steps| {
        let mut config = config(steps);
        config.data.hold_out = 0.2;
        Training::new(config).source(source())
    };
    let whole = training(4).run_with(linear, &mut ()).unwrap();
    training(2).out(folder.path()).run_with(linear, &mut ()).unwrap();
    let resumed = training(4).out(folder.path()).begin(Begin::Resumed).run_with(linear, &mut ()).unwrap();
    assert_eq!(resumed.summary.weights_digest, whole.summary.weights_digest);
    assert_eq!(resumed.trainer.params().numel(), 64 * 65);
    let lines = read_metrics(&folder.path().join("metrics.jsonl")).unwrap();
    assert!(lines.last().unwrap().validation.is_some());
}

#[test]
fn a_run_without_a_directory_cannot_be_resumed() {
    let error = Training::new(config(2)).source(source()).begin(Begin::Resumed).run(&mut ()).err().unwrap();
    assert!(error.to_string().contains("no run directory to resume from"), "{error}");
}
