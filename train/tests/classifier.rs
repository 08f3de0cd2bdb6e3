//! The classifier that the program trains to judge by: what it learns, that it is the same whenever it is trained
//! again, and what becomes of its file.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use tweedie_tensor::random::{Purpose, Stream};
use tweedie_train::Result;
use tweedie_train::data::{Memory, Source, read_batch};
use tweedie_train::measure::features::{ClassifierTraining, TrainedClassifier};

/// Colour pictures of 6 × 6 with a bright line, lying or standing.
fn lines(n: usize, seed: u64) -> Arc<dyn Source> {
    let mut bytes = Vec::new();
    for i in 0..n {
        let mut stream = Stream::new(seed, Purpose::TEST, 0, i as u64);
        let place = stream.below(6) as usize;
        for at in 0..3 * 36 {
            let on = if i % 2 == 0 { at / 6 % 6 } else { at % 6 } == place;
            bytes.push(if on { 200 } else { 0 } + stream.below(50) as u8);
        }
    }
    let labels = (0..n).map(|i| i % 2).collect();
    Arc::new(Memory::new([3, 6, 6], bytes, labels, vec!["lying".into(), "standing".into()]))
}

fn train(steps: u64) -> Result<TrainedClassifier> {
    let training = ClassifierTraining {
        widths: vec![8, 16],
        steps,
        batch: 32,
        ..ClassifierTraining::for_shape([3, 6, 6])
    };
    training.run(lines(200, 1), &*lines(100, 2))?.finish()
}

#[test]
fn it_learns_and_its_file_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("judge.safetensors");
    let trained = train(80).unwrap();
    assert!(trained.accuracy() > 0.97, "{}", trained.accuracy());
    assert_eq!((trained.width(), trained.shape()), (16, [3, 6, 6]));
    trained.save(&path).unwrap();
    let opened = TrainedClassifier::open(&path).unwrap();
    assert_eq!((opened.accuracy(), opened.classes()), (trained.accuracy(), trained.classes()));
    let x = read_batch(&*lines(10, 3), &[0, 1, 2, 3]).unwrap().x;
    let (a, b) = (trained.judge(&x).unwrap(), opened.judge(&x).unwrap());
    assert_eq!((a.features.as_slice(), &a.classes), (b.features.as_slice(), &b.classes));
    assert_eq!((a.features.dims(), a.classes), (&[4, 16][..], vec![0, 1, 0, 1]));
    assert!(opened.knows(&*lines(200, 1)).unwrap());
    assert!(!opened.knows(&*lines(200, 2)).unwrap() && !opened.knows(&*lines(199, 1)).unwrap());
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let x = read_batch(&*lines(10, 3), &[0, 1, 2, 3]).unwrap().x;
        pool.install(|| train(12).unwrap().judge(&x).unwrap().features.as_slice().to_vec())
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn data_that_teach_nothing_are_refused_and_a_run_may_be_left() {
    let training = ClassifierTraining::for_shape([1, 2, 2]);
    let single: Arc<dyn Source> =
        Arc::new(Memory::new([1, 2, 2], vec![0; 8], vec![0, 0], vec!["all".into()]));
    let refused = |train, test: &dyn Source| training.run(train, test).err().unwrap().to_string();
    let error = refused(single.clone(), &*single);
    assert!(error.contains("no classes to tell apart"), "{error}");
    let error = refused(lines(4, 1), &*single);
    assert!(error.contains("the test split"), "{error}");
    let test = lines(4, 2);
    let mut run = training.run(lines(40, 1), &*test).unwrap();
    let step = run.next().unwrap().unwrap();
    assert!(step.share == 1.0 / 700.0 && step.loss.is_finite(), "{step:?}");
    assert_eq!(run.take(2).count(), 2, "leaving the loop is all that stopping takes");
}

#[test]
fn files_that_are_no_classifiers_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let message = |path: &Path| TrainedClassifier::open(path).unwrap_err().to_string();
    train(1).unwrap().save(&at("whole")).unwrap();
    let whole = fs::read(at("whole")).unwrap();
    fs::write(at("cut"), &whole[..whole.len() - 1]).unwrap();
    fs::write(at("text"), "hello").unwrap();
    let header = |from: &[u8], to: &[u8]| {
        let place = whole.windows(from.len()).position(|window| window == from).unwrap();
        [&whole[..place], to, &whole[place + from.len()..]].concat()
    };
    fs::write(at("other"), header(b"tweedie-classifier-1", b"tweedie-classifier-9")).unwrap();
    fs::write(at("shape"), header(b"[3,6,6]", b"[3,6,x]")).unwrap();
    for (name, named) in [
        ("cut", "cut"),
        ("text", "text"),
        ("none", "none"),
        ("other", "not a classifier of this program"),
        ("shape", "header is damaged"),
    ] {
        assert!(message(&at(name)).contains(named), "{}", message(&at(name)));
    }
    assert!(train(1).unwrap().save(&at("missing/judge")).is_err());
}
