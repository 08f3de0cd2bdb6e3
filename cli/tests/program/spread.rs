#![cfg(unix)]
//! Painting and measuring over several ranks: what one process makes, to the byte.

use crate::eval::four_means;
use crate::ranks::{ends, job, job_in, others_name_rank_1};
use crate::run::{files, json, train_tiny, workshop, write_x};
use crate::signals::{send, wait_for};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Child;
use tweedie_tensor::Tensor;

/// What a command prints on so many ranks, without what the clock says of it; on one, it is not even told of ranks.
fn on_ranks(folder: &Path, ranks: usize, command: &[&str]) -> Value {
    let mut said = match ranks {
        1 => json(folder, command),
        _ => {
            let ranks = format!("--ranks={ranks}");
            json(folder, &[&["launch", &ranks, "--threads=1", "--"], command].concat())
        }
    };
    let entries = said.as_object_mut().unwrap();
    entries.retain(|name, _| !name.starts_with("seconds"));
    said
}

/// The names and bytes of all files in a folder.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let is_file = |name: &String| folder.join(name).is_file();
    let names = files(folder).into_iter().filter(is_file);
    names.map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
}

/// Has a command print and leave the same on one rank and on others.
fn is_the_same(ranks: &[usize], model: &Path, command: &[&str]) {
    let leaves = |ranks: usize| {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(model, folder.path().join("model")).unwrap();
        let said = on_ranks(folder.path(), ranks, command);
        fs::remove_file(folder.path().join("model")).unwrap();
        (said, contents(folder.path()))
    };
    let one = leaves(1);
    let names_a_file = |word: &&str| ["--out", "--raw"].iter().any(|name| word.starts_with(name));
    assert_eq!(one.1.is_empty(), !command.iter().any(names_a_file), "{command:?}");
    for ranks in ranks {
        let many = leaves(*ranks);
        assert_eq!(many.0, one.0, "{command:?} on {ranks} ranks");
        assert!(many.1 == one.1, "{command:?} on {ranks} ranks");
    }
}

#[test]
fn any_number_of_ranks_paints_what_one_does() {
    let model = workshop().join("model");
    // More than go through the network at a time, and on two ranks three batches each.
    let many = ["sample", "model", "--n=290", "--steps=2", "--sampler=ddpm", "--seed=3"];
    is_the_same(&[2, 3], &model, &[&many[..], &["--out=pictures/", "--raw=x"]].concat());
    // More ranks than pictures; no more frames than steps.
    for n in ["--n=2", "--n=10"] {
        is_the_same(&[2, 3], &model, &["sample", "model", n, "--steps=60", "--guidance=2", "--out=film.gif"]);
    }
    let noise = tempfile::tempdir().unwrap();
    let at = noise.path().join("noise");
    write_x(at.clone(), &Tensor::from_fn([7, 1, 8, 8], |i| (i as f32).sin()));
    let noise = format!("--noise={}", at.display());
    is_the_same(
        &[2, 3],
        &model,
        &["sample", "model", "--steps=2", "--class=3,1,4,1,5,9,2", "--n=7", &noise, "--out=grid.png"],
    );
}

#[test]
fn words_are_looked_for_in_the_pictures_of_all_ranks() {
    let folder = tempfile::tempdir().unwrap();
    json(folder.path(), &train_tiny(&["--preset=captions", "--steps=2", "--out=model"]));
    let command = ["sample", "model", "--n=11", "--steps=1", "--caption=red circle above blue square"];
    let model = folder.path().join("model");
    is_the_same(&[2, 3], &model, &[&command[..], &["--out=a.png", "--attention=words.png"]].concat());
}

#[test]
fn any_number_of_ranks_measures_the_bits_that_one_does() {
    let model = workshop().join("model");
    let bound =
        ["eval", "bpd", "model", "--n=150", "--timesteps-per-picture=3", "--out=terms.svg", "--seed=5"];
    is_the_same(&[2, 3], &model, &bound);
    let both = ["eval", "bpd", "model", "--n=21", "--timesteps-per-picture=2", "--ode", "--ode-steps=3"];
    is_the_same(&[2, 3], &model, &both);
}

#[test]
fn any_number_of_ranks_compares_what_one_does() {
    let (model, net) = (workshop().join("model"), tempfile::tempdir().unwrap());
    let [weights, description] = four_means(net.path());
    let judge = [&*weights, &*description, "--seed=5"];
    let painted = ["eval", "frechet", "model", "--n=70", "--steps=2"];
    is_the_same(&[2, 3], &model, &[&painted[..], &judge].concat());
    // Pictures that are there already.
    let pictures = net.path().join("pictures").display().to_string();
    json(workshop(), &["sample", "model", "--n=30", "--steps=1", "--out", &pictures]);
    let found = ["eval", "frechet", &pictures, "--data=glyphs", "--image-size=8", "--class=7,3"];
    is_the_same(&[2], &model, &[&found[..], &judge].concat());
}

#[test]
fn rank_0_trains_the_classifier_for_all() {
    let (model, folder) = (workshop(), tempfile::tempdir().unwrap());
    let classifier = format!("--classifier={}", folder.path().join("judge.safetensors").display());
    let command = ["eval", "frechet", "model", "--n=65", "--steps=1", &classifier];
    let trained = on_ranks(model, 2, &command);
    assert_eq!(files(folder.path()), ["judge.safetensors"]);
    // It is found there by one process, which has all features from it.
    assert_eq!(trained, on_ranks(model, 1, &command));
}

#[test]
fn ranks_that_were_asked_for_other_things_end_with_one_line() {
    type Arguments = fn(usize) -> Vec<&'static str>;
    let cases: [(Arguments, &str); 7] = [
        (
            |rank| vec!["sample", "model", if rank == 1 { "--seed=1" } else { "--seed=2" }],
            "rank 1 was asked for another run than rank 0: 1 instead of 2, --seed: ",
        ),
        (
            |rank| vec!["sample", "model", if rank == 2 { "--out=a.gif" } else { "--out=a.png" }],
            "rank 2 was asked for another run than rank 0: a.gif instead of a.png, --out: ",
        ),
        (
            |rank| [vec!["eval", "bpd", "model"], if rank == 0 { vec![] } else { vec!["--ode"] }].concat(),
            "ranks 1, 2 were asked for another run than rank 0: true instead of nothing, --ode: ",
        ),
        // What is wrong everywhere is said once.
        (|_| vec!["sample", "model", "--class=eleven"], "no class \"eleven\""),
        (|_| vec!["eval", "bpd", "model", "--data=shapes"], "3 × 8 × 8"),
        (|_| vec!["eval", "bpd", "model", "--clip=-1"], "--clip"),
        (|_| vec!["eval", "frechet", "model", "--n=2", "--class=eleven"], "no class \"eleven\""),
    ];
    for (arguments, expected) in cases {
        let ended = ends(job(workshop(), 3, |rank| [arguments(rank), vec!["--threads=1"]].concat()));
        assert!(ended.iter().all(|(status, _)| *status == Some(1)), "{expected}: {ended:?}");
        assert!(ended[0].1.starts_with("rank 0: error: ") && ended[0].1.contains(expected), "{}", ended[0].1);
        assert_eq!(ended[0].1.lines().count(), 1, "{}", ended[0].1);
        assert!(ended[1..].iter().all(|(_, errors)| errors.is_empty()), "{ended:?}");
    }
}

#[test]
fn ranks_with_another_model_are_named() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for (folder, seed) in folders.iter().zip(["--seed=1", "--seed=2"]) {
        json(folder.path(), &train_tiny(&["--steps=2", "--out=model", "--set=train.grids=0", seed]));
    }
    let [zero, one] = [folders[0].path(), folders[1].path()];
    let arguments = |_| vec!["sample", "model", "--n=4", "--steps=1", "--threads=1"];
    let ended = ends(job_in(&[zero, one], arguments));
    assert!(ended[0].1.contains("rank 1 was asked for another run than rank 0: "), "{ended:?}");
    assert!(ended[0].1.contains(", MODEL: "), "{ended:?}");
    assert_eq!(ended.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [Some(1); 2]);
}

/// Three ranks that paint far more than anybody waits for, and have begun.
fn painting(folder: &Path) -> Vec<Child> {
    std::os::unix::fs::symlink(workshop().join("model"), folder.join("model")).unwrap();
    let job =
        job(folder, 3, |_| vec!["sample", "model", "--n=500000", "--steps=20", "--out=p/", "--threads=1"]);
    wait_for(|| folder.join("p/000000.png").exists());
    job
}

#[test]
fn a_rank_that_is_killed_while_painting_is_named_by_all_others() {
    let folder = tempfile::tempdir().unwrap();
    let job = painting(folder.path());
    send("-KILL", &job[1]);
    others_name_rank_1(job, ": start all ranks again");
}

#[test]
fn a_signal_to_one_rank_ends_the_painting_of_all() {
    for rank in [0, 2] {
        let folder = tempfile::tempdir().unwrap();
        let job = painting(folder.path());
        send("-TERM", &job[rank]);
        for (status, errors) in ends(job) {
            assert_eq!((status, &*errors), (Some(130), ""), "signal to rank {rank}");
        }
    }
}
