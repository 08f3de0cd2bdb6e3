//! Group normalisation as its formulas are written.

use crate::Number;
use crate::ops::statistics::statistics;
use crate::simd::group_norm::Group;

/// y ← the group normalised, scaled, shifted and activated. Returns the mean and 1 / √(variance + ε).
pub(crate) fn normalise(group: &Group<'_, f64>, eps: f64, y: &mut [f64]) -> (f64, f64) {
    let (mean, rstd) = statistics(group.x, eps);
    for (gamma, beta, range) in group.channels() {
        for (y, x) in y[range.clone()].iter_mut().zip(&group.x[range]) {
            let z = (x - mean) * rstd * gamma + beta;
            *y = if group.silu { z * z.sigmoid() } else { z };
        }
    }
    (mean, rstd)
}

/// dx, which holds dy, ← the gradient of the group's x; with `onto`, `onto` ← `onto` + that. Each channel's Σ dz and Σ dz x̂ are
/// written to `sums`.
pub(crate) fn differentiate(
    group: &Group<'_, f64>,
    (mean, rstd): (f64, f64),
    dx: &mut [f64],
    onto: Option<&mut [f64]>,
    sums: &mut [[f64; 2]],
) {
    let (mut sum_dz, mut sum_dz_x) = (0.0, 0.0);
    for ((gamma, beta, range), sums) in group.channels().zip(sums) {
        *sums = [0.0; 2];
        for (dz, x) in dx[range.clone()].iter_mut().zip(&group.x[range]) {
            let normalised = (x - mean) * rstd;
            if group.silu {
                *dz *= (gamma * normalised + beta).silu_slope();
            }
            sums[0] += *dz;
            sums[1] += *dz * normalised;
        }
        sum_dz += gamma * sums[0];
        sum_dz_x += gamma * sums[1];
    }
    let m = group.x.len() as f64;
    for (gamma, _, range) in group.channels() {
        for (dz, x) in dx[range.clone()].iter_mut().zip(&group.x[range]) {
            *dz = rstd * (gamma * *dz - sum_dz / m - (x - mean) * rstd * sum_dz_x / m);
        }
    }
    if let Some(onto) = onto {
        onto.iter_mut().zip(dx).for_each(|(onto, dx)| *onto += *dx);
    }
}
