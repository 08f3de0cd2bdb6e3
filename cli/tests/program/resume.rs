//! Runs that are resumed by the command that began them, and configurations from pipes.

use super::run::{TINY, copy, json, program, tweedie};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/cases").join(name)
}

#[test]
fn the_command_that_began_a_run_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = format!("--data={}", case("folders-0-11").display());
    let begin = [&["train", &data, "--out=run"], TINY].concat();
    let whole = json(folder.path(), &[&begin[..], &["--out=whole", "--steps=4"]].concat());
    json(folder.path(), &[&begin[..], &["--steps=2"]].concat());
    // With all of its words, then with the data alone: what is not given comes from the run.
    json(folder.path(), &[&begin[..], &["--steps=3", "--resume"]].concat());
    let end = json(folder.path(), &["train", &data, "--out=run", "--resume", "--steps=4"]);
    assert_eq!(end["weights_digest"], whole["weights_digest"]);
}

#[test]
fn a_run_goes_on_with_its_pictures_in_another_place() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    copy(&case("p-many"), &place.join("before"));
    let begin = [&["train", "--data=before"], TINY].concat();
    let whole = json(place, &[&begin[..], &["--out=whole", "--steps=4"]].concat());
    json(place, &[&begin[..], &["--out=run", "--steps=2"]].concat());
    fs::rename(place.join("before"), place.join("after")).unwrap();
    let again = [&["train", "--data=after", "--out=run", "--resume", "--steps=4"], TINY].concat();
    assert_eq!(json(place, &again)["weights_digest"], whole["weights_digest"]);
}

#[test]
fn too_few_pictures_for_a_run_are_not_answered_by_another_batch_which_would_be_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    copy(&case("p-many"), &place.join("data"));
    json(place, &[&["train", "--data=data", "--out=run", "--steps=1"], TINY].concat());
    for i in 0..4 {
        fs::remove_file(place.join(format!("data/{i}.png"))).unwrap();
    }
    let said = tweedie(place, &["train", "--data=data", "--out=run", "--resume", "--steps=2"]);
    assert_eq!(said.status, Some(1));
    assert!(
        said.stderr.contains("6 now, 10 when the run last saved; first difference 0.png, data.source: ")
            && !said.stderr.contains("--changed-data"),
        "{}",
        said.stderr
    );
    let again = ["train", "--data=data", "--out=run", "--resume", "--changed-data", "--steps=2"];
    let said = tweedie(place, &again);
    assert!(
        said.stderr.contains("6 pictures, fewer than the run's batch of 8, data.source: "),
        "{}",
        said.stderr
    );
}

#[test]
fn pictures_that_have_changed_are_refused_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    copy(&case("p-many"), &place.join("data"));
    // What follows the end of a picture is no pixel, but part of its file.
    let picture = fs::read(place.join("data/0.png")).unwrap();
    let follow = |end: &[u8]| fs::write(place.join("data/0.png"), [&picture, end].concat()).unwrap();
    follow(b"a");
    json(place, &[&["train", "--data=data", "--out=run", "--steps=1"], TINY].concat());
    let resume = ["train", "--out=run", "--resume"];
    let add = |name: &str| fs::copy(place.join("data/0.png"), place.join("data").join(name)).unwrap();
    let refused = |more: &[&str], words: &[&str]| {
        let said = tweedie(place, &[&resume[..], more].concat());
        assert_eq!(said.status, Some(1), "{}", said.stderr);
        let last = said.stderr.lines().last().unwrap_or_default();
        assert!(words.iter().all(|word| last.contains(word)), "{words:?}: {}", said.stderr);
    };
    add("added.png");
    refused(
        &["--steps=2"],
        &["11 now, 10 when the run last saved", "added.png", "data.source", "--changed-data"],
    );
    let told = tweedie(place, &[&resume[..], &["--steps=2", "--changed-data"]].concat());
    assert_eq!(told.status, Some(0), "{}", told.stderr);
    assert!(told.stderr.contains("note: from here on the data are 11 pictures"), "{}", told.stderr);
    // What was accepted is what the run goes on with; a file that was read keeps its content.
    json(place, &[&resume[..], &["--steps=3"]].concat());
    follow(b"b");
    refused(&["--steps=4"], &["changed since the run first read it", "0.png", "--changed-data"]);
    // What no option mends is not answered by one.
    let said = tweedie(place, &[&resume[..], &["--split=test", "--steps=4"]].concat());
    assert!(said.stderr.contains("data.split") && !said.stderr.contains("--changed-data"), "{}", said.stderr);
    let said = tweedie(place, &["train", "--changed-data"]);
    assert!(said.stderr.contains("--resume"), "{}", said.stderr);
}

#[test]
fn a_preset_or_a_value_that_the_run_was_not_made_with_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let begin = [&["train", "--out=run", "--steps=1"], TINY].concat();
    json(folder.path(), &begin);
    for (more, named) in [
        (&["--batch=4"][..], "made with 8, and now it is 4, train.batch: "),
        (&["--preset=transformer"], "and now it is \"transformer\", model.architecture: "),
        (&["--preset=small"], "diffusion."),
    ] {
        let said = tweedie(folder.path(), &[&["train", "--out=run", "--resume", "--steps=2"], more].concat());
        assert_eq!(said.status, Some(1), "{more:?}");
        assert!(
            said.stderr.starts_with("error: ") && said.stderr.contains(named),
            "{more:?}: {}",
            said.stderr
        );
    }
}

#[cfg(unix)]
#[test]
fn a_configuration_may_come_through_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    json(folder.path(), &[&["train", "--out=first", "--steps=2"], TINY].concat());
    let first = fs::read_to_string(folder.path().join("first/config.toml")).unwrap();
    let binary = program(folder.path(), &[]).get_program().to_owned();
    let through_a_pipe = "cat first/config.toml | \"$0\" train --config /dev/stdin --out second --quiet";
    let mut shell = Command::new("sh");
    let status = shell.args(["-c", through_a_pipe]).arg(binary).current_dir(folder.path()).status().unwrap();
    assert!(status.success());
    let second = fs::read_to_string(folder.path().join("second/config.toml")).unwrap();
    assert_eq!(first, second);
}
