//! Numbers of other kinds brought to the bytes that pictures are made of.

/// What numbers of pictures range over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// 0 to 255.
    Bytes,
    /// 0 to 1.
    Unit,
    /// −1 to 1.
    Signed,
}

impl Range {
    /// The narrowest range that all `values` fit into; an error says which do not.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Result<Range, String> {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            if !value.is_finite() {
                return Err(format!("{value} among its numbers"));
            }
            (least, most) = (least.min(value), most.max(value));
        }
        match () {
            () if least >= 0.0 && most <= 1.0 => Ok(Range::Unit),
            () if least >= -1.0 && most <= 1.0 => Ok(Range::Signed),
            () if least >= 0.0 && most <= 255.0 => Ok(Range::Bytes),
            () => Err(format!("numbers from {least} to {most}")),
        }
    }

    /// The nearest byte.
    pub(super) fn byte(self, value: f64) -> u8 {
        match self {
            Range::Bytes => value.round() as u8,
            Range::Unit => (value * 255.0).round() as u8,
            Range::Signed => ((value + 1.0) * 127.5).round() as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_range_counts() {
        assert_eq!(Range::of([0.0, 1.0]), Ok(Range::Unit));
        assert_eq!(Range::of([-0.5, 1.0]), Ok(Range::Signed));
        assert_eq!(Range::of([0.0, 255.0]), Ok(Range::Bytes));
        assert_eq!(Range::of([0.0, 256.0]), Err("numbers from 0 to 256".into()));
        assert_eq!(Range::of([-2.0, 1.0]), Err("numbers from -2 to 1".into()));
        assert!(Range::of([0.0, f64::NAN]).is_err());
        assert_eq!(
            [Range::Bytes.byte(254.6), Range::Unit.byte(0.5), Range::Signed.byte(-1.0)],
            [255, 128, 0]
        );
    }
}
