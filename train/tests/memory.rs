//! The memory of a long run stays as it is. Alone in its program, since what is measured is the whole process.

use std::fs;
use std::path::Path;
use tweedie_autograd::Var;
use tweedie_nn::layers::Linear;
use tweedie_nn::{Builder, Ctx, Inputs, Layer};
use tweedie_train::{Config, Control, Event, Training, memory::rss_mib};

const SIDE: usize = 160;

/// Seventy grey pictures, more than the MiB that the cache may take.
fn pictures(folder: &Path) {
    for i in 0..70usize {
        let pixels: Vec<u8> = (0..SIDE * SIDE).map(|pixel| (pixel * (i + 3) / 100) as u8).collect();
        let file = [format!("P5 {SIDE} {SIDE} 255\n").into_bytes(), pixels].concat();
        fs::write(folder.join(format!("{i:03}.pgm")), file).unwrap();
    }
}

/// MiB that the process holds after `early` steps and after all of `steps`.
fn held(early: u64, steps: u64) -> [u64; 2] {
    let [data, out] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    pictures(data.path());
    let mut config = Config::default();
    config.data.source = data.path().display().to_string();
    config.data.cache_mib = Some(1);
    (config.train.steps, config.train.batch, config.train.class_conditional) = (Some(steps), 2, false);
    (config.train.checkpoint_every, config.train.validate_every) = (steps / 20, Some(0));
    let one_layer = |_: &Config, builder: &Builder| {
        let layer = Linear::new(builder, SIDE, SIDE);
        Ok(move |ctx: &Ctx, x: Var, _: Inputs<'_>| {
            let n = x.dims()[0];
            let rows = x.reshape([n * SIDE, SIDE])?;
            layer.forward(ctx, rows)?.reshape([n, 1, SIDE, SIDE])
        })
    };
    let mut measured = [0; 2];
    let mut observer = |event: Event<'_>| {
        if let Event::Step(progress) = event {
            if progress.step == early {
                measured[0] = rss_mib();
            }
            measured[1] = rss_mib();
        }
        Control::Continue
    };
    let trained =
        Training::new(config).out(out.path().join("run")).run_with(one_layer, &mut observer).unwrap();
    assert_eq!(trained.summary.steps, steps);
    measured
}

#[test]
fn five_hundred_steps_hold_no_more_at_their_end() {
    let [early, end] = held(100, 500);
    assert!(end <= early + 4, "{early} MiB after 100 steps, {end} MiB after 500");
}

#[test]
#[ignore = "a minute or more"]
fn ten_thousand_steps_hold_no_more_at_their_end() {
    let [early, end] = held(1_000, 10_000);
    println!("{early} MiB after 1,000 steps, {end} MiB after 10,000");
    assert!(end <= early + 4, "{early} MiB after 1,000 steps, {end} MiB after 10,000");
}
