//! The list of a network's layers, held against closed forms and against what a plan says of the same network.

use tweedie_nn::trace::{Trace, TracedLayer};
use tweedie_nn::{Builder, MlpConfig, Network, NetworkConfig};
use tweedie_train::data::{self, DataOptions, Split};
use tweedie_train::measure::bench;
use tweedie_train::{Config, PRESETS, plan};

/// A preset on pictures that it is meant for, with their shape.
fn preset(name: &str) -> (Config, [usize; 3]) {
    let source = match name {
        "digits" | "transformer" | "small" => "glyphs",
        "captions" => "scenes",
        _ => "shapes",
    };
    let mut config = Config::preset(name).unwrap();
    config.data.source = source.to_string();
    let source = data::open(source, Split::Train, &DataOptions::default()).unwrap();
    (config.resolved(&*source), source.shape())
}

fn traced(model: &NetworkConfig, shape: [usize; 3]) -> Trace {
    model.trace(shape).unwrap()
}

fn product(shape: &[usize]) -> u64 {
    shape.iter().product::<usize>() as u64
}

/// The work of a layer from its weight and the shape of its result, for one sample.
fn closed_form(layer: &TracedLayer, layers: &[TracedLayer]) -> u64 {
    let weight = layer.tensors.iter().find(|tensor| tensor.name.ends_with(".weight"));
    let of = |layer: usize| &layers[layer].output;
    match (&layer.kind[..], weight.map(|weight| &weight.shape[..])) {
        // Keys and values of [channels, places], a query at each place of the result.
        ("attention", None) => {
            let keys = of(*layer.inputs.last().unwrap());
            4 * product(&layer.output) * product(&keys[1..])
        }
        ("token_attention", None) => 4 * product(&layer.output) * layer.output[0] as u64,
        ("conv2d" | "conv2d_onto", Some(&[_, inputs, kh, kw])) => {
            2 * product(&layer.output) * (inputs * kh * kw) as u64
        }
        // At every pixel, a convolution of 1×1; on tokens, a product.
        ("conv2d" | "linear" | "matmul" | "modulated_linear" | "gelu_linear", Some(&[_, inputs])) => {
            2 * product(&layer.output) * inputs as u64
        }
        (kind, _) => {
            let free = ["group_norm", "layer_norm", "gather", "concat", "upsample", "avg_pool", "add"];
            assert!(free.iter().any(|name| kind.starts_with(name)), "{kind} of {}", layer.name);
            0
        }
    }
}

#[test]
fn every_preset_is_listed_whole() {
    let presets = PRESETS.into_iter().map(|name| {
        let (config, shape) = preset(name);
        (name, config.model, shape)
    });
    let points = ("points", NetworkConfig::from(MlpConfig::default()), [2, 1, 1]);
    for (name, model, shape) in presets.chain([points]) {
        let builder = Builder::new();
        Network::new(&model, &builder).unwrap();
        let found = traced(&model, shape);
        let layers = &found.layers;
        assert_eq!(found.parameters, builder.numel(), "{name}");
        assert_eq!(layers.iter().map(|layer| layer.parameters).sum::<usize>(), builder.numel(), "{name}");
        assert_eq!(found.unused, Vec::<String>::new(), "{name}");
        let mut names: Vec<&String> =
            layers.iter().flat_map(|layer| &layer.tensors).map(|tensor| &tensor.name).collect();
        names.sort();
        let mut all: Vec<String> = builder.specs().into_iter().map(|spec| spec.name).collect();
        all.sort();
        assert!(names.into_iter().eq(&all), "{name}: each parameter in one layer");
        for (index, layer) in layers.iter().enumerate() {
            assert_eq!(layer.flops, closed_form(layer, layers), "{name}: {} {}", layer.name, layer.kind);
            assert!(
                layer.inputs.iter().all(|&input| input < layers.len() && input != index),
                "{}",
                layer.name
            );
        }
        let by_block =
            |of: fn(&tweedie_nn::trace::TracedBlock) -> u64| found.blocks.iter().map(of).sum::<u64>();
        assert_eq!(by_block(|block| block.parameters as u64), builder.numel() as u64);
        assert_eq!(
            (by_block(|block| block.flops), by_block(|block| block.saved_bytes)),
            (found.flops, found.saved_bytes)
        );
    }
}

#[test]
fn convolutions_are_those_that_are_measured() {
    for name in ["small", "cifar"] {
        let (config, shape) = preset(name);
        let tweedie_nn::network::Backbone::UNet(unet) = &config.model.backbone else { panic!("{name}") };
        let closed: u64 = bench::layers(unet, shape[1], 1)
            .unwrap()
            .into_iter()
            .map(|(layer, count)| layer.flops() * count as u64)
            .sum();
        let found = traced(&config.model, shape);
        let has_a_window = |layer: &&TracedLayer| layer.tensors.iter().any(|tensor| tensor.shape.len() == 4);
        assert_eq!(
            found.layers.iter().filter(has_a_window).map(|layer| layer.flops).sum::<u64>(),
            closed,
            "{name}"
        );
    }
}

#[test]
fn work_and_memory_are_those_of_a_plan() {
    for name in PRESETS {
        let (mut config, shape) = preset(name);
        let batch = 16;
        config.train.batch = batch;
        config.train.shards = 1;
        let found = traced(&config.model, shape);
        let cost = plan::training(&config, shape, batch, 0).unwrap();
        assert_eq!(cost.parameters, found.parameters);
        // Backward, a product has two of its size; attention five where forward has two.
        let attention: u64 = found
            .layers
            .iter()
            .filter(|layer| layer.kind.contains("attention"))
            .map(|layer| layer.flops)
            .sum();
        let most = (3 * found.flops + attention / 2) as f64 * batch as f64;
        let share = cost.flops / most;
        // Of points, most layers read codes of coordinates and times, which want no gradient.
        let least = if name == "plane" { 0.65 } else { 0.97 };
        assert!((least..=1.0).contains(&share), "{name}: {share}");
        let share = (found.saved_bytes * batch as u64) as f64 / cost.activations as f64;
        println!("{name}: {share} of {} MiB", cost.activations >> 20);
        assert!((0.8..1.05).contains(&share), "{name}: {share}");
    }
}
