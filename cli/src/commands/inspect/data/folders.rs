//! Where each picture of a data set is written: a folder for each class, which the program reads as the same classes.

use crate::error::Result;
use crate::output;
use crate::pictures::{Pictures, file_name, picture_png};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use tweedie_tensor::Tensor;

/// The longest name of a class that becomes the name of a folder, in bytes.
const LONGEST: usize = 100;

/// Folders that pictures are written into by their class.
pub(super) struct Folders {
    /// One for each class.
    of_classes: Vec<PathBuf>,
    /// Pictures in all.
    n: usize,
}

impl Folders {
    /// Makes the folders of these classes below `root`, for `n` pictures in all; a single class has `root` itself.
    ///
    /// # Errors
    /// A folder that cannot be made or written into.
    pub(super) fn make(root: &Path, classes: &[String], n: usize) -> Result<Folders> {
        output::claim_folder(root, "--out")?;
        let of_classes: Vec<PathBuf> = match classes {
            [] | [_] => vec![root.to_path_buf(); classes.len()],
            _ if are_names(classes) => classes.iter().map(|name| root.join(name)).collect(),
            _ => (0..classes.len()).map(|class| root.join(class.to_string())).collect(),
        };
        of_classes.iter().try_for_each(|folder| output::claim_folder(folder, "--out"))?;
        Ok(Folders { of_classes, n })
    }

    /// Writes a PNG for each picture, the first one being number `first` of all.
    ///
    /// # Errors
    /// A picture that cannot be drawn or written.
    pub(super) fn write(&self, first: usize, x: &Tensor<f32>, labels: &[usize]) -> Result<()> {
        let pictures = Pictures::from_tensor(x)?;
        for (i, &label) in labels.iter().enumerate() {
            let path = self.of_classes[label].join(file_name(first + i, self.n));
            output::write(&path, &picture_png(&pictures, i)?)?;
        }
        Ok(())
    }
}

/// Whether every class can have a folder of its name on any system.
fn are_names(classes: &[String]) -> bool {
    let is_plain = |name: &String| {
        let allowed = |c: char| c.is_alphanumeric() || " _-,.+()&'".contains(c);
        name.len() <= LONGEST
            && name.chars().all(allowed)
            && name.starts_with(|c: char| c.is_alphanumeric() || c == '-')
            && !name.ends_with([' ', '.'])
    };
    // Some systems do not tell upper case from lower.
    let different: HashSet<String> = classes.iter().map(|name| name.to_lowercase()).collect();
    classes.iter().all(is_plain) && different.len() == classes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_folders_where_all_of_them_can() {
        let of = |names: &[&str]| are_names(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(of(&["red, bright", "blue", "-1", "Käse 2.0"]));
        for unfit in ["a/b", "..", ".hidden", "", "a\\b", "end.", "A", "x\n"] {
            assert!(!of(&["a", unfit]), "{unfit:?}");
        }
    }

    #[test]
    fn unfit_names_are_numbers_and_one_class_needs_no_folder() {
        let place = tempfile::tempdir().unwrap();
        let made = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            Folders::make(place.path(), &names, 3).unwrap().of_classes
        };
        assert_eq!(made(&["a/b", "c"]), [place.path().join("0"), place.path().join("1")]);
        assert_eq!(made(&["whatever/it is"]), [place.path()]);
    }
}
