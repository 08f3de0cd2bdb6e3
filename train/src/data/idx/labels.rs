//! Which classes the numbers in a file of labels stand for.

use super::super::error::DataError;
use super::super::notes;
use super::file::Array;
use std::collections::BTreeMap;
use std::path::Path;

/// The label of each picture, as its file says.
pub(super) struct Labels {
    values: Vec<i64>,
}

impl Labels {
    /// Reads the labels of `array`: one a picture, or a row, whose first number counts; a row of a single 1 among zeros
    /// stands for the place of the 1.
    pub(super) fn of(array: &Array, path: &Path) -> Result<(Labels, Option<String>), DataError> {
        let numbers: Vec<f64> = array.numbers().collect();
        if let Some(value) = numbers.iter().find(|value| value.fract() != 0.0 || !value.is_finite()) {
            let what = format!("label {value}, which is no whole number");
            return Err(DataError::malformed(path, what, "give one whole number a picture"));
        }
        let whole = |value: f64| value as i64;
        match *array.sizes.as_slice() {
            [_] => Ok((Labels { values: numbers.into_iter().map(whole).collect() }, None)),
            [_, columns] if columns > 0 => {
                let one = |row: &[f64]| {
                    let sum: f64 = row.iter().map(|value| value.abs()).sum();
                    row.iter().position(|&value| value == 1.0).filter(|_| sum == 1.0)
                };
                let places: Option<Vec<usize>> = numbers.chunks_exact(columns).map(one).collect();
                let (values, note) = match places {
                    Some(places) if columns > 1 => {
                        let values = places.into_iter().map(|place| place as i64).collect();
                        (values, format!("rows of {columns} with a single 1: its place is the label"))
                    }
                    _ => {
                        let values = numbers.chunks_exact(columns).map(|row| whole(row[0])).collect();
                        (values, format!("rows of {columns} numbers: the first is the label"))
                    }
                };
                Ok((Labels { values }, (columns > 1).then_some(note)))
            }
            _ => {
                let what = format!("IDX file of shape {:?} where labels were expected", array.sizes);
                Err(DataError::malformed(path, what, "give one number a picture"))
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The class of each picture, the classes' names, and what is odd about them. The classes are the labels that occur,
    /// those to train on (`known`) first, in the order of numbers, and are called by them: no class is without pictures.
    pub(super) fn classes(&self, known: Option<&Labels>) -> (Vec<usize>, Vec<String>, Option<String>) {
        let mut counts = BTreeMap::new();
        self.values.iter().for_each(|&label| *counts.entry(label).or_insert(0usize) += 1);
        let mut order: Vec<i64> = known.map(|known| known.values.clone()).unwrap_or_default();
        order.sort_unstable();
        order.dedup();
        let more: Vec<i64> =
            counts.keys().copied().filter(|label| order.binary_search(label).is_err()).collect();
        order.extend(more);
        let places: BTreeMap<i64, usize> = order.iter().enumerate().map(|(i, &label)| (label, i)).collect();
        let classes = self.values.iter().map(|label| places[label]).collect();
        let names = order.iter().map(i64::to_string).collect();
        (classes, names, odd(&counts))
    }
}

/// What to say of labels between which numbers are missing.
fn odd(counts: &BTreeMap<i64, usize>) -> Option<String> {
    let ((least, _), (most, of_most)) = (counts.first_key_value()?, counts.last_key_value()?);
    let span = i128::from(*most) - i128::from(*least) + 1;
    (span > counts.len() as i128).then(|| {
        format!(
            "labels from {least} to {most} with gaps: the {} that occur are the classes ({most} is that of {})",
            counts.len(),
            notes::count(*of_most, "picture")
        )
    })
}
