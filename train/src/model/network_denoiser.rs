use tweedie_autograd::Var;
use tweedie_diffusion::{Condition, Denoiser, Error, Prediction, PredictionKind, Result, Timestep};
use tweedie_nn::{Ctx, Inputs, Params};
use tweedie_tensor::{Element, Tensor};

/// Any network as a [`Denoiser`]: its weights, what it predicts, and its forward pass.
///
/// The pass is a function of a context, pictures (or points) x_t, and what the network is told of them: the clock values of
/// their times, their classes and captions.
///
/// ```
/// use tweedie_diffusion::{Condition, Denoiser, PredictionKind, Schedule};
/// use tweedie_nn::{Builder, Layer, layers::Linear};
/// use tweedie_tensor::Tensor;
/// use tweedie_train::NetworkDenoiser;
///
/// let builder = Builder::new();
/// let layer = Linear::new(&builder, 2, 2);
/// let denoiser = NetworkDenoiser::new(PredictionKind::Epsilon, &builder.draw(0), |ctx, x, _| layer.forward(ctx, x));
/// let t = Schedule::cosine(100)?.timesteps_at(&[50, 60, 70])?;
/// let prediction = denoiser.predict(&Tensor::zeros([3, 2]), &t, &Condition::default())?;
/// assert_eq!(prediction.value.dims(), [3, 2]);
/// # Ok::<(), tweedie_diffusion::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct NetworkDenoiser<T: Element, F> {
    kind: PredictionKind,
    learns_variance: bool,
    params: Params<T>,
    pass: F,
}

impl<T: Element, F> NetworkDenoiser<T, F> {
    /// The network with these weights. It shares them: an optimizer's step after this copies what it writes.
    pub fn new<E>(kind: PredictionKind, params: &Params<T>, pass: F) -> NetworkDenoiser<T, F>
    where
        F: Fn(&Ctx<T>, Var<T>, Inputs<'_>) -> Result<Var<T>, E>,
    {
        NetworkDenoiser { kind, learns_variance: false, params: params.clone(), pass }
    }

    /// The same, where the second half of the output's channels says the variance ([`Prediction::range`]).
    #[must_use]
    pub fn learning_variance(self) -> NetworkDenoiser<T, F> {
        NetworkDenoiser { learns_variance: true, ..self }
    }
}

impl<T, F, E> Denoiser<T> for NetworkDenoiser<T, F>
where
    T: Element,
    F: Fn(&Ctx<T>, Var<T>, Inputs<'_>) -> Result<Var<T>, E>,
    E: std::error::Error + Send + Sync + 'static,
{
    fn predict(&self, x_t: &Tensor<T>, t: &[Timestep], condition: &Condition) -> Result<Prediction<T>> {
        let timesteps: Vec<f64> = t.iter().map(Timestep::clock).collect();
        let Condition { classes, captions } = condition;
        let inputs =
            Inputs { timesteps: &timesteps, classes: classes.as_deref(), captions: captions.as_deref() };
        let output = (self.pass)(&Ctx::inference(&self.params), Var::constant(x_t.clone()), inputs)
            .map_err(|error| Error::Denoiser(Box::new(error)))?;
        Prediction::from_output(self.kind, output.into_value(), self.learns_variance)
    }
}
