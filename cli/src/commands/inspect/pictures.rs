//! `--data` and `--image`.

use crate::args::PicturesArgs;
use crate::console::Console;
use crate::error::{Failure, Result};
use std::sync::Arc;
use tweedie_train::Config;
use tweedie_train::data::{self, DataOptions, Order, Source, Split};

/// What `--data` or `--image` names, and its name.
///
/// # Errors
/// What cannot be read.
pub(super) fn open(args: &PicturesArgs, console: Console) -> Result<(Arc<dyn Source>, String)> {
    let options = options(args.image_size, &args.set)?;
    let (source, name) = match &args.image {
        Some(path) => (data::open_picture(path, &options)?, path.display().to_string()),
        None => {
            let name = args.data.clone().unwrap_or_default();
            (data::open(&name, Split::from(args.split), &options)?, name)
        }
    };
    note(&*source, console);
    Ok((source, name))
}

/// Says what was left out, and what was decided.
pub(super) fn note(source: &dyn Source, console: Console) {
    source.notes().iter().for_each(|note| console.say(format!("note: {note}")));
}

/// Options for pictures of `image_size`, if it was given, read as `set` has it.
///
/// # Errors
/// A key that says nothing of how pictures are read, or a value that is none of its own.
pub(super) fn options(image_size: Option<u32>, set: &[String]) -> Result<DataOptions> {
    let mut config = Config::default();
    for setting in set {
        let key = setting.split('=').next().unwrap_or_default().trim();
        if !matches!(key, "data.convention" | "data.transpose" | "data.coarse") {
            return Err(Failure::user(
                "a key that says nothing of how pictures are read",
                format!("--set {setting}"),
                "give data.convention, data.transpose or data.coarse",
            ));
        }
        config.set(setting)?;
    }
    Ok(DataOptions { image_size: image_size.map(|side| side as usize), ..config.data.options() })
}

/// `n` of `all` pictures, drawn by the seed without repetition; all of them in their own order.
///
/// # Errors
/// A set without pictures.
pub(super) fn drawn(n: usize, all: usize, seed: u64) -> Result<Vec<usize>> {
    if n >= all {
        return Ok((0..all).collect());
    }
    let mut order = Order::new(seed, all)?;
    Ok((0..n).map(|i| order.index(i as u64)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_drawn_by_the_seed_each_once() -> Result<()> {
        let mut some = drawn(50, 1000, 3)?;
        assert_eq!(some, drawn(50, 1000, 3)?);
        assert_ne!(some, drawn(50, 1000, 4)?);
        // Of classes that cycle, none is left out for long.
        assert!((0..10).all(|class| some.iter().any(|index| index % 10 == class)));
        some.sort_unstable();
        some.dedup();
        assert_eq!((some.len(), drawn(9, 4, 0)?), (50, vec![0, 1, 2, 3]));
        Ok(())
    }

    #[test]
    fn only_keys_of_reading_are_taken() {
        let settings = |text: &str| options(None, &[text.to_string()]);
        assert!(settings("data.transpose=true").is_ok_and(|options| options.transpose == Some(true)));
        for wrong in ["data.flips=true", "train.batch=3", "data.convention=magic", "data.coarse"] {
            assert!(settings(wrong).is_err(), "{wrong}");
        }
    }
}
