use super::*;
use serde_json::json;

#[test]
fn a_config_of_diffusers_is_read_and_written_back() {
    let json = json!({
        "_class_name": "UNet2DModel", "_diffusers_version": "0.0.4", "act_fn": "silu",
        "attention_head_dim": null, "block_out_channels": [128, 256, 256, 256], "downsample_padding": 0,
        "center_input_sample": false, "flip_sin_to_cos": false, "freq_shift": 1, "in_channels": 3,
        "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
        "layers_per_block": 2, "mid_block_scale_factor": 1, "norm_eps": 1e-06, "norm_num_groups": 32,
        "out_channels": 3, "sample_size": 32, "time_embedding_type": "positional"
    });
    let DiffusersConfig { network: config, ignored } = UNetConfig::from_json(json).unwrap();
    assert_eq!((&config, ignored), (&UNetConfig::cifar(), vec![]));
    let written = config.to_json();
    assert_eq!(written["attention_head_dim"], Value::Null);
    assert_eq!(written["freq_shift"], json!(1));
    assert_eq!(written["sample_size"], json!(32));
    assert!(written.get("zero_init_output").is_none());
    assert_eq!(UNetConfig::from_json(written).unwrap().network, config);
}

/// A configuration of [`UNetConfig::cifar`] with more keys, or other values.
fn with(more: Value) -> Value {
    let mut json = UNetConfig::cifar().to_json();
    let (Some(json_keys), Value::Object(more)) = (json.as_object_mut(), more) else { unreachable!() };
    json_keys.extend(more);
    json
}

#[test]
fn keys_of_this_program_and_of_nobody_mean_nothing_in_a_file_of_diffusers() {
    let more = json!({"patch_size": 2, "cross_attention_dim": 8, "zero_init_output": true, "in_chanels": 7});
    let read = UNetConfig::from_json(with(more)).unwrap();
    assert_eq!(read.network, UNetConfig::cifar());
    assert_eq!(read.ignored, ["cross_attention_dim", "in_chanels", "patch_size", "zero_init_output"]);
}

#[test]
fn the_state_of_a_moving_average_is_skipped() {
    let more = json!({
        "decay": 0.9999, "min_decay": 0.0, "optimization_step": 500, "update_after_step": 0,
        "use_ema_warmup": false, "inv_gamma": 1.0, "power": 0.6666666666666666
    });
    let read = UNetConfig::from_json(with(more)).unwrap();
    assert_eq!((read.network, read.ignored), (UNetConfig::cifar(), vec![]));
}

#[test]
fn values_mean_what_they_mean_in_diffusers() {
    let read = |more| UNetConfig::from_json(with(more)).map(|read| read.network);
    let nulls = json!({"downsample_type": null, "upsample_type": null, "sample_size": null});
    assert_eq!(read(nulls).unwrap(), UNetConfig { sample_size: None, ..UNetConfig::cifar() });
    // There, only null is a middle left out.
    assert_eq!(read(json!({"mid_block_type": "none"})).unwrap(), UNetConfig::cifar());
    assert_eq!(read(json!({"mid_block_type": null})).unwrap().mid_block_type, None);
    for key in ["class_embed_type", "attention_head_dim"] {
        assert!(read(json!({key: "none"})).unwrap_err().to_string().starts_with(key));
    }
    let old = json!({"down_block_types": [
        "UNetResDownBlock2D", "UNetResAttnDownBlock2D", "UNetResDownBlock2D", "UNetResDownBlock2D"
    ]});
    assert_eq!(read(old).unwrap(), UNetConfig::cifar());
}

#[test]
fn nothing_survives_a_format_without_null() {
    let config = UNetConfig { mid_block_type: None, ..UNetConfig::cifar() };
    let keys = serde_json::to_value(&config).unwrap();
    assert_eq!((&keys["attention_head_dim"], &keys["mid_block_type"]), (&json!("none"), &json!("none")));
    assert_eq!(serde_json::from_value::<UNetConfig>(keys).unwrap(), config);
}

#[test]
fn bad_keys_and_values_are_named() {
    let error = |json: Value| {
        let json = if json.is_object() { with(json) } else { json };
        UNetConfig::from_json(json).unwrap_err().to_string()
    };
    assert_eq!(
        error(json!({"_class_name": "UNet2DConditionModel"})),
        "_class_name = UNet2DConditionModel: is not supported; UNet2DModel would do"
    );
    assert!(UNetConfig::from_json(json!({"hidden_size": 3})).is_err());
    assert!(error(json!({"in_channels": "three"})).starts_with("in_channels = \"three\": "));
    assert!(error(json!({"attention_head_dim": "many"})).starts_with("attention_head_dim = \"many\": "));
    assert!(error(json!({"resnet_time_scale_shift": "ada_group"})).contains("ada_group"));
    assert!(error(json!([])).contains("must be a JSON object"));
    assert!(error(json!({"time_embedding_type": "fourier"})).starts_with("time_embedding_type"));
}

#[test]
fn files_that_are_missing_or_not_json_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    assert!(UNetConfig::read(&path).unwrap_err().to_string().contains("config.json"));
    std::fs::write(&path, "{\"in_channels\": ").unwrap();
    assert!(UNetConfig::read(&path).unwrap_err().to_string().contains("is not JSON"));
}
