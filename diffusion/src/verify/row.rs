use serde::Serialize;

/// A number from the program beside the same number by other means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// By other means.
    pub expected: f64,
    /// From the program.
    pub actual: f64,
    /// How far they may be apart.
    pub tolerance: f64,
    /// Whether they are no further apart than that.
    pub pass: bool,
}

impl Row {
    /// The row whose numbers may differ by `tolerance`.
    pub fn new(name: impl Into<String>, expected: f64, actual: f64, tolerance: f64) -> Row {
        let pass = (actual - expected).abs() <= tolerance;
        Row { name: name.into(), expected, actual, tolerance, pass }
    }

    /// The row whose numbers may differ by a share of what is expected.
    pub fn relative(name: impl Into<String>, expected: f64, actual: f64, share: f64) -> Row {
        Row::new(name, expected, actual, share * expected.abs())
    }

    /// The row of an identity: the largest deviation over many points, which should be 0.
    pub fn identity(
        name: impl Into<String>,
        deviations: impl IntoIterator<Item = f64>,
        tolerance: f64,
    ) -> Row {
        // `max` would let NaN pass.
        let largest = deviations.into_iter().fold(0.0, |largest: f64, deviation| {
            if deviation.abs() <= largest { largest } else { deviation.abs() }
        });
        Row::new(name, 0.0, largest, tolerance)
    }
}
