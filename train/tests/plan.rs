//! What a run takes beside what was foreseen. One test, so that nothing else in the process takes from the pool.

use tweedie_tensor::{pool_stats, trim_pool};
use tweedie_train::data::{self, DataOptions, Split};
use tweedie_train::{Adjustable, Begin, Config, plan, train};

#[test]
fn what_a_run_takes_was_foreseen() {
    let runs = [
        ("digits", "glyphs", [32, 96]),
        ("transformer", "glyphs", [16, 48]),
        ("small", "glyphs", [8, 32]),
        ("captions", "scenes", [8, 24]),
        ("cifar", "shapes", [2, 4]),
    ];
    let mut off = Vec::new();
    for (preset, source, batches) in runs {
        for batch in batches {
            let mut config = Config::preset(preset).unwrap();
            config.data.source = source.to_string();
            config.train.batch = batch;
            config.train.steps = Some(2);
            config.train.time_budget = None;
            // Its pictures are counted apart from what a step takes.
            config.train.validate_every = Some(0);
            // Painting takes long with the larger networks, and no more than a step.
            config.train.grids = u64::from(preset == "digits");
            let source = data::open(source, Split::Train, &DataOptions::default()).unwrap();
            let resolved = config.clone().resolved(&*source);
            let grid = if preset == "digits" { 20 } else { 0 };
            let cost = plan::training(&resolved, source.shape(), batch, grid).unwrap();
            let folder = tempfile::tempdir().unwrap();
            trim_pool();
            let before = pool_stats();
            train(config, folder.path(), Begin::New(Adjustable::default()), &mut ()).unwrap();
            let taken = pool_stats().allocated - before.allocated;
            let share = cost.tensors as f64 / taken as f64;
            let mib = |bytes: u64| bytes as f64 / (1 << 20) as f64;
            println!(
                "{preset} {batch}: {:.1} MiB foreseen, {:.1} MiB taken, {share:.3}; {cost:?}",
                mib(cost.tensors),
                mib(taken)
            );
            if !(0.9..1.1).contains(&share) {
                off.push((preset, batch, share));
            }
        }
    }
    assert!(off.is_empty(), "{off:?}");
}
