use super::pieces::Target;
use crate::simd::vectorized;
use crate::{Element, Result, Shape, Tensor};

/// A function of one number, applied to each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unary {
    /// −x.
    Neg,
    /// e^x.
    Exp,
    /// Natural logarithm.
    Ln,
    /// √x.
    Sqrt,
    /// x².
    Square,
    /// 1/x.
    Recip,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Hyperbolic tangent.
    Tanh,
    /// σ(x) = 1 / (1 + e^−x).
    Sigmoid,
    /// x σ(x), also called swish (Elfwing et al. 2018).
    Silu,
    /// x Φ(x) with the exact normal distribution function Φ (Hendrycks, Gimpel 2016).
    Gelu,
    /// ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))), the approximation of [`Unary::Gelu`] that Hendrycks and Gimpel give.
    GeluTanh,
    /// max(x, 0).
    Relu,
    /// |x|.
    Abs,
}

/// What the backward pass of an operation reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The input.
    Input,
    /// The output, so that the input can be overwritten or freed.
    Output,
    /// Neither.
    Nothing,
}

impl Unary {
    /// What methods call it.
    pub fn name(self) -> &'static str {
        match self {
            Unary::Neg => "neg",
            Unary::Exp => "exp",
            Unary::Ln => "ln",
            Unary::Sqrt => "sqrt",
            Unary::Square => "square",
            Unary::Recip => "recip",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Tanh => "tanh",
            Unary::Sigmoid => "sigmoid",
            Unary::Silu => "silu",
            Unary::Gelu => "gelu",
            Unary::GeluTanh => "gelu_tanh",
            Unary::Relu => "relu",
            Unary::Abs => "abs",
        }
    }

    /// All functions, for tests.
    pub const ALL: [Unary; 15] = [
        Unary::Neg,
        Unary::Exp,
        Unary::Ln,
        Unary::Sqrt,
        Unary::Square,
        Unary::Recip,
        Unary::Sin,
        Unary::Cos,
        Unary::Tanh,
        Unary::Sigmoid,
        Unary::Silu,
        Unary::Gelu,
        Unary::GeluTanh,
        Unary::Relu,
        Unary::Abs,
    ];

    /// What [`unary_backward`] takes as `saved`.
    pub fn backward_reads(self) -> Reads {
        match self {
            Unary::Neg => Reads::Nothing,
            Unary::Exp | Unary::Sqrt | Unary::Recip | Unary::Tanh | Unary::Sigmoid | Unary::Relu => {
                Reads::Output
            }
            Unary::Ln | Unary::Square | Unary::Sin | Unary::Cos => Reads::Input,
            Unary::Silu | Unary::Gelu | Unary::GeluTanh | Unary::Abs => Reads::Input,
        }
    }
}

/// f(x) for each element, in x's own memory if no other tensor shares it.
pub fn unary<T: Element>(x: Tensor<T>, f: Unary) -> Tensor<T> {
    match f {
        Unary::Neg => map(x, |x| -x),
        Unary::Exp => map(
            x,
            #[inline(always)]
            |x| x.exp(),
        ),
        Unary::Ln => map(x, T::ln),
        Unary::Sqrt => map(x, T::sqrt),
        Unary::Square => map(x, |x| x * x),
        Unary::Recip => map(x, |x| T::ONE / x),
        Unary::Sin => map(x, T::sin),
        Unary::Cos => map(x, T::cos),
        Unary::Tanh => map(
            x,
            #[inline(always)]
            |x| x.tanh(),
        ),
        Unary::Sigmoid => map(
            x,
            #[inline(always)]
            |x| x.sigmoid(),
        ),
        Unary::Silu => map(
            x,
            #[inline(always)]
            |x| x * x.sigmoid(),
        ),
        Unary::Gelu => map(
            x,
            #[inline(always)]
            |x| x * normal_cdf(x),
        ),
        Unary::GeluTanh => map(
            x,
            #[inline(always)]
            |x| gelu_tanh(x),
        ),
        Unary::Relu => map(x, |x| if x < T::ZERO { T::ZERO } else { x }),
        Unary::Abs => map(x, T::abs),
    }
}

/// The gradient of f's input: f′(x) · dy, in dy's own memory if no other tensor shares it.
///
/// `saved` is what [`Unary::backward_reads`] names: the input x or the output y = f(x); if nothing, any tensor of dy's
/// shape. At 0, Relu and Abs have gradient 0.
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) when `saved` and `dy` differ in shape.
pub fn unary_backward<T: Element>(f: Unary, saved: &Tensor<T>, dy: Tensor<T>) -> Result<Tensor<T>> {
    let why = "what was saved and the gradient must have the same shape";
    Shape::check_same("unary_backward", saved.shape(), dy.shape(), why)?;
    Ok(match f {
        Unary::Neg => map(dy, |dy| -dy),
        Unary::Exp => zip_map(dy, saved, |dy, y| dy * y),
        Unary::Ln => zip_map(dy, saved, |dy, x| dy / x),
        Unary::Sqrt => zip_map(dy, saved, |dy, y| dy / (y + y)),
        Unary::Square => zip_map(dy, saved, |dy, x| dy * (x + x)),
        Unary::Recip => zip_map(dy, saved, |dy, y| -dy * y * y),
        Unary::Sin => zip_map(dy, saved, |dy, x| dy * x.cos()),
        Unary::Cos => zip_map(dy, saved, |dy, x| -dy * x.sin()),
        Unary::Tanh => zip_map(dy, saved, |dy, y| dy * (T::ONE - y * y)),
        Unary::Sigmoid => zip_map(dy, saved, |dy, y| dy * y * (T::ONE - y)),
        Unary::Silu => zip_map(
            dy,
            saved,
            #[inline(always)]
            |dy, x| dy * x.silu_slope(),
        ),
        Unary::Gelu => zip_map(
            dy,
            saved,
            #[inline(always)]
            |dy, x| dy * x.mul_add(normal_density(x), normal_cdf(x)),
        ),
        Unary::GeluTanh => zip_map(
            dy,
            saved,
            #[inline(always)]
            |dy, x| dy * gelu_tanh_slope(x),
        ),
        Unary::Relu => zip_map(dy, saved, |dy, y| if y > T::ZERO { dy } else { T::ZERO }),
        Unary::Abs => zip_map(dy, saved, |dy, x| dy * sign(x)),
    })
}

/// `scale · x`, in place if nobody shares x.
pub fn scale<T: Element>(x: Tensor<T>, scale: f64) -> Tensor<T> {
    let scale = T::from_f64(scale);
    map(x, |x| x * scale)
}

/// `x + shift`, in place if nobody shares x.
pub fn add_scalar<T: Element>(x: Tensor<T>, shift: f64) -> Tensor<T> {
    let shift = T::from_f64(shift);
    map(x, |x| x + shift)
}

/// `scale · x + shift` with one rounding, in place if nobody shares x.
pub fn affine<T: Element>(x: Tensor<T>, scale: f64, shift: f64) -> Tensor<T> {
    let (scale, shift) = (T::from_f64(scale), T::from_f64(shift));
    map(
        x,
        #[inline(always)]
        |x| x.mul_add(scale, shift),
    )
}

/// Φ(x) = ½ (1 + erf(x / √2)).
#[inline(always)]
fn normal_cdf<T: Element>(x: T) -> T {
    let half = T::from_f64(0.5);
    half * ((x * T::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf() + T::ONE)
}

/// φ(x) = e^(−x²/2) / √(2π).
#[inline(always)]
fn normal_density<T: Element>(x: T) -> T {
    const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
    T::from_f64(INV_SQRT_TAU) * (T::from_f64(-0.5) * x * x).exp()
}

const ROOT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;
const CUBIC: f64 = 0.044_715;

/// ½ (1 + tanh u) = σ(2u) for u = √(2/π) (x + 0.044715 x³): nearly Φ(x).
#[inline(always)]
fn logistic_cdf<T: Element>(x: T) -> T {
    let cubic = T::from_f64(2.0 * ROOT_2_OVER_PI * CUBIC);
    (x * (x * x).mul_add(cubic, T::from_f64(2.0 * ROOT_2_OVER_PI))).sigmoid()
}

/// x σ(2u).
#[inline(always)]
pub(super) fn gelu_tanh<T: Element>(x: T) -> T {
    x * logistic_cdf(x)
}

/// The derivative of [`gelu_tanh`].
#[inline(always)]
pub(super) fn gelu_tanh_slope<T: Element>(x: T) -> T {
    let cdf = logistic_cdf(x);
    let slope = T::from_f64(6.0 * ROOT_2_OVER_PI * CUBIC);
    let slope = (x * x).mul_add(slope, T::from_f64(2.0 * ROOT_2_OVER_PI));
    (x * (T::ONE - cdf)).mul_add(slope, T::ONE) * cdf
}

fn sign<T: Element>(x: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x < T::ZERO {
        -T::ONE
    } else {
        x
    }
}

fn map<T: Element>(x: Tensor<T>, f: impl Fn(T) -> T + Sync) -> Tensor<T> {
    Target::reuse(x).update(|_, block| {
        vectorized(
            #[inline(always)]
            || {
                for x in block.iter_mut() {
                    *x = f(*x);
                }
            },
        );
    })
}

/// f(a, b) for each pair, in a's memory if nobody shares it. The shapes are equal.
fn zip_map<T: Element>(a: Tensor<T>, b: &Tensor<T>, f: impl Fn(T, T) -> T + Sync) -> Tensor<T> {
    let b = b.as_slice();
    Target::reuse(a).update(|start, block| {
        vectorized(
            #[inline(always)]
            || {
                for (a, &b) in block.iter_mut().zip(&b[start..]) {
                    *a = f(*a, b);
                }
            },
        );
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{assert_close, values};

    fn oracle(f: Unary, x: f64) -> f64 {
        match f {
            Unary::Neg => -x,
            Unary::Exp => x.exp(),
            Unary::Ln => x.ln(),
            Unary::Sqrt => x.sqrt(),
            Unary::Square => x * x,
            Unary::Recip => 1.0 / x,
            Unary::Sin => x.sin(),
            Unary::Cos => x.cos(),
            Unary::Tanh => x.tanh(),
            Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Unary::Silu => x / (1.0 + (-x).exp()),
            Unary::Gelu => x * 0.5 * (1.0 + libm::erf(x / 2f64.sqrt())),
            Unary::GeluTanh => {
                0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
            }
            Unary::Relu => x.max(0.0),
            Unary::Abs => x.abs(),
        }
    }

    /// Away from poles and kinks.
    fn inputs(f: Unary, shape: [usize; 2]) -> Tensor<f64> {
        let x = values(shape, 1);
        match f {
            Unary::Ln | Unary::Sqrt | Unary::Recip => affine(unary(x, Unary::Abs), 1.0, 0.3),
            Unary::Relu | Unary::Abs => Tensor::from_fn(shape, |i| {
                let x = x.as_slice()[i];
                if x.abs() < 0.01 { 0.5 } else { x }
            }),
            _ => x,
        }
    }

    #[test]
    fn every_function_and_its_slope() {
        for f in Unary::ALL {
            for shape in [[1, 1], [3, 7], [0, 2], [31, 1201]] {
                let x = inputs(f, shape);
                let dy = values(shape, 2);
                let expected: Vec<f64> = x.as_slice().iter().map(|&x| oracle(f, x)).collect();
                let y = unary(x.clone(), f);
                assert_close(y.as_slice(), &expected, 1e-13);
                assert_close(unary(x.cast::<f32>(), f).cast::<f64>().as_slice(), &expected, 1e-5);
                let saved = if f.backward_reads() == Reads::Output { &y } else { &x };
                let dx = unary_backward(f, saved, dy.clone()).unwrap();
                let h = 1e-5;
                let slopes: Vec<f64> = (x.as_slice().iter().zip(dy.as_slice()))
                    .map(|(&x, &dy)| dy * (oracle(f, x + h) - oracle(f, x - h)) / (2.0 * h))
                    .collect();
                assert_close(dx.as_slice(), &slopes, 1e-6);
            }
        }
    }

    #[test]
    fn memory_is_reused_only_when_nobody_else_sees_it() {
        let x = Tensor::<f32>::full([5], 2.0);
        let at = x.as_slice().as_ptr();
        let other = x.clone();
        let y = unary(x, Unary::Square);
        assert_ne!(y.as_slice().as_ptr(), at);
        assert_eq!(other.as_slice(), [2.0; 5]);
        let y = affine(other, 3.0, 1.0);
        assert_eq!((y.as_slice().as_ptr(), y.as_slice()[4]), (at, 7.0));
        assert_eq!(add_scalar(scale(y, 2.0), 1.0).as_slice(), [15.0; 5]);
    }

    #[test]
    fn functions_of_extreme_numbers_stay_finite() {
        let x = Tensor::from_slice([4], &[-1e4f32, -90.0, 90.0, 1e4]).unwrap();
        assert!(unary(x.clone(), Unary::Silu).all_finite());
        let dx = unary_backward(Unary::Silu, &x, Tensor::full([4], 1.0)).unwrap();
        assert_eq!(dx.as_slice(), [0.0, 0.0, 1.0, 1.0]);
        assert!(unary(Tensor::scalar(f32::NAN), Unary::Relu).item().unwrap().is_nan());
    }
}
