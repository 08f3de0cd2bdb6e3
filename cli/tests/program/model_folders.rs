//! Folders of models, in every layout that they are found in: read right, or refused in one line.

use crate::bad_input::refused;
use crate::diffusers::deviation;
use crate::run::{Said, copy, json, tensor_x, train_tiny, tweedie, write_x};
use serde_json::{Value, json as object};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tweedie_tensor::Tensor;

const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/cases")
}

/// A folder with `x`, the pictures that the cases are asked about, and a copy of a case in `model`.
fn place(case: &str) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::copy(cases().join("x.safetensors"), place.path().join("x")).unwrap();
    copy(&cases().join(case), &place.path().join("model"));
    place
}

/// Changes keys of a file of JSON.
fn set(path: PathBuf, more: Value) {
    let mut json: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    fs::write(path, json.to_string()).unwrap();
}

fn predict(place: &Path, model: &str) -> Said {
    tweedie(place, &["predict", model, "--noise=x", "--timesteps=7,500", "--raw=y", "--threads=1"])
}

/// The model at `model` in a place gives diffusers' answers of a case; what the program said of it.
fn answers(place: &Path, model: &str, case: &str) -> String {
    let _ = fs::remove_file(place.join("y"));
    let said = predict(place, model);
    assert_eq!(said.status, Some(0), "{model}: {}", said.stderr);
    let right = tensor_x(cases().join(case).join("right.safetensors"));
    let wide = deviation(&tensor_x(place.join("y")), &right);
    assert!(wide <= 1e-5, "{model} deviates by {wide:e} from {case}");
    said.stderr
}

#[test]
fn predictions_of_every_layout_are_those_of_diffusers() {
    for case in ["hub-flat", "hub-sharded", "var-dropout", "learned-range", "sch-eulera", "sch-flow"] {
        answers(place(case).path(), "model", case);
    }
}

#[test]
fn a_network_alone_is_read_wherever_it_lies() {
    let place = place("var-dropout");
    let (at, model) = (|name: &str| place.path().join(name), place.path().join("model"));
    answers(place.path(), "model/unet", "var-dropout");
    answers(place.path(), &format!("model/unet/{WEIGHTS}"), "var-dropout");
    copy(&model.join("unet"), &at("bare"));
    answers(place.path(), "bare", "var-dropout");
    fs::remove_file(model.join("model_index.json")).unwrap();
    fs::remove_dir_all(model.join("scheduler")).unwrap();
    answers(place.path(), "model", "var-dropout");
}

#[test]
fn a_moving_average_is_a_model_and_comes_first_where_no_index_says_otherwise() {
    let place = place("var-dropout");
    let model = place.path().join("model");
    set(
        model.join("unet/config.json"),
        object!({
            "decay": 0.9999, "min_decay": 0.0, "optimization_step": 3, "update_after_step": 0,
            "use_ema_warmup": true, "inv_gamma": 1.0, "power": 0.75
        }),
    );
    let said = answers(place.path(), "model/unet", "var-dropout");
    assert_eq!(said.matches("note").count(), 0, "{said}");
    // A broken network shows which of the two was read.
    copy(&model.join("unet"), &model.join("unet_ema"));
    fs::write(model.join("unet_ema").join(WEIGHTS), "").unwrap();
    assert!(answers(place.path(), "model", "var-dropout").contains("note: unet/ is read; unet_ema/"));
    fs::remove_file(model.join("model_index.json")).unwrap();
    refused(place.path(), &["predict", "model", "--noise=x", "--timesteps=7"], &["unet_ema"]);
    let raw = tweedie(place.path(), &["predict", "model", "--noise=x", "--timesteps=7", "--no-ema"]);
    assert_eq!(raw.status, Some(0), "{}", raw.stderr);
    fs::remove_dir_all(model.join("unet_ema")).unwrap();
    fs::rename(model.join("unet"), model.join("unet_ema")).unwrap();
    assert!(answers(place.path(), "model", "var-dropout").contains("note: unet_ema/ is read"));
}

#[test]
fn variants_of_the_weights_are_read_and_a_choice_between_them_is_asked_for() {
    let place = place("hub-flat");
    let model = place.path().join("model");
    let fp16 = model.join("diffusion_pytorch_model.fp16.safetensors");
    fs::rename(model.join(WEIGHTS), &fp16).unwrap();
    assert!(answers(place.path(), "model", "hub-flat").contains("fp16.safetensors"));
    fs::copy(&fp16, model.join("diffusion_pytorch_model.non_ema.safetensors")).unwrap();
    let arguments = ["predict", "model", "--noise=x", "--timesteps=7"];
    refused(place.path(), &arguments, &["fp16.safetensors", "non_ema.safetensors", "MODEL"]);
    answers(place.path(), "model/diffusion_pytorch_model.fp16.safetensors", "hub-flat");
}

#[test]
fn what_means_nothing_in_diffusers_changes_nothing_and_is_said() {
    let place = place("hub-flat");
    let more = object!({
        "patch_size": 2, "cross_attention_dim": 8, "zero_init_output": true, "mid_block_type": "none",
        "downsample_type": null, "downsampletype": 1
    });
    set(place.path().join("model/config.json"), more);
    let said = answers(place.path(), "model", "hub-flat");
    for key in ["patch_size", "cross_attention_dim", "zero_init_output", "downsampletype"] {
        assert!(said.contains(key), "{key}: {said}");
    }
}

#[test]
fn a_size_that_the_model_does_not_say_comes_from_the_noise() {
    let place = place("hub-flat");
    set(place.path().join("model/config.json"), object!({"sample_size": null}));
    answers(place.path(), "model", "hub-flat");
    let said = json(place.path(), &["sample", "model", "--noise=x", "--steps=2", "--raw=z"]);
    assert_eq!(said["n"], 2);
    refused(place.path(), &["sample", "model", "--n=1"], &["sample_size", "--noise"]);
    refused(place.path(), &["eval", "bpd", "model", "--n=1"], &["sample_size"]);
    write_x(place.path().join("odd"), &Tensor::zeros([1, 3, 7, 8]));
    refused(place.path(), &["predict", "model", "--noise=odd", "--timesteps=1"], &["7x8", "multiples of 2"]);
}

#[test]
fn models_of_other_kinds_are_named() {
    let predict = ["predict", "model", "--noise=x", "--timesteps=7"];
    refused(place("sd-unet").path(), &predict, &["UNet2DConditionModel", "unet/config.json", "_class_name"]);
    refused(place("dit").path(), &predict, &["DiTPipeline", "transformer/", "model_index.json"]);
    for class in ["UNet1DModel", "VQModel", "Transformer2DModel"] {
        let place = place("hub-flat");
        fs::write(place.path().join("model/config.json"), format!(r#"{{"_class_name": "{class}"}}"#))
            .unwrap();
        refused(place.path(), &predict, &[class, "config.json"]);
    }
    let latent = place("var-dropout");
    let model = latent.path().join("model");
    fs::create_dir(model.join("vqvae")).unwrap();
    refused(latent.path(), &predict, &["latents", "vqvae"]);
    fs::remove_dir(model.join("vqvae")).unwrap();
    let parts = object!({"_class_name": "LDMPipeline", "vqvae": ["diffusers", "VQModel"]});
    set(model.join("model_index.json"), parts);
    refused(latent.path(), &predict, &["LDMPipeline", "vqvae/", "model_index.json"]);
    let sample = ["sample", "model/unet", "--noise=x", "--steps=2"];
    refused(latent.path(), &sample, &["LDMPipeline"]);
}

#[test]
fn weights_that_are_not_read_are_named_with_what_to_do() {
    let predict = ["predict", "model", "--noise=x", "--timesteps=7"];
    let place = place("hub-flat");
    let weights = place.path().join("model").join(WEIGHTS);
    let whole = fs::read(&weights).unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 195132\n";
    let long = |header: u64| [&header.to_le_bytes(), &whole[8..]].concat();
    let claims = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let table: [(Vec<u8>, &[&str]); 6] = [
        (pointer.into(), &["Git LFS", "git lfs pull"]),
        (long(u64::MAX), &["header of 18446744073709551615 bytes"]),
        (long(99_000_000), &["header of 99000000 bytes"]),
        (whole[..1000].into(), &["safetensors"]),
        (
            claims(r#"{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}"#),
            &["4398046511104"],
        ),
        (
            claims(r#"{"a":{"dtype":"F32","shape":[0,9223372036854775807,4],"data_offsets":[0,0]}}"#),
            &[WEIGHTS],
        ),
    ];
    for (bytes, named) in table {
        fs::write(&weights, bytes).unwrap();
        refused(place.path(), &predict, &[&[WEIGHTS], named].concat());
    }
    fs::remove_file(&weights).unwrap();
    refused(place.path(), &predict, &["no diffusion_pytorch_model.safetensors"]);
    fs::write(place.path().join("model/diffusion_pytorch_model.bin"), "").unwrap();
    let named = ["model/diffusion_pytorch_model.bin", "python -c", "save_file", WEIGHTS];
    refused(place.path(), &predict, &named);
}

#[test]
fn an_index_that_its_shards_do_not_bear_out_is_refused() {
    let place = place("hub-sharded");
    let index = place.path().join("model/unet").join(format!("{WEIGHTS}.index.json"));
    let mut json: Value = serde_json::from_str(&fs::read_to_string(&index).unwrap()).unwrap();
    json["weight_map"]["conv_in.bias"] = "../../x".into();
    fs::write(&index, json.to_string()).unwrap();
    let predict = ["predict", "model", "--noise=x", "--timesteps=7"];
    refused(place.path(), &predict, &["index.json", "../../x"]);
    json["weight_map"]["conv_in.bias"] = "diffusion_pytorch_model-00002-of-00012.safetensors".into();
    fs::write(&index, json.to_string()).unwrap();
    refused(place.path(), &predict, &["index.json", "conv_in.bias is not in", "00002"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_index_of_shards_and_no_model() {
    let place = place("hub-sharded");
    let name = format!("{WEIGHTS}.index.json");
    let index = place.path().join("model/unet").join(&name);
    fs::remove_file(&index).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&index).status().unwrap().success());
    refused(place.path(), &["predict", "model", "--noise=x", "--timesteps=7"], &["is a pipe", &name]);
    let model = format!("model/unet/{name}");
    refused(place.path(), &["sample", &model, "--n=1"], &["is a pipe", &name]);
}

#[test]
fn numbers_that_no_model_has_are_refused_at_once() {
    for (key, value) in [
        ("layers_per_block", object!(1_000_000)),
        ("sample_size", object!(1_000_000)),
        ("block_out_channels", object!([100_000, 16])),
        ("norm_num_groups", object!(0)),
        ("dropout", object!(1.0)),
        ("num_class_embeds", object!(10_000_000)),
    ] {
        let place = place("hub-flat");
        set(place.path().join("model/config.json"), object!({key: value}));
        refused(place.path(), &["predict", "model", "--noise=x", "--timesteps=7"], &[key, "config.json"]);
    }
}

/// `sample` of one picture in four steps: the sampler that it took, and what it said.
fn sampled(place: &Path) -> (String, String) {
    let said = tweedie(place, &["sample", "model", "--n=1", "--steps=4", "--raw=z", "--json"]);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    (json["sampler"].as_str().unwrap().into(), said.stderr)
}

/// What the index and the scheduler's file name, which pipeline it is, the sampler that is taken, and whether that is
/// said.
#[test]
fn the_pipeline_and_the_index_name_the_sampler() {
    let place = place("hub-flat");
    let model = place.path().join("model");
    for (pipeline, listed, own, taken, said) in [
        ("DDPMPipeline", "DDPM", "DDPM", "ddpm", false),
        ("DDIMPipeline", "DDPM", "DDPM", "ddim", true),
        ("DDIMPipeline", "DDIM", "DDPM", "ddim", true),
        ("DDIMPipeline", "DDIM", "DDIM", "ddim", false),
        ("PNDMPipeline", "DDIM", "DDIM", "pndm", true),
        ("PNDMPipeline", "PNDM", "DDPM", "pndm", true),
        ("DDIMPipeline", "EulerDiscrete", "EulerDiscrete", "ddim", true),
        ("DDPMPipeline", "EulerDiscrete", "DDPM", "euler", true),
        ("DDPMPipeline", "EulerDiscrete", "HeunDiscrete", "euler", true),
        ("DDIMPipeline", "DDIM", "HeunDiscrete", "heun", true),
        ("DDPMPipeline", "DDPM", "UniPCMultistep", "unipc", true),
    ] {
        let scheduler = format!("{listed}Scheduler");
        let parts = object!({"_class_name": pipeline, "scheduler": ["diffusers", scheduler]});
        set(model.join("model_index.json"), parts);
        set(model.join("scheduler_config.json"), object!({"_class_name": format!("{own}Scheduler")}));
        let (sampler, words) = sampled(place.path());
        assert_eq!(sampler, taken, "{pipeline}, {listed}, {own}");
        assert_eq!(words.contains("note: "), said, "{pipeline}, {listed}, {own}: {words}");
    }
}

#[test]
fn a_ddpm_folder_is_told_how_many_steps_are_left_out() {
    let place = place("hub-flat");
    let sample = ["sample", "model", "--n=1", "--raw=z"];
    let said = tweedie(place.path(), &sample);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("note: DDPMPipeline takes 1000 steps"), "{}", said.stderr);
    assert!(said.stderr.contains("50 are taken here: --steps 1000"), "{}", said.stderr);
    let said = tweedie(place.path(), &[&sample[..], &["--sampler=ddim"]].concat());
    assert!(!said.stderr.contains("note: "), "{}", said.stderr);
}

#[test]
fn a_scheduler_is_missed_only_by_what_needs_it() {
    let place = place("hub-flat");
    let file = place.path().join("model/scheduler_config.json");
    for (text, named) in [
        (Some(r#"{"_class_name": "DPMSolverSDEScheduler"}"#), "DPMSolverSDEScheduler"),
        (Some(r#"{"_class_name": "FlowMatchEulerDiscreteScheduler"}"#), "FlowMatchEulerDiscreteScheduler"),
        (Some("{"), "not a scheduler's configuration"),
        (None, "no scheduler"),
    ] {
        match text {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        answers(place.path(), "model", "hub-flat");
        let _ = fs::remove_file(place.path().join("y"));
        refused(place.path(), &["sample", "model", "--n=1", "--steps=2"], &[named, "scheduler_config.json"]);
    }
}

/// Training leaves numbers out by the seed and the step alone: it is repeated, and goes on, bit for bit.
#[test]
fn a_run_with_dropout_is_the_same_each_time_and_other_than_one_without() {
    let place = tempfile::tempdir().unwrap();
    let train = |more: &[&str]| {
        let said = json(place.path(), &train_tiny(&[&["--set=train.grids=0"], more].concat()));
        said["weights_digest"].as_str().unwrap().to_string()
    };
    let dropout = "--set=model.dropout=0.3";
    let whole = train(&["--steps=4", "--out=whole", dropout]);
    assert_ne!(train(&["--steps=4", "--out=without"]), whole);
    train(&["--steps=2", "--out=halves", dropout]);
    assert_eq!(train(&["--steps=4", "--out=halves", "--resume", dropout]), whole);
}
