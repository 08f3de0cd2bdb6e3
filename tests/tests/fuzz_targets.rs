//! The fuzz targets on the inputs that they begin with. They are built outside of the workspace and by another compiler:
//! here it is seen when they no longer fit the libraries.

/// What the targets do.
#[path = "../../fuzz/src/lib.rs"]
pub mod fuzz;

use std::fs;

/// What is done with an input.
type Target = fn(&[u8]);

#[test]
fn every_seed_holds_what_its_target_asks_for() {
    let corpus = tempfile::tempdir().unwrap();
    fuzz::seeds(corpus.path()).unwrap();
    let targets: [(&str, Target); 8] = [
        ("idx", fuzz::idx),
        ("cifar", fuzz::cifar),
        ("picture", fuzz::picture),
        ("weights", fuzz::weights),
        ("checkpoint", fuzz::checkpoint),
        ("config", fuzz::config),
        ("diffusers", fuzz::diffusers),
        ("shards", fuzz::shards),
    ];
    assert_eq!(fs::read_dir(corpus.path()).unwrap().count(), targets.len());
    for (name, target) in targets {
        let seeds = fs::read_dir(corpus.path().join(name)).unwrap();
        let seeds: Vec<Vec<u8>> = seeds.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
        assert!(!seeds.is_empty(), "{name}");
        for seed in &seeds {
            target(seed);
            // A reader that fails on what is missing at the end is the most common one.
            target(&seed[..seed.len() / 2]);
        }
    }
}
