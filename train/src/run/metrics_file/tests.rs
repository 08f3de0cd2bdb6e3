use super::*;
use crate::run::metrics::{Measured, read_metrics};

fn line(step: u64) -> Metrics {
    Metrics {
        step,
        measured: Measured { loss: 0.5, images_per_second: 10.0, rss_mib: 1 },
        data_wait: 0.25,
        loss_by_decile: [None; 10],
        grad_norm: 1.0,
        learning_rate: 1e-3,
        seconds: 2.0,
        skipped: None,
        ranks: None,
        validation: (step == 20).then_some(0.6),
        validation_by_decile: None,
    }
}

fn up_to(step: u64) -> Kept {
    Kept { up_to: step, without_validation: false }
}

#[test]
fn a_resumed_run_writes_its_lines_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let (mut file, _) = MetricsFile::open(&path, up_to(0)).unwrap();
    for step in [10, 20, 30] {
        file.write(&line(step)).unwrap();
    }
    file.file.write_all(b"{\"step\": 40, \"lo").unwrap();
    let (mut file, last) = MetricsFile::open(&path, up_to(20)).unwrap();
    assert_eq!(last, Some(line(20)));
    file.write(&line(30)).unwrap();
    let lines = read_metrics(&path).unwrap();
    assert_eq!(lines.iter().map(|line| line.step).collect::<Vec<_>>(), [10, 20, 30]);
    assert_eq!(lines[1], line(20));
    let keys = line_of(&line(10));
    assert!(
        keys.contains("\"loss\":0.5") && !keys.contains("validation") && !keys.contains("skipped"),
        "{keys}"
    );
}

#[test]
fn lines_stay_as_they_are_written_and_so_do_those_of_others() {
    let others = b"# by hand\n{\"step\":7,\"of\":\"another version\"}\n\xff\xfe\n\n";
    let ours = b"{\"step\": 20,  \"loss\":0.50,\"images_per_second\":10,\"rss_mib\":1,\"loss_by_decile\":\
        [null,null,null,null,null,null,null,null,null,null],\"grad_norm\":1,\"learning_rate\":1e-3,\"seconds\":2}\n";
    let later = b"{\"step\":21}\n{\"step\":30,\"of\":\"another version\"}\n";
    let text = [&others[..], ours, later, b"last words\n", b"{\"step\": 20, \"lo"].concat();
    let (kept, last) = up_to(20).of(&text);
    assert_eq!(kept, [&others[..], ours, b"last words\n"].concat());
    assert_eq!(last.unwrap().step, 20);
    // Whole, but for its end.
    let (kept, _) = up_to(20).of(&ours[..ours.len() - 1]);
    assert_eq!(kept, ours);
}

#[test]
fn a_validation_that_was_only_the_last_is_taken_out_of_its_line_alone() {
    let text = [10, 20].map(|step| line_of(&Metrics { validation: Some(0.6), ..line(step) })).concat();
    let (kept, last) = Kept { up_to: 20, without_validation: true }.of(text.as_bytes());
    assert_eq!(last.unwrap().validation, None);
    assert_eq!(String::from_utf8(kept).unwrap().matches("validation").count(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_removed_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/metrics.jsonl");
    fs::create_dir(folder.path().join("run")).unwrap();
    let (mut file, _) = MetricsFile::open(&path, up_to(0)).unwrap();
    file.write(&line(10)).unwrap();
    fs::remove_dir_all(folder.path().join("run")).unwrap();
    file.write(&line(20)).unwrap();
    assert_eq!(read_metrics(&path).unwrap(), [line(10), line(20)]);
    // A folder stands in the way: the line comes when there is room for it.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(file.write(&line(30)).is_err());
    fs::remove_dir(&path).unwrap();
    file.write(&line(40)).unwrap();
    assert_eq!(read_metrics(&path).unwrap(), [10, 20, 30, 40].map(line));
}
