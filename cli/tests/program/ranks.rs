#![cfg(unix)]
//! Several ranks on this machine: the bits of one, and one line where they cannot go on.

use crate::run::{json, program, train_tiny, tweedie};
use crate::signals::{lines, send, wait_for};
use serde_json::Value;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const EIGHT_SHARDS: [&str; 3] = ["--shards=8", "--steps=12", "--checkpoint-every=4"];

fn launch(folder: &Path, ranks: usize, more: &[&str]) -> Value {
    let ranks = format!("--ranks={ranks}");
    let arguments = [&["launch", &ranks, "--threads=1", "--"][..], &train_tiny(more), &["--json"]].concat();
    let said = tweedie(folder, &arguments);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
fn any_number_of_ranks_trains_the_weights_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path();
    let one = json(run, &train_tiny(&[&EIGHT_SHARDS[..], &["--out=one"]].concat()));
    for ranks in [2, 3, 4] {
        let out = format!("--out=of-{ranks}");
        let many = launch(run, ranks, &[&EIGHT_SHARDS[..], &[&out]].concat());
        assert_eq!(many["weights_digest"], one["weights_digest"], "{ranks} ranks");
        assert_eq!(many["steps"], one["steps"]);
        tells_of_ranks(&run.join(format!("of-{ranks}")), ranks);
        assert_eq!(
            without_ranks(lines(&run.join(format!("of-{ranks}")))),
            lines(&run.join("one")),
            "{ranks} ranks"
        );
    }
    let report = std::fs::read_to_string(run.join("one/report.html")).unwrap();
    assert!(!report.contains("<h2>Ranks</h2>"));
    // From a checkpoint of three ranks, on two.
    for step in [8, 12] {
        std::fs::remove_file(run.join(format!("of-3/checkpoints/step-{step:08}.safetensors"))).unwrap();
    }
    let resumed = launch(run, 2, &["--out=of-3", "--resume", "--steps=12"]);
    assert_eq!(resumed["weights_digest"], one["weights_digest"]);
}

#[test]
fn what_is_given_to_launch_is_given_to_all_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path();
    let one = json(run, &train_tiny(&["--steps=2", "--shards=2", "--seed=7", "--out=one"]));
    let launched = ["launch", "--ranks=2", "--threads=1", "--seed=7", "--json", "--quiet", "--"];
    let said =
        tweedie(run, &[&launched[..], &train_tiny(&["--steps=2", "--shards=2", "--out=two"])].concat());
    assert_eq!((said.status, &*said.stderr), (Some(0), ""));
    let two: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(two["weights_digest"], one["weights_digest"]);
}

#[test]
fn gradients_of_half_the_bytes_train_the_same_weights_on_any_number_of_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path();
    let halves = ["--shards=8", "--steps=6", "--set=train.gradient_precision=bf16"];
    let of = |ranks: usize, out: &str| {
        let arguments = [&halves[..], &[out]].concat();
        let said = match ranks {
            1 => json(run, &train_tiny(&arguments)),
            _ => launch(run, ranks, &arguments),
        };
        said["weights_digest"].clone()
    };
    let one = of(1, "--out=one");
    assert_eq!(of(3, "--out=three"), one);
    assert_eq!(of(4, "--out=four"), one);
    let whole = json(run, &train_tiny(&["--shards=8", "--steps=6", "--out=whole"]));
    assert_ne!(whole["weights_digest"], one);
}

/// Every line of the metrics says how the ranks went together, and the report does. What a step has sent may be counted in the
/// line after its own.
fn tells_of_ranks(run: &Path, size: usize) {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let mut sent = 0.0;
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let number = |key: &str| line["ranks"][key].as_f64().unwrap();
        assert_eq!(number("size"), size as f64, "{line}");
        assert!((0.0..=1.0).contains(&number("waiting")), "{line}");
        assert!(number("slowest") < size as f64, "{line}");
        sent += number("sent_mib_per_step");
    }
    assert!(sent > 0.0, "{text}");
    let report = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(
        report.contains("<h2>Ranks</h2>") && report.contains(&format!("<b>{size}</b><span>ranks, lately"))
    );
}

/// The lines of the metrics without what only a job of several ranks has.
fn without_ranks(mut lines: Vec<Value>) -> Vec<Value> {
    for line in &mut lines {
        assert!(line.as_object_mut().unwrap().remove("ranks").is_some());
    }
    lines
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A rank that is told its place by flags.
fn rank_by_flags(folder: &Path, rank: usize, port: u16, more: &[&str]) -> Child {
    let (rank, master) = (format!("--rank={rank}"), format!("--master=127.0.0.1:{port}"));
    let mut command = program(folder, &train_tiny(&[&[&*rank, &*master, "--threads=1"], more].concat()));
    command.env("TWEEDIE_SECRET", "of the test").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// The ranks of a job, by their places in the environment of torchrun.
pub(crate) fn job(folder: &Path, ranks: usize, arguments: impl Fn(usize) -> Vec<&'static str>) -> Vec<Child> {
    job_in(&vec![folder; ranks], arguments)
}

/// As [`job`], a folder for each rank.
pub(crate) fn job_in(folders: &[&Path], arguments: impl Fn(usize) -> Vec<&'static str>) -> Vec<Child> {
    let ranks = folders.len();
    let port = free_port().to_string();
    let start = |rank: usize| {
        let mut command = program(folders[rank], &arguments(rank));
        command.env("RANK", rank.to_string()).env("WORLD_SIZE", ranks.to_string());
        command
            .env("MASTER_ADDR", "127.0.0.1")
            .env("MASTER_PORT", &port)
            .env("TWEEDIE_SECRET", "of the test");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    (0..ranks).map(start).collect()
}

pub(crate) fn ends(job: Vec<Child>) -> Vec<(Option<i32>, String)> {
    let end = |child: Child| {
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&stderr).into_owned();
        let errors = text.lines().filter(|line| line.contains("error: ")).collect::<Vec<_>>().join("\n");
        (status.code(), errors)
    };
    job.into_iter().map(end).collect()
}

const LONG: [&str; 6] = [
    "--threads=1",
    "--steps=100000000",
    "--out=run",
    "--checkpoint-every=20",
    "--shards=4",
    "--set=train.grids=0",
];

fn begun(folder: &Path) -> Vec<Child> {
    let job = job(folder, 3, |_| train_tiny(&LONG));
    wait_for(|| folder.join("run/checkpoints/step-00000020.safetensors").exists());
    job
}

/// Rank 1 is lost to all others, which say so in one line, with this at its end.
pub(crate) fn others_name_rank_1(job: Vec<Child>, remedy: &str) {
    for (rank, (status, errors)) in ends(job).into_iter().enumerate().filter(|(rank, _)| *rank != 1) {
        assert_eq!(status, Some(75), "{errors}");
        assert!(errors.starts_with(&format!("rank {rank}: error: rank 1 is lost: ")), "{errors}");
        assert!(errors.ends_with(remedy), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

/// Waits until the run in this folder has written of a step.
fn wait_for_a_step(folder: &Path) {
    wait_for(|| std::fs::metadata(folder.join("run/metrics.jsonl")).is_ok_and(|file| file.len() > 0));
}

#[test]
fn a_rank_that_is_killed_is_named_by_all_others() {
    let folder = tempfile::tempdir().unwrap();
    let job = begun(folder.path());
    let began = Instant::now();
    send("-KILL", &job[1]);
    others_name_rank_1(job, "");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_rank_that_hangs_is_named_within_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path(), 2, |_| train_tiny(&[&LONG[..], &["--peer-timeout=3s"]].concat()));
    wait_for(|| folder.path().join("run/checkpoints/step-00000020.safetensors").exists());
    let mut hanging = job.pop().unwrap();
    send("-STOP", &hanging);
    let ended = ends(job);
    hanging.kill().unwrap();
    hanging.wait().unwrap();
    assert_eq!(ended[0].0, Some(75), "{}", ended[0].1);
    assert!(ended[0].1.contains("rank 1 is lost: nothing was heard of it for 3 s"), "{}", ended[0].1);
}

#[test]
fn a_signal_to_one_rank_ends_all_after_saving() {
    for rank in [0, 2] {
        let folder = tempfile::tempdir().unwrap();
        let job = begun(folder.path());
        send("-TERM", &job[rank]);
        for (status, errors) in ends(job) {
            assert_eq!((status, &*errors), (Some(130), ""), "signal to rank {rank}");
        }
    }
}

#[test]
fn ranks_that_do_not_fit_end_with_one_line_of_rank_0() {
    let folder = tempfile::tempdir().unwrap();
    let few = |more: &'static [&'static str]| {
        train_tiny(&[&["--out=run", "--steps=4", "--shards=4"], more].concat())
    };
    type Arguments = fn(usize) -> &'static [&'static str];
    let cases: [(Arguments, &str); 6] = [
        (
            |rank| if rank == 1 { &["--batch=16"] } else { &[] },
            "rank 1 was asked for another run than rank 0: 16 instead of 8",
        ),
        (
            |rank| if rank > 0 { &["--steps=5"] } else { &[] },
            "ranks 1, 2 were asked for another run than rank 0: 5 instead of 4",
        ),
        (|_| &["--shards=2"], "2 shards of a batch on 3 ranks, train.shards: "),
        (|_| &["--batch=12", "--shards=8"], "8 shards of a batch of 12, train.shards: "),
        (|_| &["--data=nowhere"], "nowhere"),
        (|_| &["--set=optimizer.learning_rate=1e39", "--set=optimizer.warmup=0"], "finite"),
    ];
    for (more, expected) in cases {
        let began = Instant::now();
        let ended = ends(job(folder.path(), 3, |rank| few(more(rank))));
        assert!(ended.iter().all(|(status, _)| *status == Some(1)), "{expected}: {ended:?}");
        assert!(ended[0].1.starts_with("rank 0: error: ") && ended[0].1.contains(expected), "{}", ended[0].1);
        assert_eq!(ended[0].1.lines().count(), 1, "{}", ended[0].1);
        assert!(ended[1..].iter().all(|(_, errors)| errors.is_empty()), "{ended:?}");
        assert!(began.elapsed() < Duration::from_secs(20), "{expected}");
    }
}

#[test]
fn ranks_with_other_pictures_are_named() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for (folder, seed) in folders.iter().zip(["--seed=1", "--seed=2"]) {
        let made = tweedie(folder.path(), &["inspect", "data", "glyphs", "--n=8", "--out=pictures/", seed]);
        assert_eq!(made.status, Some(0), "{}", made.stderr);
    }
    let [zero, one] = [folders[0].path(), folders[1].path()];
    let arguments = |_| train_tiny(&["--data=pictures", "--steps=4", "--out=run"]);
    let ended = ends(job_in(&[zero, one, zero], arguments));
    assert!(ended.iter().all(|(status, _)| *status == Some(1)), "{ended:?}");
    assert!(ended[0].1.starts_with("rank 0: error: rank 1 "), "{ended:?}");
    assert!(ended[0].1.contains("the pictures"), "{ended:?}");
    assert!(ended[1..].iter().all(|(_, errors)| errors.is_empty()), "{ended:?}");
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "random").unwrap();
    assert!(Command::new("chmod").arg("644").arg(&path).status().unwrap().success());
    let place = ["--rank=0", "--world-size=2", "--master=127.0.0.1:1", "--secret-file=secret"];
    let said = tweedie(folder.path(), &train_tiny(&place));
    assert_eq!(said.status, Some(1));
    assert!(
        said.stderr
            .contains("error: a secret that others may read (mode 644), --secret-file secret: chmod 600 it"),
        "{}",
        said.stderr
    );
    let said =
        tweedie(folder.path(), &train_tiny(&["--rank=0", "--world-size=2", "--master=10.0.0.1:29400"]));
    assert!(said.stderr.contains("a job on several machines needs a secret"), "{}", said.stderr);
}

/// The status of a rank, and all that it has said.
fn said(rank: Child) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = rank.wait_with_output().unwrap();
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

#[test]
fn an_elastic_job_goes_on_without_a_rank_that_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (run, port) = (folder.path(), free_port());
    let shared =
        ["--elastic=2..3", "--shards=4", "--out=run", "--checkpoint-every=20", "--set=train.grids=0"];
    let start = |ranks: &[usize], more: &[&str]| -> Vec<Child> {
        let more = [&shared[..], more].concat();
        ranks.iter().map(|&rank| rank_by_flags(run, rank, port, &more)).collect()
    };
    let job = start(&[0, 1, 2], &["--steps=100000000"]);
    wait_for(|| run.join("run/checkpoints/step-00000020.safetensors").exists());
    send("-KILL", &job[1]);
    assert_eq!(
        ends(job).into_iter().map(|(status, _)| status).collect::<Vec<_>>(),
        [Some(75), None, Some(75)]
    );
    let checkpoints = std::fs::read_dir(run.join("run/checkpoints")).unwrap();
    let step = |name: String| name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok();
    let newest: u64 =
        checkpoints.filter_map(|file| step(file.unwrap().file_name().into_string().unwrap())).max().unwrap();
    let steps = format!("--steps={}", newest + 4);

    let job = start(&[0, 2], &[&steps, "--resume", "--join-timeout=5s"]);
    let [zero, two]: [(Option<i32>, String); 2] =
        job.into_iter().map(said).collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((zero.0, two.0), (Some(0), Some(0)), "{zero:?} {two:?}");
    assert!(zero.1.contains("note: 2 of 3 ranks have come, and go on together"), "{}", zero.1);
    assert!(two.1.contains("note: rank 2 is rank 1 of 2 from now on"), "{}", two.1);
    let last = lines(&run.join("run")).pop().unwrap();
    assert_eq!((last["ranks"]["size"].as_u64(), last["step"].as_u64()), (Some(2), Some(newest + 4)));
    // There is nothing left to train.
    let elastic = json(run, &["train", "--out=run", "--resume"]);
    let alone = json(run, &train_tiny(&["--shards=4", "--out=alone", "--set=train.grids=0", &steps]));
    assert_eq!(elastic["weights_digest"], alone["weights_digest"]);
}

#[test]
fn an_elastic_job_of_one_rank_is_a_run_of_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let elastic = ["--elastic=1..4", "--join-timeout=1s", "--steps=4", "--out=run"];
    let (status, text) = said(rank_by_flags(folder.path(), 0, free_port(), &elastic));
    assert_eq!(status, Some(0), "{text}");
    let alone = json(folder.path(), &train_tiny(&["--shards=4", "--steps=4", "--out=alone"]));
    let elastic = json(folder.path(), &["train", "--out=run", "--resume"]);
    assert_eq!(elastic["weights_digest"], alone["weights_digest"]);
}

#[test]
fn an_elastic_job_that_cannot_be_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |rank: usize, more: &[&str]| {
        let more = [&["--out=run", "--steps=4", "--join-timeout=1s"], more].concat();
        said(rank_by_flags(folder.path(), rank, free_port(), &more))
    };
    for (rank, more, expected) in [
        (0, &["--elastic=2..3"][..], "rank 0: error: ranks 1, 2 have not come in 1 s, and 2 of 3 must, "),
        (3, &["--elastic=2..3"], "error: rank 3 of 3, "),
        (0, &["--elastic=2..3", "--world-size=5"], "error: a world size of 5 beside --elastic 2..3, "),
    ] {
        let (status, text) = refused(rank, more);
        assert_eq!((status, text.lines().count()), (Some(1), 1), "{text}");
        assert!(text.starts_with(expected), "{text}");
    }
    for (range, expected) in [("4..2", "write 2..4"), ("0..2", "one rank or more"), ("2", "write it as N..M")]
    {
        let (status, text) = refused(0, &[&format!("--elastic={range}")]);
        let first = text.lines().next().unwrap();
        assert!(status == Some(2) && first.starts_with("error: ") && first.contains(expected), "{text}");
    }
}

#[test]
fn a_host_that_nobody_knows_is_named_within_the_time_to_join() {
    let folder = tempfile::tempdir().unwrap();
    for rank in [0, 1] {
        let began = Instant::now();
        let place = [format!("--rank={rank}"), "--master=rank-zero.invalid:29400".to_string()];
        let more = [&place[0], &place[1], "--world-size=2", "--join-timeout=5s", "--out=run"];
        let mut command = program(folder.path(), &train_tiny(&more));
        let command = command.env("TWEEDIE_SECRET", "of the test").stderr(Stdio::piped());
        let (status, text) = said(command.spawn().unwrap());
        assert_eq!((status, text.lines().count()), (Some(1), 1), "{text}");
        let expected = format!("rank {rank}: error: the host of rank 0 is not known (");
        assert!(text.starts_with(&expected) && text.contains("--master rank-zero.invalid:29400: "), "{text}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

#[test]
fn a_port_that_another_program_has_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let (status, text) = said(rank_by_flags(folder.path(), 0, port, &["--world-size=2", "--out=run"]));
    assert_eq!((status, text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.starts_with("rank 0: error: cannot listen ("), "{text}");
    assert!(
        text.contains(&format!("--master 127.0.0.1:{port}: ")) && text.contains("a port that is free"),
        "{text}"
    );
}

#[test]
fn a_rank_that_is_started_again_before_the_others_have_come_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--world-size=3", "--shards=4", "--steps=2", "--out=run", "--set=train.grids=0"];
    let port = free_port();
    let start = |rank| rank_by_flags(folder.path(), rank, port, &arguments);
    let (zero, mut gone) = (start(0), start(1));
    std::thread::sleep(Duration::from_millis(700));
    gone.kill().unwrap();
    gone.wait().unwrap();
    for rank in [zero, start(1), start(2)] {
        let (status, text) = said(rank);
        assert_eq!(status, Some(0), "{text}");
    }
}

#[test]
fn a_terminals_interrupt_ends_launched_ranks_after_saving() {
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        [&["launch", "--ranks=2", "--"][..], &train_tiny(&[&LONG[..], &["--batch=256"]].concat())].concat();
    let mut launch = program(folder.path(), &arguments);
    let launch = launch.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_a_step(folder.path());
    let group = format!("-{}", launch.id());
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().unwrap().success());
    let (status, text) = said(launch);
    assert_eq!(status, Some(130), "{text}");
    assert!(text.contains("saved after step"), "{text}");
}

#[test]
fn a_rank_that_is_told_twice_to_end_is_lost_to_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path(), 3, |_| train_tiny(&[&LONG[..], &["--batch=256"]].concat()));
    wait_for_a_step(folder.path());
    // Both wait for the process to go on; two of one kind would come as one.
    ["-STOP", "-TERM", "-INT", "-CONT"].iter().for_each(|signal| send(signal, &job[1]));
    for (rank, (status, errors)) in ends(job).into_iter().enumerate() {
        let (expected, said) = if rank == 1 { (130, "") } else { (75, "rank 1 is lost: ") };
        assert_eq!(status, Some(expected), "rank {rank}: {errors}");
        assert!(errors.contains(said) && errors.lines().count() == usize::from(rank != 1), "{errors}");
    }
}

#[test]
fn a_signal_to_save_before_the_ranks_have_met_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--world-size=3", "--shards=4", "--steps=4", "--out=run", "--set=train.grids=0"];
    let start = |rank, port| rank_by_flags(folder.path(), rank, port, &arguments);
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = door.local_addr().unwrap().port();
    // Whoever knocks has set up its signals.
    let one = start(1, port);
    let knock = door.accept().unwrap();
    send("-USR1", &one);
    drop((knock, door));
    let zero = start(0, port);
    wait_for(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
    send("-USR1", &zero);
    let two = start(2, port);
    for rank in [zero, one, two] {
        let (status, text) = said(rank);
        assert_eq!(status, Some(0), "{text}");
    }
    assert!(folder.path().join("run/checkpoints/step-00000001.safetensors").exists());
}
