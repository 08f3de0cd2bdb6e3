//! Sampling and editing as iterators: how they are watched, left and finished.

use tweedie_diffusion::{Condition, PredictionKind, Schedule};
use tweedie_nn::unet::SampleSize;
use tweedie_nn::{Builder, Network, NetworkConfig, UNetConfig};
use tweedie_tensor::Tensor;
use tweedie_train::model::edit::{self, Resampling};
use tweedie_train::{Model, SampleRequest};

/// A network with random weights, or with weights that are no numbers.
fn model(finite: bool) -> Model {
    let unet = UNetConfig {
        sample_size: Some(SampleSize::Square(8)),
        block_out_channels: vec![8, 8, 8],
        norm_num_groups: 4,
        attention_head_dim: Some(8),
        zero_init_output: false,
        ..UNetConfig::small()
    };
    let config = NetworkConfig::from(unet);
    let builder = Builder::new();
    Network::new(&config, &builder).unwrap();
    let mut params = builder.draw(1);
    if !finite {
        params.values_mut()[0].as_mut_slice()[0] = f32::NAN;
    }
    Model::new(config, params, Schedule::cosine(100).unwrap(), PredictionKind::V).unwrap()
}

fn request(model: &Model, n: usize) -> SampleRequest {
    let mut sampling = model.sampling().unwrap();
    sampling.steps = 4;
    SampleRequest::new(n, Condition::default(), 7, sampling)
}

#[test]
fn a_run_yields_every_step_and_the_share_that_is_done() {
    let model = model(true);
    let mut painting = model.sample(&request(&model, 2)).unwrap();
    assert_eq!((painting.steps(), painting.share()), (4, 0.0));
    let mut last = None;
    for step in 1..=4 {
        last = Some(painting.next().unwrap().unwrap());
        assert_eq!((painting.steps_taken(), painting.share()), (step, step as f64 / 4.0));
    }
    assert!(painting.next().is_none());
    assert_eq!(painting.finish().unwrap().as_slice(), last.unwrap().x.as_slice());
}

#[test]
fn finishing_takes_the_steps_that_are_left() {
    let model = model(true);
    let whole = model.sample(&request(&model, 2)).unwrap().finish().unwrap();
    let mut begun = model.sample(&request(&model, 2)).unwrap();
    assert!(begun.by_ref().take(2).all(|state| state.is_ok()));
    assert_eq!(begun.finish().unwrap().as_slice(), whole.as_slice());
}

#[test]
fn batches_paint_the_pictures_of_the_whole() {
    let model = model(true);
    let whole = model.sample(&request(&model, 3)).unwrap().finish().unwrap();
    let mut values = Vec::new();
    for i in 0..3 {
        let part = request(&model, 3).part(i..i + 1);
        values.extend_from_slice(model.sample(&part.unwrap()).unwrap().finish().unwrap().as_slice());
    }
    assert_eq!(values, whole.as_slice());
}

#[test]
fn an_output_that_is_not_finite_ends_a_run() {
    let model = model(false);
    let mut painting = model.sample(&request(&model, 1)).unwrap();
    let error = painting.next().unwrap().err().unwrap().user_error();
    assert!(error.what.contains("not finite") && error.place.contains("conv_in"), "{error}");
    assert!(painting.next().is_none());
    assert!(painting.finish().is_err());
}

#[test]
fn edits_are_runs_too() {
    let model = model(true);
    let request = request(&model, 2);
    let picture = Tensor::from_fn([1, 8, 8], |i| (i % 5) as f32 / 4.0 - 0.5);
    let unchanged = edit::vary(&model, &request, &picture, 0.0).unwrap();
    assert_eq!((unchanged.steps(), unchanged.share()), (0, 1.0));
    assert_eq!(unchanged.finish().unwrap().as_slice(), picture.as_slice().repeat(2));
    assert_eq!(edit::vary(&model, &request, &picture, 0.5).unwrap().count(), 2);

    let left: Vec<bool> = (0..64).map(|i| i % 8 < 4).collect();
    let resampling = Resampling { jump: 1, times: 2 };
    let filled = edit::inpaint(&model, &request, &picture, &left, resampling).unwrap();
    assert_eq!(filled.steps(), 7);
    let filled = filled.finish().unwrap();
    for (i, x) in filled.as_slice().iter().enumerate().filter(|(i, _)| !left[i % 64]) {
        assert_eq!(*x, picture.as_slice()[i % 64]);
    }

    let pictures = filled.clone();
    let x_t = edit::invert(&model, &request, &pictures, 3).unwrap().finish().unwrap();
    let back = edit::reconstruct(&model, &request, &x_t).unwrap();
    assert_eq!(back.count(), 4);
}
