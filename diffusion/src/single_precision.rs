//! Tables as diffusers computes them: in f32 and in torch's order of operations, so that they agree to a unit or few
//! in the last place. A model trained there has seen these ᾱ, and not those of exact arithmetic.

/// torch's `linspace`: from both ends to the middle, each element rounded once.
pub(crate) fn linspace(start: f64, end: f64, steps: usize) -> Vec<f32> {
    let (start, end) = (start as f32, end as f32);
    let step = (end - start) / steps.saturating_sub(1).max(1) as f32;
    let element = |i: usize| match i < steps / 2 || steps == 1 {
        true => step.mul_add(i as f32, start),
        false => step.mul_add(-((steps - 1 - i) as f32), end),
    };
    (0..steps).map(element).collect()
}

/// ᾱ of given β. torch keeps the running product in f64.
pub(crate) fn alphas_cumprod(betas: &[f32]) -> Vec<f32> {
    let mut product = 1.0;
    let factor = |beta: &f32| {
        product *= f64::from(1.0 - beta);
        product as f32
    };
    betas.iter().map(factor).collect()
}

/// β after rescaling to zero terminal SNR (Lin et al. 2024, algorithm 1).
pub(crate) fn with_zero_terminal_snr(betas: &[f32]) -> Vec<f32> {
    let roots: Vec<f32> = alphas_cumprod(betas).into_iter().map(f32::sqrt).collect();
    let (Some(&first), Some(&last)) = (roots.first(), roots.last()) else { return vec![] };
    let scale = first / (first - last);
    let squares: Vec<f32> = roots
        .iter()
        .map(|root| {
            let root = (root - last) * scale;
            root * root
        })
        .collect();
    let ratios = squares.windows(2).map(|pair| pair[1] / pair[0]);
    squares.first().copied().into_iter().chain(ratios).map(|alpha| 1.0 - alpha).collect()
}
