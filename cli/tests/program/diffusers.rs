//! A diffusers folder is a MODEL: what the program computes with it is what diffusers computed.

use crate::run::{json, tensor_x, tweedie, write_x};
use std::fs;
use std::path::{Path, PathBuf};
use tweedie_nn::weights::WeightFile;
use tweedie_tensor::Tensor;

const MODELS: [&str; 6] = ["plain", "attention", "ddpm", "scale_shift", "class", "resnet_updown"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}

/// The largest difference, as a share of the largest expected value.
pub(crate) fn deviation(given: &Tensor<f32>, expected: &Tensor<f32>) -> f32 {
    assert_eq!(given.dims(), expected.dims());
    let largest = expected.as_slice().iter().fold(0f32, |m, x| m.max(x.abs()));
    let pairs = given.as_slice().iter().zip(expected.as_slice());
    pairs.fold(0f32, |m, (a, b)| m.max((a - b).abs())) / largest
}

/// Integers as an option's value, as in `--class=3,0,9`; no argument where the file has none.
fn listed(file: &WeightFile, name: &str, option: &str) -> Option<String> {
    let numbers = file.integers(name).ok()?;
    let words: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Some(format!("{option}={}", words.join(",")))
}

#[test]
fn predictions_and_trajectories_are_those_of_diffusers() {
    let out = tempfile::tempdir().unwrap();
    let at = |name: &str| out.path().join(name);
    let text = |name: &str| at(name).display().to_string();
    for name in MODELS {
        let folder = fixture(name);
        let expected = WeightFile::read(&folder.join("expected.safetensors")).unwrap();
        let (noise, raw) = (format!("--noise={}", text("x")), format!("--raw={}", text("y")));

        write_x(at("x"), &expected.tensor("x").unwrap());
        let times = listed(&expected, "timesteps", "--timesteps").unwrap();
        let class = listed(&expected, "class_labels", "--class");
        let words = [Some("predict"), Some("."), Some(&noise), Some(&times), Some(&raw), class.as_deref()];
        json(&folder, &words.into_iter().flatten().collect::<Vec<_>>());
        let wide = deviation(&tensor_x(at("y")), &expected.tensor("out").unwrap());
        assert!(wide <= 1e-5, "{name}: the prediction deviates by {wide:e}");

        write_x(at("x"), &expected.tensor("ddim.x_T").unwrap());
        let class = listed(&expected, "ddim.class_labels", "--class");
        let sampler = [Some("--sampler=ddim"), Some("--steps=12"), Some("--eta=0"), class.as_deref()];
        let words = [Some("sample"), Some("."), Some(&noise), Some(&raw)].into_iter().chain(sampler);
        json(&folder, &words.flatten().collect::<Vec<_>>());
        let wide = deviation(&tensor_x(at("y")), &expected.tensor("ddim.x.11").unwrap());
        assert!(wide <= 1e-4, "{name}: the trajectory ends {wide:e} away");
    }
}

/// Runs of the deterministic samplers end where diffusers' do.
#[test]
fn every_sampler_ends_where_diffusers_does() {
    let out = tempfile::tempdir().unwrap();
    let at = |name: &str| out.path().join(name);
    for name in ["plain", "attention"] {
        let folder = fixture(name);
        let expected = WeightFile::read(&folder.join("trajectories.safetensors")).unwrap();
        // Euler and Heun make their start of it themselves.
        write_x(at("x"), &expected.tensor("ddim.x_T").unwrap());
        for sampler in ["ddim", "euler", "heun", "dpmpp-2m", "unipc", "pndm"] {
            let (noise, raw) = (at("x").display().to_string(), at("y").display().to_string());
            let words = ["sample", ".", "--steps=10", "--sampler", sampler, "--noise", &noise, "--raw", &raw];
            json(&folder, &words);
            let wide = deviation(&tensor_x(at("y")), &expected.tensor(&format!("{sampler}.x.9")).unwrap());
            assert!(wide <= 1e-4, "{name}: {sampler} ends {wide:e} away");
        }
    }
}

/// A folder is painted with its own scheduler's class, and refused if that is unknown.
#[test]
fn the_scheduler_of_a_folder_is_its_sampler() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    for file in ["model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"] {
        fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
        fs::copy(fixture("plain").join(file), folder.join(file)).unwrap();
    }
    fs::create_dir(folder.join("scheduler")).unwrap();
    let schedule = |class: &str, more: &str| {
        let text = format!(r#"{{"_class_name": "{class}", "lambda_min_clipped": -Infinity{more}}}"#);
        fs::write(folder.join("scheduler/scheduler_config.json"), text).unwrap();
    };
    let raw = place.path().join("raw").display().to_string();
    let paint = ["sample", ".", "--n=1", "--steps=4", "--raw", &raw];
    for (class, more, name) in [
        ("PNDMScheduler", "", "pndm"),
        ("EulerDiscreteScheduler", "", "euler"),
        ("HeunDiscreteScheduler", "", "heun"),
        ("DPMSolverMultistepScheduler", "", "dpmpp-2m"),
        ("DPMSolverMultistepScheduler", r#", "algorithm_type": "sde-dpmsolver++""#, "dpmpp-2m-sde"),
        ("UniPCMultistepScheduler", "", "unipc"),
        ("EulerAncestralDiscreteScheduler", "", "euler-a"),
        ("LMSDiscreteScheduler", "", "lms"),
        ("KDPM2DiscreteScheduler", "", "kdpm2"),
        ("KDPM2AncestralDiscreteScheduler", "", "kdpm2-a"),
        ("DPMSolverMultistepScheduler", r#", "solver_order": 3"#, "dpmpp-3m"),
        ("DPMSolverSinglestepScheduler", "", "dpmpp-2s"),
        ("DEISMultistepScheduler", "", "deis"),
        ("LCMScheduler", "", "lcm"),
    ] {
        schedule(class, more);
        assert_eq!(json(folder, &paint)["sampler"], name);
    }
    schedule("DPMSolverSDEScheduler", "");
    let said = tweedie(folder, &paint);
    assert_eq!(said.status, Some(1));
    assert!(said.stderr.contains("DPMSolverSDEScheduler"), "{}", said.stderr);
}
