use super::*;
use crate::data::{DataOptions, Glyphs, Memory, Split, open};
use tempfile::TempDir;

const NOBODY: Earlier<'static> =
    Earlier { run: None, fingerprint: None, may_differ: false, could_go_on: true };

/// A grey picture of 2 x 2 pixels in a file that is as long for every shade.
fn paint(path: &Path, shade: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, [b"P5 2 2 255\n".as_slice(), &[shade; 4]].concat()).unwrap();
}

/// Forty pictures of cats and forty of dogs.
fn folder_of_pictures(root: &Path) {
    for i in 0..40 {
        paint(&root.join(format!("cats/{i:03}.pgm")), i);
        paint(&root.join(format!("dogs/{i:03}.pgm")), 100 + i);
    }
}

fn opened(root: &Path) -> Arc<dyn Source> {
    open(root.to_str().unwrap(), Split::Train, &DataOptions::default()).unwrap()
}

/// Reads every picture, as an epoch does.
fn epoch(source: &dyn Source) -> Result<()> {
    let mut bytes = vec![0; source.shape().iter().product()];
    (0..source.len()).try_for_each(|index| source.read(index, &mut bytes).map(drop))?;
    Ok(())
}

/// A run that has read all of its pictures once.
struct Run {
    root: TempDir,
    out: TempDir,
    fingerprint: Fingerprint,
}

impl Run {
    fn new() -> Run {
        let [root, out] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        folder_of_pictures(root.path());
        let known = Known::of(opened(root.path()), NOBODY).unwrap();
        known.keep(out.path()).unwrap();
        epoch(&*known.source).unwrap();
        Run { root, out, fingerprint: known.fingerprint }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Resumes on `source`, and reads all of it once.
    fn resume(&self, source: Arc<dyn Source>, may_differ: bool) -> Result<()> {
        let earlier = Earlier {
            run: Some(self.out.path()),
            fingerprint: Some(&self.fingerprint),
            may_differ,
            could_go_on: true,
        };
        let known = Known::of(source, earlier)?;
        known.keep(self.out.path())?;
        epoch(&*known.source)
    }

    /// Refused with these words in one line, and accepted where it may differ.
    #[track_caller]
    fn is_refused(&self, source: &dyn Fn() -> Arc<dyn Source>, words: &[&str]) {
        let error = self.resume(source(), false).unwrap_err().to_string();
        for word in words.iter().chain(&["--changed-data"]) {
            assert!(error.contains(word), "{word}: {error}");
        }
        assert!(!error.contains('\n'), "{error}");
        self.resume(source(), true).unwrap();
    }
}

#[test]
fn the_same_pictures_are_resumed_from_wherever_they_are() {
    let run = Run::new();
    run.resume(opened(run.root.path()), false).unwrap();
    let moved = tempfile::tempdir().unwrap();
    folder_of_pictures(&moved.path().join("elsewhere"));
    run.resume(opened(&moved.path().join("elsewhere")), false).unwrap();
}

#[test]
fn pictures_added_removed_and_renamed_are_named() {
    let run = Run::new();
    paint(&run.at("cats/017b.pgm"), 7);
    let now = || opened(run.root.path());
    run.is_refused(
        &now,
        &["81 now, 80 when the run last saved", "first difference cats/017b.pgm", "data.source"],
    );

    let run = Run::new();
    fs::remove_file(run.at("dogs/005.pgm")).unwrap();
    let now = || opened(run.root.path());
    run.is_refused(&now, &["79 now, 80 when", "first difference dogs/005.pgm"]);

    let run = Run::new();
    fs::rename(run.at("cats/003.pgm"), run.at("cats/003x.pgm")).unwrap();
    let now = || opened(run.root.path());
    run.is_refused(&now, &["80 now as when", "first difference cats/003x.pgm"]);
}

#[test]
fn pictures_moved_to_another_class_are_named() {
    let run = Run::new();
    fs::rename(run.at("cats/039.pgm"), run.at("dogs/000a.pgm")).unwrap();
    let now = || opened(run.root.path());
    run.is_refused(&now, &["80 now as when", "first difference dogs/000.pgm"]);
}

#[test]
fn pictures_changed_in_place_and_swapped_are_refused_when_they_are_read() {
    // Of the same length; not among those that are sampled.
    let run = Run::new();
    paint(&run.at("cats/001.pgm"), 77);
    let now = || opened(run.root.path());
    run.is_refused(&now, &["cats/001.pgm", "changed since the run first read it"]);

    let run = Run::new();
    let [a, b, aside] = ["cats/001.pgm", "dogs/011.pgm", "aside.txt"].map(|name| run.at(name));
    for (from, to) in [(&a, &aside), (&b, &a), (&aside, &b)] {
        fs::rename(from, to).unwrap();
    }
    let now = || opened(run.root.path());
    run.is_refused(&now, &["cats/001.pgm", "changed since"]);

    // Of another length.
    let run = Run::new();
    fs::write(run.at("dogs/012.pgm"), [b"P5 2 2 255 \n".as_slice(), &[1; 5]].concat()).unwrap();
    let now = || opened(run.root.path());
    run.is_refused(&now, &["80 now as when", "first difference dogs/012.pgm"]);
}

#[cfg(unix)]
#[test]
fn a_time_of_modification_that_was_set_back_hides_no_change() {
    let run = Run::new();
    let path = run.at("cats/001.pgm");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    paint(&path, 77);
    File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    let now = || opened(run.root.path());
    run.is_refused(&now, &["cats/001.pgm", "changed since"]);
}

#[test]
fn a_file_that_was_written_again_with_the_same_content_is_accepted() {
    let run = Run::new();
    paint(&run.at("cats/001.pgm"), 1);
    run.resume(opened(run.root.path()), false).unwrap();
}

#[test]
fn a_picture_that_changes_while_the_run_is_in_progress_is_refused() {
    let root = tempfile::tempdir().unwrap();
    folder_of_pictures(root.path());
    let known = Known::of(opened(root.path()), NOBODY).unwrap();
    epoch(&*known.source).unwrap();
    paint(&root.path().join("dogs/013.pgm"), 3);
    let error = epoch(&*known.source).unwrap_err().to_string();
    assert!(error.contains("dogs/013.pgm") && error.contains("changed since"), "{error}");
}

#[test]
fn another_set_of_the_same_form_is_refused() {
    let run = Run::new();
    let other = || {
        let labels = (0..80).map(|i| i / 40).collect();
        let classes = vec!["cats".to_string(), "dogs".to_string()];
        Arc::new(Memory::new([1, 2, 2], vec![9; 320], labels, classes)) as Arc<dyn Source>
    };
    run.is_refused(&other, &["the pictures have changed"]);
}

#[test]
fn what_no_option_makes_fit_is_refused_without_naming_one() {
    let run = Run::new();
    let error = run.resume(Arc::new(Glyphs::new(Split::Train, 2)), false).unwrap_err().to_string();
    assert!(error.contains("10 classes where the run has learnt from 1 x 2 x 2, 2 classes"), "{error}");
    assert!(!error.contains("--changed-data"), "{error}");
}

#[test]
fn a_decoder_that_reads_other_pixels_is_told_from_changed_files() {
    let run = Run::new();
    let fingerprint = Fingerprint { sample: "another".into(), ..run.fingerprint.clone() };
    let run = Run { fingerprint, ..run };
    let now = || opened(run.root.path());
    run.is_refused(&now, &["the files are the same", "other pixels", "that version of the program"]);
}

#[test]
fn a_set_of_the_programs_own_is_known_by_its_pictures() {
    let set = |shade: u8| {
        Arc::new(Memory::new([1, 1, 1], vec![shade; 9], vec![0; 9], vec!["a".into()])) as Arc<dyn Source>
    };
    let out = tempfile::tempdir().unwrap();
    let fingerprint = Known::of(set(1), NOBODY).unwrap().fingerprint;
    let earlier = Earlier { run: Some(out.path()), fingerprint: Some(&fingerprint), ..NOBODY };
    Known::of(set(1), earlier).unwrap().keep(out.path()).unwrap();
    let error = Known::of(set(2), earlier).err().unwrap().to_string();
    assert!(error.contains("the pictures have changed") && error.contains("--changed-data"), "{error}");
    Known::of(set(2), Earlier { may_differ: true, ..earlier }).unwrap();
}

#[test]
fn idx_files_are_known_by_their_content() {
    let [root, out] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let write = |shade: u8, label: u8| {
        let pictures = [&[0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1][..], &[5; 39], &[shade]].concat();
        let labels = [&[0, 0, 8, 1, 0, 0, 0, 40][..], &[0, 1].repeat(19), &[0, label]].concat();
        fs::write(root.path().join("train-images-idx3-ubyte"), pictures).unwrap();
        fs::write(root.path().join("train-labels-idx1-ubyte"), labels).unwrap();
    };
    write(5, 1);
    let known = Known::of(opened(root.path()), NOBODY).unwrap();
    known.keep(out.path()).unwrap();
    let fingerprint = known.fingerprint;
    let earlier = Earlier { run: Some(out.path()), fingerprint: Some(&fingerprint), ..NOBODY };
    Known::of(opened(root.path()), earlier).unwrap();
    for (shade, label, name) in [(6, 1, "train-images"), (5, 0, "train-labels")] {
        write(shade, label);
        let error = Known::of(opened(root.path()), earlier).err().unwrap().to_string();
        assert!(error.contains(name) && error.contains("changed since"), "{error}");
    }
    Known::of(opened(root.path()), Earlier { may_differ: true, ..earlier }).unwrap();
}
