use super::{Answer, linear};
use tweedie_diffusion::{
    Clip, Condition, Ddim, Denoiser, GaussianDenoiser, Guided, Level, Prediction, PredictionKind, Sampler,
    Spacing, Times, Timestep, denoiser_fn,
};
use tweedie_tensor::Tensor;

pub(crate) const ANSWERS: &[Answer] = &[
    ("diffusion.product", product),
    ("diffusion.mean", mean),
    ("diffusion.deviation", deviation),
    ("diffusion.clipped", clipped),
    ("diffusion.recomputed", recomputed),
];

/// N(1, ¼) where a class is asked for, else N(0, 1); guided with w = 2.
fn guided() -> impl Denoiser<f64> {
    let [of_class, of_all] = [(1.0, 0.25), (0.0, 1.0)]
        .map(|(mean, variance)| GaussianDenoiser::new(Tensor::full([1], mean), variance).unwrap());
    let either = denoiser_fn(move |x: &Tensor<f64>, t: &[Timestep], asked: &Condition| {
        if asked.is_none() { of_all.predict(x, t, asked) } else { of_class.predict(x, t, asked) }
    });
    Guided::new(either, Condition::default(), 2.0)
}

fn class() -> Condition {
    Condition::of_classes(vec![0])
}

/// Where the guided score is 0, as good as without noise: it is a straight line.
fn product() -> f64 {
    let time = [Timestep::new(0.0, Level { signal: 1.0, noise: 1e-4 })];
    let [at_0, at_1] = [0.0, 1.0].map(|x| {
        let x = Tensor::full([1, 1], x);
        let prediction = guided().predict(&x, &time, &class()).unwrap();
        prediction.convert(PredictionKind::Score, &x, &time).unwrap().as_slice()[0]
    });
    at_0 / (at_0 - at_1)
}

/// What a thousand steps of DDIM make of a start.
fn painted(start: f64) -> f64 {
    let times = Times::spaced(&linear(), 1000, Spacing::Trailing).unwrap();
    let x = Tensor::full([1, 1], start);
    Ddim::new(&times, 0.0).unwrap().last(&guided(), x, &class(), 0).unwrap().as_slice()[0]
}

fn mean() -> f64 {
    painted(0.0)
}

/// Each step is linear in x.
fn deviation() -> f64 {
    painted(1.0) - painted(0.0)
}

/// A step from x_t = 1 with x̂_0 = 1.5, clipped to 1.
fn step(epsilon_from_clipped: bool) -> f64 {
    let [from, to] =
        [(0.6, 0.8), (0.8, 0.6)].map(|(signal, noise)| Timestep::new(0.0, Level { signal, noise }));
    let times = Times::through(&[from], to).unwrap();
    let ddim = Ddim::new(&times, 0.0).unwrap().clip(Clip::At(1.0)).epsilon_from_clipped(epsilon_from_clipped);
    let bold = denoiser_fn(|x: &Tensor<f64>, _: &[Timestep], _: &Condition| {
        Ok(Prediction::new(PredictionKind::Sample, Tensor::full(*x.shape(), 1.5)))
    });
    ddim.last(&bold, Tensor::full([1, 1], 1.0), &Condition::default(), 0).unwrap().as_slice()[0]
}

fn clipped() -> f64 {
    step(false)
}

fn recomputed() -> f64 {
    step(true)
}
