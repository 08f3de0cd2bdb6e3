//! The forward process: how x_0 drowns in noise, x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε (Ho et al. 2020, eq. 4), and why there is a
//! root in each of its steps.

use std::error::Error;
use tweedie::prelude::*;

const NOISE: Purpose = Purpose::new(128);
const N: usize = 5000;

fn main() -> Result<(), Box<dyn Error>> {
    let schedule = Schedule::linear(1000, 1e-4, 0.02)?;
    // Data of one number: −1 or 1 with equal odds.
    let x0 = Tensor::from_fn([N, 1], |i| if i % 2 == 0 { -1.0f32 } else { 1.0 });
    let noise = random::normal([N, 1], 0, NOISE, 0, 0);

    println!("   t   √ᾱ_t  √(1−ᾱ_t)  ln SNR   x_t from −2.5 to 2.5");
    for t in [0, 50, 150, 250, 400, 600, 999] {
        let x_t = schedule.q_sample(&x0, &vec![t; N], &noise)?;
        let level = schedule.level(t);
        let (signal, sigma, log_snr) = (level.signal, level.noise, schedule.log_snr(t));
        println!("{t:>4}  {signal:.3}     {sigma:.3}  {log_snr:>6.2}   {}", histogram(&x_t));
        // Its variance stays that of the data, 1: what the signal loses the noise gains.
        assert!((x_t.square().mean() - 1.0).abs() < 0.08);
    }

    // One draw for any t is what t + 1 small steps x ← √(1−β) x + √β z come to. Without the root, with the mean (1−β) x that
    // popular notes print, the signal dies twice as fast and the variance does not stay 1.
    let mut with_root = x0.clone();
    let mut without = x0.clone();
    for (t, &beta) in schedule.betas().iter().enumerate() {
        let z = random::normal([N, 1], 0, NOISE, 1 + t as u64, 0) * beta.sqrt();
        with_root = with_root * (1.0 - beta).sqrt() + &z;
        without = without * (1.0 - beta) + &z;
    }
    let [with_root, without] = [with_root, without].map(|x| x.square().mean());
    println!(
        "\nvariance after 1000 steps: {with_root:.3} with the root, {without:.3} without (0.504924 in closed form)"
    );
    assert!((with_root - 1.0).abs() < 0.08 && (without - 0.504_924).abs() < 0.05);
    Ok(())
}

/// How the numbers lie between −2.5 and 2.5.
fn histogram(x: &Tensor) -> String {
    let mut counts = [0usize; 50];
    for x in x.as_slice() {
        let bin = (x + 2.5) * 10.0;
        if (0.0..50.0).contains(&bin) {
            counts[bin as usize] += 1;
        }
    }
    let bars = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    // The root, so that tails show beside peaks.
    let height = |count: usize| ((count as f64 / N as f64 * 8.0).sqrt() * 8.0).min(8.0) as usize;
    counts.iter().map(|&count| bars[height(count)]).collect()
}
