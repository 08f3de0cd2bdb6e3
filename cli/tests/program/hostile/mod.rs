//! Files that are damaged in every way that there is, read by the program: each is taken or refused in one line, within a
//! second of the processor's time and 256 MiB of address space.
//!
//! The short form is part of the suite. The long one takes ten minutes:
//!
//! ```sh
//! cargo test --release --workspace --test program hostile -- --ignored --nocapture
//! ```

mod damage;
mod files;
mod target;
mod watched;

use files::Targets;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use target::Target;
use watched::Took;

/// What the variants of a file came to.
#[derive(Debug, Default)]
struct Tally {
    taken: usize,
    refused: usize,
    slowest: Took,
    largest: Took,
    faults: Vec<String>,
}

impl Tally {
    fn add(&mut self, ended: Result<Took, String>) {
        let took = match ended {
            Ok(took) => took,
            Err(fault) => return self.faults.push(fault),
        };
        *(if took.accepted { &mut self.taken } else { &mut self.refused }) += 1;
        if took.time > self.slowest.time {
            self.slowest = took;
        }
        if took.resident > self.largest.resident {
            self.largest = took;
        }
    }
}

/// Runs the program on about so many variants of all files together.
fn survives(variants: u64) {
    let targets = Targets::new();
    let files = targets.all.len() as u64;
    let work: Vec<(&Target, u64)> = (0..variants.div_ceil(files))
        .flat_map(|number| targets.all.iter().map(move |target| (target, number)))
        .collect();
    let (next, tallies) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<&str, Tally>::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(&(target, number)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ended = read(target, number);
                    tallies.lock().unwrap().entry(&target.file).or_default().add(ended);
                }
            });
        }
    });
    let tallies = tallies.into_inner().unwrap();
    println!("{:58} {:>6} {:>8} {:>6} {:>6}", "file", "taken", "refused", "ms", "MiB");
    for (file, Tally { taken, refused, slowest, largest, .. }) in &tallies {
        let (time, resident) = (slowest.time.as_millis(), largest.resident >> 10);
        println!("{file:58} {taken:6} {refused:8} {time:6} {resident:6}");
    }
    let sum = |of: fn(&Tally) -> usize| tallies.values().map(of).sum::<usize>();
    println!(
        "{} variants of {files} files: {} taken, {} refused",
        work.len(),
        sum(|of| of.taken),
        sum(|of| of.refused)
    );
    let faults: Vec<&String> = tallies.values().flat_map(|tally| &tally.faults).collect();
    assert!(faults.is_empty(), "{} faults:\n{faults:#?}", faults.len());
}

#[test]
fn files_that_are_whole_are_taken() {
    let mut refused = Vec::new();
    for target in Targets::new().all {
        for (place, command) in target.whole() {
            if !watched::run(place.path(), &command).is_ok_and(|took| took.accepted) {
                let said = fs::read_to_string(place.path().join("stderr")).unwrap();
                refused.push(format!("{} by {}: {said}", target.file, command.join(" ")));
            }
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

/// Runs the program on a variant. What it should not have done with it stays to be looked at.
fn read(target: &Target, number: u64) -> Result<Took, String> {
    let (place, command) = target.variant(number);
    watched::run(place.path(), &command).map_err(|fault| {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
        fs::create_dir_all(&kept).unwrap();
        let kept = kept.join(format!("{}-{number}", target.file.replace('/', "-")));
        let _ = fs::remove_dir_all(&kept);
        crate::run::copy(place.path(), &kept);
        format!("tweedie {} in {}: {fault}", command.join(" "), kept.display())
    })
}

#[test]
fn damaged_files_are_taken_or_refused_in_one_line() {
    survives(300);
}

#[test]
#[ignore = "ten minutes"]
fn ten_thousand_damaged_files_are_taken_or_refused_in_one_line() {
    survives(10_000);
}
