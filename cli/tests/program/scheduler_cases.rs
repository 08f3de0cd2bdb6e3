//! Folders whose schedulers were read otherwise than diffusers reads them: each is painted to what it paints.

use crate::run::{json, tensor_x, tweedie};
use std::fs;
use std::path::{Path, PathBuf};
use tweedie_tensor::Tensor;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/cases")
}

/// The largest difference, as a share of the largest expected value.
fn deviation(given: &Tensor<f32>, expected: &Tensor<f32>) -> f32 {
    assert_eq!(given.dims(), expected.dims());
    let largest = expected.as_slice().iter().fold(0f32, |m, x| m.max(x.abs()));
    let pairs = given.as_slice().iter().zip(expected.as_slice());
    pairs.fold(0f32, |m, (a, b)| m.max((a - b).abs())) / largest
}

/// What a command leaves in its `--raw` file.
fn raw(command: &str, arguments: &[&str]) -> Tensor<f32> {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("y.safetensors");
    let raw = format!("--raw={}", path.display());
    json(&cases(), &[&[command], arguments, &[&raw, "--threads=1"]].concat());
    tensor_x(path)
}

/// Paints a case from its noise, and compares with what diffusers painted.
#[track_caller]
fn paints_what_diffusers_paints(case: &str, noise: &str, steps: &str) {
    let given = raw("sample", &[case, "--noise", noise, "--steps", steps]);
    let wide = deviation(&given, &tensor_x(cases().join(case).join("right.safetensors")));
    assert!(wide <= 2e-5, "{case} ends {wide:e} away");
}

#[test]
fn euler_starts_from_the_largest_sigma_on_a_short_schedule() {
    paints_what_diffusers_paints("euler-t50", "noise2.safetensors", "33");
}

#[test]
fn euler_starts_from_the_largest_sigma_where_noise_is_weak() {
    paints_what_diffusers_paints("euler-weak-noise", "euler-weak-noise/noise.safetensors", "5");
}

/// diffusers' Euler hands out x_0 + σ ε, and not √ᾱ times that, where its last σ is not 0.
#[test]
fn euler_ends_in_its_own_scale() {
    let place = tempfile::tempdir().unwrap();
    let case = cases().join("euler-weak-noise");
    for file in ["model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"] {
        let to = place.path().join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(case.join(file), to).unwrap();
    }
    let text = fs::read_to_string(case.join("scheduler/scheduler_config.json")).unwrap();
    let mut keys: serde_json::Value = serde_json::from_str(&text).unwrap();
    keys["final_sigmas_type"] = "sigma_min".into();
    (keys["beta_start"], keys["beta_end"]) = (0.001.into(), 0.02.into());
    fs::create_dir_all(place.path().join("scheduler")).unwrap();
    fs::write(place.path().join("scheduler/scheduler_config.json"), keys.to_string()).unwrap();
    let model = place.path().to_str().unwrap();
    let painted = raw("sample", &[model, "--noise=euler-weak-noise/noise.safetensors", "--steps=5"]);
    let wide = deviation(&painted, &tensor_x(case.join("sigma_min.safetensors")));
    assert!(wide <= 2e-5, "it ends {wide:e} away");
}

#[test]
fn heun_reads_the_ends_of_karras_levels_that_it_does_not_declare() {
    paints_what_diffusers_paints("heun-karras-undeclared", "heun-karras-undeclared/noise.safetensors", "5");
}

#[test]
fn unipc_ends_at_the_smallest_of_its_own_karras_levels() {
    paints_what_diffusers_paints("unipc-karras-own-end", "unipc-karras-own-end/noise.safetensors", "5");
}

#[test]
fn a_variance_type_is_nothing_to_ddim() {
    paints_what_diffusers_paints("ddim-learned-range-key", "ddim-learned-range-key/noise.safetensors", "10");
}

#[test]
fn a_network_that_says_its_variance_is_asked_and_sampled() {
    let predicted = raw("predict", &["learned-range", "--noise=x.safetensors", "--timesteps=7,500"]);
    let wide = deviation(&predicted, &tensor_x(cases().join("learned-range/right.safetensors")));
    assert!(wide <= 1e-5, "the prediction deviates by {wide:e}");
    for sampler in ["ddpm", "ddim", "euler", "heun", "dpmpp-2m", "dpmpp-2m-sde", "unipc", "pndm"] {
        let painted = raw("sample", &["learned-range", "--n=16", "--steps=10", "--sampler", sampler]);
        assert!(painted.all_finite(), "{sampler}");
        if sampler == "ddpm" {
            let square = painted.as_slice().iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
            let deviation = (square / painted.numel() as f64).sqrt();
            // diffusers' own of as many pictures is 0.80.
            assert!((deviation - 0.80).abs() < 0.05, "{deviation}");
        }
    }
}

#[test]
fn a_schedulers_keys_count_for_the_sampler_that_is_named() {
    let predicted = raw("predict", &["sch-eulera", "--noise=x.safetensors", "--timesteps=7,500"]);
    assert!(deviation(&predicted, &tensor_x(cases().join("sch-eulera/right.safetensors"))) <= 1e-5);
    let painted = raw("sample", &["sch-eulera", "--sampler=ddim", "--steps=10", "--noise=x.safetensors"]);
    let wide = deviation(&painted, &tensor_x(cases().join("sch-eulera/ddim.safetensors")));
    // diffusers itself ends 3e-5 apart in f32 and in f64.
    assert!(wide <= 1e-4, "it ends {wide:e} away");
    let own = raw("sample", &["sch-eulera", "--steps=10", "--noise=x.safetensors"]);
    let named = raw("sample", &["sch-eulera", "--sampler=euler-a", "--steps=10", "--noise=x.safetensors"]);
    assert_eq!(own.as_slice(), named.as_slice());
}

#[test]
fn a_scheduler_of_flows_lends_nothing() {
    let predicted = raw("predict", &["sch-flow", "--noise=x.safetensors", "--timesteps=7,500"]);
    assert!(deviation(&predicted, &tensor_x(cases().join("sch-flow/right.safetensors"))) <= 1e-5);
    for more in [&["--sampler=ddim"][..], &[]] {
        let said = tweedie(&cases(), &[&["sample", "sch-flow", "--steps=10", "--n=1"], more].concat());
        assert_eq!(said.status, Some(1));
        assert_eq!(said.stderr.trim().lines().count(), 1, "{}", said.stderr);
        assert!(said.stderr.contains("FlowMatchEulerDiscreteScheduler"), "{}", said.stderr);
    }
}

/// The keys of a configuration file count for any sampler that reads them, as those of the file itself would.
#[test]
fn keys_of_the_folder_count_for_the_sampler_that_is_named() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path();
    for part in ["unet", "scheduler"] {
        fs::create_dir(folder.join(part)).unwrap();
    }
    for file in ["model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"] {
        fs::copy(cases().join("heun-karras-undeclared").join(file), folder.join(file)).unwrap();
    }
    let text =
        fs::read_to_string(cases().join("heun-karras-undeclared/scheduler/scheduler_config.json")).unwrap();
    // The betas of Heun and Euler are not the same by default, but here they are given.
    let text = text.replace("HeunDiscreteScheduler", "EulerDiscreteScheduler");
    fs::write(folder.join("scheduler/scheduler_config.json"), text).unwrap();
    let noise = cases().join("heun-karras-undeclared/noise.safetensors").display().to_string();
    let place = folder.display().to_string();
    let given = raw("sample", &[&place, "--sampler=heun", "--steps=5", "--noise", &noise]);
    let wide = deviation(&given, &tensor_x(cases().join("heun-karras-undeclared/right.safetensors")));
    // diffusers itself ends 3e-5 apart in f32 and in f64.
    assert!(wide <= 1e-4, "it ends {wide:e} away");
}
