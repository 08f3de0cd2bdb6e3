use crate::run::{json, tweedie, workshop};

#[test]
fn a_step_is_measured_with_its_memory() {
    let measured =
        json(workshop(), &["bench", "step", "--model=model", "--batch=3", "--runs=2", "--threads=2"]);
    let keys: Vec<&str> = measured.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["model", "params", "batch", "threads", "train_ms", "forward_ms", "peak_rss_mib"]);
    assert_eq!((&measured["batch"], &measured["threads"]), (&3.into(), &2.into()));
    let (train, forward) = (measured["train_ms"].as_f64().unwrap(), measured["forward_ms"].as_f64().unwrap());
    assert!(forward > 0.0 && train > forward, "{measured}");
    assert!(measured["params"].as_u64().unwrap() > 1000 && measured["peak_rss_mib"].as_u64().unwrap() > 0);
}

#[test]
fn a_step_by_operation_is_the_sum_of_its_parts() {
    let measured =
        json(workshop(), &["bench", "step", "--model=model", "--batch=3", "--runs=2", "--by-operation"]);
    let operations = measured["operations"].as_array().unwrap();
    let of = |key: &str| operations.iter().map(|of| of[key].as_f64().unwrap()).sum::<f64>();
    let [step, optimizer, elsewhere] =
        ["step_ms", "optimizer_ms", "elsewhere_ms"].map(|key| measured[key].as_f64().unwrap());
    assert!((of("ms") + optimizer + elsewhere - step).abs() <= 1e-6 * step || elsewhere == 0.0);
    let ran = |op: &str, pass: &str| {
        operations.iter().any(|of| of["op"] == op && of["pass"] == pass && of["gflops"].as_f64() > Some(0.0))
    };
    assert!(ran("conv2d", "forward") && ran("conv2d", "backward") && ran("linear", "backward"));
    assert!(operations.is_sorted_by(|a, b| a["ms"].as_f64() >= b["ms"].as_f64()));
}

#[test]
fn a_model_that_is_none_is_named() {
    let said = tweedie(workshop(), &["bench", "step", "--model=nowhere"]);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.starts_with("error: ") && said.stderr.contains("nowhere"), "{}", said.stderr);
}

#[test]
fn saving_is_measured_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = format!("--out={}", folder.path().display());
    let measured = json(workshop(), &["bench", "save", "--model=model", "--runs=3", &out]);
    let keys: Vec<&str> = measured.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["model", "params", "state_mib", "save_ms", "median_ms", "mib_per_second", "extra_mib"];
    assert_eq!(keys, expected);
    let [params, mib, least, median] =
        ["params", "state_mib", "save_ms", "median_ms"].map(|key| measured[key].as_f64().unwrap());
    // Weights, their average and two moments, of four bytes each.
    assert!((mib - params * 16.0 / f64::from(1 << 20)).abs() < 0.1, "{measured}");
    assert!(0.0 < least && least <= median, "{measured}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_nothing_can_be_saved_in_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let said = tweedie(workshop(), &["bench", "save", "--model=model", &format!("--out={}", file.display())]);
    assert_eq!(said.status, Some(1));
    assert!(
        said.stderr.starts_with("error: cannot write (") && said.stderr.contains("--out"),
        "{}",
        said.stderr
    );
}
