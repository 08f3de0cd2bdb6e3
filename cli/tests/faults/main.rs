#![cfg(unix)]
//! Runs that meet every fault that a machine can have, and end with the bits and the metrics of a run left alone.
//!
//! The short form is part of the suite. The long one takes hours:
//!
//! ```sh
//! cargo test --release --workspace --test faults -- --ignored --nocapture
//! ```
//!
//! `TWEEDIE_AARCH64` names a program for 64-bit Arm; the tests of two processors then run it under `qemu-aarch64`.

mod faults;
mod run;
#[path = "../program/tiny.rs"]
mod tiny;

use faults::{Fault, Filled};
use run::Run;
use std::time::Duration;

/// Faults that leave the metrics as they are.
const SIGNALS: &[Fault] = &[Fault::Kill, Fault::Terminate, Fault::StopAndContinue, Fault::SaveOnRequest];
const FILES: &[Fault] = &[
    Fault::Kill,
    Fault::FlipABit,
    Fault::Cut,
    Fault::Empty,
    Fault::Stray,
    Fault::NoConfiguration,
    Fault::HalfALine,
];

/// Six networks, so small that a run of them takes seconds.
const PRESETS: [&str; 6] = ["digits", "pictures", "transformer", "captions", "small", "cifar"];

#[test]
fn a_run_that_signals_end_again_and_again_is_the_run_left_alone() {
    Run::tiny(40).survives(SIGNALS, 6, 1);
}

#[test]
fn a_run_whose_checkpoints_are_damaged_is_the_run_left_alone() {
    Run::tiny(40).survives(FILES, 6, 2);
}

#[test]
fn a_run_whose_directory_is_removed_keeps_its_work() {
    let run = Run::tiny(60);
    for (seed, fault) in [Fault::RemoveCheckpoints, Fault::RemoveDirectory].into_iter().enumerate() {
        run.keeps_its_work(fault, seed as u64);
    }
}

#[test]
fn arm_and_x86_train_the_same_weights() {
    let Some(arm) = run::emulated() else {
        eprintln!("skipped: qemu-aarch64 and a program for it in TWEEDIE_AARCH64 are not both there");
        return;
    };
    for data in ["glyphs", "shapes"] {
        let run = Run::tiny(3).on(data);
        assert_eq!(run.digest_of(&arm), run.digest_of(&run::native()), "{data}");
    }
}

#[test]
#[ignore = "takes hours"]
fn twenty_kills_of_each_preset() {
    for (seed, preset) in PRESETS.into_iter().enumerate() {
        eprintln!("{preset}");
        Run::of_preset(preset).survives(&[Fault::Kill], 20, seed as u64);
    }
}

#[test]
#[ignore = "takes hours"]
fn every_fault_of_each_preset() {
    for (seed, preset) in PRESETS.into_iter().enumerate() {
        eprintln!("{preset}");
        let run = Run::of_preset(preset);
        run.survives(SIGNALS, 12, 100 + seed as u64);
        run.survives(FILES, 12, 200 + seed as u64);
    }
}

#[test]
#[ignore = "takes hours"]
fn each_preset_is_asked_to_save_every_second() {
    for preset in PRESETS {
        eprintln!("{preset}");
        Run::of_preset(preset).saves_on_request(Duration::from_secs(1));
    }
}

#[test]
#[ignore = "an emulator takes minutes"]
fn kills_of_sessions_on_two_processors_by_turns() {
    if run::emulated().is_none() {
        eprintln!("skipped: qemu-aarch64 and a program for it in TWEEDIE_AARCH64 are not both there");
        return;
    }
    Run::tiny(40).on_arm_too().survives(SIGNALS, 6, 3);
    Run::of_preset("transformer").on_arm_too().survives(&[Fault::Kill], 6, 4);
}

#[test]
#[ignore = "mounts a file system of 6 MiB, which root may"]
fn a_disk_that_fills_up_costs_no_step() {
    match Filled::new() {
        Some(disk) => Run::tiny(60).fills(&disk),
        None => eprintln!("skipped: no file system can be mounted here"),
    }
}
