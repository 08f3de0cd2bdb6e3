use super::*;
use std::fs;

fn stamp(bytes: u64, changed: i64) -> Stamp {
    Stamp { bytes, changed }
}

/// Checks file `number` of a content, and returns whether it was asked for.
fn check(ledger: &Ledger, number: usize, stamp: Stamp, content: u8) -> Result<bool, DataError> {
    let mut asked = false;
    let digest = || {
        asked = true;
        Ok([content; 32])
    };
    ledger.check(number, Path::new("d/a.png"), stamp, digest, || format!("{number}.png"))?;
    Ok(asked)
}

fn names() -> impl Iterator<Item = String> {
    (0..9).map(|number| format!("{number}.png"))
}

#[test]
fn nothing_is_hashed_twice_and_another_content_is_refused() {
    let ledger = Ledger::default();
    assert!(check(&ledger, 3, stamp(5, 1), 7).unwrap());
    assert!(!check(&ledger, 3, stamp(5, 1), 8).unwrap());
    assert!(check(&ledger, 3, stamp(5, 2), 7).unwrap(), "another time of change, the same content");
    assert!(!check(&ledger, 3, stamp(5, 2), 7).unwrap());
    let error = check(&ledger, 3, stamp(5, 3), 8).unwrap_err().to_string();
    assert!(error.contains("changed since") && error.contains("a.png"), "{error}");
    assert!(error.contains("--changed-data") && !error.contains('\n'), "{error}");
}

#[test]
fn what_was_kept_is_known_again_but_not_for_another_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digests.tsv");
    let ledger = Ledger::default();
    check(&ledger, 0, stamp(5, 1), 7).unwrap();
    ledger.keep(&path, "abc", names()).unwrap();
    check(&ledger, 2, stamp(6, 1), 9).unwrap();
    check(&ledger, 0, stamp(5, 4), 7).unwrap();

    let again = Ledger::read(&path, "abc", 9).unwrap();
    assert!(!check(&again, 0, stamp(5, 4), 0).unwrap());
    assert!(!check(&again, 2, stamp(6, 1), 0).unwrap());
    assert!(check(&again, 1, stamp(6, 1), 0).unwrap());
    assert!(check(&Ledger::read(&path, "abd", 9).unwrap(), 0, stamp(5, 4), 0).unwrap());
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.lines().skip(1).all(|line| line.ends_with(".png") && line.split('\t').count() == 5),
        "{text}"
    );
}

#[test]
fn damaged_lines_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digests.tsv");
    let digest = "0a".repeat(32);
    let whole = format!("1\t5\t1\t{digest}\ta.png\n");
    let bad = [
        format!("x\t5\t1\t{digest}\ta.png\n"),
        format!("99999999999\t5\t1\t{digest}\ta.png\n"),
        format!("2\t5\t1\t{}é\ta.png\n", "0".repeat(62)),
        "\n".to_string(),
        "a".repeat(1 << 20) + "\n",
        // Cut short, as by a crash.
        format!("2\t5\t1\t{digest}\ta.pn"),
    ];
    fs::write(&path, format!("index abc\n{whole}{}", bad.concat())).unwrap();
    let ledger = Ledger::read(&path, "abc", 9).unwrap();
    assert!(!check(&ledger, 1, stamp(5, 1), 0).unwrap());
    assert!(check(&ledger, 2, stamp(5, 1), 0).unwrap());
}

#[test]
fn a_ledger_that_was_removed_is_noticed_and_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digests.tsv");
    let ledger = Ledger::default();
    assert_eq!(ledger.lost(), None);
    ledger.keep(&path, "abc", names()).unwrap();
    assert_eq!(ledger.lost(), None);
    fs::remove_file(&path).unwrap();
    check(&ledger, 1, stamp(5, 1), 7).unwrap();
    assert_eq!(ledger.lost(), Some(path.clone()));
    ledger.keep(&path, "abc", names()).unwrap();
    assert!(!check(&Ledger::read(&path, "abc", 9).unwrap(), 1, stamp(5, 1), 0).unwrap());
}
