//! `eval bpd` of a model whose bound is known, and what it refuses.

use crate::run::{json, tweedie, workshop};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tweedie_nn::weights::{WeightFile, write_safetensors};
use tweedie_tensor::Tensor;

/// A diffusers folder with a network that predicts 0, under the schedule of Ho et al. 2020.
fn zero_model(folder: &Path) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/plain");
    for place in ["unet", "scheduler"] {
        fs::create_dir(folder.join(place)).unwrap();
    }
    for file in ["model_index.json", "unet/config.json"] {
        fs::copy(fixture.join(file), folder.join(file)).unwrap();
    }
    let scheduler = fs::read_to_string(fixture.join("scheduler/scheduler_config.json")).unwrap();
    let mut scheduler: serde_json::Value = serde_json::from_str(&scheduler).unwrap();
    scheduler["beta_start"] = 1e-4.into();
    scheduler["beta_end"] = 0.02.into();
    fs::write(folder.join("scheduler/scheduler_config.json"), scheduler.to_string()).unwrap();

    let name = "unet/diffusion_pytorch_model.safetensors";
    let weights = WeightFile::read(&fixture.join(name)).unwrap();
    let tensors: Vec<(&str, Tensor<f32>)> = weights
        .entries()
        .keys()
        .map(|key| {
            let tensor: Tensor<f32> = weights.tensor(key).unwrap();
            let zero = key.starts_with("conv_out");
            (key.as_str(), if zero { Tensor::zeros(*tensor.shape()) } else { tensor })
        })
        .collect();
    let tensors: Vec<(&str, &Tensor<f32>)> = tensors.iter().map(|(key, tensor)| (*key, tensor)).collect();
    write_safetensors(&folder.join(name), &tensors, &BTreeMap::new()).unwrap();
}

#[test]
fn a_model_that_answers_nothing_has_the_published_bound() {
    let place = tempfile::tempdir().unwrap();
    zero_model(place.path());
    let data = ["--data=shapes", "--image-size=8", "--n=96", "--timesteps-per-picture=80"];
    for (variance, expected, constant) in
        [("fixed-large", 13.9914832, 0.486419230), ("fixed-small", 14.6729196, 0.0)]
    {
        let variance = format!("--variance={variance}");
        let command = [&["eval", "bpd", ".", &variance], &data[..]].concat();
        let said = json(place.path(), &[&command[..], &["--out=terms.svg"]].concat());
        let number = |key: &str| said[key].as_f64().unwrap();
        let error = said["std_errors"]["l_mid"].as_f64().unwrap();
        assert!(error < 0.05 && (number("l_mid") - expected).abs() < 3.0 * error, "{}", said["l_mid"]);
        // The schedule of a diffusers folder is in f32, as there.
        assert!((number("constant") - constant).abs() < 1e-4, "{}", said["constant"]);
        let parts = number("l_T") + number("l_mid") + number("l_0");
        assert!((number("bits_per_dim") - parts).abs() < 1e-9 && number("std_error") > 0.0);
        let terms = said["terms"].as_array().unwrap();
        assert_eq!((&said["n"], &terms[0]["t"], &terms[0]["count"]), (&96.into(), &0.into(), &96.into()));
        assert_eq!(said["rate_distortion"].as_array().unwrap().len(), 81);
        assert!(said["ode"].is_null());
        assert!(fs::read_to_string(place.path().join("terms.svg")).unwrap().starts_with("<svg"));
        let again = json(place.path(), &[&command[..], &["--threads=1"]].concat());
        assert_eq!((&again["bits_per_dim"], &again["terms"]), (&said["bits_per_dim"], &said["terms"]));
    }

    // ε̂ = 0 everywhere is the score of a flat density: the flow leaves x = x_t / √ᾱ_t where it is, and a place's
    // density is that of √ᾱ_T x under N(0, 1), times √ᾱ_T: the same for all pictures, nearly.
    let said = json(
        place.path(),
        &[&["eval", "bpd", ".", "--ode", "--ode-steps=200"], &data[..2], &["--n=4"]].concat(),
    );
    let ode = &said["ode"];
    let signal = 4.035_829_77e-5f64.sqrt();
    let expected =
        -((signal / std::f64::consts::TAU.sqrt()).ln() + (2.0 / 255.0f64).ln()) / std::f64::consts::LN_2;
    let off = (ode["bits_per_dim"].as_f64().unwrap() - expected).abs();
    assert!(off < 0.02 && ode["solver_error"].as_f64().unwrap() < 0.02, "{expected}: {ode}");
}

#[test]
fn a_class_conditional_run_is_measured_on_what_it_learnt() {
    let said = json(workshop(), &["eval", "bpd", "model", "--n=3", "--timesteps-per-picture=5", "--seed=7"]);
    assert!(said["bits_per_dim"].as_f64().unwrap() > 0.0);
    assert_eq!(said["terms"].as_array().unwrap()[0]["count"], 3);
}

#[test]
fn what_does_not_fit_is_named() {
    let refused = |more: &[&str], named: &[&str]| {
        let said = tweedie(workshop(), &[&["eval", "bpd", "model", "--n=2"], more].concat());
        assert_eq!((said.status, &said.stdout[..]), (Some(1), ""), "{more:?}");
        for name in named {
            assert!(said.stderr.starts_with("error: ") && said.stderr.contains(name), "{}", said.stderr);
        }
    };
    refused(&["--data=shapes"], &["3 × 8 × 8", "1 × 8 × 8", "--data"]);
    refused(&["--image-size=16"], &["1 × 16 × 16", "--image-size 8"]);
    refused(&["--data=nowhere"], &["nowhere"]);
    refused(&["--clip=-1"], &["--clip"]);
}
