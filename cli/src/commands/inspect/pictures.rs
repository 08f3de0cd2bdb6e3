//! `--data` and `--image`.

use crate::args::PicturesArgs;
use crate::error::Result;
use std::sync::Arc;
use tweedie_train::data::{self, DataOptions, Source, Split};

/// What `--data` or `--image` names, and its name.
///
/// # Errors
/// What cannot be read.
pub(super) fn open(args: &PicturesArgs) -> Result<(Arc<dyn Source>, String)> {
    let options = options(args.image_size);
    match &args.image {
        Some(path) => Ok((data::open_picture(path, &options)?, path.display().to_string())),
        None => {
            let name = args.data.clone().unwrap_or_default();
            Ok((data::open(&name, Split::from(args.split), &options)?, name))
        }
    }
}

/// Options for pictures of `image_size`, if it was given.
pub(super) fn options(image_size: Option<u32>) -> DataOptions {
    DataOptions { image_size: image_size.map(|side| side as usize), ..DataOptions::default() }
}

/// `n` of `all` pictures, spread evenly, so that data in order of their classes have some of each.
pub(super) fn spread(n: usize, all: usize) -> Vec<usize> {
    let n = n.min(all);
    (0..n).map(|i| (i as u128 * all as u128 / n as u128) as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_spread_over_the_set() {
        assert_eq!(spread(3, 10), [0, 3, 6]);
        assert_eq!(spread(9, 4), [0, 1, 2, 3]);
    }
}
