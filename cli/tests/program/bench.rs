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
fn a_model_that_is_none_is_named() {
    let said = tweedie(workshop(), &["bench", "step", "--model=nowhere"]);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.starts_with("error: ") && said.stderr.contains("nowhere"), "{}", said.stderr);
}
