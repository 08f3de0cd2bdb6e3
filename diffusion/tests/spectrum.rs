//! Radial spectra: the transform, the spectrum of a noisy picture, power laws, and the order in which samplers fix frequencies.

mod common;

use common::{cases, close, ho, schedules};
use proptest::prelude::*;
use std::f64::consts::PI;
use tweedie_diffusion::spectrum::{
    Bands, PowerLaw, crossover, deviations, drowned_from, fixed_from, mean_spectrum, noised,
};
use tweedie_diffusion::{
    Condition, Ddim, Denoiser, Level, Prediction, PredictionKind, Result, Sampler, Schedule, Spacing, Times,
    Timestep,
};
use tweedie_tensor::Tensor;
use tweedie_tensor::random::{self, Purpose, Stream};

fn noise(n: usize, [h, w]: [usize; 2], seed: u64) -> Tensor<f64> {
    random::normal([n, 1, h, w], seed, Purpose::TEST, 0, 0)
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn the_powers_of_a_picture_add_up_to_its_squares(h in 1usize..30, w in 1usize..30, seed: u64) {
        let (bands, x) = (Bands::new(h, w).unwrap(), noise(2, [h, w], seed));
        let squares: f64 = x.as_slice().iter().map(|x| x * x).sum();
        close(bands.power(&x).unwrap().as_slice().iter().sum(), squares, 1e-12, 1.0);
        // And so do the rings, each as often as it has coefficients; none is empty.
        prop_assert_eq!(bands.counts().iter().sum::<usize>(), h * w);
        prop_assert!(bands.counts().iter().all(|&count| count > 0));
        prop_assert!(bands.frequencies().windows(2).all(|pair| pair[0] < pair[1]));
        let spectra = bands.spectra(&x).unwrap();
        let rings = spectra.as_slice().iter().zip(bands.counts().iter().cycle());
        close(rings.map(|(power, &count)| power * count as f64).sum(), squares, 1e-12, 1.0);
    }

    #[test]
    fn a_wave_is_one_frequency(h in 2usize..20, w in 2usize..20, a in 0usize..20, b in 1usize..20, phase in 0.0..6.0) {
        let (a, b) = (a % h, 1 + b % (w - 1));
        // Waves that are their own mirror image have another power.
        prop_assume!(2 * a % h != 0 || 2 * b % w != 0);
        let at = |i: usize| (a * (i / w)) as f64 / h as f64 + (b * (i % w)) as f64 / w as f64;
        let wave = Tensor::from_fn([1, h, w], |i| f64::cos(2.0 * PI * at(i) + phase));
        let power = Bands::new(h, w).unwrap().power(&wave).unwrap();
        for (i, &power) in power.as_slice().iter().enumerate() {
            let place = (i / w, i % w);
            let expected = if place == (a, b) || place == ((h - a) % h, (w - b) % w) { 0.25 * (h * w) as f64 } else { 0.0 };
            close(power, expected, 1e-11, 0.25 * (h * w) as f64);
        }
    }

    #[test]
    fn the_crossover_of_a_power_law_is_where_its_formula_says(alpha in 0.5..3.0, amplitude in 0.01..2.0, log_snr in -8.0..8.0) {
        let law = PowerLaw { alpha, std_error: 0.0, amplitude };
        let frequencies: Vec<f64> = (0..=32).map(|k| f64::from(k) / 64.0).collect();
        let power: Vec<f64> = frequencies.iter().map(|&f| law.power(f)).collect();
        let level = Level::of_log_snr(log_snr);
        let expected = match law.crossover(level) {
            f if f < frequencies[1] => 0.0,
            f => f.min(0.5),
        };
        close(crossover(&frequencies, &power, level), expected, 1e-9, 0.1);
        if expected > 0.0 && expected < 0.5 {
            close(noised(law.power(expected), level), 2.0 * level.noise * level.noise, 1e-9, 1e-12);
        }
    }

    #[test]
    fn an_exact_power_law_is_fitted_exactly(alpha in -1.0..4.0f64, amplitude in 1e-3..1e3f64) {
        let frequencies: Vec<f64> = (0..=16).map(|k| f64::from(k) / 32.0).collect();
        let power: Vec<f64> = frequencies.iter().map(|&f| amplitude * f64::powf(f, -alpha)).collect();
        let law = PowerLaw::fit(&frequencies, &power).unwrap();
        close(law.alpha, alpha, 1e-11, 1.0);
        close(law.amplitude, amplitude, 1e-11, 1e-3);
        prop_assert!(law.std_error < 1e-11);
    }

    #[test]
    fn noise_drowns_more_frequencies_with_every_step(schedule in schedules(), seed: u64) {
        let bands = Bands::new(12, 12).unwrap();
        let spectra = bands.spectra(&noise(1, [12, 12], seed)).unwrap();
        let at = |t| crossover(bands.frequencies(), spectra.as_slice(), schedule.level(t));
        for t in 1..schedule.num_timesteps() {
            prop_assert!(at(t) <= at(t - 1));
        }
        for (&f, &power) in bands.frequencies().iter().zip(spectra.as_slice()).skip(1) {
            let drowned = drowned_from(&schedule, power).unwrap_or(schedule.num_timesteps());
            prop_assert!((0..schedule.num_timesteps()).all(|t| (power * schedule.snr(t) < 1.0) == (t >= drowned)));
            // Nothing above the crossover stands out.
            prop_assert!((0..drowned).all(|t| f <= at(t)));
        }
    }
}

#[test]
fn white_noise_is_flat() {
    for side in [[16, 16], [15, 9]] {
        let bands = Bands::new(side[0], side[1]).unwrap();
        let spectra = bands.spectra(&noise(800, side, 1)).unwrap();
        for (ring, found) in mean_spectrum(&spectra).into_iter().enumerate() {
            let error = found.std_error.unwrap();
            assert!((found.mean - 1.0).abs() < 4.0 * error && error < 0.1, "ring {ring}: {found:?}");
        }
    }
}

#[test]
fn drawn_noisy_pictures_have_the_spectrum_of_the_closed_form() {
    let (side, n) = ([14, 11], 1000);
    let bands = Bands::new(side[0], side[1]).unwrap();
    let picture = noise(1, side, 2);
    let clean = bands.spectra(&picture).unwrap();
    let x0 = Tensor::from_fn([n, 1, side[0], side[1]], |i| 3.0 * picture.as_slice()[i % (side[0] * side[1])]);
    for (schedule, t) in
        [(ho(), 50), (ho(), 400), (ho(), 999), (Schedule::rectified_flow(1000).unwrap(), 300)]
    {
        let x_t = schedule.q_sample(&x0, &vec![t; n], &noise(n, side, 3)).unwrap();
        let found = mean_spectrum(&bands.spectra(&x_t).unwrap());
        for (found, power) in found.into_iter().zip(clean.as_slice()) {
            let expected = noised(9.0 * power, schedule.level(t));
            let error = found.std_error.unwrap();
            assert!((found.mean - expected).abs() < 4.0 * error, "t = {t}: {found:?}, expected {expected}");
        }
    }
}

#[test]
fn pictures_made_by_a_power_law_give_it_back() {
    // Odd sides have no wave that is its own mirror image.
    let side = 25usize;
    let (bands, mut stream) = (Bands::new(side, side).unwrap(), Stream::new(4, Purpose::TEST, 0, 0));
    let turns: Vec<f64> = (0..side).map(|k| 2.0 * PI * k as f64 / side as f64).collect();
    for alpha in [0.0, 1.0, 2.0, 3.0] {
        let mut x = vec![0.0; side * side];
        // One of each pair of mirrored frequencies.
        for u in 0..side {
            for v in (0..=side / 2).filter(|&v| v > 0 || (1..=side / 2).contains(&u)) {
                let f = (u.min(side - u).pow(2) as f64 + (v * v) as f64).sqrt() / side as f64;
                let (size, phase) = (f.powf(-alpha / 2.0), stream.range(0.0, 2.0 * PI));
                for (i, x) in x.iter_mut().enumerate() {
                    *x += size * (turns[(u * (i / side) + v * (i % side)) % side] + phase).cos();
                }
            }
        }
        let spectrum = bands.spectra(&Tensor::from_slice([1, 1, side, side], &x).unwrap()).unwrap();
        let law = PowerLaw::fit(bands.frequencies(), spectrum.as_slice()).unwrap();
        // A ring's mean power is not that of its mean frequency, least of all in the first rings of a steep law.
        assert!((law.alpha - alpha).abs() < 0.06, "{alpha}: {law:?}");
        assert!(law.std_error < 0.03, "{alpha}: {law:?}");
    }
}

#[test]
fn small_and_ill_shaped_pictures() {
    let one = Bands::new(1, 1).unwrap();
    assert_eq!((one.len(), one.frequencies(), one.counts()), (1, &[0.0][..], &[1][..]));
    let x = Tensor::from_fn([2, 3, 1, 1], |i| i as f64);
    assert_eq!(one.spectra(&x).unwrap().as_slice(), [5.0 / 3.0, 50.0 / 3.0]);
    assert!(mean_spectrum(&one.spectra(&x).unwrap())[0].std_error.is_some());
    assert_eq!(mean_spectrum(&one.spectra(&Tensor::<f32>::zeros([1, 1, 1])).unwrap())[0].std_error, None);
    let flat = Bands::new(12, 15).unwrap();
    let spectrum = flat.spectra(&Tensor::full([1, 12, 15], 0.7f64)).unwrap();
    assert_eq!(PowerLaw::fit(flat.frequencies(), spectrum.as_slice()), None);
    assert_eq!(PowerLaw::fit(one.frequencies(), &[1.0]), None);
    assert_eq!(crossover(one.frequencies(), &[1.0], Level::of_log_snr(0.0)), 0.0);
    assert_eq!(one.spectra(&Tensor::<f32>::zeros([0, 3, 1, 1])).unwrap().dims(), [0, 1]);

    assert!(Bands::new(0, 3).unwrap_err().to_string().contains("height = 0"));
    let refused = Bands::new(4, 6).unwrap().spectra(&Tensor::<f32>::zeros([1, 6, 4]));
    assert!(refused.unwrap_err().to_string().contains("4 × 6"));
}

/// The exact denoiser of Gaussian data on a line of places, whose wave number k has power S_k.
struct Wiener<'a> {
    power: &'a dyn Fn(usize) -> f64,
}

impl Denoiser<f64> for Wiener<'_> {
    fn predict(&self, x: &Tensor<f64>, t: &[Timestep], _: &Condition) -> Result<Prediction<f64>> {
        let n = x.dims()[x.rank() - 1];
        let Level { signal: s, noise } = t[0].level();
        let gain = |k: usize| {
            let power = (self.power)(k.min(n - k));
            s * power / (s * s * power + noise * noise)
        };
        // x̂_0 is x convolved with the transform of the gains.
        let kernel: Vec<f64> = (0..n)
            .map(|d| (0..n).map(|k| gain(k) * (2.0 * PI * (k * d % n) as f64 / n as f64).cos()).sum())
            .map(|sum: f64| sum / n as f64)
            .collect();
        let x0 = Tensor::from_fn(*x.shape(), |i| {
            let (row, j) = (i / n, i % n);
            (0..n).map(|m| kernel[(n + j - m) % n] * x.as_slice()[row * n + m]).sum()
        });
        Ok(Prediction::new(PredictionKind::Sample, x0))
    }
}

#[test]
fn a_sampler_paints_coarse_before_fine() {
    let n = 32;
    let bands = Bands::new(1, n).unwrap();
    let schedule = Schedule::cosine(1000).unwrap();
    let times = Times::spaced(&schedule, 100, Spacing::Trailing).unwrap();
    let order = |power: &dyn Fn(usize) -> f64| {
        let sampler = Ddim::new(&times, 0.0).unwrap();
        let (denoiser, condition) = (Wiener { power }, Condition::default());
        let x_t = noise(4, [1, n], 7);
        let path: Vec<Tensor<f64>> =
            sampler.run(&denoiser, x_t, &condition, 0).map(|state| state.unwrap().x0_hat).collect();
        let deviations = deviations(&bands, &path).unwrap();
        assert_eq!((deviations.len(), deviations[0].len()), (100, n / 2 + 1));
        assert!(deviations[99].iter().all(|&off| off == 0.0));
        fixed_from(&deviations, 0.1)
    };
    let natural = order(&|k| 20.0 / ((1 + k * k) as f64));
    assert!(natural.windows(2).all(|pair| pair[0] <= pair[1]), "{natural:?}");
    assert!(natural[n / 2] > natural[0] + 20, "{natural:?}");
    // Where all frequencies have the same power, none comes first.
    let white = order(&|_| 1.0);
    assert!(white.iter().all(|&step| step == white[0]), "{white:?}");
}

#[test]
fn what_changes_late_is_fixed_late() {
    let steps = [vec![0.5, 0.01, 9.0], vec![0.01, 0.5, 0.0], vec![0.02, 0.0, 0.2], vec![0.0, 0.0, 0.0]];
    assert_eq!(fixed_from(&steps, 0.1), [1, 2, 3]);
    assert_eq!(fixed_from(&[], 0.1), [] as [usize; 0]);
    let bands = Bands::new(1, 2).unwrap();
    let path = [[1.0, 1.0], [2.0, 2.0]].map(|x| Tensor::from_slice([1, 1, 2], &x).unwrap());
    assert_eq!(deviations(&bands, &path).unwrap(), [[0.5, 0.0], [0.0, 0.0]]);
}
