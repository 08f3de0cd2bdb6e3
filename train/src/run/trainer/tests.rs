use super::*;
use crate::config::{GradientPrecision, ProductPrecision, Recompute};
use tweedie_nn::caption::CaptionConfig;
use tweedie_nn::{NetworkConfig, TransformerConfig, UNetConfig};

/// A network of 8 × 8 pictures with classes, attention and dropout.
fn unet() -> NetworkConfig {
    UNetConfig { dropout: 0.2, num_class_embeds: Some(3), ..UNetConfig::plain(&[16, 32]) }.into()
}

fn trainer(model: NetworkConfig, shards: usize, recompute: Recompute) -> Trainer {
    let mut config = Config { model, ..Config::default() };
    (config.train.shards, config.train.recompute) = (shards, recompute);
    (config.train.label_dropout, config.optimizer.warmup) = (0.3, 0);
    config.train.class_conditional = config.model.backbone.num_class_embeds().is_some();
    config.data.classes = vec!["light".into(), "dark".into()];
    Trainer::new(config).unwrap()
}

fn batch() -> Batch {
    let x = random::normal([16, 1, 8, 8], 7, crate::purpose::GUIDANCE, 0, 0);
    Batch {
        labels: (0..16).map(|i| i % 2).collect(),
        captions: (0..16).map(|i| vec![i % 3 + 1; i % 4]).collect(),
        ..Batch::of(x)
    }
}

fn bits(set: &GradientSet) -> Vec<Option<Vec<u32>>> {
    let numbers = |x: &tweedie_tensor::Tensor| x.as_slice().iter().map(|x| x.to_bits()).collect();
    set.iter().map(|gradient| gradient.as_ref().map(numbers)).collect()
}

/// The sum over some shards by the definition of the tree, each leaf computed alone.
fn naive(trainer: &Trainer, draws: &[TimestepDraw], leaves: &[Range<usize>]) -> GradientSet {
    match leaves {
        [leaf] => {
            let samples = Samples { place: leaf.clone(), first: leaf.start };
            let (gradients, _) = trainer.shard_gradient(&batch(), draws, &samples, |_, _| {}).unwrap();
            trainer.params().collect(gradients)
        }
        _ => {
            let (left, right) = leaves.split_at(leaves.len() / 2);
            shards::added(naive(trainer, draws, left), naive(trainer, draws, right), GradientPrecision::F32)
                .unwrap()
        }
    }
}

#[test]
fn shards_give_the_sum_of_their_leaves_and_the_gradient_of_the_batch() {
    let whole = trainer(unet(), 1, Recompute::None).gradient(&batch()).unwrap();
    for cut in [1, 2, 4, 8] {
        let trainer = trainer(unet(), cut, Recompute::None);
        let found = trainer.gradient(&batch()).unwrap();
        let leaves: Vec<_> = shards::ranges(16, cut).unwrap().collect();
        let sum = shards::mean(naive(&trainer, &found.draws, &leaves), cut);
        assert_eq!(bits(&found.gradients), bits(&sum), "{cut} shards");
        // Each sample sees its own time, noise, class and dropout, in whichever shard it is.
        assert_eq!(found.draws, whole.draws);
        for (a, b) in found.losses.iter().zip(&whole.losses) {
            assert!((a - b).abs() < 1e-5 * b.abs(), "{cut} shards: {a} and {b}");
        }
        let scale = whole.grad_norm;
        for (a, b) in found.gradients.iter().flatten().zip(whole.gradients.iter().flatten()) {
            for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
                assert!(f64::from((a - b).abs()) < 1e-5 * scale, "{cut} shards: {a} and {b}");
            }
        }
    }
}

#[test]
fn samples_of_unequal_importance_weigh_the_same_in_any_shards() {
    let aware = |shards| {
        let mut config = Config { model: unet(), ..Config::default() };
        config.diffusion.timestep_sampling = tweedie_diffusion::TimestepSampling::LossAware;
        (config.diffusion.timesteps, config.train.shards) = (4, shards);
        config.data.classes = vec!["light".into(), "dark".into()];
        let mut trainer = Trainer::new(config).unwrap();
        // Until each of the four times has its ten losses.
        (0..8).for_each(|_| drop(trainer.step(&batch()).unwrap()));
        trainer
    };
    let weighed = |found: &BatchGradient| -> f64 {
        let losses = found.losses.iter().zip(&found.draws);
        losses.map(|(loss, draw)| loss * draw.importance).sum::<f64>() / 16.0
    };
    for cut in [1, 2, 4] {
        let trainer = aware(cut);
        let found = trainer.gradient(&batch()).unwrap();
        let importance: Vec<f64> = found.draws.iter().map(|draw| draw.importance).collect();
        assert!(importance.iter().any(|&one| (one / importance[0] - 1.0).abs() > 0.01), "{importance:?}");
        let leaves: Vec<_> = shards::ranges(16, cut).unwrap().collect();
        let sum = shards::mean(naive(&trainer, &found.draws, &leaves), cut);
        assert_eq!(bits(&found.gradients), bits(&sum), "{cut} shards");
        assert_eq!(found.loss, weighed(&found), "{cut} shards");
        // The same weights in one shard.
        let mut whole = trainer;
        whole.config.train.shards = 1;
        let whole = whole.gradient(&batch()).unwrap();
        for (a, b) in found.gradients.iter().flatten().zip(whole.gradients.iter().flatten()) {
            for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
                assert!(f64::from((a - b).abs()) < 1e-5 * whole.grad_norm, "{cut} shards: {a} and {b}");
            }
        }
    }
}

#[test]
fn recomputed_blocks_and_any_number_of_threads_give_the_same_weights() {
    let caption = CaptionConfig { vocabulary: 4, length: 4, ..CaptionConfig::default() };
    let reads = UNetConfig { cross_attention_dim: Some(caption.width), ..UNetConfig::plain(&[16, 32]) };
    let captioned = NetworkConfig { caption: Some(caption), ..reads.into() };
    let tokens = TransformerConfig {
        in_channels: 1,
        out_channels: 1,
        patch_size: 2,
        hidden_size: 32,
        depth: 2,
        num_heads: 2,
        ..TransformerConfig::default()
    };
    let mut kinds = vec![(unet(), ProductPrecision::F32), (captioned, ProductPrecision::F32)];
    kinds.extend(
        [ProductPrecision::F32, ProductPrecision::Bf16].map(|precision| (tokens.clone().into(), precision)),
    );
    let mut digests = Vec::new();
    for (model, precision) in kinds {
        let digest = |recompute, threads| {
            let mut trainer = trainer(model.clone(), 2, recompute);
            trainer.config.train.precision = precision;
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| (0..2).for_each(|_| drop(trainer.step(&batch()).unwrap())));
            trainer.digest()
        };
        let kept = digest(Recompute::None, 1);
        for threads in [1, 2] {
            assert_eq!(
                digest(Recompute::Blocks, threads),
                kept,
                "{threads} threads, {precision:?}, {model:?}"
            );
        }
        digests.push(kept);
    }
    // The same network learns otherwise in another precision.
    assert_ne!(digests[2], digests[3]);
}
