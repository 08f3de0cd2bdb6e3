use crate::{Model, Result};
use tweedie_diffusion::purpose;
use tweedie_diffusion::verify::Row;
use tweedie_diffusion::{Clip, Condition, Prediction, PredictionKind, VarianceKind};
use tweedie_tensor::random;
use tweedie_tensor::{Tensor, ops};

/// Pictures that the model predicts from.
const PICTURES: usize = 3;

/// What must hold of any model. Its prediction for a picture depends neither on the other pictures of the batch, nor on
/// their order, nor on earlier passes; converted to any other kind of prediction and back, it is the same; and the term of
/// the bound that follows from it is λ_t ‖ε − ε_θ‖² + C_t.
///
/// # Errors
/// What the model refuses.
pub fn model_rows(model: &Model, seed: u64) -> Result<Vec<Row>> {
    let [c, h, w] = model.shape();
    let last = model.schedule()?.num_timesteps() - 1;
    // The term at index 0 is the decoder's, and the last level may be pure noise.
    let times: [usize; PICTURES] = [1.min(last), last / 2, last.saturating_sub(1)];
    let classes = model.classes().map(|classes| (0..PICTURES).map(|i| i % classes.len()).collect::<Vec<_>>());
    let x0: Tensor<f64> = random::normal([PICTURES, c, h, w], seed, purpose::START, 0, 0);
    let x0 = Clip::At(1.0).apply(x0);
    let noise: Tensor<f64> = random::normal([PICTURES, c, h, w], seed, purpose::NOISE, 0, 0);
    let x_t = model.schedule()?.q_sample(&x0, &times, &noise)?.cast::<f32>();

    let predict = |order: &[usize]| -> Result<Tensor<f32>> {
        let parts: Vec<Tensor<f32>> =
            order.iter().map(|&i| ops::narrow(&x_t, 0, i, 1)).collect::<Result<_, _>>()?;
        let x = ops::concat(&parts.iter().collect::<Vec<_>>(), 0)?;
        let clocks: Vec<f64> = order.iter().map(|&i| times[i] as f64).collect();
        let classes = classes.as_ref().map(|classes| order.iter().map(|&i| classes[i]).collect::<Vec<_>>());
        let captions = model.words().map(|_| vec![Vec::new(); order.len()]);
        model.predict(&x, &clocks, &Condition { classes, captions })
    };
    let differences = |a: &Tensor<f32>, b: &Tensor<f32>| -> Vec<f64> {
        a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| f64::from(a - b)).collect()
    };
    let whole = predict(&[0, 1, 2])?;
    let turned = predict(&[2, 0, 1])?;
    let back = ops::concat(&[&ops::narrow(&turned, 0, 1, 2)?, &ops::narrow(&turned, 0, 0, 1)?], 0)?;
    let largest = whole.as_slice().iter().fold(1.0, |largest: f64, y| largest.max(f64::from(y.abs())));
    let mut alone = Vec::new();
    for i in 0..PICTURES {
        alone.extend(differences(&predict(&[i])?, &ops::narrow(&whole, 0, i, 1)?));
    }
    let mut rows = vec![
        Row::identity(
            "the model, asked twice: largest difference",
            differences(&whole, &predict(&[0, 1, 2])?),
            0.0,
        ),
        Row::identity(
            "the model, another order of the batch: largest difference",
            differences(&whole, &back),
            0.0,
        ),
        Row::identity("the model, one picture at a time: largest difference", alone, 1e-5 * largest),
    ];

    // What follows is arithmetic on its prediction, in f64.
    let (x_t, times) = (x_t.cast::<f64>(), times.as_slice());
    let prediction =
        Prediction::from_output(model.prediction()?, whole.cast::<f64>(), model.learns_variance)?;
    rows.extend(conversions(model, &prediction, &x_t, times)?);
    rows.extend(bound_terms(model, &prediction, &x0, &x_t, times)?);
    Ok(rows)
}

/// From the model's prediction to every other and back, relative to its size.
fn conversions(
    model: &Model,
    prediction: &Prediction<f64>,
    x_t: &Tensor<f64>,
    times: &[usize],
) -> Result<Vec<Row>> {
    let schedule = model.schedule()?;
    let at = schedule.timesteps_at(times)?;
    let kinds = [PredictionKind::Epsilon, PredictionKind::Sample, PredictionKind::V, PredictionKind::Score];
    let others = kinds.into_iter().filter(|kind| *kind != prediction.kind);
    others
        .map(|kind| {
            let there = Prediction::new(kind, prediction.convert(kind, x_t, &at)?);
            let back = there.convert(prediction.kind, x_t, &at)?;
            let each = x_t.numel() / times.len();
            let deviations = back.as_slice().iter().zip(prediction.value.as_slice()).enumerate().map(
                |(i, (back, there))| {
                    let ratio = schedule.snr(times[i / each]).sqrt();
                    (back - there) / (1.0 + there.abs()) / (ratio + 1.0 / ratio)
                },
            );
            let name = format!("the model's {} to {kind} and back: largest deviation", prediction.kind);
            Ok(Row::identity(name, deviations, 1e-11))
        })
        .collect()
}

/// KL(q(x_{t−1} | x_t, x_0) ‖ p_θ) of the first picture, from the two normals, against λ_t ‖ε − ε_θ‖² + d C_t.
fn bound_terms(
    model: &Model,
    prediction: &Prediction<f64>,
    x0: &Tensor<f64>,
    x_t: &Tensor<f64>,
    times: &[usize],
) -> Result<Vec<Row>> {
    let schedule = model.schedule()?;
    let at = schedule.timesteps_at(times)?;
    // With a fixed variance, whether or not the model has its own.
    let prediction = &Prediction::new(prediction.kind, prediction.value.clone());
    let epsilon_hat = prediction.epsilon(x_t, &at)?;
    // x_t was rounded: the noise that is in it, not the one that was drawn.
    let epsilon = Prediction::new(PredictionKind::Sample, x0.clone()).epsilon(x_t, &at)?;
    let q = schedule.q_posterior(x0, x_t, times)?;
    let each = x0.numel() / times.len();
    let mut rows = Vec::new();
    for (name, kind) in [("σ² = β", VarianceKind::FixedLarge), ("σ² = β̃", VarianceKind::FixedSmall)] {
        let p = schedule.p_mean_variance(prediction, x_t, times, kind, Clip::Off)?;
        for (i, &t) in times.iter().enumerate().filter(|(_, t)| **t > 0) {
            let square = |a: &Tensor<f64>, b: &Tensor<f64>| -> f64 {
                let part = |x: &Tensor<f64>| x.as_slice()[i * each..][..each].to_vec();
                part(a).iter().zip(part(b)).map(|(a, b)| (a - b) * (a - b)).sum()
            };
            let (small, variance) = (q.variance[i], p.variance[i]);
            let spreads = each as f64 * ((variance / small).ln() + small / variance - 1.0);
            let expected = 0.5 * (spreads + square(&q.mean, &p.mean) / variance);
            let constant = each as f64 * schedule.step(t).kl_constant(variance);
            let actual = schedule.lambda(t, kind) * square(&epsilon, &epsilon_hat) + constant;
            // The means are close to each other; their difference loses digits.
            rows.push(Row::relative(
                format!("the model's L_{}, {name}, nats: λ_t ‖ε − ε_θ‖² + d C_t", t),
                expected,
                actual,
                1e-6,
            ));
        }
    }
    Ok(rows)
}
