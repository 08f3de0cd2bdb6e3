//! Folders of diffusers: what describes a model in JSON.

use super::scratch::{Scratch, check_error};
use std::collections::BTreeMap;
use tweedie_diffusion::Condition;
use tweedie_nn::weights::write_safetensors;
use tweedie_nn::{Builder, Network, Params, UNetConfig};
use tweedie_tensor::Tensor;
use tweedie_train::{Model, SampleRequest};

/// The most numbers that are made for a model's weights.
const MOST: usize = 1 << 16;

/// Three files, between which a byte stands that is in no text: `model_index.json`, the network's `config.json` and the
/// scheduler's. The weights are such as the network has, where it is small.
pub fn diffusers(input: &[u8]) {
    let mut texts = input.splitn(3, |&byte| byte == 0xff);
    let folder = Scratch::new();
    let mut put = |name: &str| {
        let text = texts.next().unwrap_or_default();
        if !text.is_empty() {
            folder.put(name, text);
        }
    };
    put("model_index.json");
    put("unet/config.json");
    put("scheduler/scheduler_config.json");
    let builder = Builder::new();
    if let Ok(config) = UNetConfig::read(&folder.path().join("unet/config.json"))
        && Network::new(&config.network.into(), &builder).is_ok()
        && builder.numel() <= MOST
    {
        let params = Params::from_specs(&builder.specs(), |_, spec| Tensor::<f32>::zeros(spec.shape));
        let tensors: Vec<_> = params.iter().collect();
        let weights = folder.path().join("unet/diffusion_pytorch_model.safetensors");
        write_safetensors(&weights, &tensors, &BTreeMap::new()).expect("room");
    }
    let place = folder.path().to_str().expect("plain names");
    let model = match Model::open(folder.path(), true) {
        Ok(model) => model,
        Err(error) => return check_error(&error.to_string(), place),
    };
    let asked = model.sampling().and_then(|mut sampling| {
        assert!(sampling.steps > 0);
        sampling.steps = 1;
        // Nothing is painted before the request is asked for pictures.
        model.sample(&SampleRequest::new(1, Condition::default(), 0, sampling)).map(drop)
    });
    if let Err(error) = asked {
        check_error(&error.to_string(), ": ");
    }
}
