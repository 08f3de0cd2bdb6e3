//! Agreement with diffusers' DDIM and DDPM schedulers (0.42.1) on the toy model of its own tests: model(x, t) =
//! x t / (t + 1) and x = arange(768) / 768 as four pictures of 3×8×8. The two numbers of four decimals are published
//! in its tests; the others were computed with it, in f64 and with zeros for the noise.

mod common;

use tweedie_diffusion::{
    Condition, Denoiser, Error, Prediction, PredictionKind, Result, Sampler, SchedulerClass, SchedulerConfig,
    Spacing, Timestep,
};
use tweedie_tensor::Tensor;

struct Toy(PredictionKind);

impl Denoiser<f64> for Toy {
    fn predict(&self, x: &Tensor<f64>, t: &[Timestep], _: &Condition) -> Result<Prediction<f64>> {
        let clock = t[0].clock();
        let value = Tensor::from_fn(*x.shape(), |i| x.as_slice()[i] * clock / (clock + 1.0));
        Ok(Prediction::new(self.0, value))
    }
}

/// The batch, permuted as there: place (n, c, h, w) holds place (c, h, w, n) of the range.
fn batch() -> Tensor<f64> {
    Tensor::from_fn([4, 3, 8, 8], |i| (i % 192 * 4 + i / 192) as f64 / 768.0)
}

fn config(json: &str) -> SchedulerConfig {
    serde_json::from_str(json).unwrap()
}

fn last(config: &SchedulerConfig, sampler: &impl Sampler<f64>, x: Tensor<f64>) -> Tensor<f64> {
    let (model, condition) = (Toy(config.prediction().unwrap()), Condition::default());
    sampler.run(&model, x, &condition, 0).last().unwrap().unwrap().x
}

#[track_caller]
fn agrees(actual: f64, expected: f64, tolerance: f64) {
    assert!((actual / expected - 1.0).abs() < tolerance, "{actual} is not {expected}");
}

/// Σ|x| after DDIM.
fn ddim(json: &str, steps: usize) -> f64 {
    let config = config(json);
    let x = last(&config, &config.ddim(steps, 0.0).unwrap(), batch());
    x.as_slice().iter().map(|x| x.abs()).sum()
}

#[test]
fn published_ddim_numbers() {
    assert!((ddim("{}", 10) - 172.0067).abs() < 5e-5);
    assert!((ddim(r#"{"prediction_type": "v_prediction"}"#, 10) - 52.5302).abs() < 5e-5);
}

#[test]
fn ddim_in_every_spacing() {
    let cases = [
        ("leading", true, 57.52002985, 57.02856715),
        ("leading", false, 57.81552219, 57.03141934),
        ("trailing", true, 56.64483859, 56.12202133),
        ("trailing", false, 57.63766892, 57.10770931),
        ("linspace", true, 68.73377277, 68.16182742),
        ("linspace", false, 68.73721037, 68.16523642),
    ];
    for (spacing, one, expected, zero_snr) in cases {
        let keys = format!(
            r#""timestep_spacing": "{spacing}", "set_alpha_to_one": {one},
               "prediction_type": "v_prediction", "clip_sample": false"#
        );
        agrees(ddim(&format!(r#"{{{keys}, "steps_offset": 1}}"#), 12), expected, 2e-7);
        agrees(ddim(&format!(r#"{{{keys}, "rescale_betas_zero_snr": true}}"#), 12), zero_snr, 2e-6);
    }
}

#[test]
fn ddim_with_other_schedules() {
    let scaled = r#"{"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": false}"#;
    agrees(ddim(scaled, 12), 184.6423034, 2e-7);
    let trained = r#"{"num_train_timesteps": 8, "clip_sample": false,
        "trained_betas": [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08]}"#;
    agrees(ddim(trained, 4), 308.8272566, 2e-7);
}

#[test]
fn ddim_half_way_through_the_cosine_schedule() {
    let cases = [
        (r#"{"beta_schedule": "squaredcos_cap_v2"}"#, 303.2775697),
        (
            r#"{"beta_schedule": "squaredcos_cap_v2", "prediction_type": "sample", "clip_sample_range": 0.6,
                "timestep_spacing": "linspace", "steps_offset": 1}"#,
            403.8918423,
        ),
    ];
    for (json, expected) in cases {
        let config = config(json);
        let (model, condition) = (Toy(config.prediction().unwrap()), Condition::default());
        let sampler = config.ddim(12, 0.0).unwrap();
        let state = sampler.run(&model, batch(), &condition, 0).nth(5).unwrap().unwrap();
        agrees(state.x.as_slice().iter().map(|x| x.abs()).sum(), expected, 2e-7);
    }
}

#[test]
fn ddim_with_noise() {
    let cases = [
        ("leading", [18.21055743, 0.1286226945]),
        ("trailing", [17.28889521, 0.1057714137]),
        ("linspace", [18.51195647, 0.123797236]),
    ];
    for (spacing, expected) in cases {
        let config = config(&format!(
            r#"{{"timestep_spacing": "{spacing}", "prediction_type": "v_prediction", "clip_sample": false}}"#
        ));
        for (eta, expected) in [0.5, 1.0].into_iter().zip(expected) {
            agrees(without_noise(&config, &config.ddim(50, eta).unwrap()), expected, 5e-5);
        }
    }
}

/// Σ|x| without noise: what the sampler makes of x less what it makes of 0 with the same noise, which is the same for
/// a linear model. So without clipping.
fn without_noise(config: &SchedulerConfig, sampler: &impl Sampler<f64>) -> f64 {
    let (x, zero) = (last(config, sampler, batch()), last(config, sampler, Tensor::zeros([4, 3, 8, 8])));
    x.as_slice().iter().zip(zero.as_slice()).map(|(x, zero)| (x - zero).abs()).sum()
}

#[test]
fn ddpm_in_every_spacing() {
    let cases = [
        ("leading", 1000, [6.609434912e-01, 1.132236222e-01]),
        ("leading", 50, [8.883799434e-01, 1.286219937e-01]),
        ("leading", 12, [2.030715539e+00, 1.331286800e-01]),
        ("trailing", 50, [7.330530261e-01, 1.057712687e-01]),
        ("trailing", 12, [8.869512722e-01, 5.603686183e-02]),
        ("linspace", 50, [7.361101377e-01, 1.057994057e-01]),
        ("linspace", 12, [9.029351899e-01, 4.967153690e-02]),
    ];
    for (spacing, steps, expected) in cases {
        for (prediction, expected) in ["epsilon", "v_prediction"].into_iter().zip(expected) {
            let json = format!(
                r#"{{"timestep_spacing": "{spacing}", "prediction_type": "{prediction}", "clip_sample": false}}"#
            );
            let config = config(&json);
            agrees(without_noise(&config, &config.ddpm(steps).unwrap()), expected, 5e-5);
        }
    }
}

#[test]
fn grids_are_numpys() {
    // (T, steps, Σ t, Σ i·t_i) of the trailing and of the linspace grid.
    let cases = [
        (1000, 12, [(6488, 23766), (5994, 19981)]),
        (1000, 48, [(24448, 382620), (23976, 367672)]),
        (1000, 7, [(3993, 7981), (3496, 5826)]),
        (1000, 3, [(1997, 1330), (1499, 500)]),
        (50, 50, [(1225, 19600), (1225, 19600)]),
        (50, 16, [(409, 1996), (392, 1832)]),
        (1000, 16, [(8484, 42376), (7992, 37299)]),
        (100, 48, [(2404, 37280), (2376, 36414)]),
        (1000, 100, [(50400, 1661550), (49950, 1631655)]),
        (37, 11, [(211, 682), (198, 596)]),
    ];
    for (timesteps, steps, expected) in cases {
        for (spacing, (sum, moment)) in [Spacing::Trailing, Spacing::Linspace].into_iter().zip(expected) {
            let times = spacing.indices(timesteps, steps, 0).unwrap();
            assert_eq!(times.len(), steps);
            assert_eq!(times.iter().sum::<usize>(), sum, "{timesteps} {steps} {spacing:?}");
            assert_eq!(times.iter().enumerate().map(|(i, t)| i * t).sum::<usize>(), moment);
        }
    }
}

#[test]
fn f32_tables_of_diffusers() {
    let zero = config(r#"{"rescale_betas_zero_snr": true}"#).schedule().unwrap();
    let expected = [(0, 0.999899983), (1, 0.999779344), (500, 0.0752462000), (998, 4.21327329e-9)];
    for (t, alpha_bar) in expected {
        agrees(zero.alphas_cumprod()[t], alpha_bar, 1e-6);
    }
    assert_eq!(zero.alphas_cumprod()[999], 0.0);
}

#[test]
fn unknown_keys_pass_and_unsupported_values_are_named() {
    assert_eq!(
        config(r#"{"_class_name": "DDIMScheduler", "skip_prk_steps": true}"#).class_name,
        "DDIMScheduler"
    );
    let refused = |json: &str| config(json).ddpm(10).unwrap_err().to_string();
    assert_eq!(
        refused(r#"{"beta_schedule": "exp"}"#),
        r#"beta_schedule = "exp" is not supported; it can be linear, scaled_linear, squaredcos_cap_v2 or sigmoid"#
    );
    assert!(
        refused(r#"{"variance_type": "fixed_large_log"}"#).starts_with("variance_type = \"fixed_large_log\"")
    );
    assert!(refused(r#"{"timestep_spacing": "log"}"#).starts_with("timestep_spacing = \"log\""));
    let threshold = r#"{"thresholding": true, "sample_max_value": 0}"#;
    assert!(refused(threshold).contains("sample_max_value = 0"));
    let ratio = r#"{"thresholding": true, "dynamic_thresholding_ratio": 2}"#;
    assert!(refused(ratio).contains("dynamic_thresholding_ratio = 2"));
    assert!(refused(r#"{"clip_sample_range": 0.0}"#).contains("clip_sample_range = 0"));
    assert!(refused(r#"{"trained_betas": [0.1, 0.2]}"#).contains("there are 2 trained_betas"));
    assert!(refused(r#"{"steps_offset": 999}"#).contains("steps_offset = 999"));
    assert!(refused(r#"{"steps_offset": 18446744073709551615}"#).contains("steps_offset"));
    assert!(refused(r#"{"num_train_timesteps": 1000000000000000}"#).contains("timesteps = 1000000000000000"));
    assert!(refused(r#"{"num_train_timesteps": 0}"#).contains("timesteps = 0"));
    assert!(refused(r#"{"beta_end": 1.5}"#).contains("is outside (0, 1)"));
    assert!(config(r#"{"prediction_type": "flow"}"#).prediction().is_err());
    assert!(matches!(config("{}").ddim(0, 0.0).unwrap_err(), Error::Parameter { name: "steps", .. }));
    assert!(matches!(config("{}").ddim(10, 2.0).unwrap_err(), Error::Parameter { name: "eta", .. }));
}

#[test]
fn what_a_class_does_not_support_is_named() {
    let refused = |class: &str, keys: &str| {
        let json = format!(r#"{{"_class_name": "{class}", {keys}}}"#);
        let refused = config(&json).sampler::<f64>(10).err();
        refused.unwrap_or_else(|| panic!("{json} is taken")).to_string()
    };
    let table = [
        ("DPMSolverSDEScheduler", r#""beta_start": 0.1"#, "_class_name = \"DPMSolverSDEScheduler\""),
        ("EulerDiscreteScheduler", r#""interpolation_type": "cubic""#, "interpolation_type = \"cubic\""),
        ("EulerDiscreteScheduler", r#""timestep_type": "wall""#, "timestep_type = \"wall\""),
        ("EulerDiscreteScheduler", r#""final_sigmas_type": "one""#, "final_sigmas_type = \"one\""),
        (
            "HeunDiscreteScheduler",
            r#""use_karras_sigmas": true, "use_beta_sigmas": true"#,
            "use_beta_sigmas = \"true\"",
        ),
        (
            "LMSDiscreteScheduler",
            r#""num_train_timesteps": 5, "timestep_spacing": "leading""#,
            "two times have the same",
        ),
        (
            "DEISMultistepScheduler",
            r#""algorithm_type": "sde-dpmsolver++""#,
            "algorithm_type = \"sde-dpmsolver++\"",
        ),
        ("DEISMultistepScheduler", r#""solver_order": 4"#, "order = 4"),
        ("DEISMultistepScheduler", r#""solver_type": "rk4""#, "solver_type = \"rk4\""),
        ("LCMScheduler", r#""original_inference_steps": 9"#, "steps = 10"),
        ("LCMScheduler", r#""num_train_timesteps": 20"#, "original_inference_steps = 50"),
        (
            "DPMSolverSinglestepScheduler",
            r#""algorithm_type": "sde-dpmsolver""#,
            "algorithm_type = \"sde-dpmsolver\"",
        ),
        ("DPMSolverSinglestepScheduler", r#""solver_order": 4"#, "solver_order = \"4\""),
        (
            "HeunDiscreteScheduler",
            r#""use_karras_sigmas": true, "use_exponential_sigmas": true"#,
            "use_exponential_sigmas = \"true\"",
        ),
        ("DPMSolverMultistepScheduler", r#""algorithm_type": "sde""#, "algorithm_type = \"sde\""),
        ("DPMSolverMultistepScheduler", r#""algorithm_type": "dpmsolver""#, "final_sigmas_type = \"zero\""),
        ("DPMSolverMultistepScheduler", r#""solver_order": 4"#, "solver_order = \"4\""),
        (
            "DPMSolverMultistepScheduler",
            r#""solver_order": 3, "algorithm_type": "sde-dpmsolver++""#,
            "solver_order = \"3\" is not supported; it can be 1 or 2 with noise",
        ),
        ("DPMSolverMultistepScheduler", r#""solver_type": "rk4""#, "solver_type = \"rk4\""),
        (
            "DPMSolverMultistepScheduler",
            r#""lambda_min_clipped": 99.0"#,
            "lambda_min_clipped = 99: all of the",
        ),
        ("DPMSolverMultistepScheduler", r#""use_flow_sigmas": true"#, "use_flow_sigmas = \"true\""),
        ("DPMSolverMultistepScheduler", r#""num_train_timesteps": 10"#, "two times have the same level"),
        (
            "DPMSolverMultistepScheduler",
            r#""use_karras_sigmas": true, "sigma_min": 0.001, "final_sigmas_type": "sigma_min",
               "algorithm_type": "sde-dpmsolver++""#,
            "a step with noise cannot end above where it starts",
        ),
        ("UniPCMultistepScheduler", r#""num_train_timesteps": 10"#, "two times have the same level"),
        ("UniPCMultistepScheduler", r#""solver_order": 4"#, "solver_order = \"4\""),
        ("UniPCMultistepScheduler", r#""predict_x0": false"#, "predict_x0 = \"false\""),
        ("UniPCMultistepScheduler", r#""use_flow_sigmas": true"#, "use_flow_sigmas = \"true\""),
        ("PNDMScheduler", r#""prediction_type": "sample""#, "prediction_type = \"sample\""),
        ("PNDMScheduler", r#""num_train_timesteps": 12, "steps_offset": 5"#, "steps_offset = 5"),
    ];
    for (class, keys, expected) in table {
        let message = refused(class, keys);
        assert!(message.contains(expected), "{class}, {keys}: {message}");
    }
    assert!(
        config("{}").pndm(3).unwrap_err().to_string().contains("must be at least 4 unless skip_prk_steps")
    );
    assert!(config(r#"{"skip_prk_steps": true}"#).pndm(1).is_ok());
    assert!(
        config(r#"{"use_karras_sigmas": null, "solver_type": null, "variance_type": null}"#).unipc(5).is_ok()
    );
}

/// A scheduler that is not known may still say what another needs; one of flows cannot.
#[test]
fn another_class_takes_the_keys_of_one_that_is_not_known_unless_it_is_of_flows() {
    let unknown = config(r#"{"_class_name": "DPMSolverSDEScheduler", "beta_end": 0.01}"#);
    assert!(unknown.class().unwrap_err().to_string().contains("DPMSolverSDEScheduler"));
    let ddim = unknown.of_class(SchedulerClass::Ddim);
    assert_eq!(
        ddim.schedule().unwrap(),
        config(r#"{"_class_name": "DDIMScheduler", "beta_end": 0.01}"#).schedule().unwrap()
    );
    for class in ["FlowMatchEulerDiscreteScheduler", "LTXEulerAncestralRFScheduler", "SCMScheduler"] {
        let flow = config(&format!(r#"{{"_class_name": "{class}"}}"#));
        let refused = flow.ddim(10, 0.0).unwrap_err().to_string();
        assert!(refused.contains(class) && refused.contains("holds no betas"), "{refused}");
    }
}

#[test]
fn a_variance_type_counts_only_where_ddpm_is_used() {
    let learned = config(r#"{"_class_name": "DDIMScheduler", "variance_type": "learned_range"}"#);
    assert!(learned.variance().is_ok() && learned.sampler::<f64>(10).is_ok());
    let unknown = config(r#"{"_class_name": "DDIMScheduler", "variance_type": "unknown"}"#);
    assert!(unknown.variance().is_ok() && unknown.sampler::<f64>(10).is_ok());
    assert!(unknown.ddpm(10).is_err());
    let (toy, none) = (Toy(PredictionKind::Epsilon), Condition::default());
    let ddpm = learned.ddpm(10).unwrap();
    let mut run = ddpm.run(&toy, batch(), &none, 0);
    let refused = run.next().unwrap().unwrap_err().to_string();
    assert!(refused.contains("the model predicts none"), "{refused}");
}

#[test]
fn as_many_steps_as_nobody_means_are_refused() {
    for (class, steps) in [(SchedulerClass::Euler, 0), (SchedulerClass::Heun, 4_000_000_000)] {
        let refused = config("{}").of_class(class).sampler::<f64>(steps).err().unwrap().to_string();
        assert!(refused.contains("steps = "), "{refused}");
    }
    assert!(
        config(r#"{"steps_offset": 18446744073709551615, "timestep_spacing": "leading"}"#).euler(5).is_err()
    );
}
