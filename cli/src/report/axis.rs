//! The axes of a chart: from values to places, and where the ticks stand.

/// A range of values along one side of a chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// Whether there is nothing between whole numbers.
    whole: bool,
}

impl Axis {
    /// A logarithmic axis for no values at all.
    pub(super) const DECADE: Axis = Axis { low: 1.0, high: 10.0, log: true, whole: false };

    /// A linear axis from 0 to the last of `values`.
    pub(super) fn span(values: impl Iterator<Item = f64>) -> Option<Axis> {
        let (low, high) = range(values.filter(|v| v.is_finite()))?;
        let low = low.min(0.0);
        Some(Axis { low, high: if high > low { high } else { low + 1.0 }, log: false, whole: false })
    }

    /// A linear axis of whole numbers, with room for half of one beside the first and the last of `values`.
    pub(super) fn counted(values: impl Iterator<Item = f64>) -> Option<Axis> {
        let (low, high) = range(values.filter(|v| v.is_finite()))?;
        Some(Axis { low: low - 0.5, high: high + 0.5, log: false, whole: true })
    }

    /// A linear axis over `values` and 0.
    pub(super) fn linear(values: impl Iterator<Item = f64>) -> Option<Axis> {
        let (low, mut high) = range(values.filter(|v| v.is_finite()))?;
        let low = low.min(0.0);
        // Some room above, so that no curve runs along the edge.
        high = if high > low { high + 0.06 * (high - low) } else { low + low.abs().max(1e-12) };
        Some(Axis { low, high, log: false, whole: false })
    }

    /// A logarithmic axis over the `values` above 0.
    pub(super) fn log(values: impl Iterator<Item = f64>) -> Option<Axis> {
        let (low, high) = range(values.filter(|v| v.is_finite() && *v > 0.0))?;
        // At least a factor of two, so that a flat curve is seen to be flat.
        let spread = (2.0 / (high / low)).max(1.0).sqrt();
        Some(Axis { low: low / spread, high: high * spread, log: true, whole: false })
    }

    /// Where along the axis `value` stands, 0 at its beginning and 1 at its end; `None` off a logarithmic axis.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let place = if self.log {
            (value > 0.0).then(|| (value / self.low).ln() / (self.high / self.low).ln())?
        } else {
            (value - self.low) / (self.high - self.low)
        };
        place.is_finite().then_some(place)
    }

    /// Round values within the axis, about `count` of them.
    pub(super) fn ticks(&self, count: usize) -> Vec<f64> {
        if self.log && self.high > 10.0 * self.low {
            let (low, high) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
            let fine: &[f64] = if high - low <= 3 { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let every = ((high - low) as usize).div_ceil(count + 1).max(1);
            let decades = (low..=high).step_by(every);
            let all = decades.flat_map(|e| fine.iter().map(move |m| m * 10f64.powi(e)));
            return all.filter(|v| (self.low..=self.high).contains(v)).collect();
        }
        let rough = (self.high - self.low) / count.max(1) as f64;
        let unit = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * unit).into_iter().find(|&s| s >= rough).unwrap_or(rough);
        let step = if self.whole { step.max(1.0) } else { step };
        let (first, last) = ((self.low / step).ceil() as i64, (self.high / step + 1e-9).floor() as i64);
        (first..=last).map(|i| i as f64 * step).collect()
    }
}

/// A number as short as it can be labels on an axis.
pub(super) fn label(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_string();
    }
    let trim = |text: String| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    };
    if size >= 1e6 {
        trim(format!("{:.1}", value / 1e6)) + "M"
    } else if size >= 1e4 {
        trim(format!("{:.1}", value / 1e3)) + "k"
    } else if size >= 1e-3 {
        trim(format!("{value:.4}"))
    } else {
        format!("{value:.0e}")
    }
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((f64::min(low, v), f64::max(high, v))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round_and_inside() {
        let ticks = Axis::linear([0.0, 9300.0].into_iter()).map(|axis| axis.ticks(5));
        assert_eq!(ticks, Some(vec![0.0, 2000.0, 4000.0, 6000.0, 8000.0]));
        let ticks = Axis::log([3.0, 7.0].into_iter()).map(|axis| axis.ticks(4));
        assert_eq!(ticks, Some(vec![3.0, 4.0, 5.0, 6.0, 7.0]));
    }

    #[test]
    fn ticks_of_whole_numbers_are_whole() {
        let ticks = |values: &[f64]| Axis::counted(values.iter().copied()).map(|axis| axis.ticks(5));
        assert_eq!(ticks(&[0.0, 1.0]), Some(vec![0.0, 1.0]));
        assert_eq!(ticks(&[3.0]), Some(vec![3.0]));
        assert_eq!(ticks(&[0.0, 63.0]), Some(vec![0.0, 20.0, 40.0, 60.0]));
        assert_eq!(Axis::counted([0.0, 3.0].into_iter()).and_then(|axis| axis.place(0.0)), Some(0.125));
    }

    #[test]
    fn log_ticks() {
        let ticks = Axis::log([0.03, 1.1].into_iter()).map(|axis| axis.ticks(5));
        let expected = [0.05, 0.1, 0.2, 0.5, 1.0];
        let close = |ticks: &Vec<f64>| ticks.iter().zip(expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-12);
        assert!(ticks.as_ref().is_some_and(|ticks| ticks.len() == 5 && close(ticks)), "{ticks:?}");
    }

    #[test]
    fn degenerate_ranges_still_have_places() {
        for axis in
            [Axis::linear([3.0].into_iter()), Axis::linear([0.0].into_iter()), Axis::log([3.0].into_iter())]
        {
            assert!(axis.and_then(|axis| axis.place(3.0)).is_some_and(f64::is_finite));
        }
        assert_eq!(Axis::log([0.0, -1.0, f64::NAN].into_iter()), None);
        assert_eq!(Axis::linear(std::iter::empty()), None);
    }

    #[test]
    fn labels_are_short() {
        let labels = [0.0, 1e-4, 0.0025, 0.1 + 0.2, 3.0, 9000.0, 12000.0, 2.5e6].map(label);
        assert_eq!(labels, ["0", "1e-4", "0.0025", "0.3", "3", "9000", "12k", "2.5M"]);
    }
}
