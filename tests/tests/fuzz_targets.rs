//! The fuzz targets on the inputs that they begin with, and on changes of these at random. The targets are built outside of
//! the workspace and by another compiler: here it is seen when they no longer fit the libraries.

/// What the targets do.
#[path = "../../fuzz/src/lib.rs"]
pub mod fuzz;

/// What the tests of the program do to files.
#[path = "../../cli/tests/program/hostile/damage.rs"]
mod damage;

use damage::{damage, repair_png};
use std::fs;
use std::panic::catch_unwind;
use tweedie_tensor::random::{Purpose, Stream};

/// What is done with an input.
type Target = fn(&[u8]);

/// Changed inputs for each seed.
const VARIANTS: u64 = 40;
/// The most bytes of an input, as of the fuzzer's.
const LONGEST: usize = 1 << 16;

#[test]
fn every_seed_and_changes_of_it_hold_what_their_target_asks_for() {
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
        let mut seeds: Vec<_> =
            fs::read_dir(corpus.path().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!seeds.is_empty(), "{name}");
        seeds.sort();
        for (number, path) in (0..).zip(&seeds) {
            let seed = fs::read(path).unwrap();
            target(&seed);
            for variant in 0..VARIANTS {
                let changed = changed(&seed, &mut Stream::new(0, Purpose::TEST, number, variant));
                assert!(
                    catch_unwind(|| target(&changed)).is_ok(),
                    "{name}, seed {number}, variant {variant}"
                );
            }
        }
    }
}

/// A change of an input. Half of the PNGs have checksums that are right.
fn changed(seed: &[u8], random: &mut Stream) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    damage(&mut bytes, true, random);
    if bytes.starts_with(b"\x89PNG") && random.chance(0.5) {
        repair_png(&mut bytes);
    }
    bytes.truncate(LONGEST);
    bytes
}
