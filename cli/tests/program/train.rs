use crate::run::{files, json, program, train_tiny, tweedie};
use serde_json::Value;

#[test]
fn a_run_leaves_its_directory_and_its_summary() {
    let folder = tempfile::tempdir().unwrap();
    let summary = json(folder.path(), &train_tiny(&["--steps=6", "--checkpoint-every=3"]));
    let keys: Vec<&str> = summary.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["run", "steps", "loss", "images_per_second", "peak_rss_mib", "data_wait", "weights_digest"]
    );
    assert_eq!((&summary["run"], &summary["steps"]), (&Value::from("runs/glyphs"), &Value::from(6)));

    let run = folder.path().join("runs/glyphs");
    let there = files(&run);
    for file in
        ["config.toml", "metrics.jsonl", "report.html", "samples/final.png", "samples/step-000006.png"]
    {
        assert!(there.iter().any(|name| name == file), "{file} is not among {there:?}");
    }
    assert_eq!(there.iter().filter(|name| name.ends_with(".safetensors")).count(), 2, "{there:?}");
    assert!(there.iter().all(|name| !name.contains("partial")), "{there:?}");

    let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let steps: Vec<Value> =
        metrics.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["step"].clone()).collect();
    assert_eq!(steps, [2, 4, 6]);
    let report = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("data:image/png;base64,") && report.contains("<svg"));

    // The name is taken now: the next run gets another, and a name that was given is not written over.
    let said = tweedie(folder.path(), &train_tiny(&["--steps=1", "--json"]));
    assert_eq!(
        serde_json::from_str::<Value>(&said.stdout).unwrap()["run"],
        "runs/glyphs-2",
        "{}",
        said.stderr
    );
    let said = tweedie(folder.path(), &train_tiny(&["--steps=1", "--out=runs/glyphs"]));
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.contains("--resume"), "{}", said.stderr);
}

#[test]
fn stopping_threads_and_the_written_configuration_change_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let summary = |more: &[&str]| json(folder.path(), more);
    let outcome = |summary: Value| {
        (summary["steps"].as_u64().unwrap(), summary["weights_digest"].as_str().unwrap().to_string())
    };
    let digest = |more: &[&str]| outcome(summary(more));
    let whole = digest(&train_tiny(&["--steps=6", "--out=whole", "--threads=2"]));
    assert_eq!(whole.0, 6);
    assert_eq!(digest(&train_tiny(&["--steps=6", "--out=one", "--threads=1"])), whole);
    assert_eq!(digest(&["train", "--config=whole/config.toml", "--out=again"]), whole);
    let part = digest(&train_tiny(&["--steps=3", "--out=parts"]));
    assert_ne!(part.1, whole.1);
    assert_eq!(digest(&["train", "--out=parts", "--resume", "--steps=6"]), whole);
    // A run that has ended stays as it is, and so does its loss.
    let ended = summary(&["train", "--out=parts", "--resume"]);
    assert!(ended["loss"].as_f64().unwrap() > 0.1, "{ended}");
    assert_eq!(outcome(ended), whole);
    assert_ne!(digest(&train_tiny(&["--steps=6", "--out=test", "--split=test"])).1, whole.1);
    assert_ne!(digest(&train_tiny(&["--steps=6", "--out=other", "--seed=1"])).1, whole.1);
}

#[test]
fn instruction_sets_and_many_threads_change_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |simd: &str, threads: &str, shards: &str| {
        let out = format!("--out={simd}{threads}{shards}");
        let arguments = train_tiny(&["--steps=3", "--json", "--quiet", threads, shards, &out]);
        let output = program(folder.path(), &arguments).env("TWEEDIE_SIMD", simd).output().unwrap();
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        summary["weights_digest"].as_str().unwrap().to_string()
    };
    let mut found = Vec::new();
    for shards in ["--shards=1", "--shards=4"] {
        let first = digest("avx512", "--threads=1", shards);
        for (simd, threads) in
            [("avx512", "--threads=7"), ("avx2", "--threads=3"), ("portable", "--threads=2")]
        {
            assert_eq!(digest(simd, threads, shards), first, "{simd} {threads} {shards}");
        }
        found.push(first);
    }
    // Sums over other leaves round otherwise.
    assert_ne!(found[0], found[1]);
}

#[test]
fn a_run_in_bf16_has_one_digest_on_every_path_keeps_its_precision_and_takes_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = [
        "train",
        "--preset=transformer",
        "--data=glyphs",
        "--batch=4",
        "--steps=3",
        "--set=model.hidden_size=36",
        "--set=model.depth=2",
        "--set=model.num_heads=2",
        "--set=train.grids=0",
        "--json",
        "--quiet",
    ];
    let digest = |name: &str, more: &[&str], environment: &[(&str, &str)]| {
        let out = format!("--out={name}");
        let arguments = [&tiny[..], &[&out], more].concat();
        let output = program(folder.path(), &arguments).envs(environment.iter().copied()).output().unwrap();
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        summary["weights_digest"].as_str().unwrap().to_string()
    };
    let first = digest("fastest", &["--precision=bf16"], &[]);
    for (name, environment) in [
        ("dot", [("TWEEDIE_BF16", "dot"), ("TWEEDIE_SIMD", "avx512")]),
        ("madd", [("TWEEDIE_BF16", "madd"), ("TWEEDIE_SIMD", "avx512")]),
        ("avx2", [("TWEEDIE_BF16", "dot"), ("TWEEDIE_SIMD", "avx2")]),
        ("portable", [("TWEEDIE_BF16", ""), ("TWEEDIE_SIMD", "portable")]),
    ] {
        assert_eq!(digest(name, &["--precision=bf16", "--threads=3"], &environment), first, "{name}");
    }
    assert_eq!(digest("set", &["--set=train.precision=bf16"], &[]), first);
    assert_ne!(digest("f32", &["--precision=f32"], &[]), first);
    // A run goes on as it began.
    let summary = json(folder.path(), &["train", "--out=dot", "--resume", "--steps=5"]);
    let whole = digest("whole", &["--precision=bf16", "--steps=5"], &[]);
    assert_eq!(summary["weights_digest"], whole);
    let said = tweedie(folder.path(), &["train", "--out=dot", "--resume", "--steps=6", "--precision=f32"]);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.contains("train.precision"), "{}", said.stderr);
    let said = tweedie(folder.path(), &["train", "--out=other", "--precision=half"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("f32, bf16"), "{}", said.stderr);
}

#[test]
fn quiet_is_quiet_and_a_time_budget_ends_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let said = tweedie(folder.path(), &train_tiny(&["--time-budget=2s", "--out=run", "--quiet"]));
    assert_eq!((said.status, said.stdout.as_str(), said.stderr.as_str()), (Some(0), "", ""));
    assert!(folder.path().join("run/samples/final.png").exists());
}

#[test]
fn times_that_follow_the_losses_are_kept_over_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |more: &[&str]| json(folder.path(), more)["weights_digest"].as_str().unwrap().to_string();
    // With four times and eight samples a step, every time soon has its ten losses.
    let tiny = |more: &[&'static str]| {
        let aware = ["--set=diffusion.timestep_sampling=loss_aware", "--set=diffusion.timesteps=4"];
        digest(&train_tiny(&[&aware, more].concat()))
    };
    let whole = tiny(&["--steps=14", "--out=whole"]);
    assert_ne!(tiny(&["--steps=11", "--out=parts"]), whole);
    assert_eq!(digest(&["train", "--out=parts", "--resume", "--steps=14"]), whole);
}

#[test]
fn a_network_learns_its_variance_with_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let learnt = ["--set=diffusion.learned_variance=true", "--steps=4"];
    let hybrid = "--set=diffusion.objective={ hybrid = { vlb_weight = 0.001 } }";
    let summary = json(folder.path(), &train_tiny(&[&learnt[..], &[hybrid, "--out=run"]].concat()));
    assert!(summary["loss"].as_f64().unwrap() > 0.0);
    let painted = json(
        folder.path(),
        &["sample", "run", "--n=2", "--sampler=ddpm", "--steps=4", "--raw=x.safetensors"],
    );
    assert_eq!(painted["n"], 2);
    assert!(json(folder.path(), &["verify", "run", "--schedule=cosine"]).is_array());
    // The plain squared error would teach no variance.
    let said = tweedie(folder.path(), &train_tiny(&[&learnt[..], &["--out=plain"]].concat()));
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.contains("squared_error") && said.stderr.contains("hybrid"), "{}", said.stderr);
}
