#![cfg(unix)]
//! Painting and measuring over several ranks: what one process makes, to the byte.

use crate::ranks::{ends, job, job_in};
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

/// Has a command leave its results in a folder, on one, two and three ranks.
fn leaves_the_same(model: &Path, command: &[&str]) {
    let leaves = |ranks: usize| {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(model, folder.path().join("model")).unwrap();
        let said = on_ranks(folder.path(), ranks, command);
        fs::remove_file(folder.path().join("model")).unwrap();
        (said, contents(folder.path()))
    };
    let one = leaves(1);
    assert!(!one.1.is_empty(), "{command:?}");
    for ranks in [2, 3] {
        assert!(leaves(ranks) == one, "{command:?} on {ranks} ranks");
    }
}

#[test]
fn any_number_of_ranks_paints_what_one_does() {
    let model = workshop().join("model");
    // More than go through the network at a time, and on two ranks three batches each.
    let many = ["sample", "model", "--n=290", "--steps=2", "--sampler=ddpm", "--seed=3"];
    leaves_the_same(&model, &[&many[..], &["--out=pictures/", "--raw=x"]].concat());
    // More ranks than pictures; no more frames than steps.
    for n in ["--n=2", "--n=10"] {
        leaves_the_same(&model, &["sample", "model", n, "--steps=60", "--guidance=2", "--out=film.gif"]);
    }
    let noise = tempfile::tempdir().unwrap();
    let at = noise.path().join("noise");
    write_x(at.clone(), &Tensor::from_fn([7, 1, 8, 8], |i| (i as f32).sin()));
    let noise = format!("--noise={}", at.display());
    leaves_the_same(
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
    leaves_the_same(&model, &[&command[..], &["--out=a.png", "--attention=words.png"]].concat());
}

#[test]
fn ranks_that_were_asked_for_other_pictures_end_with_one_line() {
    type Arguments = fn(usize) -> Vec<&'static str>;
    let cases: [(Arguments, &str); 3] = [
        (
            |rank| if rank == 1 { vec!["--seed=1"] } else { vec![] },
            "rank 1 was asked for another run than rank 0: 1 instead of nothing, --seed: ",
        ),
        (
            |rank| vec!["--steps=2", if rank == 2 { "--out=a.gif" } else { "--out=a.png" }],
            "rank 2 was asked for another run than rank 0: a.gif instead of a.png, --out: ",
        ),
        // What is wrong everywhere is said once.
        (|_| vec!["--class=eleven"], "no class \"eleven\""),
    ];
    for (more, expected) in cases {
        let arguments = |rank| [vec!["sample", "model", "--n=6", "--threads=1"], more(rank)].concat();
        let ended = ends(job(workshop(), 3, arguments));
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
    for (rank, (status, errors)) in ends(job).into_iter().enumerate().filter(|(rank, _)| *rank != 1) {
        assert_eq!(status, Some(75), "{errors}");
        assert!(errors.starts_with(&format!("rank {rank}: error: rank 1 is lost: ")), "{errors}");
        assert!(errors.ends_with(": start all ranks again"), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
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
