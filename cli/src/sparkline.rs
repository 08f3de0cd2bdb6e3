//! Curves of one line of text.

/// The levels of a curve, the lowest first.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How heights of a curve follow its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// In proportion.
    Linear,
    /// By their logarithms; values that are not above 0 are left out.
    Log,
}

/// The values, in order, as a curve of at most `columns` characters between its lowest and its highest value: where there are
/// more values than columns, each column is the mean of its share. Values that are not finite leave a gap.
pub(crate) fn sparkline(values: &[f64], columns: usize, scale: Scale) -> String {
    let placed = |value: f64| match scale {
        Scale::Linear => value,
        Scale::Log if value > 0.0 => value.ln(),
        Scale::Log => f64::NAN,
    };
    let columns = columns.min(values.len());
    let means: Vec<f64> = (0..columns)
        .map(|column| {
            let share = &values[column * values.len() / columns..(column + 1) * values.len() / columns];
            mean(share.iter().map(|&value| placed(value)).filter(|value| value.is_finite()))
        })
        .collect();
    let finite = || means.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let level = |value: f64| {
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        LEVELS[((share * LEVELS.len() as f64) as usize).min(LEVELS.len() - 1)]
    };
    means.into_iter().map(|value| if value.is_finite() { level(value) } else { ' ' }).collect()
}

/// NaN for none.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_rises_through_all_levels_and_shares_are_averaged() {
        let line: Vec<f64> = (0..8).map(f64::from).collect();
        assert_eq!(sparkline(&line, 8, Scale::Linear), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&line, 100, Scale::Linear), "▁▂▃▄▅▆▇█");
        // The means of pairs: 0.5, 2.5, 4.5, 6.5.
        assert_eq!(sparkline(&line, 4, Scale::Linear), "▁▃▆█");
        let powers: Vec<f64> = (0..8).map(|power| 10f64.powi(power)).collect();
        assert_eq!(sparkline(&powers, 8, Scale::Log), "▁▂▃▄▅▆▇█");
    }

    #[test]
    fn what_cannot_be_drawn_is_a_gap_and_what_is_flat_lies_in_the_middle() {
        assert_eq!(sparkline(&[], 10, Scale::Log), "");
        assert_eq!(sparkline(&[3.0, 3.0], 10, Scale::Linear), "▅▅");
        assert_eq!(sparkline(&[1.0, f64::NAN, 2.0], 3, Scale::Linear), "▁ █");
        assert_eq!(sparkline(&[0.0, 1.0, -1.0], 3, Scale::Log), " ▅ ");
        assert_eq!(sparkline(&[1.0, 2.0], 0, Scale::Linear), "");
    }
}
