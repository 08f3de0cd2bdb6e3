//! Group normalisation of f32, one group of channels at a time: it is read from memory once, and then from the L1 cache.

use super::group::Group;
use crate::simd::Isa;
use crate::simd::exp::sigmoid;
use crate::simd::sums::{RUN, each_vector, fold, sum};
use crate::simd::vector::{MAX_PARTS, Vector, on_isa};

/// y ← the group's x normalised, scaled, shifted and activated. Returns the mean and 1 / √(variance + ε).
pub(crate) fn normalise(isa: Isa, group: &Group<'_, f32>, eps: f64, y: &mut [f32]) -> (f32, f32) {
    on_isa!(isa, normalise_group(group, eps, y))
}

/// dx, which holds dy, ← the gradient of the group's x; with `onto`, `onto` ← `onto` + that, and what dx holds is undefined. Each
/// channel's Σ dz and Σ dz x̂ are written to `sums`.
pub(crate) fn differentiate(
    isa: Isa,
    group: &Group<'_, f32>,
    (mean, rstd): (f32, f32),
    dx: &mut [f32],
    onto: Option<&mut [f32]>,
    sums: &mut [[f64; 2]],
) {
    on_isa!(isa, differentiate_group(group, (mean, rstd), dx, onto, sums));
}

#[inline(always)]
fn normalise_group<L: Vector<W>, const W: usize>(
    group: &Group<'_, f32>,
    eps: f64,
    y: &mut [f32],
) -> (f32, f32) {
    let (mean, rstd) = statistics::<L, W>(group.x, eps);
    for (gamma, beta, range) in group.channels() {
        let (x, y) = (&group.x[range.clone()], &mut y[range]);
        each_vector::<W>(
            x.len(),
            #[inline(always)]
            |_, at| {
                let x = L::load_some(&x[at.clone()]);
                let z = x.sub(L::splat(mean)).mul_add(rstd * gamma, L::splat(beta));
                let y_of_z = if group.silu { z.mul(sigmoid::<L, W>(z)) } else { z };
                y_of_z.store_some(&mut y[at]);
            },
        );
    }
    (mean, rstd)
}

#[inline(always)]
fn differentiate_group<L: Vector<W>, const W: usize>(
    group: &Group<'_, f32>,
    (mean, rstd): (f32, f32),
    dx: &mut [f32],
    mut onto: Option<&mut [f32]>,
    sums: &mut [[f64; 2]],
) {
    let (mut sum_dz, mut sum_dz_x) = (0.0, 0.0);
    for ((gamma, beta, range), sums) in group.channels().zip(sums) {
        *sums = [0.0; 2];
        for start in range.clone().step_by(RUN) {
            let run = start..range.end.min(start + RUN);
            let (x, dz) = (&group.x[run.clone()], &mut dx[run]);
            let (mut ones, mut products) = ([L::zero(); MAX_PARTS], [L::zero(); MAX_PARTS]);
            each_vector::<W>(
                x.len(),
                #[inline(always)]
                |part, at| {
                    let centred = L::load_some(&x[at.clone()]).sub(L::splat(mean));
                    let mut d = L::load_some(&dz[at.clone()]);
                    if group.silu {
                        d = d.mul(silu_slope::<L, W>(centred.mul_add(rstd * gamma, L::splat(beta))));
                        d.store_some(&mut dz[at]);
                    }
                    ones[part] = ones[part].add(d);
                    products[part] = d.product_add(centred.scale(rstd), products[part]);
                },
            );
            sums[0] += fold::<L, W>(ones);
            sums[1] += fold::<L, W>(products);
        }
        sum_dz += f64::from(gamma) * sums[0];
        sum_dz_x += f64::from(gamma) * sums[1];
    }
    let m = group.x.len() as f64;
    let (a, b) = ((sum_dz / m) as f32, (sum_dz_x / m) as f32);
    for (gamma, _, range) in group.channels() {
        let (x, dz) = (&group.x[range.clone()], &mut dx[range.clone()]);
        let mut onto = onto.as_deref_mut().map(|onto| &mut onto[range]);
        each_vector::<W>(
            x.len(),
            #[inline(always)]
            |_, at| {
                let normalised = L::load_some(&x[at.clone()]).sub(L::splat(mean)).scale(rstd);
                let dz_scaled = L::load_some(&dz[at.clone()]).mul_add(gamma, L::splat(-a));
                let dx = normalised.mul_add(-b, dz_scaled).scale(rstd);
                match &mut onto {
                    Some(onto) => L::load_some(&onto[at.clone()]).add(dx).store_some(&mut onto[at]),
                    None => dx.store_some(&mut dz[at]),
                }
            },
        );
    }
}

/// Mean and 1 / √(variance + ε), in two passes, so that the variance loses nothing to cancellation.
#[inline(always)]
fn statistics<L: Vector<W>, const W: usize>(x: &[f32], eps: f64) -> (f32, f32) {
    let n = x.len() as f64;
    let sum_of_x = sum::<L, W>(
        x,
        #[inline(always)]
        |sum, x| sum.add(L::load_some(x)),
    );
    let mean = (sum_of_x / n) as f32;
    let squares = sum::<L, W>(
        x,
        #[inline(always)]
        |sum, x| {
            // Lanes beyond the numbers are zeros and have to stay zeros.
            let centred = L::load_some(x).sub(L::load_some(&[mean; W][..x.len()]));
            centred.product_add(centred, sum)
        },
    );
    (mean, (1.0 / (squares / n + eps).sqrt()) as f32)
}

/// d/dz z σ(z) = σ(z) (1 + z (1 − σ(z))).
#[inline(always)]
fn silu_slope<L: Vector<W>, const W: usize>(z: L) -> L {
    let one = L::splat(1.0);
    let s = sigmoid::<L, W>(z);
    s.mul(z.product_add(one.sub(s), one))
}
