//! What saving takes beside the state that is saved. Alone in its program, since what is measured is the whole process.

use tweedie_nn::UNetConfig;
use tweedie_train::measure::bench::{SaveTimes, Saving};

#[test]
fn a_save_that_is_waited_for_takes_a_tenth_of_the_state_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let saving = Saving::new(&UNetConfig::small().into()).unwrap();
    let state = saving.state_bytes() >> 20;
    assert!(state > 55, "{state} MiB");
    let mut times = SaveTimes::default();
    for _ in 0..2 {
        saving.measure(&folder.path().join("checkpoint.safetensors"), &mut times).unwrap();
    }
    assert!(times.extra_mib <= state / 10, "{} MiB beside {state}", times.extra_mib);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
