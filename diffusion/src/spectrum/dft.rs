//! The orthonormal DFT of any length in O(n log n): powers of two by Cooley and Tukey (1965), other lengths as a
//! convolution of such a length (Bluestein 1970). Twiddles come from this workspace's own sine and cosine, so that the bits
//! do not depend on the machine.

use std::f64::consts::PI;
use std::ops::{Add, Mul, Sub};
use tweedie_tensor::Number;

/// A complex number.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    /// e^{iφ}.
    fn turn(phi: f64) -> Complex {
        Complex { re: Number::cos(phi), im: Number::sin(phi) }
    }

    fn conjugate(self) -> Complex {
        Complex { im: -self.im, ..self }
    }

    fn scaled(self, factor: f64) -> Complex {
        Complex { re: self.re * factor, im: self.im * factor }
    }

    /// |z|².
    pub(super) fn norm_squared(self) -> f64 {
        self.re * self.re + self.im * self.im
    }
}

impl Add for Complex {
    type Output = Complex;
    fn add(self, other: Complex) -> Complex {
        Complex { re: self.re + other.re, im: self.im + other.im }
    }
}

impl Sub for Complex {
    type Output = Complex;
    fn sub(self, other: Complex) -> Complex {
        Complex { re: self.re - other.re, im: self.im - other.im }
    }
}

impl Mul for Complex {
    type Output = Complex;
    fn mul(self, other: Complex) -> Complex {
        Complex { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }
}

/// A transform of one length.
#[derive(Debug, Clone)]
pub(super) struct Dft {
    length: usize,
    plan: Plan,
}

#[derive(Debug, Clone)]
enum Plan {
    Radix2(Radix2),
    Bluestein {
        /// e^{−iπ k²/n}.
        chirp: Vec<Complex>,
        /// The transform of the chirp's conjugate, wrapped around; with it goes the scale of the way back.
        kernel: Vec<Complex>,
        inner: Radix2,
    },
}

impl Dft {
    /// The transform of `length` numbers, at least one.
    pub(super) fn new(length: usize) -> Dft {
        if length.is_power_of_two() {
            return Dft { length, plan: Plan::Radix2(Radix2::new(length)) };
        }
        // k² is reduced modulo 2n, the period of the chirp, before it becomes an angle.
        let angle = |k: usize| PI * ((k as u128 * k as u128) % (2 * length as u128)) as f64 / length as f64;
        let chirp: Vec<Complex> = (0..length).map(|k| Complex::turn(-angle(k))).collect();
        let wide = (2 * length - 1).next_power_of_two();
        let inner = Radix2::new(wide);
        let mut kernel = vec![Complex::default(); wide];
        for (k, value) in chirp.iter().enumerate() {
            let value = value.conjugate().scaled(1.0 / wide as f64);
            kernel[k] = value;
            kernel[(wide - k) % wide] = value;
        }
        inner.run(&mut kernel);
        Dft { length, plan: Plan::Bluestein { chirp, kernel, inner } }
    }

    /// X_k = n^{−1/2} Σ_j x_j e^{−2πi jk/n}, in place.
    pub(super) fn run(&self, x: &mut [Complex]) {
        match &self.plan {
            Plan::Radix2(radix2) => radix2.run(x),
            Plan::Bluestein { chirp, kernel, inner } => {
                let mut wide = vec![Complex::default(); kernel.len()];
                for ((out, &x), &turn) in wide.iter_mut().zip(x.iter()).zip(chirp) {
                    *out = x * turn;
                }
                inner.run(&mut wide);
                // The way back is the way there between two conjugations.
                for (value, &factor) in wide.iter_mut().zip(kernel) {
                    *value = (*value * factor).conjugate();
                }
                inner.run(&mut wide);
                for ((out, value), &turn) in x.iter_mut().zip(wide).zip(chirp) {
                    *out = value.conjugate() * turn;
                }
            }
        }
        let scale = 1.0 / (self.length as f64).sqrt();
        x.iter_mut().for_each(|value| *value = value.scaled(scale));
    }
}

/// The plain transform of a power of two, without a scale.
#[derive(Debug, Clone)]
struct Radix2 {
    /// e^{−2πi k/n} for the first half of k.
    twiddles: Vec<Complex>,
}

impl Radix2 {
    fn new(length: usize) -> Radix2 {
        let angle = |k: usize| -2.0 * PI * k as f64 / length as f64;
        Radix2 { twiddles: (0..length / 2).map(|k| Complex::turn(angle(k))).collect() }
    }

    fn run(&self, x: &mut [Complex]) {
        let n = x.len();
        if n < 2 {
            return;
        }
        let bits = n.trailing_zeros();
        for i in 0..n {
            let j = i.reverse_bits() >> (usize::BITS - bits);
            if i < j {
                x.swap(i, j);
            }
        }
        let mut half = 1;
        while half < n {
            let stride = n / (2 * half);
            for block in x.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let turned = *b * self.twiddles[k * stride];
                    (*a, *b) = (*a + turned, *a - turned);
                }
            }
            half *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tweedie_tensor::random::{self, Purpose};

    #[test]
    fn every_length_is_the_sum_of_the_definition() {
        for n in (1..40).chain([64, 97, 100, 128]) {
            let numbers = random::normal::<f64>([2 * n], 3, Purpose::TEST, n as u64, 0);
            let x: Vec<Complex> =
                numbers.as_slice().chunks(2).map(|pair| Complex { re: pair[0], im: pair[1] }).collect();
            let mut fast = x.clone();
            Dft::new(n).run(&mut fast);
            for (k, fast) in fast.iter().enumerate() {
                let turn = |j: usize| Complex::turn(-2.0 * PI * ((j * k) % n) as f64 / n as f64);
                let sum = x.iter().enumerate().fold(Complex::default(), |sum, (j, &x)| sum + x * turn(j));
                let error = (*fast - sum.scaled(1.0 / (n as f64).sqrt())).norm_squared().sqrt();
                assert!(error < 1e-13, "n = {n}, k = {k}: off by {error:e}");
            }
        }
    }
}
