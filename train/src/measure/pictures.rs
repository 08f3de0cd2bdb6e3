//! The pictures that a measurement looks at, as a model wants them.

use crate::data::{Batch, Order, Source, read_batch};
use crate::{Error, Model, Result};
use std::ops::Range;
use tweedie_diffusion::Condition;

/// A part of a data set, drawn at random, with its labels as the model's classes.
pub(super) struct Pictures<'a> {
    source: &'a dyn Source,
    order: Order,
    /// For each of the data's classes the model's; `None` for an unconditional model.
    classes: Option<Vec<usize>>,
    /// Whether the model knows the captions' words; `None` if it reads no captions.
    captions: Option<bool>,
}

impl<'a> Pictures<'a> {
    /// Pictures of `source` for `model`, in an order that the seed gives.
    pub(super) fn new(model: &Model, source: &'a dyn Source, seed: u64) -> Result<Pictures<'a>> {
        let (given, [c, h, w]) = (source.shape(), model.shape());
        if given != [c, h, w] {
            let remedy = if given[0] == c && h == w {
                format!("give --image-size {h}, or a model of such pictures")
            } else {
                "give data such as the model learnt from".to_string()
            };
            let [c_data, h_data, w_data] = given;
            return Err(Error::config(
                format!(
                    "the data's pictures are {c_data} × {h_data} × {w_data} (channels, height, width), and the model's \
                     {c} × {h} × {w}"
                ),
                "--data",
                remedy,
            ));
        }
        let classes = model.classes().map(|names| corresponding(source.classes(), names)).transpose()?;
        // Captions in words of another kind tell the model nothing.
        let captions = model.words().map(|words| words == source.words());
        Ok(Pictures { source, order: Order::new(seed, source.len())?, classes, captions })
    }

    /// The pictures of these numbers, below the set's length, and their condition.
    pub(super) fn read(&mut self, numbers: Range<usize>) -> Result<(Batch, Condition)> {
        let indices: Vec<usize> = numbers.map(|number| self.order.index(number as u64)).collect();
        let batch = read_batch(self.source, &indices)?;
        let classes = self.classes.as_ref().map(|of| batch.labels.iter().map(|&label| of[label]).collect());
        let captions = self.captions.map(|known| match known {
            true => batch.captions.clone(),
            false => vec![Vec::new(); batch.captions.len()],
        });
        Ok((batch, Condition { classes, captions }))
    }
}

/// The model's class for each of the data's: the one of the same name, or the same number if no name is shared and
/// there are as many.
fn corresponding(data: &[String], model: &[String]) -> Result<Vec<usize>> {
    let places = || data.iter().map(|name| model.iter().position(|other| other == name));
    if places().all(|place| place.is_none()) && data.len() == model.len() {
        return Ok((0..data.len()).collect());
    }
    let of = places().zip(data).map(|(place, name)| {
        place.ok_or_else(|| {
            Error::config(
                format!("the data have a class {name:?} that the model does not know"),
                "--data",
                "give data with the classes that the model learnt",
            )
        })
    });
    of.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(',').map(String::from).collect()
    }

    #[test]
    fn classes_go_by_name_or_by_number() {
        let model = names("ant,bee,cat");
        assert_eq!(corresponding(&names("cat,ant"), &model).unwrap(), [2, 0]);
        assert_eq!(corresponding(&names("x,y,z"), &model).unwrap(), [0, 1, 2]);
        for unknown in ["cat,dog", "x,y"] {
            let error = corresponding(&names(unknown), &model).unwrap_err().to_string();
            assert!(error.contains("that the model does not know"), "{error}");
        }
    }
}
