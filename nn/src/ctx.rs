use crate::Params;
use crate::purpose;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tweedie_autograd::{Error, ParamId, Result, Tape, Var, checkpoint};
use tweedie_tensor::random;
use tweedie_tensor::{Element, Precision, Tensor};

/// In dropout, the low bits of a stream's number that count samples; the bits above count layers.
const DROPOUT_SAMPLES: u32 = 24;

/// The context of a forward pass: the parameters, and the tape if the pass is to be differentiated.
///
/// It shares the parameters' tensors. Drop it, and every variable made with it, before the optimizer's step, or
/// that step must copy what it writes.
#[derive(Clone)]
pub struct Ctx<T: Element = f32> {
    params: Rc<Params<T>>,
    tape: Option<Tape<T>>,
    recompute: bool,
    precision: Precision,
    attention: Option<AttentionMaps<T>>,
    /// The first layer whose output was not finite, where outputs are checked.
    broken: Option<Rc<Cell<Option<ParamId>>>>,
    dropout: Option<DropoutNoise>,
}

/// The address of dropout's masks among all random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DropoutNoise {
    seed: u64,
    step: u64,
    first: u64,
}

/// The attention weights kept so far.
type AttentionMaps<T> = Rc<RefCell<Vec<Tensor<T>>>>;

impl<T: Element> Ctx<T> {
    /// For inference: parameters are constants, and nothing is recorded.
    pub fn inference(params: &Params<T>) -> Ctx<T> {
        Ctx {
            params: Rc::new(params.clone()),
            tape: None,
            recompute: false,
            precision: Precision::F32,
            attention: None,
            broken: None,
            dropout: None,
        }
    }

    /// For training: parameters are recorded on `tape`.
    pub fn training(params: &Params<T>, tape: &Tape<T>) -> Ctx<T> {
        Ctx { tape: Some(tape.clone()), ..Ctx::inference(params) }
    }

    /// Turns dropout on; without this, layers with dropout pass everything. The masks are a function of the seed, the step,
    /// the layer, and each sample's number, which counts from `first`.
    pub fn with_dropout(self, seed: u64, step: u64, first: u64) -> Ctx<T> {
        Ctx { dropout: Some(DropoutNoise { seed, step, first }), ..self }
    }

    /// x \[n, …\] with each number set to 0 with probability `share`, and the others divided by 1 − `share`, so that the
    /// mean stays (Srivastava et al. 2014). `layer` is a parameter of the layer that calls this: each layer has its own masks.
    ///
    /// # Errors
    /// As [`Var::mul`].
    pub fn dropout(&self, x: Var<T>, layer: ParamId, share: f64) -> Result<Var<T>> {
        let Some(DropoutNoise { seed, step, first }) = self.dropout.filter(|_| share > 0.0) else {
            return Ok(x);
        };
        let sample = ((layer.0 as u64) << DROPOUT_SAMPLES) + first;
        let (zero, one) = (T::from_f64(0.0), T::from_f64(1.0));
        let mut mask = random::uniform(*x.shape(), seed, purpose::DROPOUT, step, sample, zero, one);
        let (share, kept) = (T::from_f64(share), T::from_f64(1.0 / (1.0 - share)));
        for number in mask.as_mut_slice() {
            *number = if *number < share { zero } else { kept };
        }
        x.mul(Var::constant(mask))
    }

    /// Whether blocks run a second time in the backward pass instead of keeping what it reads: about a third more time
    /// for a fraction of the memory.
    pub fn with_recompute(self, recompute: bool) -> Ctx<T> {
        Ctx { recompute, ..self }
    }

    /// Precision of the operands of linear layers' products, in the forward pass and in the gradients. Without this,
    /// as they are.
    pub fn with_precision(self, precision: Precision) -> Ctx<T> {
        Ctx { precision, ..self }
    }

    /// Precision of the operands of linear layers' products.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Keeps the weights of every cross-attention. Without this, they are never in memory as a whole.
    pub fn with_attention_maps(self) -> Ctx<T> {
        Ctx { attention: Some(Rc::default()), ..self }
    }

    /// The weights kept so far: for each cross-attention, in the order of the pass, a tensor \[n, tokens, h, w\], the mean
    /// over its heads. At each pixel they sum to 1 over the tokens.
    pub fn take_attention_maps(&self) -> Vec<Tensor<T>> {
        self.attention.as_ref().map(|maps| maps.take()).unwrap_or_default()
    }

    /// Keeps the weights that `map` computes, if attention maps are kept.
    pub(crate) fn keep_attention_map(&self, map: impl FnOnce() -> Result<Tensor<T>>) -> Result<()> {
        if let Some(maps) = &self.attention {
            maps.borrow_mut().push(map()?);
        }
        Ok(())
    }

    /// Checks the output of every layer with weights for infinities and NaN, at the cost of a pass over each output.
    pub fn watching(self) -> Ctx<T> {
        Ctx { broken: Some(Rc::default()), ..self }
    }

    /// The name of the first layer whose output was not finite, the prefix of its parameters; `None` if there was none,
    /// or outputs are not checked.
    pub fn first_not_finite(&self) -> Option<&str> {
        let name = self.params.name(self.broken.as_ref()?.get()?);
        Some(name.rsplit_once('.').map_or(name, |(layer, _)| layer))
    }

    /// Records the layer with this weight if its output `y` is the first that is not finite.
    pub(crate) fn watch(&self, weight: ParamId, y: Var<T>) -> Var<T> {
        if let Some(broken) = &self.broken
            && broken.get().is_none()
            && !y.value().all_finite()
        {
            broken.set(Some(weight));
        }
        y
    }

    /// The tape, if there is one.
    pub fn tape(&self) -> Option<&Tape<T>> {
        self.tape.as_ref()
    }

    /// The parameters.
    pub fn params(&self) -> &Params<T> {
        &self.params
    }

    /// A parameter as a variable: on the tape if there is one, a constant if not.
    pub fn param(&self, id: ParamId) -> Var<T> {
        let value = self.params.get(id);
        match &self.tape {
            Some(tape) => tape.param(id, value),
            None => Var::constant(value.clone()),
        }
    }

    /// Runs `part` of a network, which takes its parameters from its own context. With
    /// [`Ctx::with_recompute`], only the inputs are kept for the backward pass.
    ///
    /// # Errors
    /// What `part` refuses; as [`tweedie_autograd::checkpoint`].
    pub fn checkpoint<const N: usize>(
        &self,
        inputs: [Var<T>; N],
        part: impl Fn(&Ctx<T>, [Var<T>; N]) -> Result<Var<T>> + 'static,
    ) -> Result<Var<T>> {
        match &self.tape {
            Some(tape) if self.recompute => {
                // The tape keeps the closure, so the closure must not keep the tape.
                let params = Rc::clone(&self.params);
                let (dropout, precision) = (self.dropout, self.precision);
                checkpoint(tape, inputs.into(), move |tape, inputs| {
                    let inputs = inputs.try_into().map_err(|_| Error::NoOperand { op: "checkpoint" })?;
                    let ctx = Ctx {
                        params: Rc::clone(&params),
                        tape: Some(tape.clone()),
                        recompute: false,
                        precision,
                        attention: None,
                        broken: None,
                        dropout,
                    };
                    part(&ctx, inputs)
                })
            }
            _ => part(self, inputs),
        }
    }
}

/// A map from one variable to one variable.
pub trait Layer {
    /// Runs the layer.
    ///
    /// # Errors
    /// An input of the wrong shape.
    fn forward<T: Element>(&self, ctx: &Ctx<T>, x: Var<T>) -> Result<Var<T>>;
}
